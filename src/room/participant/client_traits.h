// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a client can do, from its ClientInfo: protocol gates (01 SIG-60…66) and the quirks of SDKs
// and browsers (SIG-67…69, 02 SDP-42).
#pragma once

#include <cstdint>

#include "base/time.h"
#include "livekit_models.pb.h"
#include "rtc/sdp/negotiator.h"

namespace confab::room {

struct ClientGates {
    bool subscriber_primary = true;   // pv > 2
    bool transceiver_reuse = true;    // pv > 3
    bool connection_quality = true;   // pv > 4
    bool track_unpublished = true;    // pv > 6
    bool fast_start = true;           // pv > 7
    bool missed_disconnects = true;   // pv > 8
    bool sync_streams = true;         // pv > 9
    bool quality_lost = true;         // pv > 10
    bool identity_reconnect = true;   // pv > 11
    bool leave_action = true;         // pv > 12
    bool request_response_ok = true;  // pv > 14
    bool room_moved = true;           // pv > 15
    bool request_response = true;     // these two not Rust with pv < 10, which cannot read them
    bool track_subscribed = true;
    bool reconnect_response = true;  // not JS < 1.6.3
    bool ice_tcp = true;             // not Go and ESP32, Swift from 1.0.5
    bool turn_tls = true;            // not ESP32, whose relays are reached over UDP alone
    // Whether a leave may ask it to come back. ESP32 stays away after any (0.3.10), and comes back
    // when its WebSocket ends without one.
    bool leave_and_return = true;
    // Whether a WebSocket may end with a close frame when it is to come back. Android (2.27) waits
    // for the end that OkHttp tells, which behind a close frame is at the next ping.
    bool close_frame = true;
    bool codec_change = true;  // of a track it has; not Go and who does not say (SIG-67)
};

struct ClientTraits {
    ClientGates gates;
    sdp::ClientTraits sdp;
    livekit::ClientConfiguration configuration;  // what join tells the client (SIG-69)
    bool has_configuration = false;
    bool firefox = false;
    bool packet_trailers = false;  // its client says that it takes them off itself (02 IN-42)
    // The Go SDK listens before it has applied the offer that it put into the join, and loses an
    // answer that comes in between (SIG-82).
    Duration answer_delay;
};

ClientTraits traits_of(const livekit::ClientInfo& client);

// Compares dotted versions number by number; missing parts count as 0.
int compare_versions(std::string_view a, std::string_view b);

}  // namespace confab::room
