// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// One participant: who it is, what it may, its session, where its media is. What it publishes,
// wants and negotiates is kept by the parts of the room; this is the state with the small decisions
// that need no one else.
//   JOINING → JOINED (join written) → ACTIVE (primary connection up) → DISCONNECTED   (01 SIG-137)
#pragma once

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "room/data/data_blobs.h"
#include "room/manager/placement.h"
#include "room/negotiate/links.h"
#include "room/participant/ended_news.h"
#include "room/participant/move_news.h"
#include "room/participant/permissions.h"
#include "room/participant/presence.h"
#include "room/quality/quality_view.h"
#include "room/roster/lifecycle.h"
#include "room/signal/signal_queue.h"

namespace confab::room {

// What its connections were like when they were looked at last: for whoever operates the node, no
// decision depends on it.
struct SeenLink {
    std::optional<sfu::ConnectionType> path;
    SocketAddress remote;
    std::optional<Duration> rtt;
    std::optional<QualityScore> quality;
    // Of its connections, the one that it publishes by first; what they did in their last window.
    std::array<sfu::DataCount, 2> data;
    std::array<std::uint64_t, 2> media_out{};  // octets of RTP
};

struct Participant {
    Participant(const RoomScope& scope, const JoinParams& params, Placement::Seat place);

    // Its grants as they are by now, for the next token (TOK-12).
    token::Grants current_grants() const;
    // What join and reconnect tell the client about itself, when there is something (SIG-69,
    // ICE-19).
    std::optional<livekit::ClientConfiguration> configuration(IcePreference ice) const;
    const std::string& identity() const { return info.identity(); }
    const std::string& sid() const { return info.sid(); }
    // Whether a client that resumes means it: by its sid, or by one from before it moved.
    bool answers_to(const std::string& sid) const;
    // Another room knows it by another sid (API-12).
    void take_new_sid(std::string sid);
    // Of its join: what it was given beside its rooms is kept under it.
    const std::string& first_sid() const {
        return earlier_sids.empty() ? info.sid() : earlier_sids.front();
    }
    bool hidden() const { return info.permission().hidden(); }
    bool dependent() const { return is_dependent(info.kind(), info.permission()); }
    bool recorder() const { return is_recorder(info.kind(), info.permission()); }
    bool forwarded() const { return elsewhere.has_value(); }
    bool active() const { return info.state() == livekit::ParticipantInfo::ACTIVE; }
    bool agent() const {
        return info.kind() == livekit::ParticipantInfo::AGENT || info.permission().agent();
    }
    livekit::ParticipantInfo info;  // without tracks
    token::Grants grants;           // of its token, with what the API changed since
    livekit::ClientInfo client;
    ClientTraits traits;

    static constexpr std::size_t kMaxEarlierSids = 8;
    // The first, by which Rust clients resume for ever, and the newest.
    std::vector<std::string> earlier_sids;
    MoveNews moves;
    EndedNews ended;
    bool closing = false;
    // It is in another room and only seen here, without session and connections (API-11).
    std::optional<sfu::DataPlace> elsewhere;
    Standing standing;  // as the room counts it
    std::uint64_t number = 0;
    bool touched = false;  // its deadline is to be noted
    std::string shown;     // encoded as others see it, made on demand
    Placement::Seat seat;
    sfu::WorkerIndex worker = 0;

    SignalQueue signal;
    DataBlobs blobs;

    Presence presence;
    SimulatedDrops drops;
    Timestamp refresh_at = Timestamp::never();  // its next token
    SeenLink seen;

    Timestamp next_deadline() const;
};

// How long something took for whom, as statistics know it.
MediaDelay media_delay(MediaPhase phase, const Participant& p, const livekit::TrackInfo& track,
                       std::uint32_t attempt, Duration took);

}  // namespace confab::room
