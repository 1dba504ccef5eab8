// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sim/scenarios/people.h"

#include <doctest/doctest.h>

namespace confab::sim {
namespace {

// Room 0: alice twice, a hidden one, client 4 without a name; room 1: another alice.
People some_people() {
    Scenario scenario;
    scenario.clients = 5;
    scenario.people = {
        {"alice", false, 0}, {"alice", false, 1}, {"alice", false, 0}, {"ghost", true, 0}};
    return People(scenario);
}

TEST_CASE("People: who has no identity gets one of its own") {
    const People people = some_people();
    CHECK(people.size() == 5);
    CHECK(people.at(4).identity == "client-4");
    CHECK(people.room_of(1) == "room-1");
    CHECK(people.room_of(4) == "room-0");
}

TEST_CASE("People: one identity in one room is one person, in another room another") {
    const People people = some_people();
    CHECK(people.number_of(0) == 1);
    CHECK(people.number_of(1) == 2);
    CHECK(people.number_of(2) == 1);
    CHECK(people.by_number(people.number_of(1)).room == 1);
    CHECK(people.same_person(2) == std::vector<ClientId>{0, 2});
    CHECK(people.same_person(1) == std::vector<ClientId>{1});
}

TEST_CASE("People: an identity means the namesake in the caller's room, if there is one") {
    const People people = some_people();
    CHECK(people.called_by(4, 1) == people.number_of(0));
    CHECK(people.called_by(1, 0) == people.number_of(1));
    CHECK(people.called_by(1, 4) == people.number_of(4));
}

TEST_CASE("People: the hidden are unknown to all in their room but themselves") {
    const People people = some_people();
    CHECK(people.hidden_from(0) == std::set<std::string>{"ghost"});
    CHECK(people.hidden_from(1).empty());
    CHECK(people.hidden_from(3).empty());
}

}  // namespace
}  // namespace confab::sim
