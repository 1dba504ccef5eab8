// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a connection begins with, where its port speaks TLS and may be shared (wire/first_bytes.h).
// What has come is looked at and stays in the socket, or in the TLS session, for whoever it is for.
// Included by .cc files only.
#pragma once

#include <cstdint>

#include "runtime/net/stream.h"

namespace confab::net {

enum class StreamEntry : std::uint8_t {
    kHttp,         // with TLS or without
    kIceTcp,       // without TLS
    kTurn,         // within TLS
    kChallenge,    // of ACME, answered by the handshake: there is nothing more to say
    kNoHandshake,  // of TLS
    kNothing,      // of these; or it ended before that could be told
};

// Takes as long as the client does. `looks_inside`: within TLS there may be TURN, else all is HTTP.
// Whoever closes the stream meanwhile keeps it until this has ended.
asio::awaitable<StreamEntry> enter(Stream& stream, const TlsContext& tls, bool looks_inside);

}  // namespace confab::net
