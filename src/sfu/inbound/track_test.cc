// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/inbound/track.h"

#include <doctest/doctest.h>

#include <map>
#include <memory>

#include "sfu/forward/forward_testing.h"

namespace confab::sfu {
namespace {

struct Subscribed {
    explicit Subscribed(std::size_t count) : track(ReceiverId(1), 0, MediaKind::kVideo) {
        for (std::size_t i = 0; i < count; ++i) {
            down_tracks.push_back(
                std::make_unique<DownTrack>(test::subscription(Codec::kVp8), track.source(), rng));
            track.add_subscriber({down_tracks.back().get(), nullptr, nullptr});
        }
    }
    // Visits at most `count` subscribers.
    std::size_t visit(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) {
            const Subscriber* next = track.next_of_pass();
            if (next == nullptr) return i;
            ++visits[next->down_track];
        }
        return count;
    }

    Rng rng{1};
    Track track;
    std::vector<std::unique_ptr<DownTrack>> down_tracks;
    std::map<const DownTrack*, int> visits;
};

}  // namespace

TEST_CASE("Track: a pass visits each subscriber once, in slices [DES-44]") {
    Subscribed s(10);
    CHECK(s.visit(1) == 0);  // nothing changed
    CHECK(s.track.begin_pass());
    CHECK(s.visit(4) == 4);
    CHECK(s.visit(100) == 6);
    CHECK(s.visits.size() == 10);
    CHECK(s.visit(1) == 0);
}

TEST_CASE("Track: a change during a pass brings another one behind it [DES-44]") {
    Subscribed s(10);
    CHECK(s.track.begin_pass());
    CHECK(s.visit(4) == 4);
    CHECK_FALSE(s.track.begin_pass());  // it is due already
    CHECK_FALSE(s.track.begin_pass());
    CHECK(s.visit(100) == 16);
    for (const auto& [down_track, count] : s.visits)
        CHECK(count == 2);
}

TEST_CASE("Track: who leaves during a pass costs nobody the turn [DES-44]") {
    for (std::size_t visited = 0; visited <= 6; ++visited) {
        for (std::size_t leaves = 0; leaves < 6; ++leaves) {
            Subscribed s(6);
            CHECK(s.track.begin_pass());
            (void)s.visit(visited);
            s.track.remove_subscriber(*s.down_tracks[leaves]);
            (void)s.visit(100);
            for (std::size_t i = 0; i < 6; ++i) {
                const bool gone = i == leaves && i >= visited;
                CHECK(s.visits[s.down_tracks[i].get()] == (gone ? 0 : 1));
            }
        }
    }
    Subscribed one(1);
    CHECK(one.track.begin_pass());
    one.track.remove_subscriber(*one.down_tracks[0]);
    CHECK(one.visit(1) == 0);
    CHECK_FALSE(one.track.begin_pass());  // nobody is left
}

TEST_CASE("Track: keeps media for subscribers that come, padding for nobody [IN-02]") {
    PacketPool pool;
    {
        Subscribed s(1);
        for (const bool padding_only : {false, true}) {
            PacketRef ref = pool.acquire_large();
            ref.set_size(100);
            MediaPacket packet;
            packet.sequence = padding_only ? 11 : 10;
            packet.padding_only = padding_only;
            packet.payload = BytesView(ref.data()).subspan(12, padding_only ? 0 : 50);
            s.track.remember(pool, packet, ref);
        }
        CHECK(s.track.find(0, 10) != nullptr);
        CHECK(s.track.find(0, 11) == nullptr);
    }
    CHECK(pool.large_in_use() == 0);
}

}  // namespace confab::sfu
