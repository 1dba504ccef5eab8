// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Who the clients of a scenario are: in which room, under which identity, and whom they know. Two
// clients of one identity in one room are one person, who has the number that messages are stamped
// with.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "sim/scenarios/scenario.h"

namespace confab::sim {

std::string room_name(std::size_t room);

class People {
  public:
    explicit People(const Scenario& scenario);

    std::size_t size() const { return people_.size(); }
    // Everybody has an identity: by default their own.
    const Person& at(ClientId id) const { return people_[id]; }
    std::string room_of(ClientId id) const { return room_name(people_[id].room); }
    bool same_room(ClientId a, ClientId b) const { return people_[a].room == people_[b].room; }
    // From 1.
    std::uint32_t number_of(ClientId id) const { return numbers_[id]; }
    // The first client of that person.
    const Person& by_number(std::uint32_t number) const { return people_[number - 1]; }
    // All clients of the same person, itself among them.
    std::vector<ClientId> same_person(ClientId id) const;
    // Whom a client calls by somebody's identity: there may be a namesake in its own room.
    std::uint32_t called_by(ClientId id, ClientId to) const;
    // Identities in its room that it must never be told of.
    std::set<std::string> hidden_from(ClientId id) const;

  private:
    std::vector<Person> people_;
    std::vector<std::uint32_t> numbers_;
};

}  // namespace confab::sim
