// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/cluster/rooms/room_mover.h"

#include <doctest/doctest.h>

#include <vector>

namespace confab::control {
namespace {

constexpr Timestamp kStart = Timestamp::micros(1'000'000'000);

struct Moves {
    std::vector<std::pair<std::string, std::int64_t>> all;  // with their ms
    RoomMover mover;
    Timestamp now = kStart;

    explicit Moves(double rate)
        : mover(rate, [this](Timestamp at, const std::string& key, Callback<> moved) {
              all.emplace_back(key, (at - kStart).us() / 1000);
              if (holds) return held.push_back(std::move(moved));
              moved();
          }) {}
    void start(std::deque<RoomMover::Room> rooms) {
        mover.start(kStart, std::move(rooms), [this] { ++done; });
    }
    bool holds = false;
    std::vector<Callback<>> held;
    int done = 0;
    void run() {
        for (int turns = 0; !mover.is_done(); ++turns) {
            REQUIRE(turns < 1000);
            now = std::max(now, mover.next_deadline());
            mover.handle_timeout(now);
        }
    }
};
using All = std::vector<std::pair<std::string, std::int64_t>>;

}  // namespace

TEST_CASE("RoomMover: so many participants in a second, rooms as a whole [OPS-01]") {
    Moves moves(20);
    moves.start({{"a", 10}, {"b", 40}, {"empty", 0}, {"c", 1}});
    CHECK(moves.mover.next_deadline() == kStart);
    moves.run();
    CHECK(moves.done == 1);
    CHECK(moves.all == All{{"a", 0}, {"b", 500}, {"empty", 2500}, {"c", 2501}});
    CHECK(moves.mover.next_deadline() == Timestamp::never());
}

TEST_CASE("RoomMover: after a standstill at most a second is made up for [OPS-01]") {
    Moves moves(10);
    moves.start({});
    moves.mover.handle_timeout(kStart);
    CHECK(moves.done == 1);
    std::deque<RoomMover::Room> rooms;
    for (int i = 0; i < 40; ++i)
        rooms.push_back({"r", 1});
    moves.start(rooms);
    moves.mover.handle_timeout(kStart + Duration::seconds(60));
    CHECK(moves.all.size() == 11);
    moves.mover.stop();
    CHECK(moves.mover.is_done());
    moves.mover.handle_timeout(kStart + Duration::seconds(120));
    CHECK(moves.all.size() == 11);
    CHECK(moves.done == 1);
}

TEST_CASE("RoomMover: it is done when the last one has found its place [OPS-01]") {
    Moves moves(10);
    moves.holds = true;
    moves.start({{"a", 1}, {"b", 1}});
    moves.mover.handle_timeout(kStart);
    moves.mover.handle_timeout(kStart + Duration::seconds(1));
    CHECK(moves.all.size() == 2);
    CHECK(moves.mover.next_deadline() == Timestamp::never());
    moves.held[1]();
    moves.mover.handle_timeout(kStart + Duration::seconds(2));
    CHECK(moves.done == 0);
    moves.held[0]();
    CHECK(moves.mover.next_deadline() == Timestamp());
    moves.mover.handle_timeout(kStart + Duration::seconds(2));
    CHECK(moves.done == 1);
    // What an earlier round still says is not heard.
    moves.start({{"c", 1}});
    moves.mover.handle_timeout(kStart + Duration::seconds(3));
    moves.start({{"d", 1}});
    moves.mover.handle_timeout(kStart + Duration::seconds(4));
    moves.held[2]();
    moves.mover.handle_timeout(kStart + Duration::seconds(5));
    CHECK(moves.done == 1);
    moves.held[3]();
    moves.mover.handle_timeout(kStart + Duration::seconds(5));
    CHECK(moves.done == 2);
}

TEST_CASE("RoomMover: a rate of nothing is one a second [OPS-01]") {
    Moves moves(0);
    moves.start({{"a", 1}, {"b", 1}});
    moves.run();
    CHECK(moves.all == All{{"a", 0}, {"b", 1000}});
}

}  // namespace confab::control
