// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What waits of senders who went, with connections that are full or not as the test says.
#include <doctest/doctest.h>

#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "sfu/data/data_router.h"

namespace confab::sfu {
namespace {

constexpr RoomId kRoom{1};

struct Shards {
    explicit Shards(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i)
            ports.push_back(std::make_unique<Port>(*this, static_cast<WorkerIndex>(i), count));
    }
    DataRouter& router(WorkerIndex worker) { return ports[worker]->router; }
    // Member N has connection N.
    void come(WorkerIndex worker, std::uint64_t number, const std::string& identity = {}) {
        DataMember member;
        member.room = kRoom;
        member.member = MemberId(number);
        member.peer = PeerId(number);
        member.identity = identity.empty() ? "p" + std::to_string(number) : identity;
        member.sid = "PA_" + std::to_string(number);
        member.may_publish = true;
        router(worker).apply(now, member);
        DataWorkers all{kRoom, {}};
        for (const auto& port : ports)
            all.workers.push_back(port->index);
        for (const auto& port : ports)
            port->router.apply(now, all);
    }
    void go(WorkerIndex worker, std::uint64_t number) {
        router(worker).apply(now, DataMemberGone{kRoom, MemberId(number)});
        pass();
    }
    // To everybody, or to this one.
    void say(WorkerIndex worker, std::uint64_t number, const std::string& to = {}) {
        Bytes packet{0x12, 0x03, 0x12, 0x01, 'x'};  // user {payload: "x"}
        if (!to.empty()) {                          // destination_identities
            packet.insert(packet.end(), {0x2A, static_cast<std::uint8_t>(to.size())});
            packet.insert(packet.end(), to.begin(), to.end());
        }
        (void)router(worker).handle_message(now, PeerId(number), DataChannel::kReliable, packet);
    }
    // Says as much as it may.
    void flood(WorkerIndex worker, std::uint64_t number) {
        const Bytes packet{0x12, 0x03, 0x12, 0x01, 'x'};  // user {payload: "x"}
        Bytes filled = packet;
        filled.insert(filled.end(), {0xF2, 0x01, 0x80, 0x40});  // field 30: 8 KiB
        filled.resize(filled.size() + 8192);
        while (router(worker).may_send(PeerId(number))) {
            (void)router(worker).handle_message(now, PeerId(number), DataChannel::kReliable,
                                                filled);
            pass();
        }
    }
    // What the workers have to say to each other.
    void pass() {
        for (bool more = true; more;) {
            more = false;
            for (auto& port : ports)
                more |= port->router.flush_links();
            for (auto& port : ports)
                more |= port->deliver();
        }
        for (auto& port : ports)
            port->router.resume_senders();
    }

    struct Port final : DataPort {
        Port(Shards& shards, WorkerIndex at, std::size_t workers)
            : of(shards), index(at), router(at, workers, *this) {}
        bool is_connected(PeerId) override { return true; }
        bool has_channel(PeerId, DataChannel) override { return true; }
        sctp::SendStatus send(Timestamp, PeerId to, DataChannel,
                              const sctp::SharedBytes& payload) override {
            if (of.full.contains(to)) return sctp::SendStatus::kQueueFull;
            of.got[to] += payload.size();
            return sctp::SendStatus::kOk;
        }
        std::size_t buffered(PeerId, DataChannel) override { return 0; }
        Duration least_round_trip(PeerId) override { return {}; }
        void resume(PeerId) override {}
        void emit(Event) override {}
        std::optional<Duration> round_trip(PeerId) override { return std::nullopt; }
        UnixTime wall(Timestamp) override { return {}; }
        bool push_link(WorkerIndex to, BytesView piece) override {
            of.ports[to]->arrived.emplace_back(index, to_vector(piece));
            return true;
        }
        bool deliver() {
            const bool any = !arrived.empty();
            for (; !arrived.empty(); arrived.pop_front())
                router.handle_link(of.now, arrived.front().first, arrived.front().second);
            return any;
        }
        Shards& of;
        WorkerIndex index;
        std::deque<std::pair<WorkerIndex, Bytes>> arrived;
        DataRouter router;
    };

    Timestamp now = Timestamp::micros(1'000'000);
    std::set<PeerId> full;
    std::map<PeerId, std::size_t> got;
    std::vector<std::unique_ptr<Port>> ports;
};

}  // namespace

// Nobody who is there holds more than its window; many who come, speak and go would hold as many
// windows as they like.
TEST_CASE("Data: what waits of senders who went is bounded, on each worker [SIG-122] [DC-20]") {
    for (const WorkerIndex home : {WorkerIndex(0), WorkerIndex(1)}) {
        Shards w(2);
        w.come(0, 1);
        w.come(1, 2);
        w.full.insert(PeerId(1));
        for (std::uint64_t sender = 10; sender < 60; ++sender) {
            w.come(home, sender);
            w.flood(home, sender);
            w.go(home, sender);
        }
        CHECK(w.router(0).dropped() > 0);
        CHECK(w.router(1).dropped() == 0);
        w.full.clear();
        w.router(0).made_room(w.now, PeerId(1));
        CHECK_FALSE(w.router(0).lagging());
        CHECK(w.got[PeerId(1)] <= DataWindows::kMaxLeftBytes);
        CHECK(w.got[PeerId(1)] > DataWindows::kMaxLeftBytes / 2);
        // It is over: there is room for the next.
        const std::uint64_t dropped = w.router(0).dropped();
        w.full.insert(PeerId(1));
        w.come(home, 99);
        w.flood(home, 99);
        w.go(home, 99);
        CHECK(w.router(0).dropped() == dropped);
    }
}

// Who comes again is another member, on another worker maybe: what it said last, before its end was
// seen, is still on the way there.
TEST_CASE("Data: who took a place is not told what the one before said [SIG-142] [SIG-122]") {
    for (const bool named : {false, true}) {
        CAPTURE(named);
        Shards w(2);
        w.come(0, 1, "ann");
        w.come(1, 2, "bob");
        w.say(0, 1, named ? "ann" : "");
        w.router(0).apply(w.now, DataMemberGone{kRoom, MemberId(1)});
        w.come(1, 3, "ann");
        w.pass();
        CHECK(w.got[PeerId(3)] == 0);
        CHECK((w.got[PeerId(2)] > 0) == !named);
        // What others say comes, to everybody and to it alone.
        w.say(1, 2, named ? "ann" : "");
        w.pass();
        CHECK(w.got[PeerId(3)] > 0);
    }
}

}  // namespace confab::sfu
