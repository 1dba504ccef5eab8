// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a client does with a TURN server that it was told of (RFC 8656): an allocation, then a
// permission for a media address of ours and one of ICE's checks through it.
#pragma once

#include <optional>
#include <string_view>

#include "rtc/ice/binding.h"
#include "runtime/doctor/waiting.h"

namespace confab::doctor {

struct TurnUrl {
    std::string host;
    std::uint16_t port = 0;
    bool is_tls = false;
    bool is_udp = true;
};
// RFC 7065: "turn:host:port?transport=udp", "turns:host"; nothing for stun: and for what is none.
std::optional<TurnUrl> parse_turn_url(std::string_view url);

struct TurnQuestion {
    IceServerFacts server;
    // That is asked for through the relay; nothing: the allocation is enough.
    std::optional<SocketAddress> media;
    ice::CredentialPair credentials;
};
// Its URL has to be one.
TurnFacts probe_turn(const TurnQuestion& question, const Deadline& deadline);

}  // namespace confab::doctor
