// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sim/scenarios/people.h"

namespace confab::sim {

std::string room_name(std::size_t room) {
    return "room-" + std::to_string(room);
}

People::People(const Scenario& scenario) {
    for (ClientId id = 0; id < scenario.clients; ++id) {
        Person person;
        if (id < scenario.people.size()) person = scenario.people[id];
        if (person.identity.empty()) person.identity = "client-" + std::to_string(id);
        people_.push_back(std::move(person));
        ClientId first = 0;
        while (!same_room(first, id) || people_[first].identity != people_[id].identity)
            ++first;
        numbers_.push_back(static_cast<std::uint32_t>(first + 1));
    }
}

std::vector<ClientId> People::same_person(ClientId id) const {
    std::vector<ClientId> all;
    for (ClientId other = 0; other < size(); ++other)
        if (numbers_[other] == numbers_[id]) all.push_back(other);
    return all;
}

std::uint32_t People::called_by(ClientId id, ClientId to) const {
    for (ClientId other = 0; other < size(); ++other)
        if (same_room(id, other) && people_[other].identity == people_[to].identity)
            return numbers_[other];
    return numbers_[to];
}

std::set<std::string> People::hidden_from(ClientId id) const {
    std::set<std::string> hidden;
    for (ClientId other = 0; other < size(); ++other)
        if (same_room(id, other) && people_[other].hidden &&
            people_[other].identity != people_[id].identity)
            hidden.insert(people_[other].identity);
    return hidden;
}

}  // namespace confab::sim
