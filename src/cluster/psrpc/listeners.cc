// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/psrpc/listeners.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace confab::cluster::psrpc {

rpc::Registration Listeners::add(const std::string& channel, Handler handler) {
    const std::uint64_t id = ++last_;
    channels_[channel].handlers.emplace(id, std::make_shared<const Handler>(std::move(handler)));
    core_.queue([this, channel](Timestamp now) { settle(now, channel); });
    return rpc::Registration(core_.guarded([this, channel, id] { remove(channel, id); }));
}

void Listeners::remove(const std::string& channel, std::uint64_t id) {
    const auto it = channels_.find(channel);
    if (it == channels_.end()) return;
    it->second.handlers.erase(id);
    if (it->second.handlers.empty())
        core_.queue([this, channel](Timestamp now) { settle(now, channel); });
}

// What is wanted now: it may have changed since the step was queued.
void Listeners::settle(Timestamp now, const std::string& channel) {
    const auto it = channels_.find(channel);
    if (it == channels_.end()) return;
    const bool wanted = !it->second.handlers.empty();
    const bool subscribed = std::exchange(it->second.subscribed, wanted);
    if (wanted && !subscribed) core_.port.subscribe(now, channel);
    if (wanted) return;
    channels_.erase(it);
    if (subscribed) core_.port.unsubscribe(now, channel);
}

void Listeners::handle_message(Timestamp now, std::string_view channel, std::string_view payload) {
    const auto it = channels_.find(channel);
    if (it == channels_.end() || it->second.handlers.empty()) {
        ++core_.faults.unexpected;
        return;
    }
    const auto envelope = open(payload);
    if (!envelope) return core_.count(envelope.error());
    std::vector<std::shared_ptr<const Handler>> handlers;  // they may remove each other
    for (const auto& [id, handler] : it->second.handlers)
        handlers.push_back(handler);
    for (const auto& handler : handlers)
        (*handler)(now, *envelope, payload);
}

void Listeners::handle_subscribed(const std::string& channel) {
    if (const auto it = channels_.find(channel); it != channels_.end())
        it->second.state = State::kConfirmed;
}

void Listeners::handle_refused(const std::string& channel, const std::string& error) {
    const auto it = channels_.find(channel);
    if (it == channels_.end()) return;
    it->second.state = State::kRefused;
    refusal_ = "Redis refuses the channel " + channel + ": " + error;
}

void Listeners::handle_down() {
    for (auto& [name, channel] : channels_)
        channel.state = State::kAsked;
}

void Listeners::end(Timestamp now) {
    for (const auto& [name, channel] : channels_)
        if (channel.subscribed) core_.port.unsubscribe(now, name);
}

Listeners::State Listeners::state(const std::string& channel) const {
    const auto it = channels_.find(channel);
    return it == channels_.end() ? State::kAsked : it->second.state;
}

bool Listeners::are_all_answered() const {
    return std::none_of(channels_.begin(), channels_.end(), [](const auto& entry) {
        return !entry.second.handlers.empty() && entry.second.state == State::kAsked;
    });
}

}  // namespace confab::cluster::psrpc
