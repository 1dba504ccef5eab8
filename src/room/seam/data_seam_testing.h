// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// For tests: real rooms and the real routers of data of their shards, without connections: what a
// participant sends is handed in, what it would get is noted. That connections and routers agree is
// shown in sfu/shard/shard_data_test.cc.
#pragma once

#include <algorithm>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "livekit_models.pb.h"
#include "room/test_support.h"
#include "sfu/data/data_router.h"

namespace confab::room::testing {

inline Bytes user_packet(const std::string& text, std::uint32_t sequence = 0,
                         const std::string& to = "") {
    livekit::DataPacket packet;
    packet.mutable_user()->set_payload(text);
    packet.set_sequence(sequence);
    if (!to.empty()) packet.add_destination_identities(to);
    return to_vector(as_bytes(packet.SerializeAsString()));
}

class DataRooms {
  public:
    explicit DataRooms(Config config = test_config())
        : workers_(config.media.workers.size()), h(std::move(config)) {
        for (std::size_t i = 0; i < workers_; ++i)
            shards_.push_back(std::make_unique<OneShard>(*this, i));
    }

    struct Sent {
        sfu::PeerId to;
        sfu::DataChannel channel = sfu::DataChannel::kReliable;
        Bytes payload;
        livekit::DataPacket packet() const {
            livekit::DataPacket result;
            (void)result.ParseFromArray(payload.data(), static_cast<int>(payload.size()));
            return result;
        }
    };
    // The n-th connection on which data goes to somebody, in the order of the joins.
    sfu::PeerId peer(std::size_t n) const {
        return h.commands_of<sfu::OpenDataChannels>().at(n).peer;
    }
    // One packet from there; gives what was sent because of it.
    std::vector<Sent> receive(sfu::PeerId from, const Bytes& payload,
                              sfu::DataChannel channel = sfu::DataChannel::kReliable) {
        turn();
        const std::size_t before = sent.size();
        for (auto& shard : shards_)
            (void)shard->router.handle_message(h.now, from, channel, payload);
        turn();
        return {sent.begin() + static_cast<std::ptrdiff_t>(before), sent.end()};
    }
    // What the rooms and the shards have to tell each other.
    void turn() {
        h.drain();
        for (; passed_ < h.commands.size(); ++passed_) {
            MediaCommand command = h.commands[passed_];
            std::visit([&](auto& c) { apply(command.worker, c); }, command.command);
        }
        for (bool more = true; more;) {
            more = false;
            for (auto& shard : shards_)
                more |= shard->router.flush_links();
            for (auto& shard : shards_)
                more |= shard->deliver();
        }
        for (auto& shard : shards_)
            shard->router.handle_timeout(h.now);
        for (const sfu::Event& event : std::exchange(events_, {})) {
            ++events_told;
            h.event(event);
        }
    }
    // The connection came up, or its channels did.
    void connect(sfu::PeerId peer) {
        offline.erase(peer);
        sfu::PeerStateChanged up;
        up.peer = peer;
        up.state = sfu::PeerState::kConnected;
        h.event(up);
        turn();
        for (auto& shard : shards_)
            shard->router.connected(h.now, peer);
    }
    void open(sfu::PeerId peer, sfu::DataChannel channel) {
        closed_.erase({peer, channel});
        h.event(sfu::DataChannelOpened{peer, channel, ""});
        for (auto& shard : shards_)
            shard->router.channel_opened(h.now, peer);
        turn();
    }
    // Nobody is connected from now on but by connect() and open().
    void expect(sfu::PeerId peer) {
        offline.insert(peer);
        for (const auto channel : {sfu::DataChannel::kReliable, sfu::DataChannel::kLossy})
            closed_.insert({peer, channel});
    }
    // None of the shards waits for a time.
    bool all_idle() const {
        return std::all_of(shards_.begin(), shards_.end(), [](const auto& shard) {
            return shard->router.next_deadline().is_never();
        });
    }
    std::uint64_t dropped() const {
        std::uint64_t sum = 0;
        for (const auto& shard : shards_)
            sum += shard->router.dropped();
        return sum;
    }

  private:
    struct OneShard final : sfu::DataPort {
        OneShard(DataRooms& rooms, std::size_t at)
            : of(rooms),
              index(static_cast<sfu::WorkerIndex>(at)),
              router(index, rooms.workers_, *this) {}
        bool is_connected(sfu::PeerId peer) override { return !of.offline.contains(peer); }
        bool has_channel(sfu::PeerId peer, sfu::DataChannel channel) override {
            return !of.closed_.contains({peer, channel});
        }
        sctp::SendStatus send(Timestamp, sfu::PeerId to, sfu::DataChannel channel,
                              const sctp::SharedBytes& payload) override {
            of.sent.push_back({to, channel, to_vector(payload.view())});
            return sctp::SendStatus::kOk;
        }
        std::size_t buffered(sfu::PeerId, sfu::DataChannel) override { return 0; }
        Duration least_round_trip(sfu::PeerId) override { return {}; }
        void resume(sfu::PeerId) override {}
        void emit(sfu::Event event) override { of.events_.push_back(std::move(event)); }
        std::optional<Duration> round_trip(sfu::PeerId peer) override {
            return peer == sfu::PeerId() ? std::nullopt : std::optional(Duration::millis(20));
        }
        UnixTime wall(Timestamp now) override {
            return UnixTime::seconds(1'700'000'000) + (now - Timestamp());
        }
        bool push_link(sfu::WorkerIndex to, BytesView piece) override {
            of.shards_[to]->arrived.emplace_back(index, to_vector(piece));
            return true;
        }
        bool deliver() {
            const bool any = !arrived.empty();
            for (; !arrived.empty(); arrived.pop_front())
                router.handle_link(of.h.now, arrived.front().first, arrived.front().second);
            return any;
        }
        DataRooms& of;
        sfu::WorkerIndex index;
        std::deque<std::pair<sfu::WorkerIndex, Bytes>> arrived;
        sfu::DataRouter router;
    };
    template <typename C>
    void apply(sfu::WorkerIndex worker, C& command) {
        if constexpr (requires(sfu::DataRouter& r, C& c) { r.apply(Timestamp(), c); })
            shards_[worker]->router.apply(h.now, command);
    }

    std::size_t workers_;
    std::vector<std::unique_ptr<OneShard>> shards_;
    std::size_t passed_ = 0;
    std::vector<sfu::Event> events_;
    std::set<std::pair<sfu::PeerId, sfu::DataChannel>> closed_;

  public:
    Harness h;
    std::vector<Sent> sent;
    std::size_t events_told = 0;  // by the shards to the rooms
    std::set<sfu::PeerId> offline;
};

}  // namespace confab::room::testing
