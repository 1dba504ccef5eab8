// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
// bench: modules runtime/worker sfu rtc/peer rtc/srtp wire crypto base

// What it costs that a room uses more than one media worker: CPU time per forwarded packet of one
// room with 1, 2 and 4 workers, all in one thread, so that only the work counts and not who does
// it. One publisher sends bursts of 6 to 10 VP8 packets (02 §10.3) to 500 subscribers, who sit
// evenly on the workers; packets cross by the real rings. What the kernel takes for sending is left
// out.
//
//   workers_bench [--rounds N]
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "runtime/worker/room_testing.h"

namespace confab::bench {
namespace {

using worker::RoomClient;
using worker::TestRoom;

constexpr std::size_t kSubscribers = 500;
constexpr std::size_t kTurns = 40;

double cpu_ns() {
    timespec t{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
}

class Scenario {
  public:
    explicit Scenario(std::size_t workers)
        : room_({IpAddress::v4(0x7F000001), 7000}, srtp::Profile::kAeadAes128Gcm, workers) {
        publisher_ = &room_.add_client({IpAddress::v4(0x7F000002), 9000});
        const auto receiver = TestRoom::receiver(*publisher_, 1000, sfu::Codec::kVp8);
        std::vector<RoomClient*> subscribers;
        subscribers.reserve(kSubscribers);
        for (std::size_t i = 0; i < kSubscribers; ++i)
            subscribers.push_back(&room_.add_client(
                {IpAddress::v4(0x7F000003), static_cast<std::uint16_t>(10'000 + i)}, i % workers));
        room_.run(Duration::millis(600));
        if (!room_.all_connected()) std::abort();
        room_.shard().handle_command(room_.now(), receiver);
        for (std::size_t i = 0; i < kSubscribers; ++i)
            room_.shard(subscribers[i]->worker)
                .handle_command(room_.now(),
                                TestRoom::down_track(*subscribers[i], receiver,
                                                     static_cast<std::uint32_t>(100'000 + 2 * i)));
        room_.run(Duration::millis(20));
    }
    // CPU time per packet that left, over a few turns.
    double round() {
        std::vector<std::vector<Bytes>> turns(kTurns);
        for (auto& turn : turns)
            fill(turn);
        const std::uint64_t before = sent();
        const double begin = cpu_ns();
        for (const auto& turn : turns) {
            room_.advance(Duration::millis(33));
            for (const Bytes& datagram : turn)
                room_.datagram(publisher_->address, datagram);
            for (std::size_t w = 0; w < room_.workers(); ++w) {
                room_.read_links(w);
                sfu::Shard& shard = room_.shard(w);
                shard.handle_timeout(room_.now());
                batch_.clear();
                while (shard.poll_transmit(room_.now(), batch_))
                    batch_.clear();
                while (shard.poll_event()) {
                }
            }
        }
        const double spent = cpu_ns() - begin;
        packets_ = sent() - before;
        room_.run(Duration::millis(40));
        return spent / static_cast<double>(packets_);
    }
    std::uint64_t packets() const { return packets_; }

  private:
    std::uint64_t sent() {
        std::uint64_t total = 0;
        for (std::size_t w = 0; w < room_.workers(); ++w)
            total += room_.shard(w).snapshot().rtp_out;
        return total;
    }
    void fill(std::vector<Bytes>& turn) {
        const std::size_t count = 6 + rng_.below(5);
        for (std::size_t i = 0; i < count; ++i) {
            wire::RtpHeader header;
            header.payload_type = 96;
            header.ssrc = 0xABCD;
            header.timestamp = static_cast<std::uint32_t>(frame_ * 3000);
            header.marker = i + 1 == count;
            turn.push_back(TestRoom::protect(
                *publisher_, header, sequence_++,
                TestRoom::vp8_payload(i == 0, frame_ == 0,
                                      static_cast<std::uint16_t>(frame_ & 0x7FFF), 1100),
                "0"));
        }
        ++frame_;
    }

    TestRoom room_;
    RoomClient* publisher_ = nullptr;
    std::uint64_t sequence_ = 1000;
    std::uint64_t frame_ = 0;
    std::uint64_t packets_ = 0;
    sfu::SendBatch batch_;
    Rng rng_{7};
};

int run(int argc, char** argv) {
    std::size_t rounds = 20;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (std::strcmp(argv[i], "--rounds") != 0) return 2;
        rounds = std::max<std::size_t>(1, std::strtoull(argv[i + 1], nullptr, 10));
    }
    double first = 0;
    for (const std::size_t workers : {1U, 2U, 4U}) {
        Scenario scenario(workers);
        for (int i = 0; i < 2; ++i)
            (void)scenario.round();  // caches, slabs, vectors
        std::vector<double> costs;
        costs.reserve(rounds);
        for (std::size_t i = 0; i < rounds; ++i)
            costs.push_back(scenario.round());
        std::sort(costs.begin(), costs.end());
        const double median = costs[costs.size() / 2];
        if (workers == 1) first = median;
        std::printf("%zu worker%s: %.0f ns per packet (median of %zu rounds of %llu), %+.1f %%\n",
                    workers, workers == 1 ? " " : "s", median, rounds,
                    static_cast<unsigned long long>(scenario.packets()),
                    (median / first - 1) * 100);
    }
    return 0;
}

}  // namespace
}  // namespace confab::bench

int main(int argc, char** argv) {
    return confab::bench::run(argc, argv);
}
