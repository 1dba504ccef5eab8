// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/shard/data_turns.h"

#include <algorithm>

namespace confab::sfu {

// ---------------------------------------------------------------- from senders

bool DataTurns::may_take(ShardPeer& peer) {
    if (budget_ == 0 || !waiting_.empty())
        line_up(peer);
    else if (!router_.may_send(peer.id()))
        peer.data_waiting = true;  // until resume()
    return !peer.data_waiting;
}

void DataTurns::take(Timestamp now, ShardPeer& peer, const peer::MessageReceived& message) {
    const DataChannel channel = peer.channel_kind(message.channel);
    const std::size_t work = router_.handle_message(now, peer.id(), channel, message.payload);
    budget_ -= std::min(budget_, work);
}

void DataTurns::line_up(ShardPeer& peer) {
    peer.data_waiting = true;
    waiting_.push_back(&peer);
}

ShardPeer* DataTurns::next() {
    while (budget_ > 0 && !waiting_.empty()) {
        ShardPeer& peer = *waiting_.front();
        waiting_.pop_front();
        peer.data_waiting = peer.transport().next_is_message() && !router_.may_send(peer.id());
        if (!peer.data_waiting) return &peer;
    }
    return nullptr;
}

void DataTurns::closed(ShardPeer& peer) {
    std::erase(waiting_, &peer);
    router_.closed(peer.id());
}

void DataTurns::flush(Timestamp now) {
    router_.resume_senders();
    if (router_.flush_links()) parts_.links.try_again(now);
    const Timestamp deadline = waiting_.empty() ? router_.next_deadline() : now;
    if (!timer_.scheduled() && deadline.is_never()) return;
    if (!timer_.scheduled() || timer_.deadline() != deadline)
        parts_.wheel.schedule(timer_, deadline);
}

// ---------------------------------------------------------------- what the router asks

bool DataTurns::is_connected(PeerId peer) {
    const ShardPeer* found = parts_.peers.find(peer);
    return found != nullptr && found->transport().connected();
}

bool DataTurns::has_channel(PeerId peer, DataChannel channel) {
    const ShardPeer* found = parts_.peers.find(peer);
    return found != nullptr && found->find_channel(channel).has_value();
}

sctp::SendStatus DataTurns::send(Timestamp now, PeerId to, DataChannel channel,
                                 const sctp::SharedBytes& payload) {
    ShardPeer* peer = parts_.peers.find(to);
    const auto id = peer == nullptr ? std::nullopt : peer->find_channel(channel);
    if (!id) return sctp::SendStatus::kClosed;
    const sctp::SendStatus status = peer->transport().send_message(now, *id, payload);
    parts_.queue.mark_changed(*peer);
    return status;
}

std::size_t DataTurns::buffered(PeerId to, DataChannel channel) {
    const ShardPeer* peer = parts_.peers.find(to);
    if (peer == nullptr) return 0;
    const auto id = peer->find_channel(channel);
    return id ? peer->transport().buffered_amount(*id) : 0;
}

std::optional<Duration> DataTurns::round_trip(PeerId peer) {
    const ShardPeer* found = parts_.peers.find(peer);
    if (found == nullptr || !found->transport().connected()) return std::nullopt;
    const Duration rtt = found->transport().path_facts().rtt;
    return rtt > Duration::zero() ? std::optional(rtt) : std::nullopt;
}

void DataTurns::resume(PeerId sender) {
    ShardPeer* peer = parts_.peers.find(sender);
    if (peer != nullptr && peer->data_waiting) waiting_.push_back(peer);
}

}  // namespace confab::sfu
