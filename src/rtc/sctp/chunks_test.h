// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a written packet holds. Only for tests.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "wire/sctp/sctp.h"

namespace confab::sctp {

inline std::vector<wire::sctp::ChunkType> chunk_types(BytesView bytes) {
    std::vector<wire::sctp::ChunkType> types;
    const auto packet = wire::sctp::parse_packet(bytes);
    REQUIRE(packet.has_value());
    for (wire::sctp::ChunkReader r(packet->chunks); auto c = r.next();)
        types.push_back(c->type);
    return types;
}

inline bool has_chunk(BytesView bytes, wire::sctp::ChunkType type) {
    const auto types = chunk_types(bytes);
    return std::find(types.begin(), types.end(), type) != types.end();
}

// Lives as long as the packet.
inline wire::sctp::ChunkView first_chunk(BytesView bytes) {
    const auto packet = wire::sctp::parse_packet(bytes);
    REQUIRE(packet.has_value());
    const auto chunk = wire::sctp::ChunkReader(packet->chunks).next();
    REQUIRE(chunk.has_value());
    return *chunk;
}

inline std::uint32_t tag_of(BytesView packet) {
    return load_be32(&packet[4]);
}

}  // namespace confab::sctp
