// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sim/world/steps.h"

#include <doctest/doctest.h>

#include "sim/world/world_testing.h"

namespace confab::sim {
namespace {

using testing::TwoPeople;
using Texts = std::vector<std::string>;

TEST_CASE("Steps: each at its time") {
    TwoPeople t({step(500, StepKind::kJoin, 0), step(1000, StepKind::kKill, 0)});
    t.run(Duration::millis(499));
    CHECK(t.world.client(0) == nullptr);
    t.run(Duration::millis(1));
    CHECK(t.world.present(0) != nullptr);
    t.run(Duration::millis(500));
    CHECK(t.world.client(0) == nullptr);
}

TEST_CASE("Steps: what does not fit the moment is left out") {
    TwoPeople t;
    for (const StepKind kind :
         {StepKind::kPublishAudio, StepKind::kLeave, StepKind::kKill, StepKind::kServerMute,
          StepKind::kPermission, StepKind::kSignalReset, StepKind::kNatRebind}) {
        t.apply(kind, 0);
        t.apply(kind, 99);
    }
    CHECK(t.world.client(0) == nullptr);
    t.apply(StepKind::kJoin, 0);
    REQUIRE(t.world.client(0) != nullptr);
    // Another client would be another speaker.
    const std::uint32_t speaker = t.world.client(0)->messages().checker().speaker();
    t.apply(StepKind::kJoin, 0);
    CHECK(t.world.client(0)->messages().checker().speaker() == speaker);
    CHECK(t.noted() == Texts{});
}

TEST_CASE("Steps: a downlink is narrow for who reports it, until it reports a wide one") {
    TwoPeople t;
    t.connect();
    Subscriber& viewer = t.world.client(1)->subscriber();
    CHECK_FALSE(viewer.is_narrow());
    t.apply(StepKind::kBandwidth, 0, 300'000);
    CHECK_FALSE(viewer.is_narrow());
    t.apply(StepKind::kBandwidth, 1, 300'000);
    CHECK(viewer.is_narrow());
    t.apply(StepKind::kBandwidth, 1, 20'000'000);
    CHECK_FALSE(viewer.is_narrow());
}

TEST_CASE("Steps: an outage takes what its scope says, and nothing else") {
    TwoPeople t;
    t.connect();
    Client& client = *t.world.client(0);
    SUBCASE("media alone: nobody resumes, and it is found") {
        t.steps.apply(outage(0, 0, 3000, kCutUdp | kCutTcp));
        t.run(Duration::seconds(2));
        t.apply(StepKind::kExpectFlow, 0);
        CHECK(t.noted().size() == 2);
        CHECK(client.settled());
    }
    SUBCASE("signalling alone: media flows, and requests wait") {
        t.steps.apply(outage(0, 0, 3000, kCutSignal));
        t.apply(StepKind::kMute, 0, 0);
        t.run(Duration::seconds(2));
        t.apply(StepKind::kExpectFlow, 0);
        CHECK(t.noted() == Texts{});
        CHECK_FALSE(t.world.truth().is_muted(client.tracks().all()[0].number));
        t.run(Duration::seconds(2));
        CHECK(t.world.truth().is_muted(client.tracks().all()[0].number));
    }
    SUBCASE("one direction of signalling alone") {
        t.steps.apply(outage(0, 0, 3000, kCutSignal | kOnlyDown));
        t.apply(StepKind::kMute, 0, 0);
        t.run(Duration::seconds(1));
        CHECK(t.world.truth().is_muted(client.tracks().all()[0].number));
    }
}

TEST_CASE("Steps: service calls change the server, and what is known of it") {
    TwoPeople t;
    t.connect();
    Client& client = *t.world.client(0);
    SUBCASE("permission") {
        const std::uint32_t speaker = client.messages().checker().speaker();
        t.apply(StepKind::kPermission, 0, kMayPublish | kMaySubscribe);
        CHECK_FALSE(t.world.truth().of(0).may_send_data);
        CHECK(t.world.truth().of(0).may_publish);
        CHECK(client.messages().checker().speaker() != speaker);
    }
    SUBCASE("mute") {
        t.apply(StepKind::kServerMute, 0, 1);
        CHECK(client.tracks().all()[1].muted);
        CHECK_FALSE(client.tracks().all()[0].muted);
        CHECK(t.world.truth().is_muted(client.tracks().all()[1].number));
    }
    SUBCASE("removal") {
        t.apply(StepKind::kRemove, 0);
        t.run(Duration::seconds(1));
        CHECK(t.world.present(0) == nullptr);
        CHECK(t.world.client(0) != nullptr);
    }
    SUBCASE("end of the room") {
        t.apply(StepKind::kDeleteRoom, 0);
        t.run(Duration::seconds(1));
        CHECK(t.world.present(0) == nullptr);
        CHECK(t.world.present(1) == nullptr);
    }
}

// Reliable messages to all that this client has sent under its present speaker.
std::uint32_t said(TwoPeople& t, DataKind kind) {
    const DataChecker& checker = t.world.client(0)->messages().checker();
    return checker.count_sent({kind, checker.speaker(), 0});
}

TEST_CASE("Chatter: each client talks for as long as it lives, and until all fall silent") {
    TwoPeople t;
    t.connect();
    t.chatter.begin(0);
    t.run(Chatter::kInterval * 3);
    CHECK(said(t, DataKind::kReliable) == 3);
    // Its successor talks as often, not twice.
    t.apply(StepKind::kKill, 0);
    t.apply(StepKind::kJoin, 0);
    t.chatter.begin(0);
    t.run(Chatter::kInterval * 4);
    const std::uint32_t before = said(t, DataKind::kReliable);
    t.run(Chatter::kInterval * 2);
    CHECK(said(t, DataKind::kReliable) == before + 2);
    t.chatter.end();
    t.run(Chatter::kInterval * 2);
    CHECK(said(t, DataKind::kReliable) == before + 2);
}

TEST_CASE("Chatter: who may not send data sends, so that the server stops it [TOK-13]") {
    TwoPeople t;
    t.connect();
    t.apply(StepKind::kPermission, 0, kMayPublish | kMaySubscribe);
    t.chatter.say_everything(0);
    t.world.turn(0);
    t.run(Duration::seconds(1));
    CHECK(said(t, DataKind::kForbidden) == 1);
    CHECK(said(t, DataKind::kReliable) == 0);
    CHECK(t.world.client(1)->messages().checker().received() == 0);
    // A flood, neither.
    t.apply(StepKind::kFlood, 0, 5);
    CHECK(said(t, DataKind::kReliable) == 0);
    CHECK(t.noted() == Texts{});
}

}  // namespace
}  // namespace confab::sim
