// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Offers as WHIP clients make them.
#pragma once

#include <string>
#include <string_view>

namespace confab::api::testing {

inline constexpr std::string_view kSession =
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n"
    "a=fingerprint:sha-256 "
    "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:"
    "FF"
    "\r\n";
inline constexpr std::string_view kTransport =
    "c=IN IP4 "
    "0.0.0.0\r\na=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\na=setup:actpass\r\n"
    "a=rtcp-mux\r\n";

inline std::string audio(std::string_view mid, std::string_view more = "a=sendonly\r\n") {
    return "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n" + std::string(kTransport) +
           "a=mid:" + std::string(mid) + "\r\na=rtpmap:111 opus/48000/2\r\n" + std::string(more);
}
inline std::string video(std::string_view mid, std::string_view more = "a=sendonly\r\n") {
    return "m=video 9 UDP/TLS/RTP/SAVPF 96\r\n" + std::string(kTransport) +
           "a=mid:" + std::string(mid) + "\r\na=rtpmap:96 VP8/90000\r\n" + std::string(more);
}
// A microphone and a camera.
inline std::string offer() {
    return std::string(kSession) + audio("0") + video("1");
}

}  // namespace confab::api::testing
