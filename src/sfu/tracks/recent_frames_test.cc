// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/tracks/recent_frames.h"

#include <doctest/doctest.h>

#include <vector>

namespace confab::sfu {
namespace {

Timestamp at_ms(std::int64_t ms) {
    return Timestamp::micros(5'000'000 + 1000 * ms);
}

struct Fixture {
    ~Fixture() { recent.clear(); }
    ArrivedPacket packet(std::int64_t sequence, std::int64_t ms, bool key, std::size_t size) {
        ArrivedPacket made;
        made.ref = pool.acquire_large();
        made.ref.set_size(size);
        made.media.sequence = sequence;
        made.media.timestamp = 90 * ms;
        made.media.arrival = at_ms(ms);
        made.media.key_frame = made.media.frame_start = key;
        made.media.payload = made.ref.data();
        return made;
    }
    void add(std::int64_t sequence, std::int64_t ms, bool key = false, std::size_t size = 1000) {
        recent.add(0, packet(sequence, ms, key, size));
    }
    std::vector<std::int64_t> kept(std::int64_t ms, std::size_t stream = 0) {
        std::vector<std::int64_t> sequences;
        for (const ArrivedPacket& one : recent.since_key_frame(at_ms(ms), stream))
            sequences.push_back(one.media.sequence);
        return sequences;
    }
    PacketPool pool;
    RecentFrames recent;
};
using Sequences = std::vector<std::int64_t>;

TEST_CASE("RecentFrames: from the newest key frame on, of each stream [FWD-13]") {
    Fixture f;
    f.add(1, 0);
    CHECK(f.kept(0).empty());
    f.add(2, 10, true);
    f.add(3, 10);
    f.add(4, 40);
    f.recent.add(2, f.packet(700, 40, true, 100));
    CHECK(f.kept(50) == Sequences{2, 3, 4});
    CHECK(f.kept(50, 2) == Sequences{700});
    CHECK(f.kept(50, 1).empty());
    f.add(5, 80, true);
    CHECK(f.kept(90) == Sequences{5});
    CHECK(f.pool.large_in_use() == 2);
}

TEST_CASE("RecentFrames: a key frame is young for a second, with or without packets behind it") {
    Fixture f;
    f.add(2, 0, true);
    f.add(3, 900);
    CHECK(f.kept(1000) == Sequences{2, 3});
    CHECK(f.kept(1001).empty());
    CHECK(f.pool.large_in_use() == 0);
    f.add(10, 2000, true);
    f.add(11, 3000);
    CHECK(f.kept(3000) == Sequences{10, 11});
    f.add(12, 3001);
    CHECK(f.pool.large_in_use() == 0);
    f.add(13, 3002);
    CHECK(f.kept(3002).empty());
}

TEST_CASE("RecentFrames: what stopped some time ago is no beginning, until more comes [FWD-13]") {
    Fixture f;
    f.add(2, 0, true);
    f.add(3, 100);
    CHECK(f.kept(400) == Sequences{2, 3});
    CHECK(f.kept(401).empty());
    f.add(4, 450);
    CHECK(f.kept(460) == Sequences{2, 3, 4});
    f.recent.clear(1);
    CHECK(f.kept(460).size() == 3);
    f.recent.clear(0);
    CHECK(f.kept(460).empty());
}

TEST_CASE("RecentFrames: more than may be sent at once is not kept") {
    Fixture f;
    f.add(0, 0, true, 10);
    for (std::int64_t s = 1; s < static_cast<std::int64_t>(RecentFrames::kMaxPackets); ++s)
        f.add(s, 1, false, 10);
    CHECK(f.kept(1).size() == RecentFrames::kMaxPackets);
    f.add(256, 1, false, 10);
    CHECK(f.kept(1).empty());
    f.add(1000, 2, true, 1500);
    for (std::int64_t s = 1001; s < 1100; ++s)
        f.add(s, 3, false, 1500);
    CHECK(f.kept(3).size() == 100);
    f.add(1100, 3, false, 1);
    CHECK(f.kept(3).empty());
    CHECK(f.pool.large_in_use() == 0);
}

TEST_CASE("RecentFrames: with a hole nobody can begin, until it is filled [IN-04]") {
    Fixture f;
    f.add(1, 0, true);
    f.add(2, 0);
    f.add(4, 30);
    f.add(5, 30);
    CHECK(f.kept(40).empty());
    ArrivedPacket late = f.packet(3, 45, false, 1000);
    late.media.late = true;
    f.recent.add(0, late);
    CHECK(f.kept(50) == Sequences{1, 2, 3, 4, 5});
    late.media.sequence = 0;
    f.recent.add(0, late);
    CHECK(f.kept(50) == Sequences{1, 2, 3, 4, 5});
}

TEST_CASE("RecentFrames: all layers of a scalable key picture belong to it [IN-26]") {
    Fixture f;
    f.add(1, 100, true);
    f.add(2, 100);
    f.add(3, 100, true);  // the next layer
    f.add(4, 100);
    CHECK(f.kept(110) == Sequences{1, 2, 3, 4});
    ArrivedPacket late = f.packet(5, 140, true, 1000);
    late.media.late = true;
    f.recent.add(0, late);
    CHECK(f.kept(150).size() == 5);
}

}  // namespace
}  // namespace confab::sfu
