// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Ids, SSRCs and secrets of a control shard.
#include "room/scope/ids.h"

#include <doctest/doctest.h>

#include <array>
#include <cstdlib>
#include <map>
#include <set>

namespace confab::room {

TEST_CASE(
    "ICE credentials: letters, the worker in front, nothing of the visible generator [ICE-13] "
    "[DES-04]") {
    IdSource one(0, 7, seeded_secrets(1));
    IdSource two(0, 7, seeded_secrets(2));
    const auto a = one.ice_credentials(3);
    const auto b = two.ice_credentials(3);
    CHECK(a.ufrag.size() == 16);
    CHECK(a.pwd.size() == 32);
    CHECK(a.ufrag[0] == 'd');
    CHECK(a.ufrag.substr(1) != b.ufrag.substr(1));  // same seed, other secrets
    CHECK(a.pwd != b.pwd);
    CHECK(one.rng().u64() == two.rng().u64());  // and drawing secrets moves nothing visible
    CHECK(one.ice_credentials(3).pwd != a.pwd);
    CHECK(one.secret(43).size() == 43);
}

TEST_CASE("Ids: each names its control shard, and no two shards give the same") {
    std::set<std::uint64_t> all;
    for (const sfu::ControlShard shard : std::array<sfu::ControlShard, 4>{0, 1, 63, 255}) {
        IdSource ids(shard, 7, seeded_secrets(1));
        for (int i = 0; i < 100; ++i) {
            const std::uint64_t id = ids.next();
            CHECK(sfu::control_shard_of(id) == shard);
            CHECK(sfu::control_shard_of(sfu::PeerId(id)) == shard);
            CHECK(all.insert(id).second);
        }
    }
}

TEST_CASE("Secrets: every character of the alphabet is as likely [ICE-13]") {
    IdSource ids(0, 7, seeded_secrets(1));
    std::map<char, int> seen;
    constexpr int kCharacters = 62'000;
    for (const char c : ids.secret(kCharacters))
        ++seen[c];
    CHECK(seen.size() == 62);
    for (const auto& [c, times] : seen)
        CHECK(std::abs(times - 1'000) < 200);
}

TEST_CASE("SSRCs: never 0, never twice, never a publisher's [FWD-04]") {
    // A model generator would be better to force collisions: the next draw is foretold instead.
    SsrcPool pool;
    Rng rng(5);
    Rng same(5);
    pool.add(Ssrc(same.u32()));
    pool.add(Ssrc(same.u32()));
    const Ssrc third(same.u32());
    CHECK(pool.draw(rng) == third);
    Rng again(5);
    CHECK(pool.draw(again) != third);
    pool.release(third);
    pool.release(third);
    CHECK_FALSE(pool.contains(third));
    const Ssrc theirs(9);
    pool.add(theirs);
    pool.add(theirs);
    pool.release(theirs);
    CHECK(pool.contains(theirs));
    pool.add(Ssrc(0));
    CHECK_FALSE(pool.contains(Ssrc(0)));
}

}  // namespace confab::room
