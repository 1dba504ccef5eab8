// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// An association as bytes (base/state/state.h), in any of its states, with what was not yet taken
// from it. What its settings said is not in it, what was agreed with the peer is.
#include "base/state/state.h"

#include "rtc/sctp/association/association.h"
#include "rtc/sctp/limits.h"

namespace confab::sctp {
namespace {

constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kMaxPacket = 65536;

template <typename Io, typename P>
void peer_fields(Io& io, P& peer) {
    io.field(1, peer.tag);
    io.field(2, peer.initial_tsn);
    io.field(3, peer.a_rwnd);
    io.field(4, peer.extensions.forward_tsn);
    io.field(5, peer.extensions.re_config);
    io.field(6, peer.extensions.interleaving);
    io.field(7, peer.extensions.zero_checksum);
}

}  // namespace

// The generator of the cookies is that of the new owner.
template <typename Self, typename Io>
void Handshake::fields(Self& self, Io& io) {
    io.field(1, self.tag_);
    io.field(2, self.initial_tsn_);
    io.choice(3, self.phase_, Phase::kDone);
    io.record(4, [&self](auto& inner) { peer_fields(inner, self.peer_); });
    io.maybe(5, self.pending_, [](auto& inner, auto& pending) {
        inner.field(1, pending.nonce);
        inner.record(2, [&pending](auto& peer_io) { peer_fields(peer_io, pending.peer); });
    });
    io.field(6, self.accepted_nonce_);
    io.field(7, self.cookie_, kMaxCookie);
    io.field(8, self.t1_);
    io.field(9, self.tries_);
    io.field(10, self.timeouts_);
    io.field(11, self.cookie_ack_due_);
}
void Handshake::save(StateWriter& out) const {
    fields(*this, out);
}
void Handshake::load(StateReader& in) {
    fields(*this, in);
    in.require(tag_ != 0 && tries_ >= 0 && tries_ < 1'000'000);
    in.require(phase_ < Phase::kCookieEchoed || peer_.tag != 0);
}

template <typename Self, typename Io>
void PacketQueue::fields(Self& self, Io& io) {
    io.list(1, self.packets_, kMaxQueuedPackets,
            [](auto& inner, auto& packet) { inner.field(1, packet, kMaxPacket); });
}
void PacketQueue::save(StateWriter& out) const {
    fields(*this, out);
}
void PacketQueue::load(StateReader& in) {
    fields(*this, in);
}

template <typename Self, typename Io>
void Shutdown::fields(Self& self, Io& io) {
    io.choice(1, self.phase_, Phase::kAckSent);
    io.field(2, self.due_);
    io.field(3, self.t2_);
}
void Shutdown::save(StateWriter& out) const {
    fields(*this, out);
}
void Shutdown::load(StateReader& in) {
    fields(*this, in);
}

template <typename Self, typename Io>
void Replies::fields(Self& self, Io& io) {
    io.field(1, self.heartbeat_, kMaxHeartbeatInfo);
    io.field(2, self.unknown_chunk_, kMaxReportedChunk);
    io.field(3, self.heartbeat_due_);
}
void Replies::save(StateWriter& out) const {
    fields(*this, out);
}
void Replies::load(StateReader& in) {
    fields(*this, in);
}

template <typename Self, typename Io>
void Association::fields(Self& self, Io& io) {
    state_version(io, kVersion);
    io.field(2, self.config_.peer_max_message_size);
    io.field(3, self.closed_);
    io.part(4, self.path_);
    io.part(5, self.packets_);
    io.part(6, self.handshake_);
    io.part(7, self.shutdown_);
    io.part(8, self.sender_);
    io.part(9, self.receiver_);
    io.part(10, self.resets_);
    io.part(11, self.replies_);
    io.part(12, self.events_);
    io.record(13, [&counters = self.counters_](auto& inner) {
        inner.field(1, counters.packets_received);
        inner.field(2, counters.packets_sent);
        inner.field(3, counters.packets_dropped);
        inner.field(4, counters.messages_received);
        inner.field(5, counters.messages_sent);
        inner.field(6, counters.sends_refused);
        inner.field(7, counters.bytes_received);
    });
}
void Association::save(StateWriter& out) const {
    fields(*this, out);
}
void Association::load(StateReader& in) {
    now_ = in.now();
    fields(*this, in);
}

}  // namespace confab::sctp
