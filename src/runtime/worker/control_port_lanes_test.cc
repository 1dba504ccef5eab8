// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// ControlPort by itself: the workers' ends of its mailboxes are moved by hand.
#include <doctest/doctest.h>
#include <poll.h>

#include <memory>
#include <vector>

#include "runtime/worker/control_port.h"

namespace confab::worker {
namespace {

using sfu::DownTrackId;
using sfu::PeerId;

struct Lanes {
    explicit Lanes(std::size_t workers) {
        for (std::size_t i = 0; i < workers; ++i)
            inboxes.push_back(std::make_unique<WorkerInbox>(workers));
        port = std::make_unique<ControlPort>(inboxes);
    }
    // The worker takes all that is in its ring; how many commands that were.
    std::size_t take(std::size_t worker) {
        Mailbox& mailbox = port->mailbox(worker);
        SpscRing<sfu::Command>* ring = mailbox.commands.consumer();
        std::size_t count = 0;
        for (; ring != nullptr && ring->front() != nullptr; ring->release(), ++count)
            mailbox.data_bytes_taken += data_bytes(*ring->front());
        return count;
    }
    void say(std::size_t worker, std::uint64_t peer) {
        sfu::DataProgress event;
        event.peer = PeerId(peer);
        REQUIRE(port->mailbox(worker).events.producer().push(sfu::Event(event)));
    }
    void report(std::size_t worker, Timestamp at) {
        auto& snapshot = port->mailbox(worker).snapshot;
        snapshot.back().at = at;
        snapshot.publish();
    }
    bool is_rung(std::size_t worker) {
        pollfd bell{inboxes[worker]->wakeup.fd(), POLLIN, 0};
        return ::poll(&bell, 1, 0) > 0;
    }

    std::vector<std::unique_ptr<WorkerInbox>> inboxes;
    std::unique_ptr<ControlPort> port;
};

}  // namespace

TEST_CASE("ControlPort: workers are heard in turn, whatever one has to say") {
    Lanes lanes(3);
    for (int i = 0; i < 3; ++i)
        lanes.say(0, 1);
    lanes.say(1, 1);
    lanes.say(2, 1);
    std::vector<sfu::WorkerIndex> heard;
    while (const auto event = lanes.port->poll_event())
        heard.push_back(event->worker);
    CHECK(heard == std::vector<sfu::WorkerIndex>{0, 1, 2, 0, 0});
    CHECK_FALSE(lanes.port->has_events());
}

TEST_CASE("ControlPort: a worker is rung for what it is sent, and for what had to wait [DES-42]") {
    Lanes lanes(2);
    for (const auto& inbox : lanes.inboxes)
        inbox->wakeup.announce_sleep();
    for (std::size_t i = 0; i < Mailbox::kCommands + 5; ++i)
        lanes.port->send(0, sfu::ClosePeer{PeerId(i)});
    lanes.port->flush();
    CHECK(lanes.is_rung(0));
    CHECK_FALSE(lanes.is_rung(1));
    CHECK(lanes.port->commands_waiting());
    CHECK(lanes.take(0) == Mailbox::kCommands);
    lanes.inboxes[0]->wakeup.awake();
    lanes.inboxes[0]->wakeup.announce_sleep();
    REQUIRE_FALSE(lanes.is_rung(0));
    lanes.port->flush();
    CHECK(lanes.is_rung(0));
    CHECK_FALSE(lanes.port->commands_waiting());
    CHECK(lanes.take(0) == 5);
}

TEST_CASE("ControlPort: the worker that is silent longest is the one that counts [CON-06]") {
    Lanes lanes(3);
    lanes.report(0, Timestamp::micros(30));
    lanes.report(1, Timestamp::micros(20));
    lanes.report(2, Timestamp::micros(40));
    CHECK(lanes.port->oldest_snapshot() == Timestamp::micros(20));
    CHECK(lanes.port->snapshot(2).at == Timestamp::micros(40));
}

TEST_CASE("ControlPort: what was dropped is not on its way [DC-20]") {
    Lanes lanes(1);
    constexpr std::size_t kSize = 60'000;
    sfu::SendData data;
    data.payload = Bytes(kSize);
    for (std::size_t i = 0; i < 3 * ControlPort::kMaxDataBytes / kSize; ++i)
        lanes.port->send(0, data);
    const std::uint64_t dropped = lanes.port->commands_dropped();
    CHECK(dropped > 2 * ControlPort::kMaxDataBytes / kSize - 2);
    lanes.take(0);
    lanes.port->flush();
    lanes.port->send(0, data);
    CHECK(lanes.port->commands_dropped() == dropped);
    CHECK(lanes.take(0) == 1);
}

// 220 MB for a moment: that is what the limit allows.
TEST_CASE("ControlPort: a worker that hangs gets no more but what ends something [IMM-15]") {
    Lanes lanes(1);
    constexpr std::size_t kFit = Mailbox::kCommands + ControlPort::kMaxWaiting;
    const sfu::MuteReceiver more{};
    for (std::size_t i = 0; i < kFit; ++i)
        lanes.port->send(0, more);
    CHECK(lanes.port->commands_dropped() == 0);
    lanes.port->send(0, more);
    CHECK(lanes.port->commands_dropped() == 1);
    lanes.port->send(0, sfu::ClosePeer{PeerId(1)});
    lanes.port->send(0, sfu::RemoveReceiver{});
    lanes.port->send(0, sfu::RemoveDownTrack{DownTrackId(1)});
    lanes.port->send(0, sfu::DataMemberGone{});
    CHECK(lanes.port->commands_dropped() == 1);
}

// 256 MB for a moment.
TEST_CASE("ControlPort: what waits for a worker that hangs is bounded in bytes too [IMM-15]") {
    Lanes lanes(1);
    sfu::AddReceiver large;
    large.layers.resize(8);
    for (sfu::ReceiveLayer& layer : large.layers)
        layer.rid.assign(std::size_t{128} << 10U, 'q');
    constexpr std::size_t kFit = ControlPort::kMaxWaitingBytes >> 20U;
    for (std::uint64_t round = 1; round <= 2; ++round) {  // what went does not count any more
        CAPTURE(round);
        for (std::size_t i = 0; i < Mailbox::kCommands; ++i)
            lanes.port->send(0, sfu::MuteReceiver{});
        for (std::size_t i = 0; i < kFit + 50; ++i)
            lanes.port->send(0, large);
        CHECK(lanes.port->commands_dropped() >= round * 50);
        CHECK(lanes.port->commands_dropped() <= round * 52);
        const std::uint64_t dropped = lanes.port->commands_dropped();
        lanes.port->send(0, sfu::MuteReceiver{});
        CHECK(lanes.port->commands_dropped() == dropped + 1);
        lanes.port->send(0, sfu::RemoveReceiver{});
        CHECK(lanes.port->commands_dropped() == dropped + 1);
        CHECK(lanes.take(0) == Mailbox::kCommands);
        lanes.port->flush();
        CHECK_FALSE(lanes.port->commands_waiting());
        lanes.take(0);
    }
}

}  // namespace confab::worker
