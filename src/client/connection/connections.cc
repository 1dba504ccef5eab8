// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "client/connection/connections.h"

#include <algorithm>

namespace confab::client {

Connections::Connections(ConnectionsConfig config, Rng& rng)
    : config_(std::move(config)), rng_(rng) {
    open(Target::kPublisher, ice::Role::kControlling, true);
}

Connection& Connections::open(Target target, ice::Role role, bool opens_channels) {
    ConnectionConfig config;
    config.crypto = config_.crypto;
    config.local.fingerprint = config_.fingerprint;
    config.role = role;
    config.address = config_.addresses[index(target)];
    config.opens_channels = opens_channels;
    config.profiles = config_.profiles;
    all_[index(target)] = std::make_unique<Connection>(std::move(config), rng_.fork());
    return *all_[index(target)];
}

Connection& Connections::open_subscriber(ice::Role role) {
    return open(Target::kSubscriber, role, false);
}

bool Connections::ready() const {
    const auto up = [](const Connection* c) {
        return c != nullptr && c->connected() && c->channels() >= kChannels;
    };
    return up(&publisher()) && up(downstream());
}

bool Connections::failed() const {
    return std::ranges::any_of(all_, [](const auto& c) { return c && c->failed(); });
}

std::optional<Connections::Outgoing> Connections::poll_transmit() {
    for (const Target target : {Target::kPublisher, Target::kSubscriber}) {
        Connection* connection = find(target);
        if (connection == nullptr) continue;
        if (auto datagram = connection->poll_transmit())
            return Outgoing{target, std::move(*datagram)};
    }
    return std::nullopt;
}

Timestamp Connections::next_deadline() const {
    Timestamp deadline = Timestamp::never();
    for (const auto& connection : all_)
        if (connection) deadline = earlier(deadline, connection->transport().next_deadline());
    return deadline;
}

}  // namespace confab::client
