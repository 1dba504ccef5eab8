// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/roster/broadcaster.h"

#include <doctest/doctest.h>

namespace confab::room {

namespace {

Timestamp at_ms(std::int64_t ms) {
    return Timestamp::micros(ms * 1000);
}

livekit::ParticipantInfo info(const std::string& sid, const std::string& identity,
                              std::uint32_t version, std::int64_t joined = 0) {
    livekit::ParticipantInfo result;
    result.set_sid(sid);
    result.set_identity(identity);
    result.set_version(version);
    result.set_joined_at_ms(joined);
    return result;
}

}  // namespace

TEST_CASE("Broadcaster: batches to the tick, publishers at once [SIG-131]") {
    Broadcaster broadcaster(at_ms(0), Duration::seconds(3));
    CHECK(broadcaster.next_deadline().is_never());
    CHECK(broadcaster.push(at_ms(1), info("PA_1", "a", 1), false).empty());
    CHECK(broadcaster.next_deadline() == at_ms(3'000));
    CHECK(broadcaster.poll_batch(at_ms(2'999)).empty());
    // An immediate update takes the waiting one with it; an older version is dropped.
    CHECK(broadcaster.push(at_ms(1), info("PA_1", "a", 3), true).size() == 1);
    CHECK(broadcaster.poll_batch(at_ms(3'000)).empty());
    // Ticks stay aligned to the creation of the room after a pause.
    CHECK(broadcaster.push(at_ms(15'100), info("PA_1", "a", 5), false).empty());
    CHECK(broadcaster.next_deadline() == at_ms(18'000));
    CHECK(broadcaster.push(at_ms(15'200), info("PA_1", "a", 4), true).empty());
    const auto batch = broadcaster.poll_batch(at_ms(18'500));
    REQUIRE(batch.size() == 1);
    CHECK(batch[0].version() == 5);
}

TEST_CASE(
    "Broadcaster: an identity that comes back is told at once, whatever clocks say [SIG-133]") {
    for (const std::int64_t joined : {200, 100, 99, 0}) {
        CAPTURE(joined);
        Broadcaster broadcaster(at_ms(0), Duration::seconds(3));
        CHECK(broadcaster.push(at_ms(1), info("PA_1", "a", 3, 100), false).empty());
        const auto updates = broadcaster.push(at_ms(1), info("PA_2", "a", 1, joined), false);
        REQUIRE(updates.size() == 2);
        CHECK(updates[0].legacy_only);
        CHECK(updates[0].info.sid() == "PA_1");
        CHECK(updates[0].info.state() == livekit::ParticipantInfo::DISCONNECTED);
        CHECK(updates[1].info.sid() == "PA_2");
        CHECK_FALSE(updates[1].legacy_only);
    }
}

TEST_CASE("Broadcaster: a publisher's end is told at once, its next session waits [SIG-133]") {
    for (const bool hidden : {false, true}) {
        CAPTURE(hidden);
        Broadcaster broadcaster(at_ms(0), Duration::seconds(3));
        livekit::ParticipantInfo old = info("PA_1", "a", 3);
        old.set_is_publisher(true);
        CHECK(broadcaster.push(at_ms(1), std::move(old), false).empty());
        livekit::ParticipantInfo next = info("PA_2", "a", 1);
        next.mutable_permission()->set_hidden(hidden);
        const auto updates = broadcaster.push(at_ms(1), next, false);
        REQUIRE(updates.size() == 1);
        CHECK(updates[0].legacy_only != hidden);
        CHECK(updates[0].info.sid() == "PA_1");
        CHECK(updates[0].info.state() == livekit::ParticipantInfo::DISCONNECTED);
        CHECK(broadcaster.next_deadline() == at_ms(3'000));
        // What follows before the tick takes its place.
        next.set_version(2);
        const auto more = broadcaster.push(at_ms(200), std::move(next), true);
        REQUIRE(more.size() == 1);
        CHECK(more[0].info.sid() == "PA_2");
        CHECK(more[0].info.version() == 2);
        CHECK_FALSE(more[0].legacy_only);
        CHECK(broadcaster.poll_batch(at_ms(3'000)).empty());
    }
}

}  // namespace confab::room
