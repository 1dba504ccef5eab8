// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a large room costs a shard beside its packets, counted in down-tracks that are looked at.
#include <doctest/doctest.h>

#include <algorithm>

#include "sfu/shard/shard_testing.h"

namespace confab::sfu {
namespace {

using test::Client;
using test::World;
using test::world_time;

struct Cost {
    std::uint64_t visits = 0;        // in all
    std::uint64_t most_in_turn = 0;  // in one call of handle_timeout()
};

// One publisher of video and audio, `subscribers` to both, `seconds` of it.
class Room {
  public:
    explicit Room(std::size_t subscribers) : world_(1) {
        publisher_ = &world_.add_client(0);
        for (std::size_t i = 0; i < subscribers; ++i)
            (void)world_.add_client(0);
        world_.run(120);
        const AddReceiver video = test::vp8_receiver(*publisher_);
        world_.command(0, video);
        for (std::size_t i = 1; i <= subscribers; ++i)
            world_.command(0, test::down_track_to(*world_.clients[i], video, 0,
                                                  static_cast<std::uint32_t>(10'000 + 2 * i)));
        run(2'000);  // the key frame, the first measurement
    }

    Cost run(std::int64_t ms) {
        Shard& shard = *world_.shards[0];
        Cost cost;
        const std::uint64_t before = shard.down_tracks_visited();
        for (const std::int64_t end = world_.now_ms + ms; world_.now_ms < end; ++world_.now_ms) {
            if (world_.now_ms % 33 == 0) frame();
            world_.run_client(*publisher_);
            world_.deliver_to_shards();
            const Timestamp now = world_time(world_.now_ms);
            const std::uint64_t at = shard.down_tracks_visited();
            if (now >= shard.next_deadline()) shard.handle_timeout(now);
            cost.most_in_turn = std::max(cost.most_in_turn, shard.down_tracks_visited() - at);
            // Nobody reads what the subscribers are sent.
            while (shard.poll_transmit(now, world_.batch))
                world_.batch.clear();
            while (shard.poll_event()) {
            }
        }
        cost.visits = shard.down_tracks_visited() - before;
        return cost;
    }

  private:
    void frame() {
        wire::RtpHeader header;
        header.payload_type = 96;
        header.ssrc = 0xABCD;
        header.sequence = sequence_++;
        header.timestamp = static_cast<std::uint32_t>(world_.now_ms * 90);
        header.marker = true;
        publisher_->send(header, test::vp8_payload(sequence_ % 30 == 1, 1),
                         world_.client_out[publisher_], "0");
    }

    World world_;
    Client* publisher_ = nullptr;
    std::uint16_t sequence_ = 0;
};

}  // namespace

TEST_CASE("Shard: reports and ticks of a large room cost what it is large, in slices [DES-44]") {
    constexpr std::int64_t kSeconds = 5;
    std::vector<Cost> costs;
    for (const std::uint64_t size : {250U, 500U, 1'000U}) {
        Room room(size);
        costs.push_back(room.run(kSeconds * 1'000));
        MESSAGE(size << " subscribers: " << costs.back().visits << " down-tracks looked at in "
                     << kSeconds << " s, at most " << costs.back().most_in_turn << " in a turn");
        // A bitrate report each second and a window of quality; no ticks.
        CHECK(costs.back().visits <= (kSeconds + 2) * size);
        CHECK(costs.back().visits >= kSeconds * size);
        CHECK(costs.back().most_in_turn <= Shard::kMaxRefreshedPerTurn + Shard::kMaxTimersPerTurn);
    }
    CHECK(costs[2].visits <= 4 * costs[0].visits + 100);
}

}  // namespace confab::sfu
