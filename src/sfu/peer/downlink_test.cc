// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/peer/downlink.h"

#include <doctest/doctest.h>

#include <vector>

#include "sfu/peer/downlink_testing.h"

namespace confab::sfu {
namespace {

using test::Sending;
using test::world_time;

TEST_CASE("Downlink: the port hears of each packet that left, with number, time and size") {
    Sending s(5);
    s.send(3, 500);
    s.send(2, 520);
    REQUIRE(s.port->sent.size() == 5);
    CHECK(s.port->calls == 2);
    for (std::size_t i = 0; i < 5; ++i) {
        const SentPacket& packet = s.port->sent[i];
        CHECK(packet.number == i);
        CHECK(packet.at == world_time(i < 3 ? 500 : 520));
        CHECK(packet.bytes * 5U == s.counters.rtp_bytes_out);
        CHECK(packet.probe == 0);
    }
    CHECK(s.counters.rtp_out == 5);
}

TEST_CASE("Downlink: packets without transport-wide numbers are not remembered") {
    Sending s(0);
    s.send(3, 500);
    CHECK(s.counters.rtp_out == 3);
    CHECK(s.port->sent.empty());
    s.report(0, {true, true, true});
    CHECK(s.port->results.empty());
}

TEST_CASE("Downlink: what is queued for a probe carries its cluster") {
    Sending s(5);
    s.send(1, 500);
    s.downlink.set_probe(7);
    s.send(2, 510);
    s.downlink.set_probe(0);
    s.send(1, 520);
    REQUIRE(s.port->sent.size() == 4);
    CHECK(s.port->sent[0].probe == 0);
    CHECK(s.port->sent[1].probe == 7);
    CHECK(s.port->sent[2].probe == 7);
    CHECK(s.port->sent[3].probe == 0);
}

TEST_CASE("Downlink: transport feedback is put to the packets it is about [IN-51]") {
    Sending s(5);
    s.send(5, 500);
    s.report(0, {true, false, true});
    REQUIRE(s.port->results.size() == 3);
    CHECK(s.port->results[0].received);
    CHECK_FALSE(s.port->results[1].received);
    CHECK(s.port->results[2].sent.number == 2);
    CHECK(s.port->results[2].sent.at == world_time(500));
    CHECK(s.port->results[2].arrival - s.port->results[0].arrival == Duration::millis(20));
    // Once more, with what was under way: only news is told.
    s.report(0, {true, true, true, true});
    REQUIRE(s.port->results.size() == 5);
    CHECK(s.port->results[3].sent.number == 1);
    CHECK(s.port->results[4].sent.number == 3);
}

TEST_CASE("Downlink: feedback on what was never sent tells nothing [IN-51]") {
    Sending s(5);
    s.send(2, 500);
    s.report(40, std::vector<bool>(100, true));
    CHECK(s.port->results.empty());
}

TEST_CASE("Downlink: more feedback than one call takes is told whole [IN-51]") {
    Sending s(5);
    s.send(300, 500);
    s.report(0, std::vector<bool>(300, true));
    REQUIRE(s.port->results.size() == 300);
    CHECK(s.port->results.back().sent.number == 299);
}

TEST_CASE("Downlink: the port shares among the video that wants something, and hears the rtt") {
    Sending s(5);
    s.port->cap = {0, 1};
    CHECK(s.downlink.allocate(world_time(1)));
    CHECK(s.port->demanded == 1);
    s.downlink.stop_demanding(s.outbound->down_track);
    (void)s.downlink.allocate(world_time(2));
    CHECK(s.port->demanded == 0);
    s.downlink.update_rtt(Duration::millis(33), world_time(3));
    CHECK(s.port->last_rtt == Duration::millis(33));
    CHECK(s.outbound->down_track.rtt() == Duration::millis(33));
}

TEST_CASE("Downlink: sender reports and the port's deadline, none without down-tracks [FWD-10]") {
    Sending s(5);
    CHECK_FALSE(s.downlink.reports_due(world_time(60'000)));
    s.downlink.start_reports(world_time(0));
    CHECK(s.downlink.next_deadline() == world_time(0) + Downlink::kSenderReportInterval);
    s.port->deadline = world_time(70);
    CHECK(s.downlink.next_deadline() == world_time(70));
    s.port->deadline = Timestamp::never();
    CHECK(s.downlink.find_by_ssrc(500) == s.outbound);
    s.downlink.remove(s.outbound->down_track);
    CHECK(s.downlink.find_by_ssrc(500) == nullptr);
    CHECK(s.downlink.next_deadline().is_never());
}

TEST_CASE("Downlink: beyond kMaxPending packets of a turn are dropped and counted") {
    Sending s(0);
    for (std::size_t i = 0; i <= Downlink::kMaxPending; ++i)
        (void)s.downlink.enqueue({{}, {}, {}, {}, &s.outbound->down_track.extensions()});
    CHECK(s.counters.dropped_full == 1);
}

}  // namespace
}  // namespace confab::sfu
