// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Worlds that are not as they should be: each check finds what it is for.

#include "sim/world/checks.h"

#include <doctest/doctest.h>

#include "sim/world/world_testing.h"

namespace confab::sim {
namespace {

using testing::TwoPeople;
using Texts = std::vector<std::string>;

bool contains(const Texts& texts, const std::string& part) {
    return std::ranges::any_of(
        texts, [&](const std::string& text) { return text.find(part) != text.npos; });
}

TEST_CASE("Checks: find nothing where all is well") {
    TwoPeople t;
    check_empty(t.world);
    t.connect();
    check_present(t.world);
    check_rosters(t.world);
    check_flow(t.world, true);
    check_flow_of(t.world, 0, false);
    CHECK(t.noted() == Texts{});
}

TEST_CASE("Checks: who is not connected is not present") {
    TwoPeople t;
    t.apply(StepKind::kJoin, 0);
    check_present(t.world);
    CHECK(t.noted() == Texts{"client 0: not connected after all links healed"});
    check_flow_of(t.world, 0, true);
    check_flow_of(t.world, 1, true);
    CHECK(t.noted() == Texts{"client 0: not connected in time", "client 1: not connected in time"});
}

TEST_CASE("Checks: rosters agree with who is there, and with each other") {
    TwoPeople t;
    t.connect();
    SUBCASE("a client that the server misses") {
        t.apply(StepKind::kKill, 1, 1);
        check_rosters(t.world);
        CHECK(t.noted() == Texts{"the server keeps client-1, who is gone"});
    }
    SUBCASE("one whose departure the other has not heard of") {
        t.apply(StepKind::kRemove, 1);
        t.run(Duration::millis(1));
        check_rosters(t.world);
        const Texts texts = t.noted();
        CHECK(contains(texts, "the server does not know client-1"));
        CHECK(contains(texts, "client 0: sees client-1, who is not there"));
    }
    SUBCASE("metadata that the other has not heard of") {
        t.apply(StepKind::kMetadata, 1);
        check_rosters(t.world);
        const Texts texts = t.noted();
        REQUIRE(texts.size() == 1);
        CHECK(contains(texts, "client 0: sees [client-1 "));
    }
}

TEST_CASE("Checks: what should flow, flows") {
    TwoPeople t;
    t.connect();
    t.steps.apply(outage(0, 0, 5000, kCutUdp | kCutTcp));
    t.run(Duration::seconds(2));
    check_flow(t.world, true);
    const Texts texts = t.noted();
    CHECK(texts.size() == 2);
    CHECK(contains(texts, "of client 0: nothing came for "));
    // What is muted need not.
    t.apply(StepKind::kMute, 0, 0);
    t.apply(StepKind::kMute, 0, 1);
    check_flow(t.world, true);
    CHECK(t.noted() == Texts{});
}

TEST_CASE("Checks: layers are those that are wanted, if they can be had") {
    TwoPeople t;
    t.connect();
    Client& viewer = *t.world.client(1);
    const std::uint32_t video = t.world.client(0)->tracks().all()[1].number;
    sfu::DownTrackSettings low;
    low.max_spatial = 0;
    viewer.update_settings(1, low);
    t.world.turn(1);
    t.run(Duration::seconds(3));
    (void)viewer.subscriber().find(video)->take_seen();
    t.run(Duration::seconds(1));
    viewer.update_settings(1, {});
    check_flow(t.world, false);
    CHECK(t.noted() == Texts{});
    check_flow(t.world, true);
    CHECK(contains(t.noted(), "of client 0: layer 0.2 instead of 2.2"));
}

TEST_CASE("Checks: a narrow downlink excuses lower layers, a wide one no more") {
    TwoPeople t;
    t.connect();
    Subscriber& viewer = t.world.client(1)->subscriber();
    const std::uint32_t video = t.world.client(0)->tracks().all()[1].number;
    // One report alone changes nothing (BWE-21).
    for (std::uint64_t rate = 600'000; rate > 120'000; rate = rate * 9 / 10) {
        t.apply(StepKind::kBandwidth, 1, rate);
        t.run(Duration::seconds(1));
    }
    (void)viewer.find(video)->take_seen();
    t.run(Duration::seconds(1));
    check_flow(t.world, true);
    CHECK(t.noted() == Texts{});
    t.apply(StepKind::kBandwidth, 1, 20'000'000);
    check_flow(t.world, true);
    const Texts texts = t.noted();
    REQUIRE(texts.size() == 1);
    CHECK(contains(texts, " instead of 2.2"));
    t.run(Scenario::kProbedAgain);
    check_flow(t.world, true);
    CHECK(t.noted() == Texts{});
}

TEST_CASE("Checks: those who were there have heard everything") {
    TwoPeople t;
    t.connect();
    t.apply(StepKind::kPublishData, 0);
    t.run(Duration::seconds(1));
    t.chatter.say_everything(0);
    check_messages(t.world, {0});
    CHECK(t.noted() == Texts{});
    check_messages(t.world, {0, 1});
    CHECK(t.noted() == Texts{"client 1: has 0 of 1 messages of client 0",
                             "client 1: has 0 of 1 lossy messages of client 0",
                             "client 1: has 0 of 1 packets on a data track of client 0"});
    t.world.turn(0);
    t.run(Duration::seconds(1));
    check_messages(t.world, {0, 1});
    CHECK(t.noted() == Texts{});
}

TEST_CASE("Checks: servers keep nothing") {
    TwoPeople t;
    t.connect();
    check_empty(t.world);
    const Texts texts = t.noted();
    for (const char* what : {"1 rooms left", "2 participants left", "2 peers of shard 0 left",
                             "down-tracks of shard 0 left"})
        CHECK(contains(texts, what));
}

}  // namespace
}  // namespace confab::sim
