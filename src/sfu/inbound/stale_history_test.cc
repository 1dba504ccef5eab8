// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/inbound/stale_history.h"

#include <doctest/doctest.h>

namespace confab::sfu {
namespace {

constexpr Timestamp at_ms(std::int64_t ms) {
    return Timestamp::micros(1'000'000 + ms * 1000);
}

struct Tracks {
    // One more packet of the track, which somebody waits for.
    void keep(std::uint64_t id, std::int64_t ms) {
        Track& track = tracks.at_home(ReceiverId(id), MediaKind::kVideo);
        if (!track.expects()) track.expect({DownTrackId(1), 0});
        PacketRef ref = pool.acquire_large();
        ref.set_size(1000);
        MediaPacket media;
        media.sequence = next++;
        media.arrival = at_ms(ms);
        media.payload = BytesView(ref.data()).subspan(12, 900);
        track.remember(pool, media, ref);
        stale.note(at_ms(ms), track);
    }
    std::size_t kept_after(std::int64_t ms) {
        stale.begin_turn(at_ms(ms));
        return pool.large_in_use();
    }

    PacketPool pool;
    ShardOptions options;
    TrackTable tracks{0, options};
    TimerWheel wheel{at_ms(0)};
    StaleHistory stale{tracks, wheel};
    std::int64_t next = 1;
};

constexpr std::int64_t kKeptMs = PacketHistory::kKept.us() / 1000;

}  // namespace

TEST_CASE("StaleHistory: of many that fell silent a few let go in each turn [DES-33]") {
    for (const std::size_t more : {std::size_t{0}, std::size_t{1}}) {
        Tracks t;
        for (std::size_t i = 0; i < StaleHistory::kMaxPerTurn + more; ++i)
            t.keep(i + 1, 0);
        CHECK(t.kept_after(kKeptMs - 1) == StaleHistory::kMaxPerTurn + more);
        CHECK(t.wheel.next_deadline() <= at_ms(kKeptMs + 32));
        CHECK(t.kept_after(kKeptMs) == more);
        CHECK(t.wheel.next_deadline().is_never() == (more == 0));
        CHECK(t.kept_after(kKeptMs + 1) == 0);
        CHECK(t.wheel.next_deadline().is_never());
        t.keep(1, kKeptMs + 10);
        CHECK_FALSE(t.wheel.next_deadline().is_never());
        CHECK(t.kept_after(2 * kKeptMs + 10) == 0);
    }
}

TEST_CASE("StaleHistory: a track in the place of one that went has its own time [DES-33]") {
    Tracks t;
    t.keep(1, 0);
    t.tracks.find(ReceiverId(1))->end_expecting(DownTrackId(1));
    t.tracks.drop_if_unused(ReceiverId(1));
    REQUIRE(t.pool.large_in_use() == 0);
    t.keep(1, 1'500);
    t.keep(1, 1'900);
    CHECK(t.kept_after(kKeptMs) == 2);
    t.keep(1, kKeptMs + 10);
    CHECK(t.kept_after(1'500 + kKeptMs) == 3);  // the last one is young
    CHECK(t.kept_after(1'500 + 2 * kKeptMs) == 0);
}

}  // namespace confab::sfu
