// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// ICE and DTLS parameters in and out of descriptions whose sections share one transport (RFC 8843
// §7, RFC 8839 §5.4, RFC 8842 §5).
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "rtc/sdp/description/description.h"
#include "rtc/sdp/negotiator.h"

namespace confab::sdp {

inline constexpr std::string_view kRtpProtocol = "UDP/TLS/RTP/SAVPF";
inline constexpr std::string_view kDataProtocol = "UDP/DTLS/SCTP";
inline constexpr std::uint16_t kSctpPort = 5000;
inline constexpr std::uint32_t kOurMaxMessageSize = 65'535;  // SDP-01

// From the first section in use, else the session level. `local_setup` is not set here.
Result<RemoteTransport, NegotiationError> remote_transport(const Description& remote);

// A data section as WebRTC has it, not some other use of m=application.
bool is_data_section(const MediaSection& section);
// Can the bundle carry the section, and do we know what it is?
bool is_usable(const Description& remote, const MediaSection& section);

// A section that is turned off keeps its place, kind and mid (SDP-01).
MediaSection rejected_section(const MediaSection& section);
MediaSection data_section(const std::string& mid, const std::string& protocol);

// Session lines and the transport of every section in use; candidates go to the first of them.
void set_local_transport(Description& out, const LocalTransport& local, Setup setup);
// "- <id> <version> IN IP4 0.0.0.0"
std::string origin_line(std::uint64_t session_id, std::uint64_t version);

}  // namespace confab::sdp
