// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/shard/connection_events.h"

#include <utility>

namespace confab::sfu {
namespace {

PeerState to_state(peer::TransportState state) {
    switch (state) {
        case peer::TransportState::kConnecting:
            return PeerState::kConnecting;
        case peer::TransportState::kConnected:
            return PeerState::kConnected;
        case peer::TransportState::kDisconnected:
            return PeerState::kDisconnected;
        case peer::TransportState::kReconnected:
            return PeerState::kReconnected;
        case peer::TransportState::kFailed:
            return PeerState::kFailed;
    }
    return PeerState::kFailed;
}
PeerFailure to_failure(peer::TransportFailure failure) {
    switch (failure) {
        case peer::TransportFailure::kNone:
            return PeerFailure::kNone;
        case peer::TransportFailure::kIce:
            return PeerFailure::kIce;
        case peer::TransportFailure::kDtls:
            return PeerFailure::kDtls;
        case peer::TransportFailure::kFingerprint:
            return PeerFailure::kFingerprint;
        case peer::TransportFailure::kStalled:
            return PeerFailure::kStalled;
    }
    return PeerFailure::kNone;
}

}  // namespace

void ConnectionEvents::after_input(Timestamp now, ShardPeer& peer) {
    peer.reschedule_needed = true;
    while (const auto state = peer.transport().poll_state())
        handle(now, peer, *state);
    // Another path was found beside the one that works, or its end turns out to be a relay. Without
    // any, where a stream has ended, the way is not known yet.
    if (peer.transport().connected() && peer.transport().path() &&
        peer.connection_type() != peer.told_type)
        tell(peer, PeerState::kReconnected, PeerFailure::kNone);
    take(now, peer);
    DataRouter& router = parts_.data.router();
    if (router.lagging()) router.made_room(now, peer.id());
}

// A message that is not to be taken yet stays in the connection, with all that came after it but
// the connection's own state, and messages that may be lost.
void ConnectionEvents::take(Timestamp now, ShardPeer& peer) {
    while (!peer.data_waiting || peer.data_held) {
        if (peer.transport().next_is_message() && !parts_.data.may_take(peer)) return;
        auto event = peer.transport().poll_event();
        if (!event) return;
        handle(now, peer, std::move(*event));
    }
}

void ConnectionEvents::serve_waiting(Timestamp now) {
    parts_.data.begin_turn();
    while (ShardPeer* next = parts_.data.next()) {
        ShardPeer& peer = *next;
        if (peer.transport().next_is_message())
            if (auto event = peer.transport().poll_event()) handle(now, peer, std::move(*event));
        while (!peer.transport().next_is_message()) {
            auto event = peer.transport().poll_event();
            if (!event) break;
            handle(now, peer, std::move(*event));
        }
        if (peer.transport().next_is_message()) parts_.data.line_up(peer);
        // Taking it may have opened the window of its sender.
        parts_.queue.mark_changed(peer);
    }
}

void ConnectionEvents::take_rest(Timestamp now, const DataMemberGone& gone) {
    for (const PeerId id : parts_.data.router().peers_of(gone.room, gone.member))
        if (ShardPeer* peer = parts_.peers.find(id)) take_rest(now, *peer);
}

void ConnectionEvents::take_rest(Timestamp now, ShardPeer& peer) {
    const std::size_t budget = parts_.data.begin_rest();
    while (!parts_.data.is_over()) {
        auto event = peer.transport().poll_event();
        if (!event) break;
        handle(now, peer, std::move(*event));
    }
    parts_.data.end_rest(budget);
    while (auto event = peer.transport().poll_event()) {
        if (std::holds_alternative<peer::MessageReceived>(*event))
            parts_.data.drop_one();
        else
            handle(now, peer, std::move(*event));
    }
}

void ConnectionEvents::handle(Timestamp now, ShardPeer& peer, peer::TransportEvent event) {
    if (const auto* state = std::get_if<peer::StateChanged>(&event)) {
        handle_state(now, peer, *state);
    } else if (auto* opened = std::get_if<peer::ChannelOpened>(&event)) {
        peer.note_channel(opened->channel, opened->label);
        parts_.events.emit(
            DataChannelOpened{peer.id(), peer.channel_kind(opened->channel), opened->label});
        parts_.data.router().channel_opened(now, peer.id());
    } else if (const auto* closed = std::get_if<peer::ChannelClosed>(&event)) {
        peer.forget_channel(closed->channel);
    } else if (const auto* message = std::get_if<peer::MessageReceived>(&event)) {
        parts_.data.take(now, peer, *message);
    } else {
        parts_.events.emit(DataChannelFailed{peer.id(), DataChannel::kReliable});
    }
}

void ConnectionEvents::handle_state(Timestamp now, ShardPeer& peer,
                                    const peer::StateChanged& state) {
    tell(peer, to_state(state.state), to_failure(state.failure));
    if (peer.transport().connected()) {
        parts_.data.router().connected(now, peer.id());
        parts_.subscriptions.connected(now, peer);
    } else {
        parts_.subscriptions.disconnected(now, peer);
    }
    if (state.state == peer::TransportState::kReconnected)
        parts_.subscriptions.reconnected(now, peer);
}

void ConnectionEvents::tell(ShardPeer& peer, PeerState state, PeerFailure failure) {
    PeerStateChanged changed;
    changed.peer = peer.id();
    changed.state = state;
    changed.failure = failure;
    if (const auto& path = peer.transport().path()) {
        changed.remote = path->remote;
        peer.told_type = peer.connection_type();
    }
    changed.type = peer.told_type;
    parts_.events.emit(changed);
}

}  // namespace confab::sfu
