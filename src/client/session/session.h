// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A participant of a room, without its sockets: signalling as livekit-client speaks it with one
// connection (/rtc/v1) or two (/rtc), descriptions, what it publishes and what it is sent, reliable
// data that survives a resume (01 SIG-01…03, SIG-80…87, SIG-145…149). Pure. Its parts know their
// own state; the session drives them and hands each message of the server to the one it is for.
//
// The driver opens the WebSocket with the request of start() or resume(), gives each message to
// handle_signal(), each datagram to handle_packet(), and after every input drains poll_signal(),
// poll_transmit() and poll_event(). When the WebSocket is gone it says so and may resume(). A new
// session of the same person is another Session.
#pragma once

#include <array>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "client/connection/connections.h"
#include "client/media/publisher.h"
#include "client/session/negotiation.h"
#include "client/session/published_tracks.h"
#include "client/session/roster.h"
#include "client/session/session_data.h"
#include "client/session/signal_link.h"
#include "client/session/signal_reader.h"
#include "client/session/subscriptions.h"
#include "livekit_rtc.pb.h"
#include "rtc/srtp/profile.h"

namespace confab::client {

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
    // Of SRTP, in order of preference; all when empty.
    std::vector<srtp::Profile> profiles;
};

// ---------------------------------------------------------------- events

struct Joined {
    bool resumed = false;
};
// The server ends the session, or wants it resumed or joined anew (action()).
struct Left {
    livekit::LeaveRequest leave;
};
// Nothing came over the WebSocket for too long: it is to be closed (CON-43).
struct SignalTimedOut {};
struct ConnectionChanged {
    Target target = Target::kPublisher;
    peer::TransportState state = peer::TransportState::kConnecting;
};
// subscriptions().streams() is another.
struct StreamsChanged {};
// Who speaks now, or no longer does.
struct SpeakersChanged {
    livekit::SpeakersChanged speakers;
};
using Event = std::variant<Joined, Left, SignalTimedOut, ConnectionChanged, StreamsChanged,
                           SpeakersChanged, DataArrived, DataTrackArrived>;

struct SessionCounters {
    std::uint64_t signals = 0;
    std::uint64_t bad_signals = 0;
    std::uint64_t repeated_data = 0;    // reliable messages that came before
    std::uint64_t dropped_signals = 0;  // over SignalLink::kMaxMessages
    std::uint64_t dropped_events = 0;   // over kMaxEvents
    std::uint64_t stale_answers = 0;    // to offers that are not the newest
    std::uint64_t unpublished = 0;      // tracks that the server ended or refused
};

class Session {
  public:
    static constexpr std::size_t kMaxEvents = 65'536;  // newest dropped

    Session(SessionConfig config, Rng rng);
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    // ---- signalling
    // What the WebSocket is opened with; with two connections its fields become query parameters.
    livekit::JoinRequest start(Timestamp now);
    livekit::JoinRequest resume(Timestamp now, livekit::ReconnectReason reason);
    // One SignalResponse. False: not readable.
    bool handle_signal(Timestamp now, std::string_view message);
    bool handle_signal(Timestamp now, const livekit::SignalResponse& response);
    void signal_closed() { link_.closed(); }
    std::optional<std::string> poll_signal() { return link_.poll(); }

    // ---- media
    // RTP comes back decrypted; RTCP too, after what we publish has seen it.
    peer::Transport::Media handle_packet(Timestamp now, Target target, const ice::Path& path,
                                         BytesSpan datagram);
    using Outgoing = Connections::Outgoing;
    std::optional<Outgoing> poll_transmit() { return connections_.poll_transmit(); }
    void handle_timeout(Timestamp now);
    Timestamp next_deadline() const;
    std::optional<Event> poll_event();

    // ---- what a person does
    PublishedTracks& tracks() { return tracks_; }
    const PublishedTracks& tracks() const { return tracks_; }
    Subscriptions& subscriptions() { return subscriptions_; }
    SessionData& data() { return data_; }
    void restart_ice(Timestamp now) { negotiation_.restart_ice(now); }
    void leave();

    // ---- what it knows
    bool single() const { return config_.single; }
    // All that this kind of session has at once is up, its channels are open and nothing waits for
    // an answer.
    bool settled() const { return joined_ && negotiation_.settled() && connections_.ready(); }
    bool failed() const { return connections_.failed(); }
    bool signal_open() const { return link_.is_open(); }
    const livekit::ParticipantInfo& self() const { return roster_.self(); }
    const Roster& roster() const { return roster_; }
    Connection* connection(Target target) { return connections_.find(target); }
    Connection* upstream() { return &connections_.publisher(); }
    Connection* downstream() { return connections_.downstream(); }
    Publisher& publisher() { return media_; }
    const Publisher& publisher() const { return media_; }
    SessionCounters counters() const;

  private:
    // session.cc
    void emit(Event event);
    void drain(Target target);

    // session_signal.cc
    bool handle_signal(Timestamp now, const ReadSignal& signal);
    void take_join(Timestamp now, const ReadSignal& signal);
    void take_reconnect(Timestamp now, const livekit::ReconnectResponse& reconnect);
    void take_answer(Timestamp now, const livekit::SessionDescription& answer);
    void take_offer(Timestamp now, const livekit::SessionDescription& offer);
    void take_of_tracks(const livekit::SignalResponse& response);
    void take_streams(const sdp::Description& description);
    void take_participant(const ParticipantRef& info);
    void send_sync_state();

    SessionConfig config_;
    Rng rng_;
    SignalLink link_;
    Connections connections_;
    Publisher media_;
    Negotiation negotiation_;
    PublishedTracks tracks_;
    Subscriptions subscriptions_;
    SessionData data_;
    Roster roster_;
    bool joined_ = false;
    std::deque<Event> events_;
    SessionCounters counters_;  // those of its own
};

}  // namespace confab::client
