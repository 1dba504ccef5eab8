// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Data messages between the connections of a shard and its DataRouter. A message is taken from its
// sender's connection when its turn has come and nobody it sends to is too far behind; until then
// the sender's SCTP window closes.
#include <utility>

#include "sfu/shard/shard.h"

namespace confab::sfu {
namespace {
constexpr Duration kLinkRetry = Duration::millis(1);
}  // namespace

// ---------------------------------------------------------------- from senders

bool Shard::may_take_message(ShardPeer& peer) {
    if (data_budget_ == 0 || !data_waiting_.empty()) {
        peer.data_waiting = true;
        data_waiting_.push_back(&peer);
    } else if (!data_.may_send(peer.id())) {
        peer.data_waiting = true;  // until DataDoor::resume()
    }
    return !peer.data_waiting;
}

void Shard::route_message(Timestamp now, ShardPeer& peer, const peer::MessageReceived& message) {
    const DataChannel channel = peer.channel_kind(message.channel);
    const std::size_t work = data_.handle_message(now, peer.id(), channel, message.payload);
    data_budget_ -= std::min(data_budget_, work);
}

// One message of each sender in turn, and what else it has to say up to its next one.
void Shard::serve_data(Timestamp now) {
    data_budget_ = kMaxDeliveriesPerTurn;
    while (data_budget_ > 0 && !data_waiting_.empty()) {
        ShardPeer& peer = *data_waiting_.front();
        data_waiting_.pop_front();
        peer.data_waiting = false;
        if (peer.transport().next_is_message()) {
            if (!data_.may_send(peer.id())) {
                peer.data_waiting = true;
                continue;
            }
            if (auto event = peer.transport().poll_event())
                handle_transport_event(now, peer, std::move(*event));
        }
        while (!peer.transport().next_is_message()) {
            auto event = peer.transport().poll_event();
            if (!event) break;
            handle_transport_event(now, peer, std::move(*event));
        }
        if (peer.transport().next_is_message()) {
            peer.data_waiting = true;
            data_waiting_.push_back(&peer);
        }
        // Taking it may have opened the window of its sender.
        peer.reschedule_needed = true;
        mark_dirty(peer);
    }
}

// Its connections acknowledged what waits in them, and it may have gone because of that.
void Shard::apply(Timestamp now, DataMemberGone& c) {
    for (const PeerId id : data_.peers_of(c.room, c.member))
        if (ShardPeer* peer = find_peer(id)) take_rest(now, *peer);
    data_.apply(now, c);
}

// Nobody is asked whether there is room: it is one connection's window at most.
void Shard::take_rest(Timestamp now, ShardPeer& peer) {
    const std::size_t budget = std::exchange(data_budget_, kMaxDeliveriesAtEnd);
    while (data_budget_ > 0) {
        auto event = peer.transport().poll_event();
        if (!event) break;
        handle_transport_event(now, peer, std::move(*event));
    }
    data_budget_ = budget;
    while (auto event = peer.transport().poll_event()) {
        if (std::holds_alternative<peer::MessageReceived>(*event))
            ++totals_.data_dropped;
        else
            handle_transport_event(now, peer, std::move(*event));
    }
}

// The end of a turn: who may go on is in line for the next, which comes at once.
void Shard::flush_data(Timestamp now) {
    data_.resume_senders();
    if (data_.flush_links() && !link_timer_.scheduled())
        wheel_.schedule(link_timer_, now + kLinkRetry);
    const Timestamp deadline = data_waiting_.empty() ? data_.next_deadline() : now;
    if (!data_timer_.scheduled() && deadline.is_never()) return;
    if (!data_timer_.scheduled() || data_timer_.deadline() != deadline)
        wheel_.schedule(data_timer_, deadline);
}

// ---------------------------------------------------------------- what the router asks

bool Shard::DataDoor::is_connected(PeerId peer) {
    const ShardPeer* found = shard.find_peer(peer);
    return found != nullptr && found->transport().connected();
}

bool Shard::DataDoor::has_channel(PeerId peer, DataChannel channel) {
    const ShardPeer* found = shard.find_peer(peer);
    return found != nullptr && found->find_channel(channel).has_value();
}

sctp::SendStatus Shard::DataDoor::send(Timestamp now, PeerId to, DataChannel channel,
                                       const sctp::SharedBytes& payload) {
    ShardPeer* peer = shard.find_peer(to);
    const auto id = peer == nullptr ? std::nullopt : peer->find_channel(channel);
    if (!id) return sctp::SendStatus::kClosed;
    const sctp::SendStatus status = peer->transport().send_message(now, *id, payload);
    peer->reschedule_needed = true;
    shard.mark_dirty(*peer);
    return status;
}

std::size_t Shard::DataDoor::buffered(PeerId to) {
    const ShardPeer* peer = shard.find_peer(to);
    if (peer == nullptr) return 0;
    const auto id = peer->find_channel(DataChannel::kReliable);
    return id ? peer->transport().buffered_amount(*id) : 0;
}

void Shard::DataDoor::resume(PeerId sender) {
    ShardPeer* peer = shard.find_peer(sender);
    if (peer != nullptr && peer->data_waiting) shard.data_waiting_.push_back(peer);
}

bool Shard::DataDoor::push_link(WorkerIndex to, BytesView piece) {
    return shard.links_.push_piece(to, LinkData{}, piece);
}

}  // namespace confab::sfu
