// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/tracks/subscriptions.h"

#include <array>

#include "base/check.h"
#include "sfu/peer/together.h"

namespace confab::sfu {

OutboundTrack* Subscriptions::find(DownTrackId id) {
    const auto found = down_tracks_.find(id);
    return found == down_tracks_.end() ? nullptr : found->second;
}

void Subscriptions::changed(Timestamp now, ShardPeer& peer) {
    peer.update_media_deadline(now);
    parts_.queue.mark_changed(peer);
}

// ---------------------------------------------------------------- commands

bool Subscriptions::may_add(const AddDownTrack& c) {
    if (!parts_.peers.contains(c.peer) || down_tracks_.contains(c.down_track)) return false;
    return !CONFAB_BUG_IF(!same_control_shard(c.peer, c.down_track), "down_track_control_shard");
}

// At its peer and its track.
OutboundTrack& Subscriptions::add(const AddDownTrack& c, Track& track) {
    ShardPeer& peer = *parts_.peers.find(c.peer);
    OutboundTrack& outbound = peer.downlink().add(std::make_unique<OutboundTrack>(
        c, track, peer, parts_.rng, parts_.options.packet_buffer_size(c.kind)));
    track.add_subscriber({&outbound.down_track, &peer, &outbound, outbound.redundant});
    down_tracks_[c.down_track] = &outbound;
    return outbound;
}

void Subscriptions::apply(Timestamp now, AddDownTrack& c) {
    if (!may_add(c)) return;
    Track& track = parts_.tracks.at(c.receiver, c.home, c.kind);
    OutboundTrack& outbound = add(c, track);
    if (outbound.peer->transport().connected()) outbound.down_track.set_writable(now);
    parts_.upstream.tell_wanted(now, track);
    allocate(now, *outbound.peer);
    serve(now, outbound);
    changed(now, *outbound.peer);
}

void Subscriptions::apply(Timestamp now, UpdateDownTrack& c) {
    OutboundTrack* outbound = find(c.down_track);
    if (outbound == nullptr) return;
    outbound->down_track.update_settings(c.settings, now);
    parts_.upstream.tell_wanted(now, *outbound->track);
    allocate(now, *outbound->peer);
    serve(now, *outbound);
    changed(now, *outbound->peer);
}

void Subscriptions::apply(Timestamp now, SwitchDownTrack& c) {
    OutboundTrack* outbound = find(c.down_track);
    if (outbound == nullptr) return;
    const ReceiverId old = outbound->track->id();
    if (old == c.receiver) return;
    detach(now, *outbound);
    Track& track = parts_.tracks.at(c.receiver, c.home, outbound->down_track.info().kind);
    outbound->track = &track;
    track.add_subscriber({&outbound->down_track, outbound->peer, outbound, outbound->redundant});
    outbound->down_track.switch_source(track.source(), now);
    parts_.tracks.drop_if_unused(old);
    parts_.upstream.tell_wanted(now, track);
    serve(now, *outbound);
    changed(now, *outbound->peer);
}

void Subscriptions::apply(Timestamp now, RemoveDownTrack& c) {
    OutboundTrack* outbound = find(c.down_track);
    if (outbound == nullptr) return;
    ShardPeer& peer = *outbound->peer;
    outbound->closing = true;
    peer.downlink().stop_demanding(outbound->down_track);
    outbound->down_track.close(now, c.blank_frames);
    serve(now, *outbound);
    if (outbound->down_track.closed()) finish(now, *outbound);
    allocate(now, peer);
    changed(now, peer);
}

void Subscriptions::apply(Timestamp now, SetBandwidthLimit& c) {
    ShardPeer* peer = parts_.peers.find(c.peer);
    if (peer == nullptr) return;
    peer->downlink().bandwidth().set_limit(c.bits_per_second);
    allocate(now, *peer);
    parts_.queue.mark(*peer);
}

// Takes the down-track away from its track, whose replica ends with the last subscriber.
void Subscriptions::detach(Timestamp now, OutboundTrack& outbound) {
    outbound.track->remove_subscriber(outbound.down_track);
    parts_.upstream.tell_wanted(now, *outbound.track);
}

void Subscriptions::finish(Timestamp now, OutboundTrack& outbound) {
    const ReceiverId receiver = outbound.track->id();
    (void)CONFAB_BUG_IF(down_tracks_.erase(outbound.down_track.info().id) != 1,
                        "down_track_unknown");
    parts_.quality.end(now, outbound.down_track);
    detach(now, outbound);
    outbound.peer->downlink().remove(outbound.down_track);
    parts_.tracks.drop_if_unused(receiver);
}

void Subscriptions::remove_all(Timestamp now, ShardPeer& peer) {
    while (!peer.downlink().tracks().empty())
        finish(now, *peer.downlink().tracks().back());
}

// ---------------------------------------------------------------- connections

void Subscriptions::connected(Timestamp now, ShardPeer& peer) {
    for (const auto& outbound : peer.downlink().tracks()) {
        outbound->down_track.set_writable(now);
        serve(now, *outbound);
    }
    peer.update_media_deadline(now);
}

void Subscriptions::disconnected(Timestamp now, ShardPeer& peer) {
    for (const auto& outbound : peer.downlink().tracks()) {
        outbound->down_track.interrupt(now);
        reschedule(now, *outbound);
    }
}

void Subscriptions::reconnected(Timestamp now, ShardPeer& peer) {
    for (const auto& outbound : peer.downlink().tracks())
        if (const auto layer = outbound->down_track.handle_pli(now))
            parts_.upstream.request_key_frame(now, *outbound->track, *layer);
    peer.update_media_deadline(now);
}

// ---------------------------------------------------------------- towards a subscriber

void Subscriptions::serve(Timestamp now, OutboundTrack& outbound) {
    ShardPeer& peer = *outbound.peer;
    DownTrack& down_track = outbound.down_track;
    while (auto synthetic = down_track.poll_transmit()) {
        (void)peer.downlink().enqueue(
            {synthetic->packet, {}, synthetic->payload, {}, &down_track.extensions()},
            down_track.info().kind);
        parts_.queue.mark_media(peer);
    }
    while (const auto state = down_track.poll_event())
        parts_.events.emit(StreamStateChanged{down_track.info().id, *state});
    if (down_track.poll_codec_unsupported())
        parts_.events.emit(CodecUnsupported{down_track.info().id, outbound.track->source().codec});
    if (peer.transport().connected())
        while (const auto layer = down_track.poll_key_frame_request(now))
            if (!catch_up(now, outbound, *layer))
                parts_.upstream.request_key_frame(now, *outbound.track, *layer);
    reschedule(now, outbound);
}

bool Subscriptions::catch_up(Timestamp now, OutboundTrack& outbound, std::uint8_t layer) {
    DownTrack& down_track = outbound.down_track;
    Track& track = *outbound.track;
    if (down_track.started()) return false;
    const std::size_t stream = track.source().stream_of(static_cast<std::int8_t>(layer));
    const auto packets = track.recent().since_key_frame(now, stream);
    std::int64_t frames = 0;  // behind the present one
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < packets.size(); ++i) {
        bytes += packets[i].media.payload.size();
        if (i > 0 && packets[i].media.timestamp != packets[i - 1].media.timestamp) ++frames;
    }
    if (!outbound.peer->downlink().takes_at_once(packets.size(), bytes)) return false;
    std::array<ForwardedPacket, DownTrack::kMaxPerPacket> out;
    for (std::size_t i = 0; i < packets.size(); ++i) {
        const auto& [media, ref] = packets[i];
        if (i > 0 && media.timestamp != packets[i - 1].media.timestamp) --frames;
        // The newest has its own time, so that what comes next follows it.
        const std::int64_t later =
            packets.back().media.timestamp - media.timestamp - frames * kCatchUpTicks;
        const std::size_t count = down_track.forward(media, now, out, later);
        for (const ForwardedPacket& packet : std::span(out).first(count))
            (void)outbound.peer->downlink().enqueue(
                {packet, ref, media.payload, media.dd_bytes, &down_track.extensions()},
                MediaKind::kVideo);
    }
    if (!down_track.started()) return false;
    parts_.queue.mark_media(*outbound.peer);
    while (const auto state = down_track.poll_event())
        parts_.events.emit(StreamStateChanged{down_track.info().id, *state});
    return true;
}

std::size_t Subscriptions::resend(OutboundTrack& outbound, std::span<ResendPacket> packets) {
    ShardPeer& peer = *outbound.peer;
    std::size_t bytes = 0;
    for (ResendPacket& packet : packets) {
        const HistoryEntry* stored = outbound.track->find(packet.stream, packet.source_sequence);
        if (stored == nullptr) continue;
        if (!peer.downlink().takes_copy(outbound.down_track.info().kind)) continue;
        MediaPacket source;
        source.sequence = stored->sequence;
        source.timestamp = stored->timestamp;
        source.codec = stored->codec;
        source.payload = stored->payload;
        source.dd_bytes = stored->dd_bytes;
        source.abs_capture_time = stored->abs_capture_time;
        source.has_abs_capture_time = stored->has_abs_capture_time;
        source.frame_end = stored->frame_end;
        complete_resend(packet, source, outbound.down_track.strips_trailers());
        bytes += header_size(packet.packet, outbound.down_track.extensions(), stored->dd_bytes) +
                 packet.packet.body(stored->payload).size();
        (void)peer.downlink().enqueue({packet.packet, stored->packet, stored->payload,
                                       stored->dd_bytes, &outbound.down_track.extensions()},
                                      outbound.down_track.info().kind);
    }
    parts_.queue.mark_media(peer);
    return bytes;
}

// At least `bytes` of packets that repair nothing, if there is anything to make them of: the newest
// packets again, and once more where they are small or few, where RTX was negotiated, padding
// elsewhere (FWD-14). Returns what was queued.
std::size_t Subscriptions::send_probe(Timestamp now, ShardPeer& peer, std::size_t bytes) {
    std::size_t sent = 0;
    // Padding that nobody takes would use up numbers.
    if (!peer.transport().connected()) return 0;
    // A copy would come before what it is of.
    if (peer.downlink().waits()) return 0;
    for (std::size_t before = 1, pass = 0; pass < kProbePasses && before != sent; ++pass) {
        before = sent;
        for (const auto& outbound : peer.downlink().tracks()) {
            if (!outbound->down_track.info().video()) continue;
            for (std::size_t back = 0; back < DownTrack::kProbePackets && sent < bytes; ++back)
                if (auto copy = outbound->down_track.probe_packet(back))
                    sent += resend(*outbound, std::span(&*copy, 1));
        }
    }
    if (sent > 0) return sent;
    for (const auto& outbound : peer.downlink().tracks()) {
        DownTrack& down_track = outbound->down_track;
        if (!down_track.info().video()) continue;
        while (sent < bytes && down_track.write_padding(1, false) > 0) {
            sent += wire::kRtpFixedHeaderSize + DownTrack::kPaddingSize;
            serve(now, *outbound);
        }
    }
    return sent;
}

void Subscriptions::allocate(Timestamp now, ShardPeer& peer) {
    ++allocations_;
    if (peer.downlink().allocate(now))
        for (const auto& outbound : peer.downlink().tracks())
            if (outbound->down_track.info().video()) serve(now, *outbound);
    BandwidthPort& bandwidth = peer.downlink().bandwidth();
    if (const std::size_t bytes = bandwidth.poll_probe(now)) {
        peer.downlink().set_probe(bandwidth.probe_cluster());
        bandwidth.probe_sent(send_probe(now, peer, bytes), now);
        peer.downlink().set_probe(0);
    }
    changed(now, peer);
}

// ---------------------------------------------------------------- time

void Subscriptions::reschedule(Timestamp now, OutboundTrack& outbound) {
    Timestamp deadline = outbound.down_track.next_deadline();
    // Without a connection nobody takes what it wants; connected() looks again.
    if (!outbound.peer->transport().connected()) deadline = Timestamp::never();
    // What it still sends is flushed before it goes, where it can be.
    if (outbound.closing && (deadline.is_never() || outbound.down_track.closed()))
        deadline = now + ShardPeer::kTick;
    parts_.wheel.schedule(outbound.timer, together(now, deadline));
}

void Subscriptions::handle_timeout(Timestamp now, OutboundTrack& outbound) {
    ++visited_;
    if (outbound.closing && outbound.down_track.closed()) {
        // Its blank frames may stand behind pictures that the pacer holds back.
        if (!outbound.peer->downlink().waits(&outbound.down_track)) return finish(now, outbound);
        return reschedule(now, outbound);
    }
    outbound.down_track.handle_timeout(now);
    serve(now, outbound);
}

}  // namespace confab::sfu
