// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/cluster/links/node_links.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "crypto/random.h"
#include "runtime/telemetry/log.h"

namespace confab::control {

using cluster::relay::Link;

NodeLinks::NodeLinks(net::EventLoop& loop, cluster::relay::LinkedBus& bus, std::string node,
                     std::uint64_t seed, Handlers handlers)
    : bus_(bus),
      node_(std::move(node)),
      handlers_(std::move(handlers)),
      peers_(node_, seed),
      port_(loop, {[this](Number number) { accepted(number); },
                   [this](Number number) { connected(number); },
                   [this](Number number, BytesView bytes) { received(number, bytes); },
                   [this](Number number, bool refused) { closed(number, refused); }}) {}

NodeLinks::~NodeLinks() {
    for (auto& [number, one] : connections_)
        if (one.link) bus_.forget(net::EventLoop::now(), *one.link);
}

Result<SocketAddress, std::string> NodeLinks::listen(const SocketAddress& address) {
    return port_.listen(address);
}

void NodeLinks::set_peers(Timestamp now, const cluster::relay::LinkPeers::Addresses& addresses) {
    peers_.set(now, addresses);
}

// ---------------------------------------------------------------- connections

std::size_t NodeLinks::strangers() const {
    const auto is_stranger = [](const auto& one) {
        return one.second.dialled.empty() && !one.second.told_up;
    };
    return static_cast<std::size_t>(
        std::count_if(connections_.begin(), connections_.end(), is_stranger));
}

void NodeLinks::accepted(Number number) {
    if (strangers() >= kMaxStrangers) return port_.cut(number);
    connections_[number];
    connected(number);
}

void NodeLinks::connected(Number number) {
    Connection& one = connections_.at(number);
    Link::Nonce nonce;
    crypto::fill_random(nonce);
    const Link::Role role = one.dialled.empty() ? Link::Role::kListener : Link::Role::kDialer;
    const Timestamp now = net::EventLoop::now();
    one.link.emplace(now, Link::Options{role, node_, one.dialled, secret_}, nonce);
    advance(now, number);
}

void NodeLinks::received(Number number, BytesView bytes) {
    const Timestamp now = net::EventLoop::now();
    connections_.at(number).link->received(now, bytes);
    advance(now, number);
}

void NodeLinks::closed(Number number, bool refused) {
    const Timestamp now = net::EventLoop::now();
    auto& link = connections_.at(number).link;
    if (!link) return drop(now, number, refused);
    link->closed();
    advance(now, number);
}

// After anything that may have changed a link.
void NodeLinks::advance(Timestamp now, Number number) {
    Connection& one = connections_.at(number);
    bus_.advance(now, *one.link);
    if (one.link->state() == Link::State::kUp && !std::exchange(one.told_up, true)) {
        telemetry::log_debug("linked with a node", {{"nodeID", one.link->peer()}});
        peers_.up(one.link->peer());
    }
    if (one.told_standing && !one.link->is_standing()) tell_standing(now, one);
    if (one.link->state() == Link::State::kEnded) drop(now, number, false);
}

void NodeLinks::tell_standing(Timestamp now, Connection& one) {
    one.told_standing = one.link->is_standing();
    handlers_.on_standing(now, one.link->peer(), one.told_standing);
}

void NodeLinks::drop(Timestamp now, Number number, bool refused) {
    auto entry = connections_.extract(number);
    const Connection& one = entry.mapped();
    port_.cut(number);
    const std::string_view why = one.link ? one.link->why_ended() : "not connected";
    if (one.told_up) {
        telemetry::log_debug("the link with a node has ended",
                             {{"nodeID", one.link->peer()}, {"reason", why}});
        peers_.ended(now, one.link->peer());
    } else if (!one.dialled.empty()) {
        peers_.failed(now, one.dialled, refused);
    }
    // Who does not believe us hangs up without a word.
    const bool was_not_believed = !one.told_up && one.link && !one.dialled.empty();
    if (was_not_believed || why == Link::kOtherSecret) handlers_.on_other_secret(now);
}

// ---------------------------------------------------------------- turns

void NodeLinks::handle_timeout(Timestamp now) {
    std::vector<Number> due;
    for (const auto& [number, one] : connections_)
        if (one.link && one.link->next_deadline() <= now) due.push_back(number);
    for (const Number number : due) {
        Connection& one = connections_.at(number);
        if (one.link->is_heard(now)) handlers_.on_heard(now, one.link->peer());
        if (one.link->is_quiet(now)) {
            const auto told = port_.acknowledged(number);
            if (told) one.link->system_acknowledged(now, told->all, told->since);
        }
        one.link->handle_timeout(now);
        if (one.link->is_standing()) tell_standing(now, one);
        advance(now, number);
    }
    if (secret_.empty()) return;
    while (const auto dial = peers_.poll_dial(now))
        connections_[port_.dial(dial->to, kDialTimeout)].dialled = dial->node;
    while (const auto dead = peers_.poll_dead())
        handlers_.on_dead(now, *dead);
}

void NodeLinks::flush() {
    for (auto& [number, one] : connections_) {
        if (!one.link || port_.unsent(number) > kMaxInSocket) continue;
        if (std::string bytes = one.link->take_output(); !bytes.empty())
            port_.write(number, std::move(bytes));
    }
}

Timestamp NodeLinks::next_deadline() const {
    Timestamp next = secret_.empty() ? Timestamp::never() : peers_.next_deadline();
    for (const auto& [number, one] : connections_)
        if (one.link) next = earlier(next, one.link->next_deadline());
    return next;
}

}  // namespace confab::control
