// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/shard/data_turns.h"

#include <algorithm>

namespace confab::sfu {
namespace {

bool may_be_lost(DataChannel channel) {
    return channel == DataChannel::kLossy || channel == DataChannel::kDataTrack;
}

}  // namespace

// ---------------------------------------------------------------- from senders

bool DataTurns::may_take(ShardPeer& peer) {
    const bool lossy = next_is_lossy(peer);
    if (peer.data_held && !lossy) return false;
    if (budget_ == 0 || !waiting_.empty() || peer.data_paused) {
        line_up(peer);
        return false;
    }
    if (router_.may_send(peer.id(), lossy)) return true;
    peer.data_waiting = peer.data_held = true;  // until resume()
    return false;
}

// By what it is for: what comes on other channels goes on as reliable messages.
bool DataTurns::next_is_lossy(const ShardPeer& peer) {
    const auto channel = peer.transport().data().next_may_be_lost();
    return channel && may_be_lost(peer.channel_kind(*channel));
}

void DataTurns::take(Timestamp now, ShardPeer& peer, const peer::MessageReceived& message) {
    const DataChannel channel = peer.channel_kind(message.channel);
    ++peer.data_count.messages_in;
    peer.data_count.bytes_in += message.payload.size();
    if (!may_say(now, peer, may_be_lost(channel), message.payload.size())) {
        ++over_rate_;
        budget_ -= std::min<std::size_t>(budget_, 1);
        return;
    }
    const std::size_t work = router_.handle_message(now, peer.id(), channel, message.payload);
    budget_ -= std::min(budget_, work);
}

// Of what may be lost nothing beyond the rates; all else is taken, and the next one waits.
bool DataTurns::may_say(Timestamp now, ShardPeer& peer, bool lossy, std::size_t bytes) {
    const auto size = static_cast<std::int64_t>(bytes);
    if (lossy && std::max(peer.data_packets.wait(now, rates_.packets),
                          peer.data_bytes.wait(now, rates_.bytes, size)) > Duration::zero())
        return false;
    const Duration pause = std::max(peer.data_packets.owe(now, rates_.packets, 1, kMaxPause),
                                    peer.data_bytes.owe(now, rates_.bytes, size, kMaxPause));
    if (pause > Duration::zero() && !peer.data_paused) {
        peer.data_paused = true;
        pauses_end_.emplace(now + pause, peer.id());
        ++pauses_;
    }
    return true;
}

void DataTurns::end_pauses(Timestamp now) {
    while (next_pause() <= now) {
        const PeerId id = pauses_end_.begin()->second;
        pauses_end_.erase(pauses_end_.begin());
        if (ShardPeer* const peer = parts_.peers.find(id)) peer->data_paused = false;
        resume(id);
    }
}

// One that is paused comes into the line when that is over.
void DataTurns::line_up(ShardPeer& peer) {
    peer.data_waiting = true;
    if (!peer.data_paused && !std::exchange(peer.data_in_line, true)) waiting_.push_back(&peer);
}

ShardPeer* DataTurns::next() {
    while (budget_ > 0 && !waiting_.empty()) {
        ShardPeer& peer = *waiting_.front();
        waiting_.pop_front();
        peer.data_in_line = false;
        peer.data_waiting = peer.data_held =
            peer.transport().next_is_message() && !router_.may_send(peer.id(), next_is_lossy(peer));
        if (!peer.data_waiting) return &peer;
    }
    return nullptr;
}

void DataTurns::closed(ShardPeer& peer) {
    std::erase(waiting_, &peer);
    router_.closed(peer.id());
}

void DataTurns::flush(Timestamp now) {
    end_pauses(now);
    router_.resume_senders();
    // Once in a while, however many batches a turn has: media want room in the rings, too (DES-41).
    if (now >= links_due_ && router_.flush_links()) {
        links_due_ = now + LinkSender::kRetry;
        parts_.links.try_again(now);
    }
    const Timestamp deadline =
        waiting_.empty() ? earlier(router_.next_deadline(), next_pause()) : now;
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
    if (!id) {
        // One that it had, and has no more: control may have it come anew (01 SIG-146).
        if (peer != nullptr && peer->take_lost_channel(channel))
            emit(DataChannelFailed{to, channel});
        return sctp::SendStatus::kClosed;
    }
    const sctp::SendStatus status = peer->transport().send_message(now, *id, payload);
    if (status == sctp::SendStatus::kOk) {
        ++peer->data_count.messages_out;
        peer->data_count.bytes_out += payload.size();
    }
    parts_.queue.mark_changed(*peer);
    return status;
}

std::size_t DataTurns::buffered(PeerId to, DataChannel channel) {
    const ShardPeer* peer = parts_.peers.find(to);
    if (peer == nullptr) return 0;
    const auto id = peer->find_channel(channel);
    return id ? peer->transport().data().buffered_amount(*id) : 0;
}

Duration DataTurns::least_round_trip(PeerId peer) {
    const ShardPeer* found = parts_.peers.find(peer);
    return found == nullptr ? Duration::zero() : found->transport().data().least_round_trip();
}

std::optional<Duration> DataTurns::round_trip(PeerId peer) {
    const ShardPeer* found = parts_.peers.find(peer);
    if (found == nullptr || !found->transport().connected()) return std::nullopt;
    const Duration rtt = found->transport().path_facts().rtt;
    return rtt > Duration::zero() ? std::optional(rtt) : std::nullopt;
}

void DataTurns::resume(PeerId sender) {
    ShardPeer* peer = parts_.peers.find(sender);
    if (peer == nullptr || !peer->data_waiting) return;
    peer->data_held = false;
    line_up(*peer);
}

}  // namespace confab::sfu
