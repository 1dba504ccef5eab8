// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Control shards and workers over their real mailboxes: who is read when, and whose events go
// where.
#include "runtime/worker/control_port.h"

#include <doctest/doctest.h>
#include <poll.h>

#include <atomic>
#include <set>
#include <thread>

#include "runtime/worker/worker_links.h"
#include "runtime/worker/worker_ports.h"
#include "sfu/shard/shard.h"

namespace confab::worker {
namespace {

using sfu::ControlShard;
using sfu::PeerId;

PeerId peer_of(std::size_t control, std::uint64_t number) {
    return PeerId(std::uint64_t{control} << sfu::kControlShardBit | number);
}

// Ports and inboxes of so many control shards and workers, as MediaNode makes them.
struct Rig {
    Rig(std::size_t control_shards, std::size_t workers) {
        for (std::size_t i = 0; i < workers; ++i)
            inboxes.push_back(std::make_unique<WorkerInbox>(workers));
        for (std::size_t i = 0; i < control_shards; ++i)
            ports.push_back(std::make_unique<ControlPort>(inboxes));
    }
    std::vector<std::unique_ptr<WorkerInbox>> inboxes;
    std::vector<std::unique_ptr<ControlPort>> ports;
};

// A worker without sockets, in a time of its own: a second passes with each turn.
class LoneWorker {
  public:
    LoneWorker(Rig& rig, std::size_t index)
        : ports(static_cast<sfu::WorkerIndex>(index), rig.ports),
          inbox_(*rig.inboxes[index]),
          links_(static_cast<sfu::WorkerIndex>(index), rig.inboxes),
          shard(config(index, rig), now_, Rng(7), links_) {}

    void turn() {
        now_ = now_ + Duration::seconds(1);
        ports.read_commands(now_, shard);
        shard.handle_timeout(now_);
        while (shard.poll_transmit(now_, batch_))
            batch_.clear();
        (void)ports.send_events(shard);
    }
    // As Worker::wait(), for a short while.
    void wait() {
        inbox_.wakeup.announce_sleep();
        pollfd bell{inbox_.wakeup.fd(), POLLIN, 0};
        (void)::poll(&bell, 1, ports.has_commands() ? 0 : 1);
        inbox_.wakeup.awake();
    }

    WorkerPorts ports;

  private:
    static sfu::ShardConfig config(std::size_t index, const Rig& rig) {
        sfu::ShardConfig config;
        config.index = static_cast<sfu::WorkerIndex>(index);
        config.worker_count = rig.inboxes.size();
        config.control_shards = rig.ports.size();
        config.simulate_dtls = true;
        config.wall = UnixTime::seconds(1'700'000'000);
        config.candidates = {{0, ice::Protocol::kUdp, {IpAddress::v4(0x7F000001), 7000}}};
        return config;
    }

    Timestamp now_ = Timestamp::micros(1'000'000);
    WorkerInbox& inbox_;
    WorkerLinks links_;
    sfu::SendBatch batch_;

  public:
    sfu::Shard shard;
};

// A peer whose other end never answers: it fails after 15 s (ICE-04), which is its one event.
constexpr int kTurnsToFail = 17;
void create_doomed(ControlPort& port, std::size_t worker, PeerId id) {
    sfu::CreatePeer create;
    create.peer = id;
    create.local = {"a" + std::to_string(id.value()) + "serverufrag", "server_password_1234567890"};
    port.send(static_cast<sfu::WorkerIndex>(worker), create);
    sfu::SetRemote remote;
    remote.peer = id;
    remote.remote = {"clientufrag", "client_password_1234567890"};
    port.send(static_cast<sfu::WorkerIndex>(worker), remote);
}

PeerId failed_peer(const WorkerEvent& event) {
    const auto* changed = std::get_if<sfu::PeerStateChanged>(&event.event);
    REQUIRE(changed != nullptr);
    REQUIRE(changed->state == sfu::PeerState::kFailed);
    return changed->peer;
}

}  // namespace

TEST_CASE("WorkerPorts: so many commands a turn, of each control shard in turn [DES-41]") {
    Rig rig(3, 1);
    LoneWorker worker(rig, 0);
    constexpr std::size_t kMax = WorkerPorts::kMaxCommandsPerTurn;
    for (std::uint64_t i = 1; i <= 1000; ++i) {
        sfu::CreatePeer create;
        create.peer = peer_of(0, i);
        create.local = {"a" + std::to_string(i), "password"};
        rig.ports[0]->send(0, create);
    }
    for (std::uint64_t i = 1; i <= 3; ++i) {
        sfu::CreatePeer create;
        create.peer = peer_of(2, i);
        create.local = {"b" + std::to_string(i), "password"};
        rig.ports[2]->send(0, create);
    }
    worker.turn();
    CHECK(worker.shard.snapshot().peers == kMax);
    CHECK(rig.ports[2]->mailbox(0).commands.empty());  // behind three of the flood
    CHECK_FALSE(rig.ports[0]->mailbox(0).commands.empty());
    CHECK(worker.ports.has_commands());
    worker.turn();
    CHECK(worker.shard.snapshot().peers == 2 * kMax);
    for (int i = 0; i < 20; ++i)
        worker.turn();
    CHECK(worker.shard.snapshot().peers == 1003);
    CHECK_FALSE(worker.ports.has_commands());
}

TEST_CASE("ControlPort: a shard that stops reading loses nothing and stops no other [DES-41]") {
    Rig rig(2, 1);
    LoneWorker worker(rig, 0);
    constexpr std::uint64_t kMany = Mailbox::kEvents + 300;
    constexpr std::uint64_t kFew = 50;
    ControlPort& idle = *rig.ports[0];
    ControlPort& busy = *rig.ports[1];
    for (std::uint64_t i = 1; i <= kMany; ++i)
        create_doomed(idle, 0, peer_of(0, i));
    for (std::uint64_t i = 1; i <= kFew; ++i)
        create_doomed(busy, 0, peer_of(1, i));
    std::set<PeerId> heard;
    const auto listen = [&](ControlPort& port, ControlShard control) {
        while (const auto event = port.poll_event()) {
            CHECK(sfu::control_shard_of(event->event) == control);
            CHECK(heard.insert(failed_peer(*event)).second);
        }
    };
    for (int i = 0; i < 200 && !worker.ports.events_wait(); ++i) {
        idle.flush();
        busy.flush();
        worker.turn();
        listen(busy, 1);
    }
    CHECK(worker.ports.events_wait());  // its ring is full
    CHECK(heard.size() == kFew);

    // The other goes on: its commands are carried out, their events come.
    for (std::uint64_t i = 1; i <= kFew; ++i)
        create_doomed(busy, 0, peer_of(1, kFew + i));
    for (int i = 0; i < 2 * kTurnsToFail; ++i) {
        busy.flush();
        worker.turn();
        listen(busy, 1);
    }
    CHECK(heard.size() == 2 * kFew);

    // And the first finds all of its own, once each.
    heard.clear();
    for (int i = 0; i < 10; ++i) {
        listen(idle, 0);
        worker.turn();
    }
    CHECK(heard.size() == kMany);
    CHECK_FALSE(worker.ports.events_wait());
    CHECK_FALSE(idle.has_events());
}

TEST_CASE(
    "ControlPort: two shards and two workers in threads, a third that does not read [DES-40]") {
    constexpr std::size_t kWorkers = 2;
    constexpr std::size_t kControls = 3;
    constexpr std::uint64_t kPeers = 1500;  // of each shard
    Rig rig(kControls, kWorkers);
    std::atomic<std::size_t> done{0};
    std::atomic<bool> stop{false};
    std::vector<std::thread> threads;
    threads.reserve(kWorkers + kControls);
    for (std::size_t w = 0; w < kWorkers; ++w)
        threads.emplace_back([&, w] {
            LoneWorker worker(rig, w);
            while (!stop.load()) {
                worker.turn();
                worker.wait();
            }
        });
    std::array<std::uint64_t, kControls> wrong{};
    std::array<std::set<PeerId>, kControls> heard;
    const auto listen = [&](std::size_t control) {
        ControlPort& port = *rig.ports[control];
        while (const auto event = port.poll_event()) {
            const auto* failed = std::get_if<sfu::PeerStateChanged>(&event->event);
            if (failed == nullptr || sfu::control_shard_of(event->event) != control ||
                event->worker != failed->peer.value() % kWorkers ||
                !heard[control].insert(failed->peer).second)
                ++wrong[control];
            else
                port.send(event->worker, sfu::ClosePeer{failed->peer});
        }
    };
    const auto drive = [&](std::size_t control, bool reads) {
        ControlPort& port = *rig.ports[control];
        std::uint64_t sent = 0;
        while (sent < kPeers || (reads && heard[control].size() < kPeers)) {
            for (int i = 0; i < 16 && sent < kPeers; ++i, ++sent)
                create_doomed(port, sent % kWorkers, peer_of(control, sent));
            port.flush();
            if (!reads) continue;
            listen(control);
            port.announce_sleep();
            pollfd bell{port.event_fd(), POLLIN, 0};
            const bool busy = port.has_events() || port.commands_waiting() || sent < kPeers;
            (void)::poll(&bell, 1, busy ? 0 : 100);
            port.awake();
        }
        done.fetch_add(1);
    };
    threads.emplace_back(drive, 0, true);
    threads.emplace_back(drive, 1, true);
    drive(2, false);
    while (done.load() < kControls) {
        rig.ports[2]->flush();
        (void)::poll(nullptr, 0, 1);
    }
    for (std::size_t i = 0; heard[2].size() < kPeers && i < 20'000; ++i) {
        rig.ports[2]->flush();
        listen(2);
        (void)::poll(nullptr, 0, 1);
    }
    stop.store(true);
    for (std::thread& thread : threads)
        thread.join();
    for (std::size_t control = 0; control < kControls; ++control) {
        CAPTURE(control);
        CHECK(wrong[control] == 0);
        CHECK(heard[control].size() == kPeers);
        CHECK(rig.ports[control]->commands_dropped() == 0);
    }
}

TEST_CASE("ControlPort: packets of the API for a worker that takes none are bounded [DC-20]") {
    Rig rig(2, 2);
    LoneWorker worker(rig, 0);
    ControlPort& port = *rig.ports[0];
    constexpr std::size_t kSize = 60'000;
    constexpr std::size_t kFit = ControlPort::kMaxDataBytes / kSize;
    static_assert(kFit < Mailbox::kCommands);  // so that all of it stands in the ring
    sfu::SendData data;
    data.payload = Bytes(kSize);
    for (std::size_t i = 0; i < kFit - 10; ++i)
        port.send(0, data);
    CHECK(port.commands_dropped() == 0);
    for (std::size_t i = 0; i < 110; ++i)
        port.send(0, data);
    CHECK(port.commands_dropped() >= 100);
    CHECK(port.commands_dropped() < 110);
    // Other workers' is another matter, and so is what it has taken.
    const std::uint64_t dropped = port.commands_dropped();
    port.send(1, data);
    while (worker.ports.has_commands()) {
        worker.turn();
        port.flush();
    }
    port.send(0, data);
    CHECK(port.commands_dropped() == dropped);
}

TEST_CASE("ControlPort: rings that nobody used are not there") {
    Rig rig(4, 16);
    LoneWorker worker(rig, 0);
    worker.turn();
    rig.ports[1]->send(0, sfu::ClosePeer{peer_of(1, 1)});
    worker.turn();
    for (std::size_t control = 0; control < 4; ++control)
        for (std::size_t w = 0; w < 16; ++w) {
            Mailbox& mailbox = rig.ports[control]->mailbox(w);
            CHECK((mailbox.commands.consumer() != nullptr) == (control == 1 && w == 0));
            CHECK(mailbox.events.consumer() == nullptr);
        }
}

}  // namespace confab::worker
