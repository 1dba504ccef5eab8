// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// One person of a run: a client::Session and what livekit-client does around it: it resumes after a
// lost connection, joins anew when that fails or is asked for, and publishes again what it had
// published. Everything that it is sent is checked. A poll machine, as everything it stands for.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "client/session/session.h"
#include "sfu/shard/commands.h"
#include "sim/client/data_checker.h"
#include "sim/client/subscriber.h"

namespace confab::sim {

struct ClientConfig {
    std::string name;      // in reports
    std::string identity;  // in the room
    std::uint32_t person = 0;
    IpAddress address;  // inside its NAT
    bool single = true;
    bool light = false;      // publishes few packets
    bool auto_data = false;  // the server subscribes it to data tracks; else it asks itself
    const DataRules* rules = nullptr;
    UnixTime wall_at_zero;
    std::set<std::string> invisible;  // identities that it must not be told of
};

// What it publishes, through all its sessions.
struct OwnTrack {
    std::uint32_t number = 0;  // of this session
    MediaKind kind = MediaKind::kAudio;
    std::size_t layers = 1;
    bool obstinate = false;
    bool muted = false;
    std::string cid() const { return "t" + std::to_string(number); }
};

class Client {
  public:
    enum class Phase : std::uint8_t {
        kOpening,  // a WebSocket is being opened
        kIn,
        kWaiting,  // for the next attempt
        kGone,     // the server ended it, or it gave up
    };
    // Each number that `next_number` gives is unique in the run.
    using Numbers = std::function<std::uint32_t()>;

    Client(ClientConfig config, srtp::Engine& engine, Rng rng, Report& report, Numbers next_number);

    const std::string& name() const { return config_.name; }
    const std::string& identity() const { return config_.identity; }
    client::Session& session() { return *session_; }
    Subscriber& subscriber() { return *subscriber_; }
    Phase phase() const { return phase_; }
    // Counts its sessions: another has other ports.
    std::uint64_t generation() const { return generation_; }
    bool settled() const { return phase_ == Phase::kIn && session_->settled(); }

    // ---- signalling
    void start(Timestamp now);
    // The driver opens a WebSocket with it, or closes the one there is.
    std::optional<livekit::JoinRequest> poll_open() { return std::exchange(open_, std::nullopt); }
    bool poll_close() { return std::exchange(close_, false); }
    void wire_message(Timestamp now, std::string_view message);
    void wire_closed(Timestamp now);
    void wire_refused(Timestamp now);

    // ---- what it does
    void publish(MediaKind kind, std::size_t layers, bool obstinate);
    void unpublish();
    void set_muted(std::size_t track, bool muted);
    void update_settings(std::size_t subscription, const sfu::DownTrackSettings& settings);
    // Says something to a person, or, by 0, to everybody.
    bool say(Timestamp now, DataKind kind, std::uint32_t to_person, const std::string& to_identity);
    // One packet on each of its data tracks, whether or not the server has (still) any.
    void say_on_tracks(Timestamp now);
    void publish_data();
    void unpublish_data();
    // Publishes again what the end of a right took.
    void publish_data_again();
    void want_data(bool wanted);
    void set_access(bool everybody);
    void leave();
    // The server may have dropped messages of ours, or to us, on purpose.
    void forget_messages() { data_.forget(); }
    void new_speaker(std::uint32_t speaker) { data_.set_speaker(speaker); }

    // ---- packets
    // A description left the server for us: `streams` come from now on.
    void announce(Timestamp now, const std::vector<SubscriptionPlan>& streams);
    void note_sent(Timestamp now, BytesView datagram);
    void handle_packet(Timestamp now, client::Target target, const ice::Path& path,
                       BytesSpan datagram);
    std::optional<client::Session::Outgoing> poll_transmit() { return session_->poll_transmit(); }
    void handle_timeout(Timestamp now);
    Timestamp next_deadline() const;

    // ---- what it wants
    const std::vector<OwnTrack>& tracks() const { return tracks_; }
    // Highest spatial layer wanted of a track; nothing when it wants none.
    std::optional<std::uint8_t> wanted_layer(std::uint32_t number) const;
    const DataChecker& data() const { return data_; }
    // Numbers of data tracks, each its handle.
    const std::vector<std::uint32_t>& data_tracks() const { return data_tracks_; }
    bool wants_data() const { return wants_data_; }
    bool auto_data() const { return config_.auto_data; }
    bool open_to_all() const { return open_to_all_; }
    std::uint64_t resumes() const { return resumes_; }
    std::uint64_t rejoins() const { return rejoins_; }

  private:
    void new_session(Timestamp now);
    void publish_track(const OwnTrack& track);
    void retry(Timestamp now, bool anew);
    void drain(Timestamp now);
    void take(Timestamp now, const client::Event& event);
    void take_left(Timestamp now, const livekit::LeaveRequest& leave);
    void check_roster(Timestamp now);
    void check_connections(Timestamp now);
    void ask_for_data();
    void take_data_track(Timestamp now, const client::DataTrackArrived& arrived);

    ClientConfig config_;
    srtp::Engine& engine_;
    Rng rng_;
    Report& report_;
    Numbers next_number_;
    std::unique_ptr<client::Session> session_;
    std::unique_ptr<Subscriber> subscriber_;
    DataChecker data_;
    std::uint64_t repeated_ = 0;  // messages, in this session
    std::vector<OwnTrack> tracks_;
    std::vector<std::uint32_t> data_tracks_;
    std::set<std::string> asked_data_;  // sids, in this session
    bool wants_data_ = true;
    bool open_to_all_ = true;
    std::map<std::uint32_t, sfu::DownTrackSettings> settings_;  // by track number

    Phase phase_ = Phase::kOpening;
    std::uint64_t generation_ = 0;
    std::optional<livekit::JoinRequest> open_;
    bool close_ = false;
    bool anew_ = false;  // the next attempt is a join
    bool was_in_ = false;
    std::size_t attempts_ = 0;
    Timestamp retry_at_ = Timestamp::never();
    Timestamp give_up_at_ = Timestamp::never();  // on connections that do not come up
    std::uint64_t resumes_ = 0;
    std::uint64_t rejoins_ = 0;
};

}  // namespace confab::sim
