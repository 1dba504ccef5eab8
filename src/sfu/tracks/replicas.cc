// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/tracks/replicas.h"

#include <algorithm>
#include <utility>

namespace confab::sfu {

// ---------------------------------------------------------------- of a track whose home is here

// What a full ring swallowed is a loss upstream for the subscribers there; once packets pass again
// they need a key frame (DES-41).
void Replicas::copy(Timestamp now, Track& track, const MediaPacket& media, PacketRef& ref) {
    const BytesSpan bytes = ref.data();
    const auto offset = [&](BytesView v) {
        return static_cast<std::uint16_t>(v.empty() ? 0 : v.data() - bytes.data());
    };
    LinkPacket link{track.id(), media, 0, 0, 0, 0};
    link.payload_offset = offset(media.payload);
    link.payload_size = static_cast<std::uint16_t>(media.payload.size());
    link.dd_offset = offset(media.dd_bytes);
    link.dd_size = static_cast<std::uint16_t>(media.dd_bytes.size());
    link.packet.payload = link.packet.dd_bytes = {};
    const std::size_t stream = track.source().stream_of(static_cast<std::int8_t>(media.spatial));
    // A subscriber that wants less than there is gets the least there is (BWE-01).
    const std::int8_t lowest = track.source().lowest_available();
    std::uint8_t recovered = 0;
    for (Replica& replica : track.replicas()) {
        if (replica.max_spatial < 0) continue;
        if (stream > static_cast<std::size_t>(std::max(replica.max_spatial, lowest))) continue;
        if (!parts_.links.push_packet(replica.worker, link, bytes)) {
            replica.gaps |= static_cast<std::uint8_t>(1U << stream);
        } else if (replica.gaps != 0) {
            recovered |= std::exchange(replica.gaps, std::uint8_t{0});
        }
    }
    if (recovered == 0 || track.kind() == MediaKind::kAudio) return;
    for (std::uint8_t s = 0; s < kMaxSpatialLayers; ++s)
        if ((recovered >> s & 1) != 0) parts_.upstream.request_key_frame(now, track, s);
}

void Replicas::tell_report(Timestamp now, const Track& track, const LinkReport& report) {
    for (const Replica& replica : track.replicas())
        parts_.links.push(now, replica.worker, report);
}

void Replicas::tell_ended(Timestamp now, const Track& track) {
    for (const Replica& replica : track.replicas())
        parts_.links.push(now, replica.worker, LinkEnded{track.id()});
}

void Replicas::move_away(Timestamp now, Track& track, WorkerIndex home) {
    for (const Replica& replica : track.replicas())
        if (replica.worker != home)
            parts_.links.push(now, replica.worker, LinkMoved{track.id(), home});
    track.replicas().clear();
    track.move_home(home);
    parts_.upstream.tell_wanted(now, track);
}

void Replicas::send_on(Timestamp now, ReceiverId receiver) {
    Track* track = parts_.tracks.find(receiver);
    const auto home = parts_.tracks.moved_to(receiver);
    if (track == nullptr || !home) return;
    move_away(now, *track, *home);
    parts_.tracks.drop_if_unused(receiver);
}

// It was a replica here, or those of others were there before it.
void Replicas::move_here(Timestamp now, Track& track) {
    track.move_home(parts_.tracks.self());
    for (const Replica& replica : track.replicas())
        parts_.links.push(now, replica.worker, LinkSource{track.id(), track.source()});
    parts_.changes.source_changed(now, track);
}

// ---------------------------------------------------------------- from other workers

void Replicas::handle(Timestamp now, const LinkMessage& message) {
    if (const auto* source = std::get_if<LinkSource>(&message.body)) {
        handle_source(now, message.from, *source);
    } else if (const auto* report = std::get_if<LinkReport>(&message.body)) {
        if (Track* track = parts_.tracks.find(report->receiver))
            (void)track->source().add_report(report->stream, report->report);
    } else if (const auto* ended = std::get_if<LinkEnded>(&message.body)) {
        handle_ended(now, ended->receiver);
    } else if (const auto* subscribe = std::get_if<LinkSubscribe>(&message.body)) {
        handle_subscribe(now, message.from, *subscribe);
    } else if (const auto* wanted = std::get_if<LinkKeyFrame>(&message.body)) {
        if (Track* track = parts_.tracks.find(wanted->receiver))
            parts_.upstream.request_key_frame(now, *track, wanted->spatial);
    } else if (const auto* loss = std::get_if<LinkLoss>(&message.body)) {
        if (ReceiverEntry* entry = parts_.tracks.find_receiver(loss->receiver))
            entry->receiver->note_loss(loss->fraction);
    } else if (const auto* moved = std::get_if<LinkMoved>(&message.body)) {
        handle_moved(now, *moved);
    }
}

void Replicas::handle_packet(Timestamp now, const LinkPacket& packet, BytesView bytes) {
    Track* track = parts_.tracks.find(packet.receiver);
    if (track == nullptr || track->unused()) return;
    PacketRef ref = parts_.pool.acquire_large();
    if (!ref || bytes.size() > ref.buffer().size()) return;
    std::copy(bytes.begin(), bytes.end(), ref.buffer().begin());
    ref.set_size(bytes.size());
    MediaPacket media = packet.packet;
    media.payload = BytesView(ref.data()).subspan(packet.payload_offset, packet.payload_size);
    media.dd_bytes = BytesView(ref.data()).subspan(packet.dd_offset, packet.dd_size);
    parts_.fan_out.take(now, *track, media, ref);
}

void Replicas::handle_source(Timestamp now, WorkerIndex from, const LinkSource& source) {
    Track* track = parts_.tracks.find(source.receiver);
    if (track == nullptr) {
        // The home came with its publisher, and its list of who subscribes is older than the end of
        // the subscription here.
        const MediaKind kind = kind_of(source.state.codec);
        parts_.links.push(now, from, LinkSubscribe{source.receiver, kind, false, -1, false});
        return;
    }
    // One that is not its home any more, or not yet: the home says so again to who subscribes.
    if (from != track->home()) return;
    const bool only_rates = track->source().same_but_rates(source.state);
    // Reports travel by themselves; a copy of older ones must not undo them.
    const auto reports = track->source().reports;
    if (track->source().codec != source.state.codec) track->recent().clear();
    track->source() = source.state;
    for (std::size_t i = 0; i < reports.size(); ++i)
        if (reports[i]) (void)track->source().add_report(i, *reports[i]);
    if (only_rates)
        parts_.changes.bitrates_changed(now, *track);
    else
        parts_.changes.source_changed(now, *track);
}

void Replicas::handle_ended(Timestamp now, ReceiverId receiver) {
    Track* track = parts_.tracks.find(receiver);
    if (track == nullptr) return;
    track->source().available = 0;
    parts_.changes.source_changed(now, *track);
}

void Replicas::handle_moved(Timestamp now, const LinkMoved& moved) {
    Track* track = parts_.tracks.find(moved.receiver);
    if (track == nullptr || track->home() == moved.home || moved.home == parts_.tracks.self() ||
        parts_.tracks.is_home(*track))
        return;
    track->move_home(moved.home);
    parts_.upstream.tell_wanted(now, *track);
}

void Replicas::handle_subscribe(Timestamp now, WorkerIndex from, const LinkSubscribe& subscribe) {
    if (!subscribe.subscribed) {
        Track* track = parts_.tracks.find(subscribe.receiver);
        if (track == nullptr) return;
        track->remove_replica(from);
        parts_.tracks.drop_if_unused(subscribe.receiver);
        return;
    }
    // The one that has it asked before it had it.
    const auto home = parts_.tracks.moved_to(subscribe.receiver);
    if (home) {
        if (*home != from) parts_.links.push(now, from, LinkMoved{subscribe.receiver, *home});
        return;
    }
    // The publisher's command may still be on its way: the track remembers who wants it.
    Track& track = parts_.tracks.at_home(subscribe.receiver, subscribe.kind);
    track.set_replica(from, subscribe.max_spatial);
    // Also to one that is known: an end of the subscription between may have been left out, for the
    // newest only counts while a ring is full, and the track there is a new one. Nothing is known
    // yet of a publisher that is still on its way from another worker.
    if (track.source().codec != Codec::kNone)
        parts_.links.push(now, from, LinkSource{track.id(), track.source()});
    if (subscribe.confirm) parts_.links.push(now, from, LinkSubscribed{track.id()});
}

}  // namespace confab::sfu
