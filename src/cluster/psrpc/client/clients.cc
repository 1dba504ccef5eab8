// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/psrpc/client/clients.h"

#include <utility>

#include "cluster/psrpc/channel.h"

namespace confab::cluster::psrpc {

std::string make_service_id(Core& core, std::string_view service, std::string_view prefix) {
    return service == "Signal" ? core.settings.node_id : core.new_id(prefix);
}

void Clients::listen(Client& client, const std::string& channel, Listeners::Handler handler) {
    client.channels.push_back(channel);
    client.registrations.push_back(listeners_.add(channel, std::move(handler)));
}

Clients::Client& Clients::client_of(const rpc::Method& method) {
    const auto [it, is_new] = clients_.try_emplace(std::string(method.service));
    Client& client = it->second;
    if (is_new) {
        client.id = make_service_id(core_, method.service, "CLI_");
        listen(client, response_channel(method.service, client.id),
               [this](Timestamp now, const Envelope& envelope, std::string_view) {
                   if (auto message = core_.read<internal::Response>(envelope))
                       handlers_.response(now, *std::move(message));
               });
        listen(client, claim_channel(method.service, client.id),
               [this](Timestamp now, const Envelope& envelope, std::string_view) {
                   if (const auto message = core_.read<internal::ClaimRequest>(envelope))
                       handlers_.claim(now, *message);
               });
    }
    if (method.flow == rpc::Flow::kStream && client.channels.size() == 2) {
        const std::string channel = client_stream_channel(method.service, client.id);
        listen(client, channel,
               [this, channel](Timestamp now, const Envelope& envelope, std::string_view) {
                   if (auto message = core_.read<internal::Stream>(envelope))
                       handlers_.stream(now, channel, *std::move(message));
               });
    }
    return client;
}

// Of the worst one.
Listeners::State Clients::state(const Client& client) const {
    Listeners::State worst = Listeners::State::kConfirmed;
    for (const std::string& channel : client.channels) {
        const Listeners::State state = listeners_.state(channel);
        if (state == Listeners::State::kRefused) return state;
        if (state == Listeners::State::kAsked) worst = state;
    }
    return worst;
}

void Clients::when_ready(Timestamp now, const rpc::Method& method, Ready ready) {
    Client& client = client_of(method);
    client.waiting.push_back(std::move(ready));
    if (state(client) != Listeners::State::kAsked) look(now);
}

void Clients::look(Timestamp now) {
    for (auto& [service, client] : clients_) {
        if (client.waiting.empty()) continue;
        const Listeners::State state_now = state(client);
        if (state_now == Listeners::State::kConfirmed) settle(now, client, {});
        if (state_now == Listeners::State::kRefused)
            settle(now, client,
                   fail(rpc::Error{rpc::Code::kUnavailable, listeners_.refusal(), {}}));
    }
}

void Clients::handle_down(Timestamp now) {
    for (auto& [service, client] : clients_)
        settle(now, client, fail(core_.no_connection()));
}

void Clients::settle(Timestamp now, Client& client, const Result<void, rpc::Error>& result) {
    for (Ready& ready : std::exchange(client.waiting, {}))
        ready(now, result);
}

}  // namespace confab::cluster::psrpc
