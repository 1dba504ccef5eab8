// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/metrics/metrics_collector.h"

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <string>
#include <vector>

#include "sfu/data/data_packet.h"
#include "sfu/metrics/metrics_testing.h"

namespace confab::sfu {
namespace {

using test::metrics_of;
using test::ReadMessage;
using Lines = std::vector<std::string>;

constexpr RoomId kRoom = RoomId(1);
constexpr RoomId kOther = RoomId(2);
constexpr MemberId kAlice = MemberId(1);
constexpr MemberId kBob = MemberId(2);
constexpr UnixTime kWall = UnixTime::seconds(1'700'000'000);

Timestamp at(std::int64_t ms) {
    return Timestamp() + Duration::millis(ms);
}
constexpr RoundTrips trips(std::int64_t publisher_ms, std::int64_t subscriber_ms) {
    return {Duration::millis(publisher_ms), Duration::millis(subscriber_ms)};
}
constexpr MetricsCollector::Options intervals(std::int64_t sampling_ms, std::int64_t batch_ms) {
    return {Duration::millis(sampling_ms), Duration::millis(batch_ms)};
}

// "room" with s for samples, b for a batch, for each.
Lines due(MetricsCollector& collector, std::int64_t ms) {
    Lines lines;
    for (const MetricsCollector::Due& one : collector.take_due(at(ms)))
        lines.push_back(std::to_string(one.room.value()) + (one.sample ? "s" : "") +
                        (one.batch ? "b" : ""));
    return lines;
}

// Times of all that is due until then, of one room.
Lines run(MetricsCollector& collector, std::int64_t until_ms) {
    Lines lines;
    while (collector.next_deadline() <= at(until_ms)) {
        const std::int64_t ms = (collector.next_deadline() - Timestamp()).ms();
        for (const std::string& one : due(collector, ms))
            lines.push_back(std::to_string(ms) + one.substr(1));
    }
    return lines;
}

struct Value {
    std::int64_t ms = 0;   // by the first clock
    std::int64_t our = 0;  // by ours
    double value = 0;
};
std::vector<Value> values(const ReadMessage& series) {
    std::vector<Value> found;
    for (const std::string& one : series.all(4)) {
        const ReadMessage sample(as_bytes(one));
        const ReadMessage ours = sample.message(2);
        const std::string bytes = sample.text(3);
        REQUIRE(bytes.size() == 4);
        std::uint32_t bits = 0;
        for (std::size_t i = 0; i < 4; ++i)
            bits |= std::uint32_t{static_cast<std::uint8_t>(bytes[i])} << (8 * i);
        found.push_back(
            {static_cast<std::int64_t>(sample.value(1)),
             static_cast<std::int64_t>(ours.value(1) * 1000 + ours.value(2) / 1'000'000),
             double{std::bit_cast<float>(bits)}});
    }
    return found;
}

}  // namespace

TEST_CASE("MetricsCollector: looks each interval, tells each longer one [SIG-124]") {
    MetricsCollector collector({});
    CHECK(collector.next_deadline().is_never());
    collector.start(at(500), kRoom);
    collector.start(at(600), kRoom);  // is known
    CHECK(due(collector, 3'499).empty());
    CHECK(run(collector, 21'000) ==
          Lines{"3500s", "6500s", "9500s", "10500b", "12500s", "15500s", "18500s", "20500b"});
    collector.stop(kRoom);
    CHECK(collector.next_deadline().is_never());
    collector.stop(kRoom);
}

TEST_CASE("MetricsCollector: at the same moment samples are for the batch [SIG-124]") {
    MetricsCollector collector(intervals(200, 400));
    collector.start(at(0), kRoom);
    collector.start(at(100), kOther);
    CHECK(due(collector, 200) == Lines{"1s"});
    CHECK(due(collector, 300) == Lines{"2s"});
    CHECK(due(collector, 400) == Lines{"1sb"});
    // What was missed is left out.
    CHECK(due(collector, 2'000) == Lines{"2sb", "1sb"});
    CHECK(collector.next_deadline() == at(2'200));
    CHECK(due(collector, 2'200).size() == 2);
}

TEST_CASE("MetricsCollector: intervals that are too short, too long, or none [SIG-124]") {
    const auto first = [](const MetricsCollector::Options& options) {
        MetricsCollector collector(options);
        collector.start(at(0), kRoom);
        return run(collector, 6'000).front();
    };
    CHECK(first(intervals(0, 10'000)) == "3000s");
    CHECK(first(intervals(0, 0)) == "3000sb");
    CHECK(first(intervals(1, 10'000)) == "100s");
    CHECK(first(intervals(5'000, 100)) == "5000sb");
    MetricsCollector rare(intervals(100, 4'000'000'000));
    rare.start(at(0), kRoom);
    const Lines all = run(rare, 50'000);
    CHECK(all.size() == MetricsCollector::kMaxSamples);
    CHECK(all.back() == "50000sb");
}

TEST_CASE("MetricsCollector: a batch names who was measured, by our clock [SIG-124]") {
    MetricsCollector collector({});
    collector.start(at(0), kRoom);
    const auto wall = [](std::int64_t ms) { return kWall + Duration::millis(ms); };
    collector.add(kRoom, kAlice, "alice", wall(3'000), trips(40, 25));
    collector.add(kRoom, kBob, "bob", wall(3'000), {{}, Duration::micros(1'500)});
    collector.add(kRoom, MemberId(3), "carol", wall(3'000), {});  // nothing is known
    collector.add(kRoom, kAlice, "alice", wall(6'250), {Duration::millis(60), {}});
    collector.add(kOther, kAlice, "alice", wall(6'250), trips(1, 1));  // nobody hears it
    CHECK(collector.take(kOther, wall(10'000)).empty());
    const std::vector<Bytes> packets = collector.take(kRoom, wall(10'000));
    REQUIRE(packets.size() == 1);
    CHECK(metrics_of(packets[0]) == Lines{"17 alice - - x2", "19 alice - - x1", "19 bob - - x1"});
    const ReadMessage packet(packets[0]);
    CHECK_FALSE(packet.has(4));  // it is nobody's
    CHECK_FALSE(packet.has(16));
    const ReadMessage batch = packet.message(8);
    CHECK(batch.value(1) == 1'700'000'010'000);
    CHECK(batch.message(2).value(1) == 1'700'000'010);
    const std::vector<Value> alice = values(ReadMessage(as_bytes(batch.all(4)[0])));
    REQUIRE(alice.size() == 2);
    CHECK(alice[0].ms == 1'700'000'003'000);
    CHECK(alice[0].our == alice[0].ms);
    CHECK(std::abs(alice[0].value - 0.040) < 1e-6);  // seconds
    CHECK(alice[1].ms == 1'700'000'006'250);
    CHECK(alice[1].our == alice[1].ms);
    CHECK(std::abs(alice[1].value - 0.060) < 1e-6);
    const std::vector<Value> bob = values(ReadMessage(as_bytes(batch.all(4)[2])));
    CHECK(std::abs(bob.at(0).value - 0.0015) < 1e-7);
    CHECK(collector.take(kRoom, wall(20'000)).empty());  // was told
}

TEST_CASE("MetricsCollector: nothing of who went, nor of before nobody heard [SIG-124]") {
    MetricsCollector collector({});
    collector.start(at(0), kRoom);
    collector.add(kRoom, kAlice, "alice", kWall, trips(1, 1));
    collector.add(kRoom, kBob, "bob", kWall, trips(1, 1));
    collector.forget(kRoom, kAlice);
    collector.forget(kOther, kBob);
    const std::vector<Bytes> packets = collector.take(kRoom, kWall);
    REQUIRE(packets.size() == 1);
    CHECK(metrics_of(packets[0]) == Lines{"17 bob - - x1", "19 bob - - x1"});
    collector.add(kRoom, kBob, "bob", kWall, trips(1, 1));
    collector.stop(kRoom);
    collector.start(at(0), kRoom);
    CHECK(collector.take(kRoom, kWall).empty());
}

TEST_CASE("MetricsCollector: many with many samples make packets, none too large [SIG-124]") {
    MetricsCollector collector(intervals(100, 50'000));
    collector.start(at(0), kRoom);
    constexpr std::size_t kMembers = 100;
    for (std::size_t sample = 0; sample < 600; ++sample)
        for (std::size_t i = 0; i < kMembers; ++i)
            collector.add(kRoom, MemberId(i + 1), "p" + std::to_string(i), kWall, trips(5, 5));
    // Nor does a name that fits nowhere keep the others out.
    collector.add(kRoom, kAlice, std::string(kMaxDataPacketBytes, 'a'), kWall, trips(5, 5));
    std::size_t samples = 0;
    for (const Bytes& packet : collector.take(kRoom, kWall)) {
        CHECK(packet.size() <= kMaxDataPacketBytes);
        for (const std::string& series : ReadMessage(packet).message(8).all(4))
            samples += ReadMessage(as_bytes(series)).all(4).size();
    }
    CHECK(samples == 2 * (kMembers - 1) * std::size_t{MetricsCollector::kMaxSamples});
    CHECK(collector.dropped() == 2);
}

}  // namespace confab::sfu
