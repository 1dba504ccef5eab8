// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/store/version.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>

#include "cluster/store/world_testing.h"

namespace confab::cluster::store {
namespace {

using testing::Kept;
using testing::World;

struct Raising {
    Raising() : port(world.attach()), store(*port, world.notices) {}
    Result<std::string, Failure> raise(const std::string& own) {
        Kept<std::string> kept;
        store.raise(world.now, own, kept.done());
        world.pass(Duration::seconds(6));
        return kept.all->front();
    }
    std::string stored() {
        const std::string* value = world.server.store().string("livekit_version");
        return value ? *value : "-";
    }
    World world;
    std::unique_ptr<redis::Port> port;
    VersionStore store;
};

}  // namespace

TEST_CASE("version: the order of semver [RDS-01]") {
    const char* const kOrder[] = {"0.0.0",      "1.0.0-alpha",  "1.0.0-alpha.1", "1.0.0-alpha.beta",
                                  "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1",
                                  "1.0.0",      "1.9.9",        "1.13.5",        "v2.0.0+build.7"};
    for (std::size_t i = 0; i < std::size(kOrder); ++i)
        for (std::size_t j = 0; j < std::size(kOrder); ++j) {
            const int order = compare_versions(kOrder[i], kOrder[j]).value_or(9);
            CHECK((order < 0) == (i < j));
            CHECK((order == 0) == (i == j));
        }
    CHECK(compare_versions("1.0.0+a", "v1.0.0+b") == 0);
    for (const char* none : {"", "1", "1.2", "1.2.3.4", "1.2.x", "1.-2.3", "1.2.3-", "1.2.3-a..b",
                             "1.2.99999999999999999999", "latest"})
        CHECK_FALSE(compare_versions(none, "1.0.0").has_value());
    CHECK_FALSE(compare_versions("1.0.0-" + std::string(300, 'a'), "1.0.0").has_value());
}

TEST_CASE("VersionStore: raised, never lowered [RDS-01]") {
    Raising r;
    CHECK(r.raise("1.9.0").value() == "1.9.0");
    CHECK(r.stored() == "1.9.0");
    CHECK(r.raise("1.10.0").value() == "1.10.0");
    CHECK(r.raise("1.9.0").value() == "1.10.0");
    CHECK(r.stored() == "1.10.0");
    const std::uint64_t scripts = r.world.server.count("EVAL");
    CHECK(r.raise("1.10.0").value() == "1.10.0");
    CHECK(r.world.server.count("EVAL") == scripts);
    CHECK(r.raise("newest").error().code == Failure::Code::kInvalid);
    r.world.run({"SET", "livekit_version", "nonsense"});
    CHECK(r.raise("0.1.0").value() == "0.1.0");
    CHECK(r.stored() == "0.1.0");
}

TEST_CASE(
    "VersionStore: nodes that start at once leave the newest; who loses again and again is told") {
    Raising r;
    Kept<std::string> older;
    Kept<std::string> newer;
    VersionStore other(*r.port, r.world.notices);
    r.store.raise(r.world.now, "1.1.0", older.done());
    other.raise(r.world.now, "1.2.0", newer.done());
    r.world.pass(Duration::millis(10));
    CHECK(r.stored() == "1.2.0");
    CHECK(newer.value() == "1.2.0");
    int races = 0;
    r.world.server.store().add_script(
        std::string(scripts::kReplaceText),
        [&](redis::MemoryStore& store, Timestamp now, redis::Words keys, redis::Words words) {
            r.world.run({"SET", "livekit_version", "1.2." + std::to_string(++races)});
            return testing::replace_text(store, now, keys, words);
        });
    CHECK(r.raise("2.0.0").error().code == Failure::Code::kBusy);
    CHECK(races == VersionStore::kTries);
    r.world.server.hang(r.world.now);
    CHECK(r.raise("3.0.0").error().code == Failure::Code::kUnavailable);
}

}  // namespace confab::cluster::store
