// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/manager/moves.h"

#include <doctest/doctest.h>

namespace confab::room {
namespace {

constexpr Timestamp at(std::int64_t seconds) {
    return Timestamp() + Duration::seconds(seconds);
}
std::string room_of(const Moves& moves, Timestamp now, const std::string& sid) {
    const std::string* room = moves.find(now, sid);
    return room == nullptr ? "" : *room;
}

}  // namespace

TEST_CASE("Moves: where somebody went last, for as long as it may come back [API-12]") {
    Moves moves;
    CHECK(room_of(moves, at(0), "PA_a").empty());
    moves.note(at(0), "PA_a", "r");
    moves.note(at(10), "PA_a", "s");
    CHECK(room_of(moves, at(10), "PA_a") == "s");
    // The first move is forgotten, the last is not.
    moves.note(at(95), "PA_b", "r");
    CHECK(moves.size() == 2);
    CHECK(room_of(moves, at(95), "PA_a") == "s");
    CHECK(room_of(moves, at(100), "PA_a") == "s");
    CHECK(room_of(moves, at(101), "PA_a").empty());
    CHECK(room_of(moves, at(101), "PA_b") == "r");
}

TEST_CASE("Moves: so many are kept, the oldest give way [API-12]") {
    Moves moves;
    const auto sid = [](std::size_t i) { return "PA_" + std::to_string(i); };
    for (std::size_t i = 0; i < Moves::kMaxKept; ++i)
        moves.note(at(1), sid(i), "r");
    CHECK(moves.size() == Moves::kMaxKept);
    CHECK(room_of(moves, at(1), sid(0)) == "r");
    moves.note(at(1), sid(Moves::kMaxKept), "r");
    CHECK(moves.size() == Moves::kMaxKept);
    CHECK(room_of(moves, at(1), sid(0)).empty());
    CHECK(room_of(moves, at(1), sid(1)) == "r");
}

}  // namespace confab::room
