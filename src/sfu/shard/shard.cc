// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/shard/shard.h"

#include <algorithm>
#include <utility>

namespace confab::sfu {
namespace {

// Takes nothing from the numbers of the shard, which are the same for the same seed.
SipKey stranger_key(Rng rng) {
    Rng own(rng.u64() ^ 0x73'7472'616E'6765);
    return {own.u64(), own.u64()};
}

}  // namespace

Shard::Shard(ShardConfig config, Timestamp now, Rng rng, ShardLinks& links)
    : config_(std::move(config)),
      rng_(rng),
      clock_(config_.wall, now),
      pool_(config_.pool),
      engine_(config_.crypto_backend),
      crypto_{&engine_, config_.dtls, config_.simulate_dtls},
      wheel_(now),
      links_(links, config_.index, std::max<std::size_t>(config_.worker_count, config_.index + 1U),
             wheel_),
      events_(config_.control_shards),
      routes_(config_.index, config_.worker_count, stranger_key(rng_)),
      queue_(engine_, wheel_, routes_),
      tracks_(config_.index, config_.options),
      stale_(tracks_, wheel_),
      speakers_(events_, wheel_),
      quality_(events_, wheel_),
      upstream_(tracks_, links_, queue_, config_.options.loss_proxying),
      subscriptions_(
          {peers_, tracks_, upstream_, quality_, events_, queue_, wheel_, rng_, config_.options}),
      fan_out_({pool_, frames_, subscriptions_, upstream_, queue_, events_, stale_},
               config_.options.frame_hold, config_.options.sound_hold),
      changes_({tracks_, fan_out_, subscriptions_, links_, wheel_}),
      replicas_({tracks_, upstream_, fan_out_, changes_, links_, pool_}),
      arrivals_({tracks_, upstream_, events_}),
      publications_({peers_, tracks_, speakers_, quality_, fan_out_, changes_, replicas_, events_,
                     queue_, wheel_}),
      rtcp_(publications_, subscriptions_, upstream_, clock_),
      data_(config_.index, {peers_, events_, links_, queue_, wheel_, clock_, config_.options}),
      connections_({peers_, data_, subscriptions_, events_, queue_}) {
    routes_.apply(now, config_.options.strangers);
    data_.apply(now, config_.options.data_rates);
}

Shard::~Shard() = default;

// ---------------------------------------------------------------- datagrams

std::optional<WorkerIndex> Shard::handle_datagram(Timestamp now, const ice::Path& path,
                                                  PacketRef packet, const Origin& origin) {
    const PeerRoutes::Route route = routes_.find(now, path, packet.data());
    if (route.awaited) {
        routes_.departed().hold(*route.awaited,
                                {path, origin.arrival.value_or(now), std::move(packet)});
        return std::nullopt;
    }
    if (route.peer == nullptr)
        return route.owner ? route.owner : handle_stray(now, path, packet.data(), origin);
    ShardPeer& peer = *route.peer;
    totals_.bytes_in += packet.data().size();
    const bool check = origin.via && wire::classify(packet.data()) == wire::PacketKind::kStun;
    const peer::TransportState before = peer.transport().state();
    const peer::Transport::Media media = peer.transport().handle_packet(now, path, packet.data());
    // Media may be the first to show that an outage is over, or that the peer has moved.
    if (media.stirs || peer.transport().state() != before) changed(now, peer);
    if (media.kind == peer::Transport::Media::Kind::kRtp) {
        const Timestamp arrival = std::min(origin.arrival.value_or(now), now);
        publications_.handle_rtp({now, arrival}, peer, std::move(packet), media.packet);
        return std::nullopt;
    }
    if (media.kind == peer::Transport::Media::Kind::kRtcp) {
        rtcp_.handle(now, peer, media.packet);
        queue_.mark_media(peer);  // it may ask for packets
        return std::nullopt;
    }
    // STUN, DTLS or SCTP.
    if (peer.transport().is_valid_path(path)) {
        routes_.remember(peer, path, true);
        if (check) links_.push(now, *origin.via, LinkPathProved{path});
    }
    connections_.after_input(now, peer);
    queue_.mark(peer);
    return std::nullopt;
}

std::optional<WorkerIndex> Shard::handle_stray(Timestamp now, const ice::Path& path,
                                               BytesView datagram, const Origin& origin) {
    const PeerRoutes::Route stray = routes_.find_stray(now, path, datagram);
    if (stray.peer != nullptr) {
        // The answer has to find the peer, and comes to the socket to which this came.
        routes_.remember(*stray.peer, path, false);
        if (origin.via) links_.push(now, *origin.via, LinkPathProved{path});
        changed(now, *stray.peer);
        return std::nullopt;
    }
    if (stray.owner && !origin.via) return stray.owner;
    ++totals_.unknown_datagrams;
    return std::nullopt;
}

std::optional<WorkerIndex> Shard::handle_frame(Timestamp now, const ice::Path& path,
                                               BytesView frame, const Origin& origin) {
    if (frame.size() > PacketPool::kLargeCapacity) return std::nullopt;
    PacketRef packet = pool_.acquire_large();
    if (!packet) return std::nullopt;
    std::copy(frame.begin(), frame.end(), packet.buffer().begin());
    packet.set_size(frame.size());
    return handle_datagram(now, path, std::move(packet), origin);
}

void Shard::handle_tcp_closed(Timestamp now, const ice::Path& path) {
    ShardPeer* peer = routes_.forget(path);
    if (peer == nullptr) return;
    peer->transport().tcp_closed(now, path.tcp_connection);
    changed(now, *peer);
}

void Shard::changed(Timestamp now, ShardPeer& peer) {
    connections_.after_input(now, peer);
    queue_.mark(peer);
}

// ---------------------------------------------------------------- other shards

void Shard::handle_link(Timestamp now, const LinkMessage& message, BytesView bytes) {
    if (const auto* packet = std::get_if<LinkPacket>(&message.body))
        return replicas_.handle_packet(now, *packet, bytes);
    if (std::holds_alternative<LinkData>(message.body))
        return data_.router().handle_link(now, message.from, bytes);
    if (const auto* datagram = std::get_if<LinkDatagram>(&message.body))
        return (void)handle_frame(now, datagram->path, bytes, {{}, datagram->arrival});
    fan_out_.deliver(now);
    if (const auto* proved = std::get_if<LinkPathProved>(&message.body))
        routes_.prove(now, proved->path, message.from);
    else if (const auto* arrived = std::get_if<LinkArrived>(&message.body))
        for (const Departures::Held& one : routes_.departed().arrived(arrived->peer, message.from))
            links_.push_datagram(message.from, {one.path, one.arrival}, one.packet.data());
    else if (const auto* subscribed = std::get_if<LinkSubscribed>(&message.body))
        arrivals_.confirm(subscribed->receiver);
    else
        replicas_.handle(now, message);
}

// ---------------------------------------------------------------- time

void Shard::handle_timeout(Timestamp now) {
    data_.router().handle_timeout(now);
    connections_.serve_waiting(now);
    changes_.begin_turn(now);
    stale_.begin_turn(now);
    for (std::size_t i = 0; i < kMaxTimersPerTurn; ++i) {
        TimerNode* node = wheel_.pop_due(now);
        if (node == nullptr) return;
        if (node->owner() != nullptr) static_cast<Timed*>(node->owner())->on_timer(*this, now);
    }
}

void Shard::peer_due(Timestamp now, ShardPeer& peer) {
    if (now >= peer.transport().next_deadline()) {
        peer.transport().handle_timeout(now);
        connections_.after_input(now, peer);
    }
    if (now >= peer.next_media_deadline()) {
        subscriptions_.allocate_if_due(now, peer);
        peer.feedback_wanted = true;  // key-frame requests that became due
        peer.update_media_deadline(now);
    }
    queue_.mark_changed(peer);
}

// ---------------------------------------------------------------- output

bool Shard::poll_transmit(Timestamp now, SendBatch& batch) {
    if (leaving_.empty())
        fan_out_.deliver_due(now);
    else
        fan_out_.deliver(now);
    data_.flush(now);
    if (queue_.flush({now, clock_.ntp(now)}, batch) || !batch.empty()) return true;
    if (!leaving_.empty()) finish_exports(now);
    return false;
}

ShardSnapshot Shard::snapshot() const {
    ShardSnapshot s = totals_;
    s.peers = peers_.size();
    s.receivers = tracks_.receivers();
    s.tracks = tracks_.size();
    s.down_tracks = subscriptions_.size();
    s.pool_bytes = pool_.bytes_held() + frames_.bytes_held();
    s.packets_in_use = pool_.large_in_use() + pool_.small_in_use();
    s.timers = wheel_.size();
    s.nacks_in = rtcp_.counters().nacks;
    s.plis_in = rtcp_.counters().plis;
    s.firs_in = rtcp_.counters().firs;
    s.links_dropped = links_.dropped();
    s.events_dropped = events_.dropped();
    s.data_dropped = data_.dropped();
    s.limits = {routes_.strangers().dropped(), data_.over_rate(), data_.paused()};
    s.data_tracks = data_.track_figures();
    peers_.for_each([&](const ShardPeer& peer) { s.add(peer); });
    return s;
}

}  // namespace confab::sfu
