// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sim/world/chatter.h"

namespace confab::sim {

void Chatter::begin(ClientId id) {
    ++begun_[id];
    plan(id);
}

void Chatter::plan(ClientId id) {
    const Timestamp at = world_.now() + kInterval;
    world_.events().plan(at, [this, id, begun = begun_[id]] {
        const Client* client = world_.client(id);
        if (client == nullptr || begun_[id] != begun || over_) return;
        if (client->settled()) say_everything(id);
        world_.turn(id);
        plan(id);
    });
}

void Chatter::say_everything(ClientId id) {
    const Timestamp now = world_.now();
    const People& people = world_.people();
    Client& client = *world_.client(id);
    if (world_.truth().of(id).may_send_data) {
        client.messages().publish_again();
        (void)client.say(now, DataKind::kReliable, 0, {});
        const ClientId to = rng_.below(people.size());
        (void)client.say(now, DataKind::kReliable, people.called_by(id, to),
                         people.at(to).identity);
    } else {
        (void)client.say(now, DataKind::kForbidden, 0, {});
    }
    (void)client.say(now, DataKind::kLossy, 0, {});
    client.say_on_tracks(now);
}

}  // namespace confab::sim
