// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/relay/linked_bus.h"

#include <doctest/doctest.h>

#include "cluster/relay/relay_testing.h"

namespace confab::cluster::relay {
namespace {

using namespace confab::cluster::relay::testing;

// Each way one message, which arrives.
void check_talks(World& world, SessionId id, std::int64_t number) {
    world.signal.send(id, request(number));
    world.media->respond(world.host->last(), response(number + 1));
    world.turn();
    CHECK(world.host->only().numbers == numbers_to(number + 1));
    CHECK(world.clients.at(id).numbers == numbers_to(number + 2));
}

}  // namespace

TEST_CASE("LinkedBus: what sessions say goes over the link, an outage of the bus is not noticed") {
    World world;
    world.connect();
    const SessionId id = world.join();
    CHECK(world.linked().snapshot().links == 1);
    CHECK(world.linked().snapshot().streams == 1);
    world.faults->cut = true;
    for (int i = 0; i < 20; ++i) {
        check_talks(world, id, i);
        world.pass(Duration::seconds(1));
    }
    CHECK(world.faults->sent == 0);
    CHECK(world.linked().snapshot().over_link == 21);
    // The end, too.
    world.signal.close(id);
    world.turn();
    CHECK(world.signal.snapshot().sessions == 0);
    CHECK(world.media->snapshot().sessions == 0);
    CHECK(world.linked().snapshot().streams == 0);
}

TEST_CASE("LinkedBus: a refusal passes the link") {
    World world;
    world.connect();
    world.host->refusal = {rpc::Code::kPermissionDenied, "no", {}};
    const SessionId id = world.join();
    REQUIRE(world.clients.at(id).refused);
    CHECK(world.clients.at(id).refused->status == 403);
}

TEST_CASE("LinkedBus: a link that breaks is not missed, and one that comes is used") {
    World world;
    const SessionId id = world.join();
    check_talks(world, id, 0);
    CHECK(world.linked().snapshot().over_link == 0);
    world.connect();
    check_talks(world, id, 1);
    CHECK(world.linked().snapshot().over_link == 1);
    world.disconnect();
    CHECK(world.linked().snapshot().links == 0);
    check_talks(world, id, 2);
    world.connect();
    check_talks(world, id, 3);
    CHECK(world.linked().snapshot().over_link == 2);
}

TEST_CASE("LinkedBus: what was on a link that died goes over the bus, once for who receives it") {
    World world;
    world.connect();
    const SessionId id = world.join();
    world.cut_link = true;
    const Timestamp cut = world.now;
    world.signal.send(id, request(0));
    world.media->respond(world.host->last(), response(1));
    world.pass(Duration::millis(2999));
    CHECK(world.host->only().numbers.empty());
    world.pass(Duration::millis(1));
    CHECK(world.now - cut == Link::kSilence);
    CHECK(world.host->only().numbers == numbers_to(1));
    CHECK(world.clients.at(id).numbers == numbers_to(2));
    CHECK(world.linked().snapshot().sent_again == 3);  // at 0, 0.5 and 1.5 s
    CHECK(!world.clients.at(id).is_over());
}

TEST_CASE("LinkedBus: nodes with another secret use the bus") {
    World world;
    world.connect("one", "two");
    const SessionId id = world.join();
    check_talks(world, id, 0);
    CHECK(world.linked().snapshot().links == 0);
    CHECK(world.linked().snapshot().over_link == 0);
}

TEST_CASE("LinkedBus: a receiver that fetches nothing is not flooded over a link") {
    World world;
    world.connect();
    const SessionId id = world.join();
    world.clients.at(id).reads = false;
    for (int i = 1; i < 500; ++i) {
        world.media->respond(world.host->last(), response(i));
        world.turn();
    }
    // 200 are kept, the session has ended with the next.
    CHECK(world.host->only().closed);
    world.read(id);
    world.turn();
    CHECK(world.clients.at(id).numbers == numbers_to(kMaxReceived + 1));
    CHECK(world.clients.at(id).closed);
}

TEST_CASE("LinkedBus: by chance, links that come and go lose and repeat nothing [NODE-21]") {
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        INFO("seed ", seed);
        World world({}, seed);
        world.faults->repeat = 0.2;
        world.faults->max_delay = Duration::millis(200);
        Rng rng(seed);
        world.connect();
        const SessionId id = world.join();
        world.pass(Duration::seconds(1));
        REQUIRE(world.clients.at(id).started);
        std::int64_t asked = 0;
        std::int64_t answered = 1;
        for (int step = 0; step < 200; ++step) {
            switch (rng.below(12)) {
                case 0:
                    world.disconnect();
                    break;
                case 1:
                    world.cut_link = true;
                    break;
                case 2:
                    world.disconnect();
                    world.connect();
                    break;
                default:
                    world.signal.send(id, request(asked++));
                    world.media->respond(world.host->last(), response(answered++));
            }
            world.pass(Duration::millis(static_cast<std::int64_t>(rng.below(200))));
        }
        world.pass(Duration::seconds(10));
        CHECK(world.host->only().numbers == numbers_to(asked));
        CHECK(world.clients.at(id).numbers == numbers_to(answered));
        CHECK(!world.clients.at(id).is_over());
    }
}

}  // namespace confab::cluster::relay
