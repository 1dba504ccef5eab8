// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/shard/shard.h"

#include <algorithm>
#include <utility>

#include "wire/ice/stun.h"

namespace confab::sfu {

std::optional<WorkerIndex> owner_of_ufrag(std::string_view ufrag) {
    if (ufrag.empty()) return std::nullopt;
    const std::size_t index = kOwnerLetters.find(ufrag.front());
    if (index == std::string_view::npos) return std::nullopt;
    return static_cast<WorkerIndex>(index);
}

Shard::Shard(ShardConfig config, Timestamp now, Rng rng, ShardLinks& links)
    : config_(std::move(config)),
      rng_(rng),
      links_(links, config_.index, std::max<std::size_t>(config_.worker_count, config_.index + 1U)),
      start_(now),
      pool_(config_.pool),
      engine_(config_.crypto_backend),
      encryptor_(engine_),
      crypto_{&engine_, config_.dtls, config_.simulate_dtls},
      wheel_(now),
      due_timer_(nullptr),
      link_timer_(nullptr),
      data_timer_(nullptr),
      outlets_(std::clamp<std::size_t>(config_.control_shards, 1, kMaxControlShards)),
      data_(config_.index, links_.workers(), data_door_) {}

Shard::~Shard() = default;

NtpTime Shard::ntp(Timestamp now) const {
    return NtpTime::from_unix(config_.wall + (now - start_));
}

ShardPeer* Shard::find_peer(PeerId id) {
    const auto found = peers_.find(id);
    return found == peers_.end() ? nullptr : found->second.get();
}

void Shard::emit(Event event) {
    const ControlShard control = control_shard_of(event);
    if (CONFAB_BUG_IF(control >= outlets_.size(), "event_control_shard") ||
        !outlets_[control].push(std::move(event)))
        ++totals_.events_dropped;
}

std::optional<Event> Shard::poll_event() {
    for (EventQueue& events : outlets_)
        if (auto event = events.poll()) return event;
    return std::nullopt;
}

// ---------------------------------------------------------------- datagrams

// A STUN request names its peer; everything else is known by where it came from (02 ICE-02).
ShardPeer* Shard::route(Timestamp now, const ice::Path& path, BytesView datagram,
                        std::optional<WorkerIndex>& owner) {
    if (wire::classify(datagram) == wire::PacketKind::kStun) {
        const auto message = wire::StunMessage::parse(datagram);
        if (!message) return nullptr;
        if (const auto username = message->text(wire::StunAttr::kUsername)) {
            const std::string_view ufrag = username->substr(0, username->find(':'));
            if (const auto found = by_ufrag_.find(std::string(ufrag)); found != by_ufrag_.end())
                return found->second;
            const auto worker = owner_of_ufrag(ufrag);
            if (!worker || *worker >= config_.worker_count) return nullptr;
            if (*worker == config_.index) {
                // A generation so old that its name is forgotten may be the one that works: the
                // peer that has the path checks the message (ICE-14).
                const auto found = by_path_.find(path);
                return found == by_path_.end() ? nullptr : found->second;
            }
            foreign_paths_.note(now, path, *worker);
            owner = worker;
            return nullptr;
        }
    }
    if (const auto found = by_path_.find(path); found != by_path_.end()) return found->second;
    owner = foreign_paths_.use(now, path);
    return nullptr;
}

std::optional<WorkerIndex> Shard::handle_datagram(Timestamp now, const ice::Path& path,
                                                  PacketRef packet, const Origin& origin) {
    std::optional<WorkerIndex> owner;
    ShardPeer* peer = route(now, path, packet.data(), owner);
    if (peer == nullptr) {
        if (!owner) ++totals_.unknown_datagrams;
        return owner;
    }
    totals_.bytes_in += packet.data().size();
    const bool check = origin.via && wire::classify(packet.data()) == wire::PacketKind::kStun;
    const peer::TransportState before = peer->transport().state();
    const peer::Transport::Media media = peer->transport().handle_packet(now, path, packet.data());
    // Media may be the first to show that an outage is over.
    if (peer->transport().state() != before) {
        after_input(now, *peer);
        mark_dirty(*peer);
    }
    if (media.kind == peer::Transport::Media::Kind::kRtp) {
        const Timestamp arrival = std::min(origin.arrival.value_or(now), now);
        handle_rtp({now, arrival}, *peer, std::move(packet), media.packet);
        return std::nullopt;
    }
    if (media.kind == peer::Transport::Media::Kind::kRtcp) handle_rtcp(now, *peer, media.packet);
    // STUN, DTLS or SCTP happened, or feedback that may ask for packets.
    if (media.kind == peer::Transport::Media::Kind::kNone) {
        if (peer->transport().is_valid_path(path)) {
            remember_path(*peer, path, true);
            if (check) push_link(now, *origin.via, LinkPathProved{path});
        }
        after_input(now, *peer);
    }
    mark_dirty(*peer);
    return std::nullopt;
}

std::optional<WorkerIndex> Shard::handle_frame(Timestamp now, const ice::Path& path,
                                               BytesView frame) {
    if (frame.size() > PacketPool::kLargeCapacity) return std::nullopt;
    PacketRef packet = pool_.acquire_large();
    if (!packet) return std::nullopt;
    std::copy(frame.begin(), frame.end(), packet.buffer().begin());
    packet.set_size(frame.size());
    return handle_datagram(now, path, std::move(packet));
}

void Shard::handle_tcp_closed(Timestamp now, const ice::Path& path) {
    foreign_paths_.erase(path);
    const auto found = by_path_.find(path);
    if (found == by_path_.end()) return;
    ShardPeer& peer = *found->second;
    by_path_.erase(found);
    std::erase(peer.paths, path);
    peer.transport().tcp_closed(now, path.tcp_connection);
    after_input(now, peer);
    mark_dirty(peer);
}

void Shard::remember_path(ShardPeer& peer, const ice::Path& path, bool validated) {
    const auto [entry, is_new] = by_path_.try_emplace(path, &peer);
    if (!is_new && entry->second != &peer) {
        // Another peer only sent checks there; the one who proved the path gets it.
        if (!validated) return;
        std::erase(entry->second->paths, path);
        entry->second = &peer;
    } else if (!is_new) {
        return;
    }
    if (peer.paths.size() >= ShardPeer::kMaxPaths) {
        const auto keep = peer.transport().path();
        auto oldest = peer.paths.begin();
        if (keep && *oldest == *keep) ++oldest;
        by_path_.erase(*oldest);
        peer.paths.erase(oldest);
    }
    peer.paths.push_back(path);
}

// ---------------------------------------------------------------- after an input

void Shard::mark_dirty(ShardPeer& peer) {
    if (peer.is_dirty) return;
    peer.is_dirty = true;
    dirty_.push_back(&peer);
}

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
    }
    return PeerFailure::kNone;
}
}  // namespace

void Shard::after_input(Timestamp now, ShardPeer& peer) {
    peer.reschedule_needed = true;
    while (const auto state = peer.transport().poll_state())
        handle_transport_event(now, peer, *state);
    take_events(now, peer);
    if (data_.lagging()) data_.made_room(now, peer.id());
}

// A message that is not to be taken yet stays in the connection, with all that came after it but
// the connection's own state.
void Shard::take_events(Timestamp now, ShardPeer& peer) {
    while (!peer.data_waiting) {
        if (peer.transport().next_is_message() && !may_take_message(peer)) return;
        auto event = peer.transport().poll_event();
        if (!event) return;
        handle_transport_event(now, peer, std::move(*event));
    }
}

void Shard::handle_transport_event(Timestamp now, ShardPeer& peer, peer::TransportEvent event) {
    if (const auto* state = std::get_if<peer::StateChanged>(&event)) {
        PeerStateChanged changed;
        changed.peer = peer.id();
        changed.state = to_state(state->state);
        changed.failure = to_failure(state->failure);
        if (const auto& path = peer.transport().path()) {
            changed.protocol = path->protocol == ice::Protocol::kTcp ? TransportProtocol::kTcp
                                                                     : TransportProtocol::kUdp;
            changed.remote = path->remote;
        }
        emit(changed);
        if (peer.transport().connected()) peer_connected(now, peer);
        if (state->state == peer::TransportState::kReconnected) peer_reconnected(now, peer);
    } else if (auto* opened = std::get_if<peer::ChannelOpened>(&event)) {
        peer.note_channel(opened->channel, opened->label);
        emit(DataChannelOpened{peer.id(), peer.channel_kind(opened->channel), opened->label});
        data_.channel_opened(now, peer.id());
    } else if (const auto* closed = std::get_if<peer::ChannelClosed>(&event)) {
        peer.forget_channel(closed->channel);
    } else if (const auto* message = std::get_if<peer::MessageReceived>(&event)) {
        route_message(now, peer, *message);
    } else {
        emit(DataChannelFailed{peer.id(), DataChannel::kReliable});
    }
}

// Down-tracks that were added before the connection was up ask for their key frames now.
void Shard::peer_connected(Timestamp now, ShardPeer& peer) {
    data_.connected(now, peer.id());
    for (const auto& outbound : peer.downlink().tracks()) {
        outbound->down_track.set_writable(now);
        serve_down_track(now, peer, *outbound);
    }
    peer.update_media_deadline(now);
}

// What was forwarded meanwhile is lost: pictures go on with a key frame, before anybody asks.
void Shard::peer_reconnected(Timestamp now, ShardPeer& peer) {
    for (const auto& outbound : peer.downlink().tracks())
        if (const auto layer = outbound->down_track.handle_pli(now))
            request_key_frame(now, *outbound->track, *layer);
    peer.update_media_deadline(now);
}

// ---------------------------------------------------------------- time

void Shard::reschedule(ShardPeer& peer) {
    peer.reschedule_needed = false;
    wheel_.schedule(peer.timer(),
                    earlier(peer.transport().next_deadline(), peer.next_media_deadline()));
}

void Shard::handle_peer_timeout(Timestamp now, ShardPeer& peer) {
    if (now >= peer.transport().next_deadline()) {
        peer.transport().handle_timeout(now);
        after_input(now, peer);
    }
    if (now >= peer.next_media_deadline()) {
        if (now >= peer.downlink().bandwidth().next_deadline()) allocate(now, peer);
        peer.feedback_wanted = true;  // key-frame requests that became due
        peer.update_media_deadline(now);
    }
    peer.reschedule_needed = true;
    mark_dirty(peer);
}

void Shard::reschedule(Timestamp now, OutboundTrack& outbound) {
    Timestamp deadline = outbound.down_track.next_deadline();
    // Without a connection nobody takes what it wants; peer_connected() looks again.
    if (!outbound.peer->transport().connected()) deadline = Timestamp::never();
    // What it still sends is flushed before it goes, where it can be.
    if (outbound.closing && (deadline.is_never() || outbound.down_track.closed()))
        deadline = now + ShardPeer::kTick;
    wheel_.schedule(outbound.timer, deadline);
}

void Shard::handle_down_track_timeout(Timestamp now, OutboundTrack& outbound) {
    ++visited_;
    ShardPeer& peer = *outbound.peer;
    if (outbound.closing && outbound.down_track.closed())
        return finish_down_track(now, peer, outbound);
    outbound.down_track.handle_timeout(now);
    serve_down_track(now, peer, outbound);
}

void Shard::handle_timeout(Timestamp now) {
    deliver_arrived(now);
    data_.handle_timeout(now);
    serve_data(now);
    refresh_budget_ = kMaxRefreshedPerTurn;
    refresh_due(now);
    for (std::size_t i = 0; i < kMaxTimersPerTurn; ++i) {
        TimerNode* node = wheel_.pop_due(now);
        if (node == nullptr) return;
        if (node == &due_timer_ || node == &data_timer_) continue;  // they only asked for this turn
        if (node == &link_timer_)
            retry_links(now);
        else
            static_cast<Timed*>(node->owner())->on_timer(*this, now);
    }
}

void OutboundTrack::on_timer(Shard& shard, Timestamp now) {
    shard.handle_down_track_timeout(now, *this);
}
void ShardPeer::Quality::on_timer(Shard& shard, Timestamp now) {
    shard.report_quality(now, *peer);
}

void ShardPeer::on_timer(Shard& shard, Timestamp now) {
    shard.handle_peer_timeout(now, *this);
}
void Shard::Speakers::on_timer(Shard& shard, Timestamp now) {
    shard.report_speakers(now, *this);
}
void Shard::ReceiverEntry::on_timer(Shard& shard, Timestamp now) {
    shard.update_source(now, *this);
}

void Shard::report_speakers(Timestamp now, Speakers& speakers) {
    SpeakerLevels levels;
    levels.room = speakers.room;
    for (Speakers::Microphone& microphone : speakers.microphones) {
        const Receiver& receiver = *microphone.receiver;
        SpeakerLevel one{receiver.id(), 0, false};
        if (!receiver.streams().empty() && !receiver.muted()) {
            const rtp::AudioLevel& level = receiver.streams().front()->audio_level();
            one.level = level.level(now);
            one.active = level.is_active(now);
        }
        // Who fell silent is listed once more, so that the room hears of it.
        if (one.active || microphone.spoke) levels.levels.push_back(one);
        microphone.spoke = one.active;
    }
    if (!levels.levels.empty()) emit(std::move(levels));
    wheel_.schedule(speakers.timer, next_tick(now, speakers.interval));
}

// Multiples of the interval: workers that share a room report at the same moment.
Timestamp Shard::next_tick(Timestamp now, Duration interval) {
    const std::int64_t passed = (now - Timestamp()).us() / interval.us();
    return Timestamp() + interval * (passed + 1);
}

// What ends a round of a stream goes into the figures of the shard.
StreamRound Shard::take_round(const Receiver& receiver, InboundStream& stream) {
    const StreamRound round = stream.take_round();
    figures_.add(Direction::kIncoming, receiver.config().kind, receiver.config().source, round);
    return round;
}

DownTrackWindow Shard::take_window(DownTrack& down_track) {
    const DownTrackWindow window = down_track.window();
    figures_.add(Direction::kOutgoing, down_track.kind(), down_track.media_source(),
                 {window.packets, window.lost, window.out_of_order, window.jitter, window.rtt});
    return window;
}

void Shard::report_quality(Timestamp now, ShardPeer& peer) {
    wheel_.schedule(peer.quality_timer(), now + kQualityInterval);
    QualityBatch batch;
    batch.peer = peer.id();
    for (const Receiver* receiver : peer.uplink().inbound().receivers()) {
        for (const auto& stream : receiver->streams()) {
            const StreamRound round = take_round(*receiver, *stream);
            QualitySample sample;
            sample.receiver = receiver->id();
            sample.packets_expected = round.packets;
            sample.packets_lost = round.lost;
            sample.muted = receiver->muted();
            const auto& report = stream->sender_report();
            sample.rtcp_overdue = !report || now - report->arrival > kQualityInterval * 2;
            batch.samples.push_back(sample);
        }
    }
    for (const auto& outbound : peer.downlink().tracks()) {
        DownTrack& down_track = outbound->down_track;
        ++visited_;
        const DownTrackWindow window = take_window(down_track);
        QualitySample sample;
        sample.down_track = down_track.id();
        sample.packets_expected = window.packets;
        sample.packets_lost = window.lost;
        sample.distance_to_desired = down_track.distance_to_desired();
        sample.muted = down_track.pause_reason() == PauseReason::kMuted ||
                       down_track.pause_reason() == PauseReason::kPublisherMuted;
        sample.paused = down_track.pause_reason() == PauseReason::kBandwidth;
        batch.samples.push_back(sample);
    }
    if (!batch.samples.empty()) emit(std::move(batch));
}

// ---------------------------------------------------------------- output

void Shard::drain_transport(ShardPeer& peer, SendBatch& batch) {
    while (batch.has_room()) {
        const auto datagram = peer.transport().poll_transmit();
        if (!datagram) return;
        if (datagram->bytes.empty() || datagram->bytes.size() > SendBatch::kMaxDatagram) continue;
        remember_path(peer, datagram->path, false);
        const BytesSpan out = batch.reserve();
        std::copy(datagram->bytes.begin(), datagram->bytes.end(), out.begin());
        batch.commit(datagram->path, datagram->bytes.size());
    }
}

bool Shard::poll_transmit(Timestamp now, SendBatch& batch) {
    deliver_arrived(now);
    flush_data(now);
    const NtpTime wall = ntp(now);
    const std::size_t first = dirty_flushed_;
    while (dirty_flushed_ < dirty_.size()) {
        ShardPeer& peer = *dirty_[dirty_flushed_];
        if (dirty_flushed_ + 3 < dirty_.size()) dirty_[dirty_flushed_ + 3]->prefetch();
        if (dirty_flushed_ + 1 < dirty_.size())
            dirty_[dirty_flushed_ + 1]->downlink().prefetch_pending();
        drain_transport(peer, batch);
        if (!batch.has_room()) break;
        if (peer.feedback_wanted && !peer.write_feedback(now, wall, batch)) break;
        if (!peer.write_sender_reports(now, batch)) break;
        if (peer.downlink().flush({now, wall}, encryptor_, batch)) break;
        if (!batch.has_room()) break;
        peer.is_dirty = false;
        if (peer.reschedule_needed) reschedule(peer);
        ++dirty_flushed_;
    }
    // Packets of counter-mode peers are encrypted together, across subscribers (DES-24).
    const bool under_way = encryptor_.pending() > 0;
    encryptor_.complete_all();
    if (under_way)
        for (std::size_t i = first; i < dirty_.size() && i <= dirty_flushed_; ++i)
            dirty_[i]->downlink().release_flushed();
    const bool more = dirty_flushed_ < dirty_.size();
    if (!more) {
        dirty_.clear();
        dirty_flushed_ = 0;
    }
    return more || !batch.empty();
}

void ShardSnapshot::merge(const ShardSnapshot& other) {
    static_assert(sizeof(ShardSnapshot) == 26 * sizeof(std::uint64_t), "a new one is added here");
    peers += other.peers;
    receivers += other.receivers;
    tracks += other.tracks;
    down_tracks += other.down_tracks;
    pool_bytes += other.pool_bytes;
    packets_in_use += other.packets_in_use;
    unknown_datagrams += other.unknown_datagrams;
    rtp_in += other.rtp_in;
    rtp_out += other.rtp_out;
    bytes_in += other.bytes_in;
    bytes_out += other.bytes_out;
    rtp_bytes_in += other.rtp_bytes_in;
    rtx_in += other.rtx_in;
    rtx_bytes_in += other.rtx_bytes_in;
    rtx_out += other.rtx_out;
    rtx_bytes_out += other.rtx_bytes_out;
    srtp_failures += other.srtp_failures;
    rtp_unknown_ssrc += other.rtp_unknown_ssrc;
    links_dropped += other.links_dropped;
    nacks_in += other.nacks_in;
    nacks_out += other.nacks_out;
    plis_in += other.plis_in;
    plis_out += other.plis_out;
    firs_in += other.firs_in;
    events_dropped += other.events_dropped;
    data_dropped += other.data_dropped;
}

ShardSnapshot Shard::snapshot() const {
    ShardSnapshot s = totals_;
    s.peers = peers_.size();
    s.receivers = receivers_.size();
    s.tracks = tracks_.size();
    s.down_tracks = down_tracks_.size();
    s.pool_bytes = pool_.bytes_held();
    s.links_dropped = links_.dropped();
    s.data_dropped += data_.dropped();
    s.packets_in_use = pool_.large_in_use() + pool_.small_in_use();
    for (const auto& [id, peer] : peers_) {
        add_peer_counters(s, *peer);
    }
    return s;
}

void Shard::add_peer_counters(ShardSnapshot& s, const ShardPeer& peer) {
    const PeerCounters& c = peer.counters();
    s.rtp_in += c.rtp_in;
    s.rtp_out += c.rtp_out;
    s.bytes_out += c.bytes_out;
    s.rtp_bytes_in += c.rtp_bytes_in;
    s.rtx_in += c.rtx_in;
    s.rtx_bytes_in += c.rtx_bytes_in;
    s.rtx_out += c.rtx_out;
    s.rtx_bytes_out += c.rtx_bytes_out;
    s.nacks_out += c.nacks_out;
    s.plis_out += c.plis_out;
    s.rtp_unknown_ssrc += c.rtp_unknown_ssrc;
    s.srtp_failures += peer.transport().counters().srtp_failures;
}

}  // namespace confab::sfu
