// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Building of transport-wide feedback: statuses and deltas first, then chunks of as many symbols
// as possible. The format is pictured in transport_cc.cc.
#include <algorithm>
#include <array>
#include <limits>

#include "wire/rtcp/transport_cc.h"

namespace confab::wire {
namespace {

constexpr std::size_t kFixedSize = 20;  // common header to feedback count
constexpr std::size_t kMaxPadding = 3;
constexpr std::uint8_t kNotReceived = 0;
constexpr std::uint8_t kSmallDelta = 1;
constexpr std::uint8_t kLargeDelta = 2;
constexpr std::size_t kOneBitSymbols = 14;
constexpr std::size_t kTwoBitSymbols = 7;

std::int64_t floor_div(std::int64_t value, std::int64_t divisor) {
    const std::int64_t quotient = value / divisor;
    return value % divisor < 0 ? quotient - 1 : quotient;
}

// To the nearest tick, so that rounding never adds up: each delta starts at the rounded time.
std::int64_t to_ticks(std::int64_t us) {
    return floor_div(us + kTransportCcTickUs / 2, kTransportCcTickUs);
}

struct Statuses {
    std::array<std::uint8_t, kMaxTransportStatuses> symbols{};
    std::array<std::int16_t, kMaxTransportStatuses> deltas{};  // of received ones, in order
    std::size_t count = 0;
    std::size_t received = 0;
    std::size_t delta_bytes = 0;
    std::int64_t reference = 0;  // 64 ms
    std::int64_t time_us = 0;
    std::size_t room = 0;

    // Whether `more` statuses, the last one with a delta of `bytes`, fit whatever the chunks.
    bool fits(std::size_t more, std::size_t bytes) const {
        if (more > kMaxTransportStatuses - count) return false;
        const std::size_t chunks = (count + more + kTwoBitSymbols - 1) / kTwoBitSymbols;
        return kFixedSize + 2 * chunks + delta_bytes + bytes + kMaxPadding <= room;
    }
    void push_missing(std::size_t number) { count += number; }
    // False when the element belongs into another packet.
    bool push(const TransportArrival& arrival, std::size_t missing_before);
};

bool Statuses::push(const TransportArrival& arrival, std::size_t missing_before) {
    if (!arrival.arrival) {
        if (!fits(missing_before + 1, 0)) return false;
        push_missing(missing_before + 1);
        return true;
    }
    const std::int64_t at = arrival.arrival->us();
    if (received == 0) {
        reference = floor_div(at, kTransportCcReferenceUs);
        time_us = reference * kTransportCcReferenceUs;
    }
    const std::int64_t delta = to_ticks(at - time_us);
    if (delta < std::numeric_limits<std::int16_t>::min() ||
        delta > std::numeric_limits<std::int16_t>::max())
        return false;
    const std::uint8_t symbol = delta >= 0 && delta <= 255 ? kSmallDelta : kLargeDelta;
    if (!fits(missing_before + 1, symbol)) return false;
    push_missing(missing_before);
    symbols[count++] = symbol;
    deltas[received++] = static_cast<std::int16_t>(delta);
    delta_bytes += symbol;
    time_us += delta * kTransportCcTickUs;
    return true;
}

// Elements of `arrivals` taken; the statuses begin with number `expected`.
std::size_t collect(std::int64_t expected, std::span<const TransportArrival> arrivals,
                    Statuses& statuses) {
    std::size_t taken = 0;
    for (const TransportArrival& arrival : arrivals) {
        if (arrival.sequence < expected) break;
        if (!statuses.push(arrival, static_cast<std::size_t>(arrival.sequence - expected))) break;
        expected = arrival.sequence + 1;
        ++taken;
    }
    return taken;
}

std::uint16_t vector_chunk(std::span<const std::uint8_t> symbols, bool two_bits) {
    const std::size_t capacity = two_bits ? kTwoBitSymbols : kOneBitSymbols;
    unsigned chunk = two_bits ? 3 : 2;
    for (std::size_t i = 0; i < capacity; ++i) {
        const unsigned symbol = i < symbols.size() ? symbols[i] : 0U;
        chunk = chunk << (two_bits ? 2 : 1) | symbol;
    }
    return static_cast<std::uint16_t>(chunk);
}

void write_chunks(ByteWriter& out, std::span<const std::uint8_t> symbols) {
    while (!symbols.empty()) {
        const std::uint8_t first = symbols.front();
        const auto run =
            static_cast<std::size_t>(std::find_if(symbols.begin(), symbols.end(),
                                                  [first](std::uint8_t s) { return s != first; }) -
                                     symbols.begin());
        const auto window = symbols.first(std::min(symbols.size(), kOneBitSymbols));
        const bool large = std::find(window.begin(), window.end(), kLargeDelta) != window.end();
        const std::size_t vector_size = large ? kTwoBitSymbols : kOneBitSymbols;
        if (run == symbols.size() || run >= vector_size) {
            out.u16(static_cast<std::uint16_t>(std::size_t{first} << 13 | run));
            symbols = symbols.subspan(run);
        } else {
            out.u16(vector_chunk(symbols, large));
            symbols = symbols.subspan(std::min(symbols.size(), vector_size));
        }
    }
}

void write_deltas(ByteWriter& out, const Statuses& statuses) {
    std::size_t next = 0;
    for (std::size_t i = 0; i < statuses.count; ++i) {
        if (statuses.symbols[i] == kNotReceived) continue;
        const std::int16_t delta = statuses.deltas[next++];
        if (statuses.symbols[i] == kSmallDelta)
            out.u8(static_cast<std::uint8_t>(delta));
        else
            out.u16(static_cast<std::uint16_t>(delta));
    }
}

}  // namespace

std::size_t write_transport_feedback(ByteWriter& out, std::uint32_t sender_ssrc,
                                     std::uint32_t media_ssrc, std::uint8_t feedback_count,
                                     std::span<const TransportArrival> arrivals,
                                     std::optional<std::int64_t> first) {
    if (arrivals.empty() || !out.ok()) return 0;
    Statuses statuses;
    statuses.room = out.buffer().size() - out.size();
    constexpr std::int64_t kMaxBefore = kMaxTransportStatuses / 2;
    const std::int64_t front = arrivals.front().sequence;
    const std::int64_t base = std::clamp(first.value_or(front), front - kMaxBefore, front);
    const std::size_t taken = collect(base, arrivals, statuses);
    if (statuses.received == 0) return 0;

    RtcpBlockWriter block(out, RtcpType::kTransportFeedback, kFormatTransportCc);
    out.u32(sender_ssrc);
    out.u32(media_ssrc);
    out.u16(static_cast<std::uint16_t>(base));
    out.u16(static_cast<std::uint16_t>(statuses.count));
    out.u24(static_cast<std::uint32_t>(statuses.reference) & 0xFFFFFF);
    out.u8(feedback_count);
    write_chunks(out, std::span(statuses.symbols).first(statuses.count));
    write_deltas(out, statuses);
    return block.finish_padded() ? taken : 0;
}

}  // namespace confab::wire
