// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/manager/placement.h"

#include <doctest/doctest.h>

#include <memory>
#include <set>

namespace confab::room {
namespace {

std::vector<std::size_t> spread(const Placement& placement, std::size_t workers) {
    std::vector<std::size_t> counts;
    counts.reserve(workers);
    for (std::size_t i = 0; i < workers; ++i)
        counts.push_back(placement.participants(static_cast<sfu::WorkerIndex>(i)));
    return counts;
}
void fill(Placement& placement, const std::string& room, std::size_t count,
          std::vector<Placement::Seat>& seats) {
    for (std::size_t i = 0; i < count; ++i)
        seats.push_back(placement.take(room));
}

TEST_CASE("Placement: a small room stays on one worker, small rooms spread over all [DES-40]") {
    Placement placement(4);
    std::vector<Placement::Seat> seats;
    for (int room = 0; room < 8; ++room) {
        const std::size_t first = seats.size();
        fill(placement, "room" + std::to_string(room), 5, seats);
        for (std::size_t i = first; i < seats.size(); ++i)
            CHECK(seats[i].worker() == seats[first].worker());
    }
    CHECK(spread(placement, 4) == std::vector<std::size_t>{10, 10, 10, 10});
}

TEST_CASE("Placement: who comes with its connections sits where they are [API-12] [DES-40]") {
    Placement placement(2, 2);
    std::vector<Placement::Seat> seats;
    fill(placement, "room", 2, seats);
    const sfu::WorkerIndex full = seats[0].worker();
    placement.set_load(full, 1);
    seats.push_back(placement.keep("room", full));
    CHECK(seats.back().worker() == full);
    CHECK(placement.participants(full) == 3);
    seats.back() = placement.keep("other", full);  // it moves on
    CHECK(placement.participants(full) == 3);
    CHECK(placement.keep("room", 7).worker() == 1);  // a worker that is not there
    seats.clear();
    CHECK(spread(placement, 2) == std::vector<std::size_t>{0, 0});
}

TEST_CASE("Placement: the rooms of several control shards do not meet on one worker [DES-40]") {
    std::set<sfu::WorkerIndex> used;
    for (std::size_t control = 0; control < 4; ++control) {
        Placement placement(4, Placement::kRoomShare, control);
        used.insert(placement.take("room").worker());
        // And each fills all of them as evenly as one alone.
        std::vector<Placement::Seat> seats;
        for (int room = 0; room < 8; ++room)
            fill(placement, "room" + std::to_string(room), 5, seats);
        CHECK(spread(placement, 4) == std::vector<std::size_t>{10, 10, 10, 10});
    }
    CHECK(used.size() == 4);
    Placement more(2, Placement::kRoomShare, 5);  // control shards than workers
    CHECK(more.take("room").worker() == 1);
}

TEST_CASE("Placement: a large room spills participant by participant and ends up even [DES-40]") {
    Placement placement(4);
    std::vector<Placement::Seat> seats;
    fill(placement, "large", Placement::kRoomShare, seats);
    CHECK(spread(placement, 4) == std::vector<std::size_t>{Placement::kRoomShare, 0, 0, 0});
    fill(placement, "large", 1, seats);
    CHECK(seats.back().worker() != seats.front().worker());
    fill(placement, "large", 1000 - Placement::kRoomShare - 1, seats);
    for (const std::size_t count : spread(placement, 4)) {
        CHECK(count >= 200);
        CHECK(count <= 300);
    }
}

TEST_CASE("Placement: a busy worker takes nobody new while others can [DES-40]") {
    Placement placement(2);
    std::vector<Placement::Seat> seats;
    fill(placement, "a", 3, seats);
    REQUIRE(seats[0].worker() == 0);
    placement.set_load(0, Placement::kBusy + 0.01);
    fill(placement, "a", 1, seats);
    CHECK(seats.back().worker() == 1);
    // Back below, the room goes on where less is done.
    placement.set_load(0, 0.5);
    placement.set_load(1, 0.2);
    fill(placement, "a", 1, seats);
    CHECK(seats.back().worker() == 1);
    // All are busy: the least busy one.
    placement.set_load(0, 0.9);
    placement.set_load(1, 1.5);
    fill(placement, "b", 1, seats);
    CHECK(seats.back().worker() == 0);
    placement.set_load(7, 1);  // no such worker
}

TEST_CASE("Placement: a rush between two figures does not pile up on one worker [DES-40]") {
    Placement placement(2, 1000);
    placement.set_load(0, 0.35);
    placement.set_load(1, 0.0);
    std::vector<Placement::Seat> seats;
    for (int i = 0; i < 600; ++i)
        fill(placement, "room" + std::to_string(i), 1, seats);
    CHECK(placement.participants(0) > 150);
    CHECK(placement.participants(1) > 300);
}

TEST_CASE("Placement: seats come back with whoever goes, moved ones once [DES-40]") {
    Placement placement(2, 1);
    auto first = std::make_unique<Placement::Seat>(placement.take("a"));
    Placement::Seat second = placement.take("a");
    CHECK(first->worker() == 0);
    CHECK(second.worker() == 1);
    Placement::Seat moved = std::move(*first);
    first.reset();
    CHECK(spread(placement, 2) == std::vector<std::size_t>{1, 1});
    moved = placement.take("a");
    second = Placement::Seat();
    CHECK(placement.participants(0) + placement.participants(1) == 1);
    moved = Placement::Seat();
    CHECK(spread(placement, 2) == std::vector<std::size_t>{0, 0});
    // Nothing is remembered of the room: a new one starts anywhere.
    CHECK(placement.take("a").worker() == 0);
}

TEST_CASE("Placement: who has no connections of its own counts nowhere [API-11] [DES-40]") {
    Placement placement(2);
    Placement::Seat seat = Placement::beside(1);
    CHECK(seat.worker() == 1);
    CHECK(spread(placement, 2) == std::vector<std::size_t>{0, 0});
    const Placement::Seat moved = std::move(seat);
    CHECK(moved.worker() == 1);
    CHECK(spread(placement, 2) == std::vector<std::size_t>{0, 0});
}

}  // namespace
}  // namespace confab::room
