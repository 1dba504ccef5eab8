// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Window, SACKs and limits of the receiving side (RFC 9260 §6.2; RFC 3758 §3.6).
#include "rtc/sctp/receive/data_receiver.h"

#include <doctest/doctest.h>

#include "rtc/sctp/chunks_test.h"
#include "rtc/sctp/limits.h"

using namespace confab;
using namespace confab::sctp;
using Taken = DataReceiver::Taken;

namespace {

constexpr std::uint32_t kFirst = 0xFFFFFFFE;  // wraps after two chunks
constexpr std::size_t kSize = 1000;
constexpr std::size_t kCost = kSize + kItemOverhead;  // of a message that waits to be taken

Config small() {
    Config config;
    config.a_rwnd = 10'000;
    return config;
}

struct Receiver {
    explicit Receiver(const Config& config = small()) : receiver(config) {
        receiver.set_peer_initial_tsn(kFirst);
    }
    // One chunk in a packet of its own: the offset of its TSN, and a whole unordered message
    // unless `change` makes it something else.
    template <typename F>
    Taken chunk(std::uint32_t offset, F change) {
        wire::sctp::DataChunk data;
        data.tsn = kFirst + offset;
        data.unordered = true;
        data.payload = payload;
        change(data);
        receiver.begin_packet();
        const Taken taken = receiver.handle_data(data, immediate, events);
        receiver.end_packet(now);
        return taken;
    }
    Taken chunk(std::uint32_t offset) {
        return chunk(offset, [](auto&) {});
    }
    bool forward(std::uint32_t offset) {
        wire::sctp::ForwardTsnView view;
        view.new_cumulative_tsn = kFirst + offset;
        receiver.begin_packet();
        const bool moved = receiver.handle_forward_tsn(view, events);
        receiver.end_packet(now);
        return moved;
    }
    struct Sack {
        std::uint32_t cumulative = 0;  // offset
        std::uint32_t a_rwnd = 0;
        std::size_t gaps = 0;
        std::size_t duplicates = 0;
    };
    Sack sack() {
        wire::sctp::PacketWriter writer({5000, 5000, 1}, 1191);
        receiver.write_sack(events, writer);
        const Bytes packet = writer.finish();
        const auto view = wire::sctp::parse_sack(first_chunk(packet)).value();
        return {view.cumulative_tsn - kFirst, view.a_rwnd, view.gap_count(),
                view.duplicate_count()};
    }
    Bytes payload = Bytes(kSize);
    bool immediate = false;
    Timestamp now = Timestamp::micros(1'000'000);
    EventQueue events;
    DataReceiver receiver;
};

}  // namespace

TEST_CASE("DataReceiver: a SACK for every second packet, after 200 ms for one, at once on demand") {
    Receiver r;
    r.receiver.begin_packet();
    r.receiver.end_packet(r.now);  // nothing in it to acknowledge
    CHECK_FALSE(r.receiver.sack_waiting());
    CHECK(r.chunk(0) == Taken::kYes);
    CHECK_FALSE(r.receiver.sack_due());
    CHECK(r.receiver.sack_waiting());
    CHECK(r.receiver.deadline() == r.now + Duration::millis(200));
    SUBCASE("second packet") {
        CHECK(r.chunk(1) == Taken::kYes);
        CHECK(r.receiver.sack_due());
    }
    SUBCASE("delay") {
        r.receiver.handle_timeout(r.receiver.deadline());
        CHECK(r.receiver.sack_due());
    }
    SUBCASE("asked for, once") {
        (void)r.sack();
        SUBCASE("by the chunk") {
            r.chunk(1, [](auto& data) { data.immediate = true; });
        }
        SUBCASE("by the owner") {
            r.immediate = true;
            r.chunk(1);
            r.immediate = false;
        }
        CHECK(r.receiver.sack_due());
        (void)r.sack();
        r.chunk(2);
        CHECK_FALSE(r.receiver.sack_due());
    }
    SUBCASE("FORWARD-TSN") {
        (void)r.sack();
        CHECK(r.forward(1));
        CHECK(r.receiver.sack_due());
    }
    (void)r.sack();
    CHECK_FALSE(r.receiver.sack_waiting());
}

TEST_CASE("DataReceiver: SACKs tell the cumulative TSN, what is missing and what came twice") {
    Receiver r;
    CHECK(r.chunk(0) == Taken::kYes);
    CHECK(r.chunk(2) == Taken::kYes);
    CHECK(r.chunk(0) == Taken::kNo);
    CHECK(r.receiver.chunks_refused() == 0);
    const auto sack = r.sack();
    CHECK(sack.cumulative == 0);
    CHECK(sack.gaps == 1);
    CHECK(sack.duplicates == 1);
    CHECK(r.chunk(1) == Taken::kYes);
    CHECK(r.sack().cumulative == 2);
    CHECK(r.receiver.cumulative() == r.receiver.unwrap(kFirst + 2));
    CHECK(r.events.size() == 3);
}

TEST_CASE("DataReceiver: what nobody takes closes the window; half of it free is told the peer") {
    Receiver r;
    CHECK(r.receiver.window(r.events) == 10'000);
    for (std::uint32_t i = 0; i < 8; ++i)
        REQUIRE(r.chunk(i) == Taken::kYes);
    CHECK(r.receiver.held_bytes(r.events) == 8 * kCost);
    CHECK(r.sack().a_rwnd == 10'000 - 8 * kCost);
    REQUIRE(r.chunk(8) == Taken::kYes);
    CHECK(r.receiver.window(r.events) == 10'000 - 9 * kCost);
    CHECK(r.sack().a_rwnd == 0);  // less than a packet (§6.2)
    while (r.receiver.window(r.events) < 5'000) {
        CHECK_FALSE(r.receiver.sack_due());
        REQUIRE(r.events.pop().has_value());
        r.receiver.message_taken(r.events);
    }
    CHECK(r.receiver.sack_due());
    CHECK(r.sack().a_rwnd == 10'000 - 4 * kCost);
    REQUIRE(r.events.pop().has_value());
    r.receiver.message_taken(r.events);
    CHECK_FALSE(r.receiver.sack_due());  // the window that the peer knows is large enough
}

TEST_CASE("DataReceiver: a full window refuses, except what completes the messages that fill it") {
    Receiver r;
    const auto waits = [](auto& data) {  // for number 0 of its stream
        data.unordered = false;
        data.stream = 5;
        data.ssn = 1;
    };
    std::uint32_t next = 0;
    SUBCASE("nothing to complete") {
        while (next < 9)
            REQUIRE(r.chunk(next++) == Taken::kYes);
        CHECK(r.chunk(next) == Taken::kNo);
    }
    SUBCASE("an ordered message waits") {
        REQUIRE(r.chunk(next++, waits) == Taken::kYes);
        while (next < 9)
            REQUIRE(r.chunk(next++) == Taken::kYes);
        CHECK(r.chunk(next + 1) == Taken::kNo);
        CHECK(r.receiver.chunks_refused() == 1);
        CHECK(r.chunk(next, [&](auto& data) {
            waits(data);
            data.ssn = 0;
        }) == Taken::kYes);
        CHECK(r.events.size() == 10);
    }
    CHECK(r.receiver.chunks_refused() == 1);
    CHECK(r.receiver.sack_due());
}

TEST_CASE("DataReceiver: what can never be completed is cut off at the hard limit [IMM-8]") {
    const Config config = small();
    Receiver r(config);
    Taken taken = Taken::kYes;
    for (std::uint32_t i = 0; i < 1000 && taken == Taken::kYes; ++i)
        taken = r.chunk(i, [&](auto& data) {
            data.unordered = false;
            data.ssn = static_cast<std::uint16_t>(i + 1);
        });
    CHECK(taken == Taken::kOutOfResource);
    const std::size_t hard =
        config.a_rwnd + config.max_message_size + kMaxFragments * kItemOverhead;
    CHECK(r.receiver.held_bytes(r.events) <= hard);
    CHECK(r.receiver.held_bytes(r.events) > hard - kCost);
    r.receiver.clear();
    CHECK(r.receiver.held_bytes(r.events) == 0);
}

TEST_CASE(
    "DataReceiver: a message above the limit is told once, its stream then takes nothing [DC-05]") {
    Config config;
    config.max_message_size = 2 * kSize;
    Receiver r(config);
    const auto part = [](auto& data) {
        data.begin = data.tsn == kFirst;
        data.end = false;
    };
    CHECK(r.chunk(0, part) == Taken::kYes);
    CHECK(r.chunk(1, part) == Taken::kYes);
    CHECK(r.chunk(2, part) == Taken::kMessageTooLarge);
    CHECK(r.chunk(3, part) == Taken::kYes);
    CHECK(r.receiver.held_bytes(r.events) == 0);
    CHECK(r.events.size() == 1);
    const std::uint16_t stream = 0;
    r.receiver.reset({&stream, 1}, r.events);
    CHECK(r.chunk(4) == Taken::kYes);
    CHECK(r.receiver.held_bytes(r.events) == kCost);
}

TEST_CASE("DataReceiver: a stream beyond the negotiated ones costs its chunk only") {
    Config config = small();
    config.streams = 10;
    Receiver r(config);
    CHECK(r.chunk(0, [](auto& data) { data.stream = 10; }) == Taken::kYes);
    CHECK(r.receiver.chunks_refused() == 1);
    CHECK(r.events.size() == 0);
    CHECK(r.chunk(1, [](auto& data) { data.stream = 9; }) == Taken::kYes);
    CHECK(r.receiver.chunks_refused() == 1);
    CHECK(r.events.size() == 1);
    CHECK(r.sack().cumulative == 1);
}

TEST_CASE("DataReceiver: FORWARD-TSN skips what is missing, up to the farthest jump [DC-07]") {
    Receiver r;
    const auto far = static_cast<std::uint32_t>(kMaxForwardJump);
    CHECK(r.chunk(3) == Taken::kYes);
    CHECK(r.forward(2));
    CHECK(r.sack().cumulative == 3);
    CHECK_FALSE(r.forward(1));  // old
    CHECK(r.receiver.chunks_refused() == 0);
    CHECK_FALSE(r.forward(3 + far + 1));
    CHECK(r.receiver.chunks_refused() == 1);
    CHECK(r.forward(3 + far));
    CHECK(r.sack().cumulative == 3 + far);
}
