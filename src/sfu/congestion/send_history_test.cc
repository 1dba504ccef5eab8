// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/congestion/send_history.h"

#include <doctest/doctest.h>

#include <memory>
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
    std::vector<SentPacket> heard;
};

struct Filled {
    Filled(std::uint16_t first, std::size_t count) : next(first) { push(count); }
    void push(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i, ++next)
            history->push({at_ms(next), next, static_cast<std::uint16_t>(100 + next % 7), 0});
    }
    std::unique_ptr<SendHistory> history = std::make_unique<SendHistory>();
    std::uint16_t next;
};

TEST_CASE("SendHistory: the last kMaxPackets are known, over the wrap of the numbers") {
    constexpr std::size_t kMax = SendHistory::kMaxPackets;
    Filled f(65'000, kMax);
    const auto first = f.history->resolve(65'000, false);
    REQUIRE(first);
    CHECK(first->at == at_ms(65'000));
    CHECK(first->bytes == 100 + 65'000 % 7);
    const auto last = static_cast<std::uint16_t>(65'000 + kMax - 1);
    CHECK(f.history->resolve(last, false)->number == last);
    CHECK_FALSE(f.history->resolve(static_cast<std::uint16_t>(last + 1), true));
    f.push(1);
    CHECK_FALSE(f.history->resolve(65'000, false));
    CHECK(f.history->resolve(65'001, false));
}

TEST_CASE("SendHistory: a packet is received once, and may be so after it passed for lost") {
    Filled f(10, 5);
    CHECK(f.history->resolve(12, false));
    CHECK(f.history->resolve(12, false));
    CHECK(f.history->resolve(12, true));
    CHECK_FALSE(f.history->resolve(12, true));
    CHECK_FALSE(f.history->resolve(12, false));
    CHECK_FALSE(f.history->resolve(9, true));  // never sent
    CHECK_FALSE(f.history->resolve(15, true));
}

TEST_CASE("SendHistory: the port hears of each packet once, in order, over the end of the ring") {
    constexpr std::size_t kMax = SendHistory::kMaxPackets;
    Filled f(static_cast<std::uint16_t>(kMax - 3), 6);
    Listener port;
    f.history->tell(port);
    REQUIRE(port.heard.size() == 6);
    for (std::size_t i = 0; i < 6; ++i)
        CHECK(port.heard[i].number == kMax - 3 + i);
    f.history->tell(port);
    CHECK(port.heard.size() == 6);
    f.push(2);
    f.history->tell(port);
    CHECK(port.heard.size() == 8);
    // What was not told in time is forgotten.
    f.push(kMax + 10);
    f.history->tell(port);
    CHECK(port.heard.size() == 8 + kMax);
    CHECK(port.heard.back().number == static_cast<std::uint16_t>(f.next - 1));
}

}  // namespace
}  // namespace confab::sfu
