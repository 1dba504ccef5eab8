// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/data/pressure/data_windows.h"

#include <doctest/doctest.h>

#include "sfu/data/data_message.h"

namespace confab::sfu {
namespace {

constexpr RoomId kRoom(1);
constexpr std::size_t kCost = 1'000;

// A worker and one other, on which nothing is sent.
struct Windows {
    DataLinks links{2};
    DataWindows windows{links};

    // One message of kCost for so many receivers.
    PendingId hold(WindowId of, std::size_t receivers = 1, std::size_t cost = kCost) {
        const sctp::SharedBytes payload(Bytes(cost - DataMessage::kOverhead, 1));
        PendingId message;
        for (std::size_t i = 0; i < receivers; ++i)
            windows.hold(message, payload, of);
        return message;
    }
    // What the other worker is told that was taken here.
    std::vector<std::size_t> told() {
        std::vector<std::size_t> result;
        DataLinks there(2);
        (void)links.flush([&](WorkerIndex, BytesView piece) {
            there.receive(0, piece, [&](const LinkRecord& record) {
                result.push_back(std::get<LinkedTaken>(record).bytes);
            });
            return true;
        });
        return result;
    }
};

TEST_CASE(
    "DataWindow: full with kMaxBytes here or with any other worker, not with the sum [DC-20]") {
    constexpr std::size_t kMax = DataWindow::kMaxBytes;
    DataWindow here;
    here.waiting = kMax - 1;
    CHECK_FALSE(here.full());
    here.waiting = kMax;
    CHECK(here.full());

    DataWindow abroad;
    abroad.waiting = kMax - 1;
    abroad.at(1) = kMax - 1;
    abroad.at(2) = kMax - 1;
    CHECK_FALSE(abroad.full());
    abroad.at(2) += 1;
    CHECK(abroad.full());
    abroad.at(2) -= 1;
    CHECK_FALSE(abroad.full());
    CHECK(abroad.abroad.size() == 2);  // one entry for each worker
}

TEST_CASE("DataWindow: what a worker held that is no longer of the room is forgotten [DES-41]") {
    DataWindow window;
    window.at(1) = DataWindow::kMaxBytes;
    window.at(2) = 5;
    window.keep_only({2, 3});
    CHECK_FALSE(window.full());
    CHECK(window.at(2) == 5);
    CHECK(window.at(1) == 0);
}

TEST_CASE("DataWindows: a message counts once, until its last receiver has it [DC-20]") {
    Windows w;
    const WindowId alice = w.windows.add(kRoom, MemberId(1));
    const PendingId message = w.hold(alice, 3);
    CHECK(w.windows.at(alice).waiting == kCost);
    CHECK(w.windows.message(message).cost == kCost);
    w.windows.hold_back(PeerId(1));
    for (int i = 0; i < 2; ++i) {
        w.windows.release(message);
        CHECK(w.windows.at(alice).waiting == kCost);
        CHECK(w.windows.take_held_back().empty());
    }
    w.windows.release(message);
    CHECK(w.windows.at(alice).waiting == 0);
    CHECK(w.windows.take_held_back() == std::vector<PeerId>{PeerId(1)});
}

TEST_CASE("DataWindows: who is held back is named once, and not when its connection went [DC-20]") {
    Windows w;
    for (const unsigned peer : {1U, 2U, 1U, 3U})
        w.windows.hold_back(PeerId(peer));
    w.windows.forget(PeerId(2));
    w.windows.note_opened();
    CHECK(w.windows.take_held_back() == std::vector<PeerId>{PeerId(1), PeerId(3)});
    w.windows.note_opened();
    CHECK(w.windows.take_held_back().empty());
}

TEST_CASE("DataWindows: the worker of a sender hears of each quarter that was taken [DES-41]") {
    Windows w;
    const WindowId id = w.windows.add(kRoom, MemberId(1));
    DataWindow& window = w.windows.at(id);
    window.home = 1;
    constexpr std::size_t kQuarter = DataWindow::kMaxBytes / 4;
    w.windows.note_taken(window, kQuarter - 1);
    CHECK(w.told().empty());
    w.windows.note_taken(window, 1);
    CHECK(w.told() == std::vector<std::size_t>{kQuarter});
    // Out of a backlog counts likewise, and what is idle tells the rest before it goes.
    const PendingId message = w.hold(id);
    CHECK_FALSE(w.windows.erase_idle(id));
    w.windows.release(message);
    CHECK(w.told().empty());
    CHECK(w.windows.erase_idle(id));
    CHECK(w.told() == std::vector<std::size_t>{kCost});
}

TEST_CASE("DataWindows: kMaxLeftBytes of senders who went wait in a room, not more [DC-20]") {
    Windows w;
    constexpr std::size_t kMax = DataWindows::kMaxLeftBytes;
    constexpr RoomId kOther(2);
    const auto leave = [&](RoomId room, std::size_t bytes) {
        const WindowId sender = w.windows.add(room, MemberId(1));
        const PendingId message = w.hold(sender, 1, bytes);
        return std::pair(w.windows.abandon(sender), message);
    };
    const auto [first_fits, first] = leave(kRoom, kMax - kCost);
    const auto [second_fits, second] = leave(kRoom, kCost);
    const auto [third_fits, third] = leave(kRoom, kCost);
    CHECK(first_fits);
    CHECK(second_fits);
    CHECK_FALSE(third_fits);
    CHECK(leave(kOther, kMax).first);  // each room for itself
    // What was taken makes room for the next one.
    w.windows.release(third);
    w.windows.release(second);
    CHECK(leave(kRoom, kCost).first);
    CHECK_FALSE(leave(kRoom, kCost).first);
    w.windows.release(first);
    CHECK(leave(kRoom, kMax - 2 * kCost).first);
}

TEST_CASE("RemoteSenders: who is heard from another worker has not left [MC-20]") {
    Windows w;
    RemoteSenders remote;
    const WindowId window = remote.window(w.windows, kRoom, MemberId(1), 1);
    CHECK(remote.window(w.windows, kRoom, MemberId(1), 2) == window);
    CHECK(remote.take(w.windows, MemberId(1), 1) == WindowId());
    CHECK(remote.window(w.windows, kRoom, MemberId(1), 2) == window);
    CHECK(remote.take(w.windows, MemberId(1), 2) == window);
}

TEST_CASE("RemoteSenders: with kMaxIdle those with nothing waiting go, the others stay [IMM-15]") {
    Windows w;
    RemoteSenders remote;
    const WindowId busy = remote.window(w.windows, kRoom, MemberId(1), 1);
    const PendingId message = w.hold(busy);
    const WindowId idle = remote.window(w.windows, kRoom, MemberId(2), 1);
    w.windows.note_taken(w.windows.at(idle), kCost);
    for (std::uint64_t i = 3; i <= RemoteSenders::kMaxIdle; ++i)
        (void)remote.window(w.windows, kRoom, MemberId(i), 1);
    CHECK(remote.window(w.windows, kRoom, MemberId(2), 1) == idle);
    CHECK(w.told().empty());
    (void)remote.window(w.windows, kRoom, MemberId(1'000), 1);
    CHECK(w.told() == std::vector<std::size_t>{kCost});
    CHECK(remote.window(w.windows, kRoom, MemberId(1), 1) == busy);
    CHECK(remote.take(w.windows, MemberId(2), 1) == WindowId());
    CHECK(remote.take(w.windows, MemberId(1), 1) == busy);
    CHECK(remote.take(w.windows, MemberId(1), 1) == WindowId());
    w.windows.release(message);
}

}  // namespace
}  // namespace confab::sfu
