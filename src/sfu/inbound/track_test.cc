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

TEST_CASE("Track: replicas once for each worker, with what they want [DES-40] [DES-43]") {
    Track track(ReceiverId(1), 0, MediaKind::kVideo);
    track.set_replica(3, 2);
    track.set_replica(5, 0);
    track.replicas()[0].gaps = 1;
    track.set_replica(3, 1);
    REQUIRE(track.replicas().size() == 2);
    CHECK(track.replicas()[0].max_spatial == 1);
    CHECK(track.replicas()[0].gaps == 1);  // what is missing there still is
    CHECK(track.replicas()[1].max_spatial == 0);
    track.remove_replica(3);
    track.remove_replica(4);
    REQUIRE(track.replicas().size() == 1);
    CHECK(track.replicas()[0].worker == 5);
}

TEST_CASE("Track: wants the highest layer of those who watch [DES-43] [SUB-05]") {
    Subscribed s(3);
    const auto set = [&](std::size_t i, bool enabled, std::uint8_t spatial) {
        DownTrackSettings settings = s.down_tracks[i]->settings();
        settings.enabled = true;
        settings.max_spatial = spatial;
        s.down_tracks[i]->update_settings(settings, test::at_ms(0));
        settings.enabled = enabled;
        s.down_tracks[i]->update_settings(settings, test::at_ms(0));
    };
    set(0, true, 0);
    set(1, true, 1);
    set(2, false, 2);
    CHECK(s.track.max_wanted() == 1);
    set(1, false, 1);
    CHECK(s.track.max_wanted() == 0);
    set(0, false, 0);
    CHECK(s.track.max_wanted() == -1);
    CHECK(Track(ReceiverId(1), 0, MediaKind::kVideo).max_wanted() == -1);
}

TEST_CASE("Track: keeps each stream for itself, while anybody watches [DES-32] [DES-33]") {
    PacketPool pool;
    const auto add = [&](Track& track, std::uint8_t spatial, std::int64_t sequence) {
        PacketRef ref = pool.acquire_large();
        ref.set_size(1000);
        MediaPacket packet;
        packet.spatial = spatial;
        packet.sequence = sequence;
        packet.payload = BytesView(ref.data()).subspan(12, 900);
        track.remember(pool, packet, ref);
    };
    {
        Subscribed s(2);
        add(s.track, 0, 10);
        add(s.track, 2, 10);
        add(s.track, 0, 11);  // beside the one before
        CHECK(s.track.find(0, 10) != nullptr);
        CHECK(s.track.find(2, 10) != s.track.find(0, 10));
        CHECK(s.track.find(1, 10) == nullptr);
        CHECK(s.track.find(2, 11) == nullptr);
        CHECK(s.track.find(3, 10) == nullptr);  // no such stream
        CHECK(pool.large_in_use() == 3);
        const DownTrack stranger(test::subscription(Codec::kVp8), s.track.source(), s.rng);
        s.track.remove_subscriber(stranger);
        s.track.remove_subscriber(*s.down_tracks[0]);
        CHECK(s.track.find(0, 10) != nullptr);
        s.track.remove_subscriber(*s.down_tracks[1]);
        CHECK(pool.large_in_use() == 0);
        CHECK(s.track.find(0, 10) == nullptr);
        add(s.track, 0, 12);
        CHECK(s.track.find(0, 12) == nullptr);
        CHECK(pool.large_in_use() == 0);
    }
    Track all(ReceiverId(1), 0, MediaKind::kVideo, 2);  // two packets, as configured
    all.source().mode = LayerMode::kMultipleSpatialLayersPerStream;
    Rng rng(1);
    DownTrack watcher(test::subscription(Codec::kVp9), all.source(), rng);
    all.add_subscriber({&watcher, nullptr, nullptr});
    for (std::uint8_t i = 0; i < 3; ++i)
        add(all, i, 10 + i);  // one stream, whatever the layer
    CHECK(all.find(0, 10) == nullptr);
    CHECK(all.find(0, 11) != nullptr);
    CHECK(all.find(0, 12) != nullptr);
    all.forget();
    CHECK(pool.large_in_use() == 0);
}

TEST_CASE("Track: keeps streams that somebody gets or waits for, others for a while [DES-33]") {
    PacketPool pool;
    {
        Subscribed s(2);
        s.track.source().codec = Codec::kVp8;
        s.track.source().available = 7;
        s.track.source().mode = LayerMode::kOneSpatialLayerPerStreamIncompleteRtcpSr;
        const auto want = [&](std::size_t i, bool enabled, std::uint8_t spatial) {
            DownTrackSettings settings = s.down_tracks[i]->settings();
            settings.enabled = enabled;
            settings.max_spatial = spatial;
            s.down_tracks[i]->update_settings(settings, test::at_ms(0));
        };
        want(0, true, 0);
        want(1, false, 2);
        std::int64_t next = 10;
        const auto kept = [&](std::uint8_t spatial, std::int64_t ms, bool key = false) {
            PacketRef ref = pool.acquire_large();
            ref.set_size(1000);
            MediaPacket packet;
            packet.codec = Codec::kVp8;
            packet.vp8.start_of_partition = true;
            packet.vp8.size = 1;
            packet.spatial = spatial;
            packet.key_frame = key;
            packet.sequence = next++;
            packet.timestamp = ms * 90;
            packet.arrival = test::at_ms(ms);
            packet.payload = BytesView(ref.data()).subspan(12, 900);
            s.track.remember(pool, packet, ref);
            (void)test::pass(*s.down_tracks[0], packet, packet.arrival);
            return s.track.find(spatial, packet.sequence) != nullptr;
        };
        CHECK(kept(0, 1000, true));
        CHECK_FALSE(kept(1, 1001, true));
        CHECK_FALSE(kept(2, 1002, true));
        CHECK(kept(0, 1003));
        want(0, true, 2);
        CHECK_FALSE(kept(2, 1004));  // it can not begin with it
        CHECK(kept(2, 1005, true));
        CHECK(s.down_tracks[0]->layers().current.spatial == 2);
        CHECK(kept(2, 1006));
        CHECK(s.track.find(0, 10) != nullptr);  // may be asked for again
        CHECK(kept(2, 2010));
        CHECK(kept(2, 3010));
        CHECK(kept(2, 4010));
        CHECK(s.track.find(0, 10) == nullptr);
        CHECK_FALSE(kept(0, 4011));
        want(0, false, 2);
        CHECK(kept(2, 5010));
        CHECK_FALSE(kept(2, 6011));
        CHECK(pool.large_in_use() == 0);
    }
}

}  // namespace confab::sfu
