// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Frames of data tracks that come in bursts of packets, over the real data channels of a receiver
// behind a link of some rate: what is dropped, and how late the rest is.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "rtc/sctp/data_channels.h"
#include "sfu/data/data_router_testing.h"

namespace confab::sfu {
namespace {

struct Burst {
    std::size_t frame = 0;  // octets
    std::int64_t per_second = 0;
    std::int64_t round_trip = 0;  // ms
    std::int64_t spacing = 0;     // of the packets of a frame, µs
    std::int64_t kbit = 0;        // the link
    std::size_t packet = 16'000;  // octets
    std::size_t varies = 0;       // frames are so many octets larger, or as many smaller
};

// One direction: what does not fit the rate waits.
struct Wire {
    void push(Timestamp now, Bytes packet) {
        const auto bits = static_cast<std::int64_t>(packet.size() + 65) * 8;
        free_at = std::max(now, free_at) + Duration::micros(bits * 1'000 / kbit);
        flying.emplace(std::pair(free_at + delay, ++count), std::move(packet));
    }
    Timestamp next() const {
        return flying.empty() ? Timestamp::never() : flying.begin()->first.first;
    }
    std::int64_t kbit;
    Duration delay;
    Timestamp free_at;
    std::uint64_t count = 0;
    std::map<std::pair<Timestamp, std::uint64_t>, Bytes> flying;
};

sctp::DataChannels::Config side(bool client) {
    sctp::DataChannels::Config config;
    config.dtls_client = client;
    return config;
}

// Alice publishes, Bob has it.
class Bursts final : public test::DataPortTwin {
  public:
    explicit Bursts(const Burst& burst)
        : burst_(burst),
          there_{burst.kbit, Duration::micros(burst.round_trip * 500), {}, 0, {}},
          back_(there_),
          router_(0, 1, *this, {}, limits()) {
        server_.connect(now_);
        client_.connect(now_);
        sctp::ChannelOptions options;
        options.label = "_data_track";
        options.ordered = false;
        options.max_retransmits = 0;
        channel_ = server_.open(now_, options).value();
        for (const std::uint64_t number : {1U, 2U}) {
            DataMember member;
            member.room = RoomId(1);
            member.peer = PeerId(number);
            member.member = MemberId(number);
            member.identity = std::to_string(number);
            member.sid = "PA_" + member.identity;
            member.may_publish = true;
            router_.apply(now_, member);
        }
        router_.apply(now_, AddDataTrack{RoomId(1), MemberId(1), 7, DataTrackId(3)});
        router_.apply(now_, FlowDataTrack{RoomId(1), MemberId(2), DataTrackId(3), 9});
        run(Duration::seconds(2));
    }
    // Gives how many packets were dropped meanwhile.
    std::uint64_t publish(Duration time) {
        const std::uint64_t before = router_.dropped();
        const Timestamp begin = now_;
        for (std::int64_t n = 0;; ++n) {
            const Timestamp at = begin + Duration::micros(n * 1'000'000 / burst_.per_second);
            if (at >= begin + time) break;
            std::size_t left = burst_.frame;
            if (burst_.varies > 0)
                left = burst_.frame - burst_.varies + rng_.below(2 * burst_.varies);
            for (std::int64_t k = 0; left > 0; ++k) {
                run(at + Duration::micros(k * burst_.spacing) - now_);
                Bytes packet(std::max<std::size_t>(std::min(left, burst_.packet), 20));
                left -= std::min(left, burst_.packet);
                store_be16(&packet[2], 7);
                store_be64(&packet[12], static_cast<std::uint64_t>(now_.us()));
                (void)router_.handle_message(now_, PeerId(1), DataChannel::kDataTrack, packet);
            }
        }
        return router_.dropped() - before;
    }
    Duration late(std::size_t percent) {
        run(Duration::seconds(5));
        REQUIRE(late_.size() > 20);
        std::sort(late_.begin(), late_.end());
        return late_[late_.size() * percent / 100];
    }

    // ------------------------------------------------------------ DataPort
    sctp::SendStatus send(Timestamp now, PeerId, DataChannel,
                          const sctp::SharedBytes& payload) override {
        const auto status = server_.send(now, channel_, true, payload);
        drain();
        return status;
    }
    std::size_t buffered(PeerId, DataChannel) override { return server_.buffered_amount(channel_); }
    Duration least_round_trip(PeerId) override {
        return sctp::least_round_trip(server_.association());
    }

  private:
    static DataLimits limits() {
        DataLimits limits;
        limits.data_track_latency = Duration::millis(100);
        return limits;
    }
    void drain() {
        while (server_.poll_event()) {
        }
        while (auto event = client_.poll_event())
            if (const auto* message = std::get_if<sctp::ChannelMessage>(&*event))
                late_.push_back(now_ - Timestamp::micros(static_cast<std::int64_t>(
                                           load_be64(&message->payload[12]))));
        while (auto packet = server_.poll_transmit())
            there_.push(now_, std::move(*packet));
        while (auto packet = client_.poll_transmit())
            back_.push(now_, std::move(*packet));
    }
    void run(Duration time) {
        const Timestamp end = now_ + time;
        for (drain(); now_ < end; drain()) {
            now_ = std::max(now_, std::min({end, there_.next(), back_.next(),
                                            server_.next_deadline(), client_.next_deadline()}));
            for (; there_.next() <= now_; there_.flying.erase(there_.flying.begin()))
                client_.handle_packet(now_, there_.flying.begin()->second);
            for (; back_.next() <= now_; back_.flying.erase(back_.flying.begin()))
                server_.handle_packet(now_, back_.flying.begin()->second);
            if (server_.next_deadline() <= now_) server_.handle_timeout(now_);
            if (client_.next_deadline() <= now_) client_.handle_timeout(now_);
        }
    }

    Burst burst_;
    Timestamp now_ = Timestamp::micros(1'000'000);
    Rng rng_{5};
    Wire there_;
    Wire back_;
    sctp::DataChannels server_{side(false), Rng(1)};
    sctp::DataChannels client_{side(true), Rng(2)};
    sctp::ChannelId channel_ = 0;
    std::vector<Duration> late_;
    DataRouter router_;
};

}  // namespace

TEST_CASE("Data bursts: nothing of large frames is dropped on a link that is free [DC-22][DC-23]") {
    for (const Burst& burst : {
             Burst{48'000, 10, 40, 5'000, 100'000},
             Burst{64'000, 15, 30, 3'000, 100'000},
             Burst{32'000, 30, 20, 2'000, 100'000},
             Burst{20'000, 10, 40, 8'000, 50'000},
             Burst{60'000, 10, 60, 3'000, 100'000, 16'000, 10'000},
             Burst{24'000, 15, 50, 500, 100'000, 1'200},
             // The acknowledgement of an odd packet waits for 200 ms.
             Burst{45'000, 6, 30, 3'000, 100'000, 15'000},
             Burst{17'000, 10, 40, 3'000, 20'000},
             // Longer than a round trip, and far away.
             Burst{160'000, 5, 20, 10'000, 100'000},
             Burst{48'000, 10, 200, 5'000, 100'000},
         }) {
        CAPTURE(burst.frame);
        CAPTURE(burst.round_trip);
        Bursts bursts(burst);
        (void)bursts.publish(Duration::seconds(8));  // until the window is wide enough
        CHECK(bursts.publish(Duration::seconds(8)) == 0);
        CHECK(bursts.late(95) < Duration::millis(burst.round_trip / 2 + 30));
    }
}

TEST_CASE("Data bursts: on a slow link they are dropped, and the rest is not late [DC-23]") {
    struct Case {
        Burst burst;
        std::int64_t late;  // ms, half of them at most
    };
    // A packet that comes while 8 KiB wait goes, however long that takes.
    for (const auto& [burst, late] : {
             Case{{48'000, 10, 40, 5'000, 256}, 1'000},
             Case{{24'000, 5, 40, 2'000, 256, 1'200}, 400},
             Case{{2'000, 30, 40, 0, 256}, 400},
             Case{{48'000, 10, 40, 5'000, 2'000}, 250},
         }) {
        CAPTURE(burst.frame);
        CAPTURE(burst.kbit);
        Bursts bursts(burst);
        (void)bursts.publish(Duration::seconds(5));
        CHECK(bursts.publish(Duration::seconds(10)) > 100);
        CHECK(bursts.late(50) < Duration::millis(late));
    }
}

}  // namespace confab::sfu
