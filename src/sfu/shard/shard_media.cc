// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <array>

#include "base/check.h"
#include "sfu/shard/shard.h"
#include "wire/rtp/rtp_extensions.h"

// The way of a media packet: publisher → home track → down-tracks here and replicas elsewhere.

namespace confab::sfu {

// ---------------------------------------------------------------- from the publisher

void Shard::handle_rtp(Times at, ShardPeer& peer, PacketRef packet, BytesSpan bytes) {
    const Timestamp now = at.now;
    const std::size_t size = packet.data().size();
    ++peer.counters().rtp_in;
    peer.counters().rtp_bytes_in += size;
    const auto view = wire::parse_rtp(bytes);
    if (!view) {
        ++peer.counters().rtp_malformed;
        return;
    }
    peer.feedback_wanted = true;
    mark_dirty(peer);
    // Everything counts for transport-wide feedback, probes on unknown SSRCs too (TRAP-07).
    if (const auto element = wire::find_extension(*view, peer.uplink().transport_cc_id))
        if (const auto number = wire::read_transport_sequence(*element))
            peer.uplink().transport_cc().received(at.arrival, *number, view->header.ssrc,
                                                  view->header.marker);

    bool is_new = false;
    const InboundRoute route = peer.uplink().inbound().resolve(*view, now, is_new);
    if (is_new) stream_found(now, peer, route);
    if (!route) {
        ++peer.counters().rtp_unknown_ssrc;
        return;
    }
    if (route.rtx) {
        ++peer.counters().rtx_in;
        peer.counters().rtx_bytes_in += size;
    }
    auto media = route.rtx ? route.stream->receive_rtx(at.arrival, *view, bytes)
                           : route.stream->receive(at.arrival, *view);
    if (!media || route.receiver->muted()) return;
    const auto entry = receivers_.find(route.receiver->id());
    if (entry != receivers_.end()) forward(now, *entry->second, *route.stream, *media, packet);
}

// An SSRC was recognised: its sender report may have come before it (IN-13).
void Shard::stream_found(Timestamp now, ShardPeer& peer, const InboundRoute& route) {
    peer.update_media_deadline(now);
    peer.reschedule_needed = true;
    if (route.rtx) {
        if (route.receiver->has_started(route.spatial))
            report_started(peer, *route.receiver, route.spatial);
        return;
    }
    peer.uplink().start_reports(now);
    const auto early = peer.uplink().inbound().take_early_report(route.stream->ssrc().value());
    if (early) apply_sender_report(early->arrival, *route.receiver, *route.stream, early->report);
}

void Shard::report_started(ShardPeer& peer, Receiver& receiver, std::uint8_t spatial) {
    // The layers of one SVC stream have one SSRC.
    const bool simulcast = receiver.config().mode != LayerMode::kMultipleSpatialLayersPerStream;
    const InboundStream* stream = receiver.find_by_spatial(simulcast ? spatial : 0);
    if (stream == nullptr) return;
    const wire::FrameSize size = stream->frame_size();
    emit(LayerStarted{receiver.id(), spatial, stream->codec(), stream->ssrc(), size.width,
                      size.height,
                      peer.uplink().inbound().rtx_ssrc_of(receiver, stream->spatial())});
}

void Shard::forward(Timestamp now, ReceiverEntry& entry, InboundStream& stream, MediaPacket& media,
                    PacketRef& ref) {
    Track& track = *entry.track;
    if (entry.receiver->take_started(media.spatial))
        report_started(*entry.peer, *entry.receiver, media.spatial);
    // Packets before this one belong to what was known of the source then.
    bool changed = false;
    if (media.has_dd && media.dd.structure_attached) {
        // Some encoders repeat the structure all the time: only another one is news.
        const DecodeTargets targets = DecodeTargets::of(stream.dependency_structure());
        changed = targets != track.source().decode_targets;
        if (changed) deliver_arrived(now);
        track.source().decode_targets = targets;
    }
    const std::uint8_t before = track.source().available;
    if (entry.monitor.packet(media, track.source())) changed = true;
    if (before != track.source().available) changed = true;
    if (changed) source_changed(now, track);
    if (!entry.timer.scheduled()) wheel_.schedule(entry.timer, entry.monitor.next_deadline());
    if (!track.replicas().empty()) copy_to_replicas(now, track, media, ref);
    fan_out(now, track, media, ref);
}

// Packets of one turn are kept and decided together, subscriber by subscriber: the state of a
// down-track is fetched once for all of them (02 §10.1, DES-44).
void Shard::fan_out(Timestamp now, Track& track, MediaPacket& media, PacketRef& ref) {
    if (track.subscribers().empty()) return;
    track.remember(pool_, media, ref);
    if (track.arrived().empty()) arrived_.push_back(&track);
    track.arrived().push_back({media, ref});
    if (track.arrived().size() >= kMaxArrived) deliver_arrived(now);
}

void Shard::deliver_arrived(Timestamp now) {
    for (Track* track : arrived_)
        deliver(now, *track);
    arrived_.clear();
}

void Shard::deliver(Timestamp now, Track& track) {
    // What forward() stores in small pieces has left the store buffer when a block of decisions is
    // copied, and the next states are on their way from memory meanwhile.
    constexpr std::size_t kBlock = 10;
    constexpr std::size_t kFar = 6, kNear = 3;  // subscribers ahead
    struct Decision {
        const Subscriber* subscriber = nullptr;
        const ArrivedPacket* arrived = nullptr;
        std::size_t count = 0;
        std::array<ForwardedPacket, DownTrack::kMaxPerPacket> packets;
    };
    std::array<Decision, kBlock> block;
    std::size_t used = 0;
    const auto flush = [&] {
        for (Decision& decision : std::span(block).first(used))
            deliver(now, track, *decision.subscriber,
                    std::span(decision.packets).first(decision.count), *decision.arrived);
        used = 0;
    };
    const std::span<const Subscriber> all = track.subscribers();
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (i + kFar < all.size()) all[i + kFar].down_track->prefetch();
        if (i + kNear < all.size()) {
            all[i + kNear].down_track->prefetch_parts();
            all[i + kNear].peer->downlink().prefetch_queue_end();
        }
        // A stream started while its packets can not be sent would have lost its key frame. One
        // that goes on loses them as on the way.
        if (!all[i].peer->transport().connected() && !all[i].down_track->started()) continue;
        for (const ArrivedPacket& arrived : track.arrived()) {
            Decision& decision = block[used++];
            decision.subscriber = &all[i];
            decision.arrived = &arrived;
            decision.count = all[i].down_track->forward(arrived.media, now, decision.packets);
            if (used == kBlock) flush();
        }
    }
    flush();
    forwarded_ += track.arrived().size();
    track.arrived().clear();
}

void Shard::deliver(Timestamp now, Track& track, const Subscriber& subscriber,
                    std::span<const ForwardedPacket> packets, const ArrivedPacket& arrived) {
    DownTrack& down_track = *subscriber.down_track;
    for (const ForwardedPacket& packet : packets)
        (void)subscriber.peer->downlink().enqueue({packet, arrived.ref, arrived.media.payload,
                                                   arrived.media.dd_bytes,
                                                   &down_track.extensions()});
    if (!packets.empty()) {
        mark_dirty(*subscriber.peer);
        while (const auto state = down_track.poll_event())
            emit(StreamStateChanged{down_track.id(), *state});
    } else if (const auto layer = down_track.poll_key_frame_request(now)) {
        request_key_frame(now, track, *layer);
    } else if (down_track.poll_codec_unsupported()) {
        emit(CodecUnsupported{down_track.id()});
    }
    // A packet may have cost it its layer.
    if (down_track.needs_key_frame() && !subscriber.outbound->timer.scheduled())
        reschedule(now, *subscriber.outbound);
}

// ---------------------------------------------------------------- what is known of the source

// Layers, mutes, decode targets: each subscriber must know before the next packet, which visits
// them all just the same. What follows from it is done in slices.
void Shard::source_changed(Timestamp now, Track& track) {
    deliver_arrived(now);
    for (const Subscriber& subscriber : track.subscribers())
        subscriber.down_track->source_changed(now);
    bitrates_changed(now, track);
}

void Shard::bitrates_changed(Timestamp now, Track& track) {
    for (const Replica& replica : track.replicas())
        push_link(now, replica.worker, LinkSource{track.id(), track.source()});
    if (track.begin_pass()) due_tracks_.push_back(track.id());
    refresh_due(now);
}

void Shard::refresh_due(Timestamp now) {
    while (refresh_budget_ > 0 && !due_tracks_.empty()) {
        const auto track = tracks_.find(due_tracks_.front());
        const Subscriber* next = track == tracks_.end() ? nullptr : track->second->next_of_pass();
        if (next == nullptr) {
            due_tracks_.pop_front();
            continue;
        }
        --refresh_budget_;
        refresh(now, *next);
    }
    // Not `now`: this turn would take it up again.
    if (!due_tracks_.empty()) wheel_.schedule(due_timer_, now + Duration::millis(1));
}

void Shard::refresh(Timestamp now, const Subscriber& subscriber) {
    ++visited_;
    if (CONFAB_BUG_IF(subscriber.outbound->peer != subscriber.peer, "subscriber_peer")) return;
    ShardPeer& peer = *subscriber.peer;
    subscriber.down_track->source_changed(now);
    serve_down_track(now, peer, *subscriber.outbound);
    if (subscriber.down_track->kind() == MediaKind::kVideo &&
        peer.downlink().bandwidth().heeds_bitrates())
        allocate(now, peer);
}

void Shard::update_source(Timestamp now, ReceiverEntry& entry) {
    Track& track = *entry.track;
    const std::uint8_t before = track.source().available;
    if (entry.monitor.handle_timeout(now, track.source())) {
        const bool layers = before != track.source().available;
        if (track.kind() == MediaKind::kVideo && layers)
            source_changed(now, track);
        else if (track.kind() == MediaKind::kVideo)
            bitrates_changed(now, track);
    }
    wheel_.schedule(entry.timer, entry.monitor.next_deadline());
}

// ---------------------------------------------------------------- key frames

void Shard::request_key_frame(Timestamp now, Track& track, std::uint8_t spatial) {
    if (track.home() != config_.index) {
        push_link(now, track.home(), LinkKeyFrame{track.id(), spatial});
        return;
    }
    const auto found = receivers_.find(track.id());
    if (found == receivers_.end()) return;
    const bool svc = track.source().svc();
    InboundStream* stream = found->second->receiver->find_by_spatial(svc ? 0 : spatial);
    // A layer that has not started yet: any stream of the encoder brings key frames on all (IN-53).
    if (stream == nullptr && !found->second->receiver->streams().empty())
        stream = found->second->receiver->streams().front().get();
    if (stream == nullptr) return;
    stream->request_key_frame();
    ShardPeer& publisher = *found->second->peer;
    publisher.feedback_wanted = true;
    publisher.update_media_deadline(now);
    publisher.reschedule_needed = true;
    mark_dirty(publisher);
}

// ---------------------------------------------------------------- towards a subscriber

// Takes what a down-track wants to say and send beside forwarded packets.
void Shard::serve_down_track(Timestamp now, ShardPeer& peer, OutboundTrack& outbound) {
    DownTrack& down_track = outbound.down_track;
    while (auto synthetic = down_track.poll_transmit()) {
        (void)peer.downlink().enqueue(
            {synthetic->packet, {}, synthetic->payload, {}, &down_track.extensions()});
        mark_dirty(peer);
    }
    while (const auto state = down_track.poll_event())
        emit(StreamStateChanged{down_track.id(), *state});
    if (down_track.poll_codec_unsupported()) emit(CodecUnsupported{down_track.id()});
    if (peer.transport().connected())
        while (const auto layer = down_track.poll_key_frame_request(now))
            request_key_frame(now, *outbound.track, *layer);
    reschedule(now, outbound);
}

// Bytes that will leave for it, SRTP aside.
std::size_t Shard::resend(ShardPeer& peer, OutboundTrack& outbound,
                          std::span<ResendPacket> packets) {
    std::size_t bytes = 0;
    for (ResendPacket& packet : packets) {
        const HistoryEntry* stored = outbound.track->find(packet.stream, packet.source_sequence);
        if (stored == nullptr) continue;
        MediaPacket source;
        source.sequence = stored->sequence;
        source.timestamp = stored->timestamp;
        source.codec = stored->codec;
        source.payload = stored->payload;
        source.dd_bytes = stored->dd_bytes;
        source.abs_capture_time = stored->abs_capture_time;
        source.has_abs_capture_time = stored->has_abs_capture_time;
        complete_resend(packet, source);
        bytes += header_size(packet.packet, outbound.down_track.extensions(), stored->dd_bytes) +
                 packet.packet.body(stored->payload).size();
        (void)peer.downlink().enqueue({packet.packet, stored->packet, stored->payload,
                                       stored->dd_bytes, &outbound.down_track.extensions()});
    }
    mark_dirty(peer);
    return bytes;
}

// ---------------------------------------------------------------- bandwidth

// At least `bytes` of packets that repair nothing, if there is anything to make them of: the newest
// packets again where RTX was negotiated, padding elsewhere (FWD-14). Returns what was queued.
std::size_t Shard::send_probe(Timestamp now, ShardPeer& peer, std::size_t bytes) {
    std::size_t sent = 0;
    for (const auto& outbound : peer.downlink().tracks()) {
        if (outbound->down_track.kind() != MediaKind::kVideo) continue;
        for (std::size_t back = 0; back < DownTrack::kProbePackets && sent < bytes; ++back)
            if (auto copy = outbound->down_track.probe_packet(back))
                sent += resend(peer, *outbound, std::span(&*copy, 1));
    }
    if (sent > 0) return sent;
    for (const auto& outbound : peer.downlink().tracks()) {
        DownTrack& down_track = outbound->down_track;
        if (down_track.kind() != MediaKind::kVideo) continue;
        while (sent < bytes && down_track.write_padding(1, false) > 0) {
            sent += wire::kRtpFixedHeaderSize + DownTrack::kPaddingSize;
            serve_down_track(now, peer, *outbound);
        }
    }
    return sent;
}

void Shard::allocate(Timestamp now, ShardPeer& peer) {
    if (peer.downlink().allocate(now))
        for (const auto& outbound : peer.downlink().tracks())
            if (outbound->down_track.kind() == MediaKind::kVideo)
                serve_down_track(now, peer, *outbound);
    BandwidthPort& bandwidth = peer.downlink().bandwidth();
    if (const std::size_t bytes = bandwidth.poll_probe(now)) {
        peer.downlink().set_probe(bandwidth.probe_cluster());
        bandwidth.probe_sent(send_probe(now, peer, bytes), now);
        peer.downlink().set_probe(0);
    }
    peer.update_media_deadline(now);
    peer.reschedule_needed = true;
    mark_dirty(peer);
}

}  // namespace confab::sfu
