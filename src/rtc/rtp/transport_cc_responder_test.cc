// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "rtc/rtp/transport_cc_responder.h"

#include <doctest/doctest.h>

#include <map>

#include "base/rng.h"
#include "wire/rtcp/rtcp.h"

namespace confab::rtp {
namespace {

Timestamp at_ms(std::int64_t ms) {
    return Timestamp::micros(ms * 1000);
}

// Calls it with every status of every report in `compound`.
template <typename Visit>
void each_status(BytesView compound, Visit visit) {
    wire::RtcpReader reader(compound);
    while (const auto block = reader.next()) {
        const auto feedback = wire::parse_transport_feedback(*block);
        REQUIRE(feedback.has_value());
        wire::TransportStatusCursor cursor(*feedback);
        while (const auto status = cursor.next())
            visit(*status);
    }
    CHECK_FALSE(reader.error().has_value());
}

TEST_CASE("TransportCcResponder: more than 20 held and 100 ms, or 50 ms behind a marker [IN-07]") {
    TransportCcResponder responder(7);
    for (std::uint16_t i = 0; i < 20; ++i)
        responder.received(at_ms(i), i, 1, false);
    CHECK_FALSE(responder.due(at_ms(500)));
    responder.received(at_ms(20), 20, 1, false);
    CHECK_FALSE(responder.due(at_ms(99)));
    CHECK(responder.due(at_ms(100)));
    responder.received(at_ms(21), 21, 1, true);
    CHECK_FALSE(responder.due(at_ms(49)));
    CHECK(responder.due(at_ms(50)));
    for (std::uint16_t i = 22; i <= 100; ++i)
        responder.received(at_ms(22), i, 1, false);
    CHECK(responder.due(at_ms(23)));
}

TEST_CASE("TransportCcResponder: reports every arrival once, over loss, reorder and wrap [IN-07]") {
    Rng rng(5);
    TransportCcResponder responder(7);
    std::map<std::uint16_t, std::int64_t> sent;
    std::map<std::uint16_t, Duration> reported;
    std::array<std::uint8_t, 1400> buffer{};
    std::uint16_t sequence = 65'300;
    for (int i = 0; i < 2000; ++i, ++sequence) {
        const std::int64_t ms = i * 3;
        if (rng.below(20) == 0) continue;  // lost
        responder.received(at_ms(ms), sequence, 1, i % 10 == 9);
        responder.received(at_ms(ms), sequence, 1, false);  // a duplicate
        sent[sequence] = ms;
        if (!responder.due(at_ms(ms))) continue;
        ByteWriter writer(buffer);
        CHECK(responder.write(at_ms(ms), writer));
        each_status(writer.written(), [&](const wire::TransportStatus& status) {
            if (status.received) reported[status.sequence] = status.arrival;
        });
    }
    CHECK(reported.size() + responder.held() == sent.size());
    for (const auto& [number, arrival] : reported)
        CHECK(std::abs(arrival.ms() % 1'000'000 - sent.at(number)) <= 1);
}

// The numbers that are told as lost.
std::vector<std::uint16_t> lost_of(BytesView compound) {
    std::vector<std::uint16_t> lost;
    each_status(compound, [&](const wire::TransportStatus& status) {
        if (!status.received) lost.push_back(status.sequence);
    });
    return lost;
}

TEST_CASE("TransportCcResponder: what is lost between two reports is told by the second [IN-07]") {
    TransportCcResponder responder(7);
    std::array<std::uint8_t, 1400> buffer{};
    const auto report = [&](std::int64_t ms, int first, int last) {
        for (int i = first; i <= last; ++i)
            responder.received(at_ms(ms), static_cast<std::uint16_t>(i), 1, false);
        ByteWriter writer(buffer);
        REQUIRE(responder.write(at_ms(ms), writer));
        return lost_of(writer.written());
    };
    CHECK(report(100, 65'500, 65'530).empty());  // nothing is known of what was before
    CHECK(report(200, 65'536, 65'560) ==
          std::vector<std::uint16_t>{65'531, 65'532, 65'533, 65'534, 65'535});
    // A straggler of what was told as lost comes with what is lost behind the last report.
    responder.received(at_ms(210), 65'533, 1, false);
    const auto late = report(300, 65'563, 65'590);
    CHECK(late.front() == 65'534);
    CHECK(late[late.size() - 2] == static_cast<std::uint16_t>(65'561));
    CHECK(late.back() == static_cast<std::uint16_t>(65'562));
    // After an outage: as many as a report takes beside what came.
    const auto outage = report(3'000, 70'000, 70'030);
    CHECK(outage.size() == wire::kMaxTransportStatuses / 2);
    CHECK(outage.back() == static_cast<std::uint16_t>(69'999));
}

TEST_CASE("TransportCcResponder: what it holds is bounded [IN-07][IMM-15]") {
    TransportCcResponder responder(7);
    for (int i = 0; i < 5000; ++i)
        responder.received(at_ms(0), static_cast<std::uint16_t>(i), 1, false);
    CHECK(responder.held() == TransportCcResponder::kMaxHeld);
}

}  // namespace
}  // namespace confab::rtp
