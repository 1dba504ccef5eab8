// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "console/joins.h"

#include <doctest/doctest.h>

#include "console/rates.h"

namespace confab::console {
namespace {

std::uint64_t count_of(const JoinCounts& joins, std::string_view reason) {
    for (const JoinCounts::Refused& one : joins.refused)
        if (one.reason == reason) return one.count;
    return 0;
}

}  // namespace

TEST_CASE("Joins: each step of the funnel is counted once") {
    JoinCounts joins;
    using State = room::JoinState;
    for (const State state : {State::kInit, State::kConnected, State::kActive, State::kSuccess,
                              State::kInit, State::kFailure, State::kInit, State::kCanceled})
        joins.note(room::JoinReached{state});
    joins.note(room::QualitySeen{{livekit::GOOD, 3}});
    joins.note(room::QualitySeen{{livekit::EXCELLENT, 4}});
    joins.note(room::RoomOver{});
    CHECK(joins.admitted == 3);
    CHECK(joins.connected == 1);
    CHECK(joins.failed == 1);
    CHECK(joins.canceled == 1);
    CHECK(joins.qualities == 2);
    CHECK(joins.quality_sum == 7);
    joins.refuse("a");
    joins.refuse("b");
    joins.refuse("a");
    CHECK(joins.refusals() == 3);
    CHECK(joins.attempted() == 6);
    CHECK(count_of(joins, "a") == 2);
}

TEST_CASE("Joins: counts of threads add up, whatever the order of their reasons") {
    JoinCounts one;
    one.admitted = 1;
    one.refuse("a", 2);
    one.refuse("b", 3);
    JoinCounts other;
    other.admitted = 4;
    other.connected = 2;
    other.refuse("b", 5);
    one.merge(other);
    CHECK(one.admitted == 5);
    CHECK(one.connected == 2);
    CHECK(count_of(one, "a") == 2);
    CHECK(count_of(one, "b") == 8);
}

TEST_CASE("Joins: more reasons than there is place for lose no refusal") {
    JoinCounts joins;
    std::vector<std::string> reasons;
    reasons.reserve(2 * JoinCounts::kMaxReasons);
    for (std::size_t i = 0; i < 2 * JoinCounts::kMaxReasons; ++i)
        reasons.push_back(std::to_string(i));
    for (const std::string& reason : reasons)
        joins.refuse(reason);
    CHECK(joins.refusals() == 2 * JoinCounts::kMaxReasons);
}

TEST_CASE("Joins: a refusal has the reason that its client was told, without details") {
    CHECK(refusal_reason(401, "invalid API key: devkey") == "invalid API key");
    CHECK(refusal_reason(401, "invalid authorization token: token signature is invalid: …") ==
          "token signature is invalid");
    CHECK(refusal_reason(401, "invalid authorization token") == "invalid authorization token");
    CHECK(refusal_reason(401, "permissions denied") == "permissions denied");
    CHECK(refusal_reason(404, "requested room does not exist") == "requested room does not exist");
    CHECK(refusal_reason(403, "the room is full (max_participants is 2)") == "the room is full");
    CHECK(refusal_reason(429, "too many join this room now, try again in 3 s") ==
          "too many join this room now");
    CHECK(refusal_reason(500, "who knows") == "another reason");
}

TEST_CASE("Rates: per second between two looks, and none before the second") {
    RateMeter meter;
    const auto at = [](std::int64_t ms, std::uint64_t count, std::uint64_t busy_us) {
        return WorkerCounters{
            Timestamp::micros(ms * 1000), count, 2 * count, 3 * count, 4 * count, busy_us};
    };
    CHECK(meter.look(at(1000, 1000, 0)).bytes_in == 0);
    // Within the second nothing new is known.
    CHECK(meter.look(at(1500, 5000, 0)).packets_in == 0);
    const WorkerRates rates = meter.look(at(3000, 2000, 500'000));
    CHECK(rates.packets_in == 500);
    CHECK(rates.packets_out == 1000);
    CHECK(rates.bytes_in == 1500);
    CHECK(rates.bytes_out == 2000);
    CHECK(rates.load == 0.25);
    CHECK(meter.look(at(3200, 9000, 0)).packets_in == 500);
    // A counter that began anew.
    CHECK(meter.look(at(5000, 10, 0)).packets_in == 0);
}

}  // namespace confab::console
