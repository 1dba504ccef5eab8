// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Who speaks, at a port that carries several protocols: of a TCP connection by what it begins with,
// of a UDP datagram by itself (RFC 7983). Stateless; the bytes are anybody's.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace confab::wire {

enum class FirstBytes : std::uint8_t {
    kMore,     // too few to tell
    kTls,      // a record with a handshake (RFC 8446 §5.1)
    kHttp,     // the method of a request (RFC 9112 §3)
    kIceTcp,   // a STUN message in a frame (RFC 4571 §2, RFC 6544 §10.1)
    kTurn,     // a STUN message as such (RFC 8656 §3.1)
    kUnknown,  // none of these, whatever follows
};

// As many are needed to tell at most.
inline constexpr std::size_t kFirstBytes = 10;

// `start`: what has come of the stream so far. Once it says anything but kMore, more bytes change
// nothing.
FirstBytes first_bytes(BytesView start);

// Whether a datagram to a port shared by ICE and TURN is for the TURN server: ChannelData, what a
// TURN client asks, and questions for the own address that are no check of ICE (they name nobody).
// Answers, checks, DTLS and media are not.
bool is_for_turn(BytesView datagram);

}  // namespace confab::wire
