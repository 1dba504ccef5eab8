// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The peer connections of a room's participants: offers, answers and candidates (01 SIG-01…03,
// SIG-80…87), when a connection is negotiated again or restarted, over which transport, and when it
// is given up. What sections and senders mean is for others; it tells and asks its NegotiationHost.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "room/negotiate/links.h"
#include "room/roster/roster.h"
#include "room/scope/room_codecs.h"
#include "room/scope/scope.h"

namespace confab::room {

class NegotiationHost {
  public:
    virtual ~NegotiationHost() = default;
    // It has a connection more.
    virtual void link_added(const Participant& p) = 0;
    // Tracks that were announced and wait for their section.
    virtual std::vector<sdp::PendingTrack> pending_tracks(const Participant& p) const = 0;
    virtual bool publishes_on(const Participant& p, std::string_view mid) const = 0;
    // Its offer was answered: sections that began and ended.
    virtual void offer_answered(Participant& p, const sdp::Answer& answer) = 0;
    // Senders that have their section now.
    virtual void senders_bound(Participant& p, const std::vector<sdp::BoundSender>& bound) = 0;
    // The client asked for no data section, and waits for none (DC-09).
    virtual void no_data_wanted(Participant& p) = 0;
    // Nothing can be agreed on with this session any more; this may end it.
    virtual void negotiation_failed(Participant& p) = 0;
};

// Of the room, for every connection in it.
struct NegotiationSettings {
    const CodecList* codecs = nullptr;
    bool sync_streams = false;
    bool playout_delay = false;
};

// What a report of the media plane says about a connection.
struct LinkNews {
    enum class Failure : std::uint8_t {
        kNone,
        kPath,       // may come back over another one
        kHandshake,  // stays failed whatever ICE does: only a new connection helps
    };
    Failure failure = Failure::kNone;
    bool up = false;
    bool first = false;  // up for the first time
    bool primary = false;
    bool publisher = false;
};

class Negotiation {
  public:
    static constexpr Duration kBlankFrames = Duration::millis(200);     // FWD-15
    static constexpr Duration kPublishTimeout = Duration::seconds(30);  // SIG-107
    // How long a failure belongs to the outage before it, unless all comes up before (ICE-15).
    static constexpr Duration kSwitchTime = Duration::seconds(15);
    // Identities whose handshake is remembered; beyond so many no more are.
    static constexpr std::size_t kMaxRemembered = 256;

    // `room` is whose the connections are in the registry.
    Negotiation(const RoomScope& scope, Room* room, Roster& roster, NegotiationSettings settings,
                NegotiationHost& host);

    void add(const Participant& p, const JoinParams& params);
    // Its connections are closed when the turn ends, because callers still hold it.
    void remove(const Participant& p);
    void finish_turn();
    // It moves to another room with its connections, which stay as they were agreed on.
    Links take(const Participant& p);
    void put(Participant& p, Links links);
    // It goes to another process with them (02 MC-20). False: these are no such bytes, and it has
    // no connections then.
    friend void save_negotiation(const Negotiation& all, const Participant& p, StateWriter& out);
    friend bool load_negotiation(Negotiation& all, Participant& p, StateReader& in);

    // ---- descriptions and candidates
    // The connections that are there from the start; a subscriber's is offered at once.
    void open(Participant& p);
    // The offer of the join; answered when the client can take an answer.
    void handle_first_offer(Participant& p, const livekit::SessionDescription& offer);
    void handle_offer(Participant& p, const livekit::SessionDescription& offer);
    void handle_answer(Participant& p, const livekit::SessionDescription& answer);
    // The error text is for request_response.
    Result<void, std::string> handle_trickle(Participant& p,
                                             const livekit::TrickleRequest& trickle);
    // Sections of the last offer that belong to a track announced after it (SIG-04, SDP-30).
    std::vector<sdp::PublishSection> match_late(const Participant& p);

    // ---- what comes down to a client
    void add_sender(Participant& p, sdp::Sender sender);
    // `in_use`: what ends the picture is on its way, the section stays until it is there.
    void remove_sender(Participant& p, std::uint64_t id, bool in_use);

    // ---- transport
    // After a resume: the client's side of the subscriber's connection may be new.
    void restart(Participant& p);
    void prefer(Participant& p, IcePreference preference);
    // ICE-15: when it failed young or again, TCP next time, then TURN over TLS, then all again.
    // `reported`: a resume says which connection failed, before we saw it.
    void try_other_transport(Participant& p,
                             livekit::ReconnectReason reported = livekit::RR_UNKNOWN);
    // How long a message of its signalling takes to us and back, as it says.
    friend void note_signal_rtt(Negotiation& all, const Participant& p, Duration rtt);
    // Its path is no good, though it works: over another transport it would be better (ICE-16).
    // True: that one is chosen, as after a failure.
    friend bool leave_unstable(Negotiation& all, const Participant& p,
                               const sfu::QualityBatch& report);
    LinkNews handle_peer_state(const Participant& p, const sfu::PeerStateChanged& event);
    void data_ready(const Participant& p);

    // ---- what there is
    IcePreference ice(const Participant& p) const { return links(p).ice; }
    bool subscriber_primary(const Participant& p) const { return links(p).subscriber_primary; }
    // Null while there is none.
    const PeerLink* primary(const Participant& p) const { return links(p).primary(); }
    const PeerLink* downstream(const Participant& p) const { return links(p).downstream(); }
    const PeerLink* publisher(const Participant& p) const { return links(p).publisher.get(); }
    friend std::vector<PeerLink*> links_of(const Negotiation& all, const Participant& p);

    // ---- time
    // The session is to be replaced: no answer came, or media that nobody announced.
    bool overdue(const Participant& p) const;
    void handle_timeout(Participant& p);
    Timestamp next_deadline(const Participant& p) const;

  private:
    Links& links(const Participant& p) { return members_.at(p.number); }
    const Links& links(const Participant& p) const { return members_.at(p.number); }

    // negotiation.cc
    void answer_held_offer(Participant& p);
    void watch_unknown_media(const Participant& p, std::string_view offer);
    void request(Participant& p, bool force);
    void run(Participant& p);
    void send_requirement(Participant& p, PeerLink& link);

    // negotiation_links.cc
    PeerLinkConfig link_config(const Participant& p) const;
    PeerLink& ensure_publisher(Participant& p);
    PeerLink& ensure_downstream(Participant& p);
    void enter(Participant& p, const PeerLink& link);
    void link_failed(const Participant& p, PeerLink& link, sfu::PeerFailure failure);
    void note_established(const Participant& p, PeerLink& link);

    // negotiation_fallback.cc
    void set_ice(const Participant& p, IcePreference preference);

    const RoomScope* scope_;
    Room* room_;
    Roster* roster_;
    NegotiationSettings settings_;
    NegotiationHost* host_;
    std::map<std::uint64_t, Links> members_;  // by participant number
    std::vector<std::uint64_t> removed_;      // in this turn
    ChosenTransports chosen_;
    std::set<std::string> all_profiles_;  // identities whose handshake failed with GCM alone
};

}  // namespace confab::room
