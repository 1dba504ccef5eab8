// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/store/link_secret.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>

#include "cluster/store/world_testing.h"

namespace confab::cluster::store {
namespace {

using testing::World;

struct Node {
    Node(World& world, const std::string& own)
        : port(world.attach([this](Timestamp at) { secret.handle_up(at); })),
          secret(*port, world.notices, own) {
        world.drive(secret);
        secret.handle_up(world.now);
    }
    std::unique_ptr<redis::Port> port;
    LinkSecret secret;
};

std::string stored(World& world) {
    return world.run({"GET", "confab_link_secret"}).text;
}

}  // namespace

TEST_CASE("LinkSecret: the first one's is everybody's") {
    World world;
    Node a(world, "of a");
    CHECK(a.secret.get().empty());
    world.pass(Duration::millis(100));
    Node b(world, "of b");
    world.pass(Duration::millis(100));
    CHECK(a.secret.get() == "of a");
    CHECK(b.secret.get() == "of a");
    CHECK(stored(world) == "of a");
}

TEST_CASE("LinkSecret: a Redis that lost all gets back what is in use") {
    World world;
    Node a(world, "of a");
    world.pass(Duration::millis(100));
    Node b(world, "of b");
    world.pass(Duration::millis(100));
    world.run({"DEL", "confab_link_secret"});
    b.secret.handle_up(world.now);
    world.pass(Duration::millis(100));
    CHECK(stored(world) == "of a");

    // Somebody new was there first: all have that one in the end, who is doubted too.
    world.run({"SET", "confab_link_secret", "of c"});
    const std::uint64_t before = a.secret.asked();
    for (int i = 0; i < 1000; ++i)
        a.secret.doubt(world.now);
    world.pass(LinkSecret::kSoonest);
    CHECK(a.secret.asked() == before + 1);
    CHECK(a.secret.get() == "of c");
    CHECK(b.secret.get() == "of a");
}

TEST_CASE("LinkSecret: what Redis refuses is asked again, what is none is not taken") {
    World world;
    world.run({"HSET", "confab_link_secret", "a", "hash"});
    Node a(world, "of a");
    world.pass(Duration::seconds(1));
    CHECK(a.secret.get().empty());
    world.run({"DEL", "confab_link_secret"});
    world.pass(LinkSecret::kRetry);
    CHECK(a.secret.get() == "of a");
    world.run({"SET", "confab_link_secret", std::string(LinkSecret::kMaxSize + 1, 'x')});
    a.secret.handle_up(world.now);
    world.pass(Duration::seconds(1));
    CHECK(a.secret.get() == "of a");
}

}  // namespace confab::cluster::store
