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
#include "sim/client/attempts.h"
#include "sim/client/messages.h"
#include "sim/client/own_tracks.h"
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

class Client {
  public:
    using Phase = Attempts::Phase;

    Client(ClientConfig config, srtp::Engine& engine, Rng rng, Report& report,
           const Numbers& next_number);
    // Its parts use its generator.
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    const std::string& name() const { return config_.name; }
    const std::string& identity() const { return config_.identity; }
    Phase phase() const { return attempts_.phase(); }
    // Counts its sessions: another has other ports.
    std::uint64_t generation() const { return generation_; }
    bool settled() const { return phase() == Phase::kIn && session_->settled(); }

    // ---- its parts, those of the session until there is another
    client::Session& session() { return *session_; }
    Subscriber& subscriber() { return *subscriber_; }
    OwnTracks& tracks() { return tracks_; }
    Messages& messages() { return messages_; }
    const Attempts& attempts() const { return attempts_; }

    // ---- signalling
    void start(Timestamp now) { new_session(now); }
    // The driver opens a WebSocket with it, or closes the one there is.
    std::optional<livekit::JoinRequest> poll_open() { return std::exchange(open_, std::nullopt); }
    bool poll_close() { return std::exchange(close_, false); }
    void wire_message(Timestamp now, std::string_view message);
    void wire_closed(Timestamp now);
    void wire_refused(Timestamp now);

    // ---- what it does
    void update_settings(std::size_t subscription, const sfu::DownTrackSettings& settings);
    // Highest spatial layer wanted of a track; nothing when it wants none.
    std::optional<std::uint8_t> wanted_layer(std::uint32_t number) const;
    // As its Messages do, while it is in.
    bool say(Timestamp now, DataKind kind, std::uint32_t to_person, const std::string& to_identity);
    void say_on_tracks(Timestamp now);
    void leave() { session_->leave(); }

    // ---- packets
    // A description left the server for us: `streams` come from now on.
    void announce(Timestamp now, const std::vector<SubscriptionPlan>& streams);
    void note_sent(Timestamp now, BytesView datagram);
    void handle_packet(Timestamp now, client::Target target, const ice::Path& path,
                       BytesSpan datagram);
    std::optional<client::Session::Outgoing> poll_transmit() { return session_->poll_transmit(); }
    void handle_timeout(Timestamp now);
    Timestamp next_deadline() const;

  private:
    void new_session(Timestamp now);
    void retry(Timestamp now, bool anew);
    void drain(Timestamp now);
    void take(Timestamp now, const client::Event& event);
    void take_left(Timestamp now, const livekit::LeaveRequest& leave);
    void check_names(Timestamp now, const client::DataArrived& data);
    void check_roster(Timestamp now);

    ClientConfig config_;
    srtp::Engine& engine_;
    Rng rng_;
    Report& report_;
    Attempts attempts_;
    OwnTracks tracks_;
    Messages messages_;
    std::unique_ptr<client::Session> session_;
    std::unique_ptr<Subscriber> subscriber_;
    std::uint64_t generation_ = 0;
    std::uint64_t repeated_ = 0;                                // messages, in this session
    std::map<std::uint32_t, sfu::DownTrackSettings> settings_;  // by track number
    std::optional<livekit::JoinRequest> open_;
    bool close_ = false;
};

}  // namespace confab::sim
