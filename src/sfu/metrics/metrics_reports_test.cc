// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/metrics/metrics_reports.h"

#include <doctest/doctest.h>

#include "sfu/metrics/metrics_testing.h"

namespace confab::sfu {
namespace {

using test::metrics_of;
using test::ReadMessage;
using test::WireMessage;
using Lines = std::vector<std::string>;

constexpr RoomId kRoom = RoomId(1);
constexpr RoomId kOther = RoomId(2);
constexpr UnixTime kWall = UnixTime::seconds(1'700'000'000);

Timestamp at(std::int64_t ms) {
    return Timestamp() + Duration::millis(ms);
}

Bytes packet(const std::string& sender, std::uint64_t label) {
    return WireMessage()
        .text(4, sender)
        .message(8, WireMessage().message(4, WireMessage().varint(1, label)))
        .encoded();
}

}  // namespace

TEST_CASE("MetricsReports: what comes in an interval is one report [SIG-124]") {
    MetricsReports reports(Duration::millis(500));
    CHECK(reports.enabled());
    CHECK(reports.next_deadline().is_never());
    CHECK(reports.add(at(100), kRoom, packet("alice", 3), kWall).empty());
    CHECK(reports.add(at(200), kOther, packet("carol", 5), kWall).empty());
    CHECK(reports.add(at(599), kRoom, packet("bob", 4), kWall).empty());
    CHECK(reports.next_deadline() == at(600));
    CHECK(reports.take_due(at(599), kWall).empty());
    const auto due = reports.take_due(at(600), kWall);
    REQUIRE(due.size() == 1);
    CHECK(due[0].room == kRoom);
    CHECK(metrics_of(due[0].packet) == Lines{"3 alice - - x0", "4 bob - - x0"});
    const ReadMessage read(due[0].packet);
    CHECK_FALSE(read.has(4));  // it is nobody's
    CHECK(read.message(8).value(1) == 1'700'000'000'000);
    CHECK(read.message(8).message(2).value(1) == 1'700'000'000);
    CHECK(reports.next_deadline() == at(700));
    CHECK(metrics_of(reports.take_due(at(9'000), kWall).at(0).packet) == Lines{"5 carol - - x0"});
    CHECK(reports.next_deadline().is_never());
    (void)reports.add(at(10'000), kRoom, packet("bob", 4), kWall);
    CHECK(reports.next_deadline() == at(10'500));
}

TEST_CASE("MetricsReports: a room that is gone, or said nothing, has none [SIG-124]") {
    MetricsReports reports(Duration::millis(500));
    (void)reports.add(at(0), kRoom, packet("alice", 3), kWall);
    reports.forget(kOther);
    CHECK(reports.next_deadline() == at(500));
    reports.forget(kRoom);
    CHECK(reports.next_deadline().is_never());
    for (const Bytes& nothing : {Bytes(), WireMessage().text(8, "").encoded(), Bytes{0x42, 0x05}})
        CHECK(reports.add(at(0), kRoom, nothing, kWall).empty());
    CHECK(reports.next_deadline().is_never());
}

TEST_CASE("MetricsReports: the interval has a least value, zero is none [SIG-124]") {
    const auto first = [](std::int64_t interval) {
        MetricsReports reports(Duration::millis(interval));
        (void)reports.add(at(0), kRoom, packet("alice", 3), kWall);
        return reports.next_deadline();
    };
    for (const std::int64_t small : {1, 99, 100})
        CHECK(first(small) == at(100));
    CHECK(first(101) == at(101));
    CHECK_FALSE(MetricsReports(Duration::zero()).enabled());
}

TEST_CASE("MetricsReports: a report that is full goes at once [SIG-124]") {
    MetricsReports reports(Duration::millis(500));
    std::vector<Bytes> full;
    std::size_t added = 0;
    for (; full.empty() && added < 100'000; ++added)
        full = reports.add(at(0), kRoom, packet("alice", 3), kWall);
    REQUIRE(full.size() == 1);
    CHECK(full[0].size() <= kMaxDataPacketBytes);
    CHECK(full[0].size() > kMaxDataPacketBytes - 128);
    CHECK(metrics_of(full[0]).size() == added - 1);
    const auto due = reports.take_due(at(500), kWall);
    REQUIRE(due.size() == 1);
    CHECK(metrics_of(due[0].packet).size() == 1);
    CHECK(reports.dropped() == 0);
    const WireMessage event = WireMessage().text(8, std::string(65'500, 'm'));
    (void)reports.add(at(0), kRoom,
                      WireMessage().message(8, WireMessage().message(5, event)).encoded(), kWall);
    CHECK(reports.dropped() == 1);
    CHECK(reports.next_deadline().is_never());
}

TEST_CASE("MetricsReports: one packet fills so many at most [SIG-124]") {
    constexpr std::size_t kMost = MetricsPacker::kMaxParts;
    for (const std::size_t filled : {kMost - 1, kMost, kMost + 1}) {
        CAPTURE(filled);
        MetricsReports reports(Duration::millis(500));
        WireMessage packet;
        for (std::size_t i = 0; i <= filled; ++i)
            packet.message(8, WireMessage()
                                  .text(3, std::to_string(i) + std::string(40'000, 's'))
                                  .message(4, WireMessage().varint(1, 3).varint(2, test::kText)));
        CHECK(reports.add(at(0), kRoom, packet.encoded(), kWall).size() == std::min(filled, kMost));
        CHECK(reports.dropped() == (filled > kMost ? 1 : 0));
    }
}

}  // namespace confab::sfu
