// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/congestion/send_history.h"

#include <doctest/doctest.h>

#include <vector>

namespace confab::sfu {
namespace {

Timestamp at_ms(std::int64_t ms) {
    return Timestamp::micros(ms * 1000);
}

// Keeps what it hears and decides nothing.
struct Listener final : BandwidthPort {
    void packets_sent(std::span<const SentPacket> packets) override {
        heard.insert(heard.end(), packets.begin(), packets.end());
    }
    void handle_remb(std::uint64_t, Timestamp, std::span<const std::uint32_t>) override {}
    void update_rtt(Duration, Timestamp) override {}
    void set_limit(std::uint64_t) override {}
    bool allocate(std::span<const VideoDemand>, std::span<VideoShare>, Timestamp) override {
        return false;
    }
    Timestamp next_deadline() const override { return Timestamp::never(); }
    bool deficient() const override { return false; }
    std::uint64_t target_bitrate() const override { return kUnlimitedCapacity; }
    void save(StateWriter&) const override {}
    void load(StateReader&) override {}
    std::vector<SentPacket> heard;
};

struct Filled {
    Filled(std::uint16_t first, std::size_t count, Duration apart = Duration::micros(100))
        : next(first), gap(apart) {
        push(count);
    }
    void push(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i, ++next, now = now + gap)
            history.push({now, next, static_cast<std::uint16_t>(100 + next % 7),
                          static_cast<std::uint8_t>(next % 3)});
    }
    SendHistory history;
    std::uint16_t next;
    Duration gap;
    Timestamp now = at_ms(1);
};

TEST_CASE("SendHistory: the last kMaxPackets are known, over the wrap of the numbers [BWE-30]") {
    constexpr std::size_t kMax = SendHistory::kMaxPackets;
    Filled f(65'000, kMax);
    const auto first = f.history.resolve(65'000, false);
    REQUIRE(first);
    CHECK(first->sent.at == at_ms(1));
    CHECK(first->sent.number == 65'000);
    CHECK(first->sent.bytes == 100 + 65'000 % 7);
    CHECK(first->sent.probe == 65'000 % 3);
    const auto last = static_cast<std::uint16_t>(65'000 + kMax - 1);
    CHECK(f.history.resolve(last, false)->sent.number == last);
    CHECK(f.history.resolve(last, true)->sent.at == f.now - f.gap);
    CHECK_FALSE(f.history.resolve(static_cast<std::uint16_t>(last + 1), true));
    f.push(1);
    CHECK_FALSE(f.history.resolve(65'000, false));
    CHECK(f.history.resolve(65'001, false));
    CHECK(f.history.capacity() == kMax);
}

TEST_CASE("SendHistory: is as long as what leaves in two seconds, 1 KB at least [BWE-30]") {
    SendHistory none;
    CHECK(none.capacity() == 0);
    CHECK_FALSE(none.resolve(0, true));
    const auto places = [](Duration apart) { return Filled(10, 10'000, apart).history.capacity(); };
    constexpr std::size_t kLeast = SendHistory::kLeastPackets;
    // 2 s of so many packets each fill the ring to its end, or not quite.
    CHECK(places(Duration::seconds(2) / kLeast) == kLeast);
    CHECK(places(Duration::seconds(2) / (kLeast + 1)) == 2 * kLeast);
    CHECK(places(Duration::millis(20)) == kLeast);  // 50 packets/s
    CHECK(places(Duration::millis(3)) == 1024);     // 333
    CHECK(places(Duration::zero()) == SendHistory::kMaxPackets);
    // What is known stays so while it grows.
    Filled f(65'500, kLeast, Duration::millis(5));
    f.push(1);
    CHECK(f.history.capacity() == 2 * kLeast);
    for (std::size_t i = 0; i <= kLeast; ++i) {
        const auto number = static_cast<std::uint16_t>(65'500 + i);
        const auto found = f.history.resolve(number, false);
        REQUIRE(found);
        CHECK(found->sent.number == number);
        CHECK(found->sent.at == at_ms(1 + 5 * static_cast<std::int64_t>(i)));
    }
}

TEST_CASE("SendHistory: times hold over hours") {
    Filled f(0, 3, Duration::seconds(3'000));
    for (std::uint16_t number = 1; number < 3; ++number)
        CHECK(f.history.resolve(number, false)->sent.at ==
              at_ms(1) + Duration::seconds(3'000) * number);
}

TEST_CASE("SendHistory: a packet is received once, and may be so after it passed for lost") {
    Filled f(10, 5);
    const auto lost = f.history.resolve(12, false);
    REQUIRE(lost);
    CHECK_FALSE(lost->received);
    CHECK_FALSE(lost->late);
    const auto found = f.history.resolve(12, true);
    REQUIRE(found);
    CHECK(found->received);
    CHECK(found->late);
    const auto at_once = f.history.resolve(13, true);
    REQUIRE(at_once);
    CHECK(at_once->received);
    CHECK_FALSE(at_once->late);
    CHECK_FALSE(f.history.resolve(12, true));
    CHECK_FALSE(f.history.resolve(12, false));
    CHECK_FALSE(f.history.resolve(9, true));  // never sent
    CHECK_FALSE(f.history.resolve(15, true));
}

TEST_CASE("SendHistory: a loss is told once, however often it is reported [BWE-30]") {
    Filled f(10, 300);
    CHECK(f.history.resolve(12, false));
    CHECK_FALSE(f.history.resolve(12, false));
    // What has its place later begins anew, and where the ring has grown since it is known still.
    f.push(SendHistory::kMaxPackets - 300);
    CHECK_FALSE(f.history.resolve(12, false));
    CHECK(f.history.resolve(12, true)->late);
    CHECK(f.history.resolve(14, false));
    f.push(10);
    const auto same_place = static_cast<std::uint16_t>(14 + SendHistory::kMaxPackets);
    REQUIRE(f.next > same_place);
    CHECK(f.history.resolve(same_place, false));
}

TEST_CASE("SendHistory: the port hears of each packet once, in order, over the end of the ring") {
    constexpr std::size_t kMax = SendHistory::kMaxPackets;
    Filled f(static_cast<std::uint16_t>(kMax - 3), 6);
    Listener port;
    f.history.tell(port);
    REQUIRE(port.heard.size() == 6);
    for (std::size_t i = 0; i < 6; ++i) {
        CHECK(port.heard[i].number == kMax - 3 + i);
        CHECK(port.heard[i].at == at_ms(1) + f.gap * static_cast<std::int64_t>(i));
        CHECK(port.heard[i].bytes == 100 + (kMax - 3 + i) % 7);
    }
    f.history.tell(port);
    CHECK(port.heard.size() == 6);
    f.push(200);
    f.history.tell(port);
    CHECK(port.heard.size() == 206);
    // What was not told in time is forgotten.
    f.push(kMax + 10);
    f.history.tell(port);
    CHECK(port.heard.size() == 206 + kMax);
    CHECK(port.heard.back().number == static_cast<std::uint16_t>(f.next - 1));
}

}  // namespace
}  // namespace confab::sfu
