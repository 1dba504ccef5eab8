// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Trickled ICE candidates: the JSON of RTCIceCandidateInit both ways (01 SIG-03; 02 ICE-13) and the
// candidate lines inside (RFC 8839 §5.1):
//   candidate:<foundation> <component> <transport> <priority> <address> <port> typ <type> …
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "room/scope/config.h"

namespace confab::room {

// Values of a=candidate lines without the prefix, in the order to be sent: UDP IPv4, UDP IPv6, TCP
// IPv4, TCP IPv6; no UDP when tcp_only (ICE-15).
std::vector<std::string> candidate_lines(const WorkerAddresses& addresses, std::string_view ufrag,
                                         bool tcp_only);
// {"candidate":"candidate:…","sdpMid":"0","sdpMLineIndex":0,"usernameFragment":null}
std::string candidate_init(std::string_view line);

// The candidate text of a client's JSON; the error is the text of the JSON parser.
Result<std::string, std::string> parse_candidate_init(std::string_view json);
// Nothing for what we do not use: mDNS names, TCP, other components, anything malformed.
std::optional<sfu::RemoteCandidate> parse_candidate(std::string_view line);

// The first ice-ufrag and ice-pwd of a description, to see an ICE restart before it is answered.
struct RemoteIce {
    std::string ufrag;
    std::string pwd;
    bool operator==(const RemoteIce&) const = default;
};
RemoteIce remote_ice_of(std::string_view sdp);

}  // namespace confab::room
