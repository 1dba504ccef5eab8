// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// States that no association has are refused (07 SIO-11). That those it has are taken is shown by
// the scenarios of the other tests.
#include "base/state/state.h"

#include <doctest/doctest.h>

#include <utility>
#include <vector>

#include "rtc/sctp/association/association_pair_test.h"
#include "rtc/sctp/data_channels.h"
#include "rtc/sctp/limits.h"

using namespace confab;
using namespace confab::sctp;

namespace {

const Timestamp kNow = Timestamp::micros(9'000'000);
constexpr std::int64_t kBase = (std::int64_t{1} << 32) + 100;

bool tracker_takes(const std::vector<std::pair<std::int64_t, std::int64_t>>& ranges) {
    StateWriter out(kNow);
    out.field(1, kBase);
    out.list(2, ranges, 0, [](StateWriter& inner, const auto& range) {
        inner.field(1, range.first);
        inner.field(2, range.second);
    });
    RxTracker tracker(0);
    return import_state(tracker, out.view(), kNow);
}

// A chunk that was sent: which of a message's it is, its size and its state's number.
struct Sent {
    bool begin = true;
    bool end = true;
    std::size_t size = 10;
    std::uint8_t state = 0;
};

bool outstanding_takes(const std::vector<Sent>& chunks, std::int64_t highest_gap = 0) {
    StateWriter out(kNow);
    out.field(1, kBase);
    out.list(2, chunks, 0, [](StateWriter& inner, const Sent& chunk) {
        inner.record(1, [&chunk](StateWriter& fragment) {
            fragment.field(1, BytesView(Bytes(chunk.size)));
            fragment.field(5, chunk.begin);
            fragment.field(6, chunk.end);
        });
        inner.field(5, chunk.state);
    });
    out.field(3, highest_gap);
    Outstanding outstanding(0);
    return import_state(outstanding, out.view(), kNow);
}

// One stream with messages of ten octets of which so many were sent.
bool queue_takes(const std::vector<std::uint32_t>& offsets, std::optional<std::uint16_t> current) {
    StateWriter out(kNow);
    out.record(1, [&offsets](StateWriter& stream) {
        stream.field(1, std::uint16_t{4});
        stream.list(2, offsets, 0, [](StateWriter& message, std::uint32_t offset) {
            message.field(1, BytesView(Bytes(10)));
            message.field(2, offset);
        });
    });
    out.field(3, current);
    SendQueue queue({1000, 1000});
    return import_state(queue, out.view(), kNow);
}

}  // namespace

TEST_CASE("RxTracker: ranges that touch, overlap or lie too far ahead are refused [SIO-11]") {
    CHECK(tracker_takes({}));
    CHECK(tracker_takes({{kBase + 2, kBase + 2}, {kBase + 4, kBase + 9}}));
    CHECK(tracker_takes({{kBase + kMaxTsnAhead, kBase + kMaxTsnAhead}}));
    CHECK_FALSE(tracker_takes({{kBase + kMaxTsnAhead, kBase + kMaxTsnAhead + 1}}));
    CHECK_FALSE(tracker_takes({{kBase + 1, kBase + 2}}));
    CHECK_FALSE(tracker_takes({{kBase, kBase + 2}}));
    CHECK_FALSE(tracker_takes({{kBase + 3, kBase + 2}}));
    CHECK_FALSE(tracker_takes({{kBase + 2, kBase + 3}, {kBase + 4, kBase + 9}}));
    CHECK_FALSE(tracker_takes({{kBase + 5, kBase + 6}, {kBase + 2, kBase + 3}}));
    std::vector<std::pair<std::int64_t, std::int64_t>> many;
    many.reserve(kMaxGapRanges);
    for (std::int64_t i = 0; i < std::int64_t{kMaxGapRanges}; ++i)
        many.emplace_back(kBase + 2 + 2 * i, kBase + 2 + 2 * i);
    CHECK(tracker_takes(many));
    many.emplace_back(many.back().first + 2, many.back().first + 2);
    CHECK_FALSE(tracker_takes(many));
}

TEST_CASE("Outstanding: messages that do not follow each other whole are refused [SIO-11]") {
    CHECK(outstanding_takes({}));
    CHECK(outstanding_takes({{}, {true, false}, {false, false}, {false, true}, {}}));
    CHECK(outstanding_takes({{false, true}, {}}));  // the begin is acknowledged
    CHECK_FALSE(outstanding_takes({{true, false}, {true, true}}));
    CHECK_FALSE(outstanding_takes({{true, true}, {false, true}}));
    CHECK(outstanding_takes({{true, true, 0, 3}}));  // given up: nothing of it is left
    CHECK_FALSE(outstanding_takes({{true, true, 10, 3}}));
    CHECK_FALSE(outstanding_takes({{true, true, 0, 0}}));
    CHECK_FALSE(outstanding_takes({{true, true, 10, 4}}));
    CHECK(outstanding_takes({{}, {}}, kBase + 1));
    CHECK_FALSE(outstanding_takes({{}, {}}, kBase + 2));
}

TEST_CASE("SendQueue: only the message in work was begun, none is at its end [SIO-11]") {
    CHECK(queue_takes({0, 0}, std::nullopt));
    CHECK(queue_takes({9, 0}, std::uint16_t{4}));
    CHECK_FALSE(queue_takes({9, 0}, std::nullopt));
    CHECK_FALSE(queue_takes({0, 9}, std::uint16_t{4}));
    CHECK_FALSE(queue_takes({10, 0}, std::uint16_t{4}));
    CHECK_FALSE(queue_takes({0}, std::uint16_t{6}));
    CHECK_FALSE(queue_takes({}, std::uint16_t{4}));
}

TEST_CASE("Association: fragments larger than a packet of the new owner are refused [SIO-11]") {
    Pair pair({});
    pair.open();
    (void)pair.a.send(pair.link.now(), 1, kPpid, SharedBytes(numbered(1, 5000)), {});
    while (pair.a.poll_transmit()) {
    }
    const Bytes state = export_state(pair.a, pair.link.now());
    Config small;
    small.mtu = 1100;
    Association other(small, Rng(1));
    CHECK_FALSE(import_state(other, state, pair.link.now()));
    Config large;
    large.mtu = 1400;
    Association another(large, Rng(1));
    CHECK(import_state(another, state, pair.link.now()));
    CHECK(another.snapshot().send_bytes == pair.a.snapshot().send_bytes);
    CHECK(another.snapshot().flight == pair.a.snapshot().flight);
    CHECK(another.snapshot().cwnd == pair.a.snapshot().cwnd);
}

TEST_CASE("DataChannels: a state cut anywhere is refused or harmless [SIO-11]") {
    DataChannels channels(DataChannels::Config{}, Rng(3));
    channels.connect(kNow);
    (void)channels.open(kNow, {"label", "protocol", true, {}, Duration::millis(20)});
    const Bytes state = export_state(channels, kNow);
    for (std::size_t size = 0; size < state.size(); ++size) {
        DataChannels other(DataChannels::Config{}, Rng(1));
        if (!import_state(other, BytesView(state).first(size), kNow)) continue;
        other.handle_timeout(kNow + Duration::seconds(5));
        while (other.poll_transmit()) {
        }
    }
    DataChannels nothing(DataChannels::Config{}, Rng(1));
    CHECK_FALSE(import_state(nothing, {}, kNow));
}
