// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/peer/send/run_levels.h"

#include <doctest/doctest.h>

#include <vector>

#include "base/rng.h"

namespace confab::sfu {
namespace {

std::vector<LevelledPacket> packets(std::initializer_list<std::uint32_t> sizes) {
    std::vector<LevelledPacket> made;
    for (const std::uint32_t size : sizes)
        made.push_back({size});
    return made;
}
// How many packets each segmented send takes: equal ones, and one shorter at its end.
std::vector<std::size_t> runs(const std::vector<LevelledPacket>& all) {
    std::vector<std::size_t> counts;
    std::uint32_t length = 0;
    bool open = false;
    for (const LevelledPacket& packet : all) {
        const std::uint32_t size = packet.size + packet.padding;
        if (!open || size > length) {
            counts.push_back(1);
            length = size;
        } else {
            ++counts.back();
        }
        open = size == length;
    }
    return counts;
}
std::vector<std::size_t> levelled(std::vector<LevelledPacket> all,
                                  const LevelLimits& limits = kPictureLevels) {
    level_lengths(all, limits);
    return runs(all);
}
using Runs = std::vector<std::size_t>;

TEST_CASE("level_lengths: a frame whose first packets are shorter is one run [DES-12]") {
    auto frame = packets({1100, 1100, 1100, 1101, 1101, 1101, 1101});
    CHECK(runs(frame) == Runs{3, 4});
    level_lengths(frame, kPictureLevels);
    CHECK(runs(frame) == Runs{7});
    CHECK(frame[0].padding == 1);
    CHECK(frame[2].padding == 1);
    CHECK(frame[3].padding == 0);
    CHECK(frame[6].padding == 0);
}

TEST_CASE("level_lengths: what is a run already costs nothing [DES-12]") {
    for (auto frame : {packets({1200, 1200, 1200}), packets({1200, 1200, 300}), packets({500}),
                       packets({1200, 1199}), packets({})}) {
        level_lengths(frame, kPictureLevels);
        for (const LevelledPacket& packet : frame)
            CHECK(packet.padding == 0);
    }
}

TEST_CASE("level_lengths: at most 8 octets of a packet, and a hundredth of the run [DES-12]") {
    CHECK(levelled(packets({1192, 1192, 1200, 1200})) == Runs{4});
    CHECK(levelled(packets({1191, 1191, 1200, 1200})) == Runs{2, 2});
    // Of 203 octets 3 are too many, 2 are not.
    CHECK(levelled(packets({100, 103, 103})) == Runs{3});
    CHECK(levelled(packets({100, 103})) == Runs{1, 1});
    CHECK(levelled(packets({100, 101})) == Runs{2});
}

TEST_CASE("level_lengths: of sound 128 octets of a packet, and a third of the run [DES-12]") {
    CHECK(levelled(packets({80, 160, 120, 170, 140}), kSoundLevels) == Runs{5});
    CHECK(levelled(packets({72, 200, 200, 200}), kSoundLevels) == Runs{4});
    CHECK(levelled(packets({71, 200, 200, 200}), kSoundLevels) == Runs{1, 3});
    CHECK(levelled(packets({50, 100}), kSoundLevels) == Runs{2});
    CHECK(levelled(packets({20, 100}), kSoundLevels) == Runs{1, 1});
}

TEST_CASE("level_lengths: a packet that takes no padding has the length or ends the run [DES-12]") {
    auto frame = packets({1100, 1100, 1101, 1101});
    frame[1].fixed = true;
    CHECK(levelled(frame) == Runs{2, 2});
    frame = packets({1100, 1100, 1101, 1101});
    frame[3].fixed = true;
    CHECK(levelled(frame) == Runs{4});
    frame = packets({1101, 1101, 1100, 1101});
    frame[2].fixed = true;
    CHECK(levelled(frame) == Runs{3, 1});
}

TEST_CASE("level_lengths: several streams in one turn [DES-11] [DES-12]") {
    CHECK(levelled(packets({900, 901, 901, 300, 1100, 1101})) == Runs{4, 2});
    CHECK(levelled(packets({300, 900, 901, 901})) == Runs{1, 3});
}

TEST_CASE("level_lengths: never more runs than before, whatever the lengths [DES-56]") {
    Rng rng(5);
    for (int round = 0; round < 3000; ++round) {
        std::vector<LevelledPacket> all;
        const std::uint32_t base = 60 + static_cast<std::uint32_t>(rng.below(1100));
        for (std::size_t i = rng.below(40); i > 0; --i)
            all.push_back({base + static_cast<std::uint32_t>(rng.below(rng.below(3) == 0 ? 40 : 3)),
                           rng.below(10) == 0});
        const std::size_t before = runs(all).size();
        std::uint64_t bytes = 0, padding = 0;
        auto after = all;
        const LevelLimits& limits = round % 2 == 0 ? kPictureLevels : kSoundLevels;
        level_lengths(after, limits);
        for (const LevelledPacket& packet : after) {
            bytes += packet.size;
            padding += packet.padding;
            REQUIRE(packet.padding <= limits.padding);
            REQUIRE((!packet.fixed || packet.padding == 0));
        }
        REQUIRE(padding * limits.share <= bytes + padding);
        REQUIRE(runs(after).size() <= before);
    }
}

}  // namespace
}  // namespace confab::sfu
