// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// TURN ChannelData messages (RFC 8656 §12.4), and where a message of a TURN client ends in a byte
// stream (§12.5, §3.1: no framing of its own, both kinds carry their length).
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"

namespace confab::wire {

inline constexpr std::size_t kChannelDataHeaderSize = 4;
inline constexpr std::uint16_t kMinChannel = 0x4000;
inline constexpr std::uint16_t kMaxChannel = 0x7FFF;  // of RFC 5766 §11; RFC 8656 gives 0x4FFF

struct ChannelData {
    std::uint16_t channel = 0;
    BytesView data;

    // Bytes behind the data are padding and ignored. nullopt if these bytes are none, or cut off.
    static std::optional<ChannelData> parse(BytesView message);
};

// Of the first byte: STUN has the two top bits 00, ChannelData 01 (RFC 8656 §12).
constexpr bool looks_like_channel_data(std::uint8_t first_byte) {
    return (first_byte & 0xC0) == 0x40;
}

// Header and data; with `padded` as a stream needs it, to a multiple of four. Empty if `out` is too
// small.
BytesView build_channel_data(BytesSpan out, std::uint16_t channel, BytesView data, bool padded);

// Longer is no request of a client that has not shown its password; more is not waited for.
inline constexpr std::size_t kMaxStrangersMessage = 2048;

// The size of the message at the start of these bytes of a stream, with its padding. Before there
// is an allocation (`allocated`) ChannelData cannot be, half of all other protocols begin like it,
// and messages are short.
struct TurnFrame {
    enum class State : std::uint8_t { kWhole, kMore, kInvalid };
    State state = State::kMore;
    std::size_t size = 0;  // with kWhole
};
TurnFrame next_turn_frame(BytesView stream, bool allocated);

}  // namespace confab::wire
