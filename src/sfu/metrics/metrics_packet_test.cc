// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/metrics/metrics_packet.h"

#include <doctest/doctest.h>

#include <limits>
#include <string>

#include "sfu/data/data_packet_testing.h"

namespace confab::sfu {
namespace {

using test::ReadMessage;
using test::WireMessage;

constexpr std::int64_t kDayMs = 1'700'000'000'123;
constexpr Duration kShift = Duration::micros(-2'000'500);

Bytes packet_of(const WireMessage& batch) {
    return WireMessage().message(8, batch).varint(16, 5).encoded();
}

ReadMessage batch_in(const Bytes& packet) {
    return ReadMessage(packet).message(8);
}

// "seconds.nanos" of a Timestamp, "-" where there is none.
std::string time_in(const ReadMessage& message, unsigned number) {
    if (!message.has(number)) return "-";
    const ReadMessage time = message.message(number);
    return std::to_string(static_cast<std::int64_t>(time.value(1))) + "." +
           std::to_string(time.value(2));
}

// How a batch with this time has it by our clock.
std::string ours(std::int64_t ms, Duration shift = Duration::zero()) {
    const auto batch = WireMessage().varint(1, static_cast<std::uint64_t>(ms));
    const auto packet = normalize_metrics(packet_of(batch), shift);
    REQUIRE(packet);
    CHECK(static_cast<std::int64_t>(batch_in(*packet).value(1)) == ms);
    return time_in(batch_in(*packet), 2);
}

WireMessage sample(std::uint64_t ms) {
    return WireMessage().varint(1, ms).fixed32(3);
}

}  // namespace

TEST_CASE("Metrics: every time stands there by our clock, too [SIG-124]") {
    WireMessage series;
    series.varint(1, 3)
        .message(4, sample(kDayMs - 1'000))
        .varint(2, 4096)
        .message(4, sample(kDayMs));
    WireMessage event;
    event.varint(1, 4).varint(4, kDayMs).varint(5, kDayMs + 1'000).text(8, "meta");
    WireMessage batch;
    batch.varint(1, kDayMs).text(3, "alice").message(4, series).message(5, event).varint(90, 7);
    const auto packet = normalize_metrics(packet_of(batch), kShift);
    REQUIRE(packet);
    CHECK(ReadMessage(*packet).value(16) == 5);
    const ReadMessage read = batch_in(*packet);
    CHECK(read.value(1) == kDayMs);
    CHECK(time_in(read, 2) == "1699999998.122500000");
    CHECK(read.text(3) == "alice");
    CHECK(read.value(90) == 7);
    const ReadMessage in_series = read.message(4);
    CHECK(in_series.value(1) == 3);
    CHECK(in_series.value(2) == 4096);
    const auto samples = in_series.all(4);
    REQUIRE(samples.size() == 2);
    CHECK(time_in(ReadMessage(as_bytes(samples[0])), 2) == "1699999997.122500000");
    CHECK(time_in(ReadMessage(as_bytes(samples[1])), 2) == "1699999998.122500000");
    CHECK(ReadMessage(as_bytes(samples[1])).text(3) == "2222");
    const ReadMessage in_event = read.message(5);
    CHECK(in_event.text(8) == "meta");
    CHECK(time_in(in_event, 6) == "1699999998.122500000");
    CHECK(time_in(in_event, 7) == "1699999999.122500000");
}

TEST_CASE("Metrics: what the sender says of our clock is left out [SIG-124]") {
    const WireMessage lie = WireMessage().varint(1, 1);
    const WireMessage series =
        WireMessage().message(4, WireMessage().message(2, lie).varint(1, 2'000));
    const WireMessage event = WireMessage().message(6, lie).message(7, lie).varint(4, 3'000);
    const WireMessage batch = WireMessage().message(2, lie).message(4, series).message(5, event);
    const auto packet = normalize_metrics(packet_of(batch), Duration::seconds(1));
    REQUIRE(packet);
    const ReadMessage read = batch_in(*packet);
    CHECK(time_in(read, 2) == "-");
    CHECK(time_in(read.message(4).message(4), 2) == "3.0");
    CHECK(time_in(read.message(5), 6) == "4.0");
    CHECK(time_in(read.message(5), 7) == "-");
}

TEST_CASE("Metrics: a field that only has the number of our times is passed on [SIG-124]") {
    const auto packet =
        normalize_metrics(packet_of(WireMessage().varint(2, 77)), Duration::seconds(1));
    REQUIRE(packet);
    CHECK(batch_in(*packet).value(2) == 77);
}

TEST_CASE("Metrics: times that are none, or of no calendar, get no other [SIG-124]") {
    constexpr std::int64_t kFirst = -62'135'596'800'000, kLast = 253'402'300'799'000;
    CHECK(ours(0) == "-");
    CHECK(ours(1) == "0.1000000");
    CHECK(ours(-1) == "-1.999000000");
    CHECK(ours(kFirst) == "-62135596800.0");
    CHECK(ours(kFirst - 1) == "-");
    CHECK(ours(kLast) == "253402300799.0");
    CHECK(ours(kLast + 1) == "-");
    CHECK(ours(kLast, Duration::seconds(1)) == "-");
    CHECK(ours(kFirst, Duration::micros(-1)) == "-");
    CHECK(ours(std::numeric_limits<std::int64_t>::max()) == "-");
    CHECK(ours(std::numeric_limits<std::int64_t>::min()) == "-");
    // The furthest shift that two such times can make.
    CHECK(ours(kLast, Duration::millis(kFirst - kLast)) == "-62135596800.0");
}

TEST_CASE("Metrics: when a batch was sent, the last time counts [SIG-124]") {
    const auto sent = [](const WireMessage& packet) {
        return metrics_sent_at(packet.encoded()).value();
    };
    const auto batch = [](std::uint64_t ms) { return WireMessage().varint(1, ms); };
    CHECK(sent(WireMessage().message(8, batch(5))) == UnixTime::millis(5));
    CHECK(sent(WireMessage().message(8, batch(5)).message(8, batch(6))) == UnixTime::millis(6));
    CHECK_FALSE(sent(WireMessage().message(8, batch(0))));
    CHECK_FALSE(sent(WireMessage().message(8, WireMessage().text(1, "text"))));
    CHECK_FALSE(sent(WireMessage().message(2, batch(5))));
    CHECK_FALSE(sent(WireMessage().varint(8, 5)));
}

TEST_CASE("Metrics: what does not scan, at any depth, is refused [SIG-124]") {
    const Bytes cut{0x0A, 0x05};  // a text of five octets, and none
    for (const Bytes& packet :
         {cut, WireMessage().bytes(8, cut).encoded(), packet_of(WireMessage().bytes(4, cut)),
          packet_of(WireMessage().message(4, WireMessage().bytes(4, cut))),
          packet_of(WireMessage().bytes(5, cut))}) {
        const auto refused = normalize_metrics(packet, Duration::zero());
        REQUIRE_FALSE(refused);
        CHECK(refused.error() == DataError::kMalformed);
    }
    CHECK_FALSE(metrics_sent_at(cut));
    CHECK_FALSE(metrics_sent_at(WireMessage().bytes(8, cut).encoded()));
}

}  // namespace confab::sfu
