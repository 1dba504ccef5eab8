// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/tracks/publications.h"

#include <utility>

#include "base/check.h"
#include "wire/rtp/rtp_extensions.h"

namespace confab::sfu {
namespace {

void count_refused(PeerCounters& peer, const InboundCounters& before, const InboundCounters& now) {
    peer.rtp_malformed += now.malformed - before.malformed;
    peer.rtp_repeated += now.duplicates - before.duplicates;
}

LayerStarted layer_started(const ShardPeer& peer, const Receiver& receiver,
                           const InboundStream& stream, std::uint8_t spatial) {
    const wire::FrameSize size = stream.frame_size();
    return {receiver.id(),
            spatial,
            stream.codec(),
            stream.ssrc(),
            size.width,
            size.height,
            peer.uplink().inbound().rtx_ssrc_of(receiver, stream.spatial())};
}

}  // namespace

// ---------------------------------------------------------------- commands

void Publications::apply(Timestamp now, AddReceiver& c) {
    ShardPeer* peer = parts_.peers.find(c.peer);
    if (peer == nullptr || c.codecs.empty()) return;
    if (CONFAB_BUG_IF(
            !same_control_shard(c.peer, c.receiver) || !same_control_shard(c.peer, c.room),
            "receiver_control_shard"))
        return;
    if (const ReceiverEntry* known = parts_.tracks.find_receiver(c.receiver)) {
        if (known->receiver->config().mid == c.mid) return renegotiate(now, *known, c);
        remove(now, c.receiver);
    }
    auto entry = std::make_unique<ReceiverEntry>();
    entry->peer = peer;
    entry->track = &parts_.tracks.at_home(c.receiver, c.kind);
    entry->receiver = std::make_unique<Receiver>(c, std::move(entry->track->ends));
    entry->monitor = SourceMonitor(c.kind, c.screen_share);
    entry->track->source().mode = c.mode;
    take_agreed(*entry, c);
    peer->uplink().inbound().add(*entry->receiver);
    if (c.microphone) parts_.speakers.add(now, *entry->receiver);
    parts_.tracks.add_receiver(std::move(entry));
}

// What was agreed on decides what its packets are.
void Publications::take_agreed(const ReceiverEntry& entry, const AddReceiver& c) {
    SourceState& source = entry.track->source();
    source.codec = c.codecs.front().codec;
    source.clock_rate = c.codecs.front().clock_rate;
    source.dependency_descriptor = c.extensions.dependency_descriptor != 0;
    if (c.extensions.transport_cc != 0)
        entry.peer->uplink().transport_cc_id = c.extensions.transport_cc;
}

void Publications::renegotiate(Timestamp now, const ReceiverEntry& entry, AddReceiver& c) {
    const AddReceiver& before = entry.receiver->config();
    if (before.codecs == c.codecs && before.extensions == c.extensions) return;
    Track& track = *entry.track;
    // Its pictures so far are none that the next ones could follow.
    if (track.source().codec != c.codecs.front().codec) track.recent().clear();
    take_agreed(entry, c);
    entry.receiver->renegotiate(std::move(c.codecs), c.extensions);
    parts_.changes.source_changed(now, track);
}

void Publications::apply(Timestamp now, RemoveReceiver& c) {
    remove(now, c.receiver);
}

void Publications::apply(Timestamp now, const MoveReceiver& c) {
    ReceiverEntry* entry = parts_.tracks.find_receiver(c.receiver);
    if (entry == nullptr) return;
    parts_.speakers.remove(*entry->receiver);
    entry->receiver->set_room(c.room);
    if (entry->receiver->config().microphone) parts_.speakers.add(now, *entry->receiver);
}

void Publications::remove(Timestamp now, ReceiverId id, std::optional<WorkerIndex> moved_to) {
    ReceiverEntry* entry = parts_.tracks.find_receiver(id);
    if (entry == nullptr) return;
    ShardPeer& peer = *entry->peer;
    parts_.quality.end(*entry->receiver);
    parts_.speakers.remove(*entry->receiver);
    peer.uplink().inbound().remove(*entry->receiver, now);
    peer.update_media_deadline(now);
    peer.reschedule_needed = true;
    if (moved_to) {
        parts_.replicas.move_away(now, *entry->track, *moved_to);
        parts_.tracks.note_moved(id, peer.id(), *moved_to);
    } else {
        parts_.replicas.tell_ended(now, *entry->track);
        entry->track->source().available = 0;
        entry->track->ends = entry->receiver->ends();
    }
    parts_.tracks.remove_receiver(id);
}

namespace {
std::vector<ReceiverId> published_by(const ShardPeer& peer) {
    std::vector<ReceiverId> published;
    for (const Receiver* receiver : peer.uplink().inbound().receivers())
        published.push_back(receiver->id());
    return published;
}
}  // namespace

void Publications::remove_all(Timestamp now, ShardPeer& peer) {
    for (const ReceiverId id : published_by(peer))
        remove(now, id);
}

void Publications::move_all(Timestamp now, ShardPeer& peer, WorkerIndex home) {
    for (const ReceiverId id : published_by(peer))
        remove(now, id, home);
}

void Publications::apply(Timestamp now, MuteReceiver& c) {
    ReceiverEntry* entry = parts_.tracks.find_receiver(c.receiver);
    if (entry == nullptr || entry->receiver->muted() == c.muted) return;
    entry->receiver->set_muted(now, c.muted);
    entry->monitor.set_muted(c.muted, entry->track->source());
    note_wanted(now, *entry);
    parts_.changes.source_changed(now, *entry->track);
}

void Publications::apply(Timestamp now, WantLayers& c) {
    ReceiverEntry* entry = parts_.tracks.find_receiver(c.receiver);
    if (entry == nullptr) return;
    entry->monitor.want(now, c.max_spatial);
    note_wanted(now, *entry);
}

void Publications::note_wanted(Timestamp now, const ReceiverEntry& entry) {
    entry.receiver->note_wanted(now, entry.monitor.wanted(),
                                entry.monitor.missing_layers(now, entry.track->source(),
                                                             entry.receiver->highest_announced()));
}

// ---------------------------------------------------------------- packets

void Publications::handle_rtp(Times at, ShardPeer& peer, PacketRef packet, BytesSpan bytes) {
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
    parts_.queue.mark_media(peer);
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
    const bool started = route.stream->started();
    if (!route.rtx && !view->payload.empty()) note_codec(now, peer, route, view->header);
    const InboundCounters before = route.stream->counters();
    auto media = route.rtx ? route.stream->receive_rtx(at.arrival, *view, bytes)
                           : route.stream->receive(at.arrival, *view);
    count_refused(peer.counters(), before, route.stream->counters());
    if (!started && route.stream->started()) stream_started(peer, route);
    if (!media || route.receiver->muted()) return;
    if (ReceiverEntry* entry = parts_.tracks.find_receiver(route.receiver->id()))
        forward(now, *entry, *route.stream, *media, packet);
}

// Libraries that take their own pick of the answer do not say which in their requests (SIG-100).
// Nor does anybody say that an encoder failed and another codec goes on (IN-09).
void Publications::note_codec(Timestamp now, ShardPeer& peer, const InboundRoute& route,
                              const wire::RtpHeader& header) {
    Receiver& receiver = *route.receiver;
    if (receiver.is_of(header.payload_type) || !receiver.take_codec(now, header.payload_type))
        return;
    ReceiverEntry* entry = parts_.tracks.find_receiver(receiver.id());
    if (entry == nullptr) return;
    take_agreed(*entry, receiver.config());
    entry->track->recent().clear();
    if (route.stream->started()) entry->monitor.restart(route.spatial, entry->track->source());
    parts_.changes.source_changed(now, *entry->track);
    if (!route.stream->started()) return;
    for (const auto& stream : receiver.streams())
        stream->request_key_frame();
    LayerStarted event = layer_started(peer, receiver, *route.stream, route.spatial);
    event.codec = receiver.config().codecs.front().codec;
    event.other_codec = true;
    parts_.events.emit(event);
}

// An SSRC was recognised.
void Publications::stream_found(Timestamp now, ShardPeer& peer, const InboundRoute& route) {
    peer.update_media_deadline(now);
    peer.reschedule_needed = true;
    if (route.rtx) {
        if (route.receiver->has_started(route.spatial))
            report_started(peer, *route.receiver, route.spatial);
        return;
    }
    peer.uplink().start_reports(now);
}

// Its RTP line has begun: its sender report may have come before it (IN-13).
void Publications::stream_started(ShardPeer& peer, const InboundRoute& route) {
    const auto early = peer.uplink().inbound().take_early_report(route.stream->ssrc().value());
    if (early) apply_sender_report(early->arrival, *route.receiver, *route.stream, early->report);
}

void Publications::report_started(ShardPeer& peer, Receiver& receiver, std::uint8_t spatial) {
    // The layers of one SVC stream have one SSRC.
    const bool simulcast = receiver.config().mode != LayerMode::kMultipleSpatialLayersPerStream;
    const InboundStream* stream = receiver.find_by_spatial(simulcast ? spatial : 0);
    if (stream != nullptr) parts_.events.emit(layer_started(peer, receiver, *stream, spatial));
}

void Publications::forward(Timestamp now, ReceiverEntry& entry, InboundStream& stream,
                           MediaPacket& media, PacketRef& ref) {
    Track& track = *entry.track;
    if (entry.receiver->take_started(media.spatial, stream.frame_size().known()))
        report_started(*entry.peer, *entry.receiver, media.spatial);
    // Packets before this one belong to what was known of the source then.
    bool changed = false;
    if (media.has_dd && media.dd.structure_attached) {
        // Some encoders repeat the structure all the time: only another one is news.
        const DecodeTargets targets = DecodeTargets::of(stream.dependency_structure());
        changed = targets != track.source().decode_targets;
        if (changed) parts_.fan_out.deliver(now);
        track.source().decode_targets = targets;
    }
    const std::uint8_t before = track.source().available;
    if (entry.monitor.packet(media, track.source())) changed = true;
    if (before != track.source().available) changed = true;
    if (changed) {
        note_wanted(now, entry);
        parts_.changes.source_changed(now, track);
    }
    if (!entry.timer.scheduled()) parts_.wheel.schedule(entry.timer, entry.monitor.next_deadline());
    if (!track.replicas().empty()) parts_.replicas.copy(now, track, media, ref);
    parts_.fan_out.take(now, track, media, ref);
}

// ---------------------------------------------------------------- reports

void Publications::handle_sender_report(Timestamp now, ShardPeer& peer,
                                        const wire::SenderReport& report) {
    const InboundRoute route = peer.uplink().inbound().find(report.ssrc);
    if (!route) {
        peer.uplink().inbound().keep_early_report(now, report);
    } else if (!route.rtx) {
        apply_sender_report(now, *route.receiver, *route.stream, report);
    }
}

void Publications::apply_sender_report(Timestamp arrival, Receiver& receiver, InboundStream& stream,
                                       const wire::SenderReport& report) {
    // The RTP line of a stream begins with its first packet.
    if (!stream.started()) {
        if (ReceiverEntry* entry = parts_.tracks.find_receiver(receiver.id()))
            entry->peer->uplink().inbound().keep_early_report(arrival, report);
        return;
    }
    stream.receive_sender_report(arrival, report);
    receiver.note_report(arrival);
    Track* track = parts_.tracks.find(receiver.id());
    if (track == nullptr || !stream.sender_report()) return;
    const auto& known = *stream.sender_report();
    const SourceReport source{known.ntp, known.rtp_time, known.arrival};
    const std::size_t index = track->source().stream_of(static_cast<std::int8_t>(stream.spatial()));
    if (!track->source().add_report(index, source)) return;
    parts_.replicas.tell_report(arrival, *track,
                                LinkReport{track->id(), static_cast<std::uint8_t>(index), source});
}

// ---------------------------------------------------------------- time

void Publications::handle_timeout(Timestamp now, ReceiverEntry& entry) {
    Track& track = *entry.track;
    const std::uint8_t before = track.source().available;
    if (entry.monitor.handle_timeout(now, track.source())) {
        note_wanted(now, entry);
        const bool layers = before != track.source().available;
        if (track.kind() == MediaKind::kVideo && layers)
            parts_.changes.source_changed(now, track);
        else if (track.kind() == MediaKind::kVideo)
            parts_.changes.bitrates_changed(now, track);
    }
    parts_.wheel.schedule(entry.timer, entry.monitor.next_deadline());
}

}  // namespace confab::sfu
