// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A participant of a room, without its sockets: signalling as livekit-client speaks it with one
// connection (/rtc/v1) or two (/rtc), descriptions, what it publishes and what it is sent, reliable
// data that survives a resume (01 SIG-01…03, SIG-80…87, SIG-145…149). Pure.
//
// The driver opens the WebSocket with the request of start() or resume(), gives each message to
// handle_signal(), each datagram to handle_packet(), and after every input drains poll_signal(),
// poll_transmit() and poll_event(). When the WebSocket is gone it says so and may resume(). A new
// session of the same person is another Session.
#pragma once

#include <array>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "client/connection/connection.h"
#include "client/media/publisher.h"
#include "client/session/data_tracks.h"
#include "client/session/descriptions.h"
#include "client/session/reliable_data.h"
#include "client/session/roster.h"
#include "client/session/signal_reader.h"
#include "livekit_rtc.pb.h"

namespace confab::client {

// The connections of a session; with one connection it is the publisher's.
enum class Target : std::uint8_t { kPublisher, kSubscriber };
inline constexpr std::size_t kTargets = 2;

struct SessionConfig {
    bool single = true;  // /rtc/v1
    bool auto_subscribe = true;
    bool auto_subscribe_data = false;  // data tracks
    OfferSize offer_size = OfferSize::kLean;
    peer::SharedCrypto crypto;
    std::string fingerprint;  // of the certificate in `crypto`
    std::array<SocketAddress, kTargets> addresses;
    UnixTime wall_at_zero;  // at Timestamp{}
    // Shared by sessions that see the same participants; none: its own.
    std::shared_ptr<ParticipantPool> participants;
};

struct PublishOptions {
    TrackPlan plan;   // mid is filled in
    std::string cid;  // names the track until it has a sid, unique in the session
    livekit::TrackSource source = livekit::CAMERA;
    bool encode = true;  // false: media waits for start_media()
};

// ---------------------------------------------------------------- events

struct Joined {
    bool resumed = false;
};
// The server ends the session, or wants it resumed or joined anew (action()).
struct Left {
    livekit::LeaveRequest leave;
};
// Nothing came over the WebSocket for too long: it is to be closed (SIG-04).
struct SignalTimedOut {};
struct ConnectionChanged {
    Target target = Target::kPublisher;
    peer::TransportState state = peer::TransportState::kConnecting;
};
// streams() is another.
struct StreamsChanged {};
struct DataArrived {
    livekit::DataPacket packet;
    bool reliable = true;
};
// A packet of a data track with its header; the sid is empty while the server has not yet told (or
// has taken back) its handle.
struct DataTrackArrived {
    Bytes packet;
    std::string track_sid;
};
using Event = std::variant<Joined, Left, SignalTimedOut, ConnectionChanged, StreamsChanged,
                           DataArrived, DataTrackArrived>;

struct SessionCounters {
    std::uint64_t signals = 0;
    std::uint64_t bad_signals = 0;
    std::uint64_t repeated_data = 0;    // reliable messages that came before
    std::uint64_t dropped_signals = 0;  // over kMaxSignals
    std::uint64_t dropped_events = 0;   // over kMaxEvents
    std::uint64_t stale_answers = 0;    // to offers that are not the newest
    std::uint64_t unpublished = 0;      // tracks that the server ended or refused
};

class Session {
  public:
    static constexpr std::size_t kChannels = 3;
    static constexpr std::size_t kMaxSignals = 4096;  // newest dropped
    static constexpr std::size_t kMaxEvents = 65'536;
    static constexpr std::size_t kMaxPublished = 64;
    static constexpr std::size_t kMaxSections = 512;  // that the server may make us offer
    static constexpr std::size_t kReceivingSections = 3;

    Session(SessionConfig config, Rng rng);
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    // ---- signalling
    // What the WebSocket is opened with; with two connections its fields become query parameters.
    livekit::JoinRequest start(Timestamp now);
    livekit::JoinRequest resume(Timestamp now, livekit::ReconnectReason reason);
    // One SignalResponse. False: not readable.
    bool handle_signal(Timestamp now, std::string_view message);
    bool handle_signal(Timestamp now, const livekit::SignalResponse& response);
    void signal_closed();
    std::optional<std::string> poll_signal();

    // ---- media
    // RTP comes back decrypted; RTCP too, after what we publish has seen it.
    peer::Transport::Media handle_packet(Timestamp now, Target target, const ice::Path& path,
                                         BytesSpan datagram);
    struct Outgoing {
        Target target = Target::kPublisher;
        OutgoingDatagram datagram;
    };
    std::optional<Outgoing> poll_transmit();
    void handle_timeout(Timestamp now);
    Timestamp next_deadline() const;
    std::optional<Event> poll_event();

    // ---- what a person does
    void publish(Timestamp now, PublishOptions options);
    void start_media(Timestamp now);
    void unpublish(Timestamp now, const std::string& cid);
    void set_muted(const std::string& cid, bool muted);
    void subscribe(const std::vector<std::string>& track_sids, bool wanted);
    void update_settings(const livekit::UpdateTrackSettings& settings);
    // Fills in the sequence number of reliable ones. False: there is no channel (yet), or no room.
    bool send_data(Timestamp now, livekit::DataPacket packet, bool reliable);
    // Data tracks; the caller chooses the handles, from 1.
    void publish_data_track(std::uint16_t handle, const std::string& name);
    void unpublish_data_track(std::uint16_t handle);
    void subscribe_data(const std::vector<std::string>& track_sids, bool wanted);
    // A frame of one packet. False: not there yet, or no room.
    bool send_data_track(Timestamp now, std::uint16_t handle, BytesView payload);
    // Who may subscribe to what we publish (SIG-10): everybody at first.
    void set_access(const livekit::SubscriptionPermission& access);
    void leave();
    void send(const livekit::SignalRequest& request);
    void restart_ice(Timestamp now);

    // ---- what it knows
    bool single() const { return config_.single; }
    bool joined() const { return joined_; }
    // All that this kind of session has at once is up, its channels are open and nothing waits for
    // an answer.
    bool settled() const;
    bool failed() const;
    bool signal_open() const { return signal_open_; }
    const livekit::ParticipantInfo& self() const { return roster_.self(); }
    const Roster& roster() const { return roster_; }
    const RemoteStreams& streams() const { return streams_; }
    Connection* connection(Target target) { return link(target).get(); }
    Connection* upstream() { return publisher_.get(); }
    Connection* downstream() { return config_.single ? publisher_.get() : subscriber_.get(); }
    Publisher& publisher() { return *media_; }
    // Empty until the server has told it.
    std::string track_sid(const std::string& cid) const;
    std::vector<std::string> published() const;  // cids
    std::size_t announced() const;               // of those that the server has named
    const DataTracks& data_tracks() const { return data_tracks_; }
    const SessionCounters& counters() const { return counters_; }

  private:
    struct Published {
        PublishOptions options;
        livekit::AddTrackRequest request;
        std::string sid;
        bool accepted = false;  // an answer had its section
        bool sending = false;
        bool muted = false;
    };

    // session.cc
    std::unique_ptr<Connection>& link(Target target) {
        return target == Target::kPublisher ? publisher_ : subscriber_;
    }
    std::unique_ptr<Connection> open(Target target, ice::Role role, bool opens_channels);
    livekit::JoinRequest request() const;
    void emit(Event event);
    void drain(Timestamp now, Target target);
    void second_offer(Timestamp now);
    void set_streams(RemoteStreams streams);
    void send_access();

    // session_signal.cc
    livekit::SessionDescription description();
    void want_offer();
    void offer();
    bool handle_signal(Timestamp now, const ReadSignal& signal);
    void take_join(Timestamp now, const ReadSignal& signal);
    void take_reconnect(Timestamp now, const livekit::ReconnectResponse& reconnect);
    void take_answer(Timestamp now, const livekit::SessionDescription& answer);
    void take_offer(Timestamp now, const livekit::SessionDescription& offer);
    void take_trickle(Timestamp now, const livekit::TrickleRequest& trickle);
    void take_requirement(const livekit::MediaSectionsRequirement& requirement);
    void take_participant(const ParticipantRef& info);
    void take_leave(const livekit::LeaveRequest& leave);
    void trickle(Target target);
    void send_sync_state();
    void keep_alive(Timestamp now);

    // session_data.cc
    void take_message(Timestamp now, Target target, const peer::MessageReceived& message);
    void renew_data_tracks();

    // session_tracks.cc
    void announce(const Published& track);
    void announce_tracks();
    void compare_tracks();
    void begin_media(Timestamp now);
    void accept_sections(const sdp::Description& answer);
    void drop(const std::string& cid);
    void name_track(const std::string& cid, const std::string& sid);
    void send_mute(const Published& track);
    void take_unpublished(const std::string& sid);
    void take_response(const livekit::RequestResponse& response);
    void take_mute(const livekit::MuteTrackRequest& mute);

    SessionConfig config_;
    Rng rng_;
    OfferBuilder builder_;
    std::unique_ptr<Connection> publisher_;  // or the only one
    std::unique_ptr<Connection> subscriber_;
    std::unique_ptr<Publisher> media_;
    std::map<std::string, Published> published_;  // by cid
    RemoteStreams streams_;
    Roster roster_;
    ReliableData reliable_;
    DataTracks data_tracks_;
    livekit::SubscriptionPermission access_;
    bool access_told_ = false;
    std::map<std::string, bool> wishes_;    // subscriptions other than the default, by track sid
    std::map<std::string, bool> disabled_;  // settings.disabled, by track sid

    bool joined_ = false;
    bool signal_open_ = false;
    bool offer_wanted_ = false;
    bool second_offer_ = false;
    std::uint32_t offers_ = 0;
    std::uint32_t answers_ = 0;  // the id of the last answer
    std::string last_offer_;     // of ours and, with two connections, of the server
    std::string last_remote_offer_;
    std::string last_answer_;
    std::array<std::string, kTargets> trickled_;  // ufrags whose candidate was sent
    Duration ping_interval_ = Duration::seconds(5);
    Duration ping_timeout_ = Duration::seconds(15);
    Timestamp next_ping_ = Timestamp::never();
    Timestamp last_signal_;

    std::deque<std::string> signals_;
    std::deque<std::string> held_;  // until the signalling is there again
    std::deque<Event> events_;
    SessionCounters counters_;
};

}  // namespace confab::client
