// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Tracks whose publisher and subscribers sit on different workers (02 DES-40…43): what the home
// sends to replicas, what they send back, and what becomes of it.
#include <algorithm>
#include <utility>

#include "sfu/shard/shard.h"

namespace confab::sfu {
namespace {
constexpr Duration kLinkRetry = Duration::millis(1);
}

// ---------------------------------------------------------------- outgoing

void Shard::push_link(Timestamp now, WorkerIndex to, const LinkBody& body) {
    links_.push(to, body);
    if (links_.waiting() && !link_timer_.scheduled())
        wheel_.schedule(link_timer_, now + kLinkRetry);
}

void Shard::retry_links(Timestamp now) {
    if (links_.flush()) wheel_.schedule(link_timer_, now + kLinkRetry);
}

// One copy for each worker that wants this stream. What a full ring swallowed is a loss upstream
// for the subscribers there; once packets pass again they need a key frame (DES-41).
void Shard::copy_to_replicas(Timestamp now, Track& track, const MediaPacket& media,
                             PacketRef& ref) {
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
        if (!links_.push_packet(replica.worker, link, bytes)) {
            replica.gaps |= static_cast<std::uint8_t>(1U << stream);
        } else if (replica.gaps != 0) {
            recovered |= std::exchange(replica.gaps, std::uint8_t{0});
        }
    }
    if (recovered == 0 || track.kind() == MediaKind::kAudio) return;
    for (std::uint8_t s = 0; s < kMaxSpatialLayers; ++s)
        if ((recovered >> s & 1) != 0) request_key_frame(now, track, s);
}

// Keeps the home informed of what is wanted here.
void Shard::tell_home(Timestamp now, Track& track) {
    if (track.home() == config_.index) return;
    if (track.subscribers().empty()) {
        if (!std::exchange(track.told_home, std::nullopt)) return;
        push_link(now, track.home(), LinkSubscribe{track.id(), track.kind(), false, -1});
        return;
    }
    const std::int8_t wanted = track.max_wanted();
    if (track.told_home == wanted) return;
    track.told_home = wanted;
    push_link(now, track.home(), LinkSubscribe{track.id(), track.kind(), true, wanted});
}

// ---------------------------------------------------------------- incoming

void Shard::handle_link(Timestamp now, const LinkMessage& message, BytesView bytes) {
    if (const auto* packet = std::get_if<LinkPacket>(&message.body))
        return handle_link_packet(now, *packet, bytes);
    if (std::holds_alternative<LinkData>(message.body))
        return data_.handle_link(now, message.from, bytes);
    deliver_arrived(now);
    if (const auto* source = std::get_if<LinkSource>(&message.body)) {
        handle_source(now, *source);
    } else if (const auto* report = std::get_if<LinkReport>(&message.body)) {
        const auto found = tracks_.find(report->receiver);
        if (found != tracks_.end())
            (void)found->second->source().add_report(report->stream, report->report);
    } else if (const auto* ended = std::get_if<LinkEnded>(&message.body)) {
        const auto found = tracks_.find(ended->receiver);
        if (found == tracks_.end()) return;
        found->second->source().available = 0;
        source_changed(now, *found->second);
    } else if (const auto* subscribe = std::get_if<LinkSubscribe>(&message.body)) {
        handle_subscribe(now, message.from, *subscribe);
    } else if (const auto* wanted = std::get_if<LinkKeyFrame>(&message.body)) {
        const auto found = tracks_.find(wanted->receiver);
        if (found != tracks_.end()) request_key_frame(now, *found->second, wanted->spatial);
    } else if (const auto* proved = std::get_if<LinkPathProved>(&message.body)) {
        foreign_paths_.prove(now, proved->path, message.from);
    } else if (const auto* loss = std::get_if<LinkLoss>(&message.body)) {
        const auto found = receivers_.find(loss->receiver);
        if (found != receivers_.end()) found->second->receiver->note_loss(loss->fraction);
    }
}

void Shard::handle_link_packet(Timestamp now, const LinkPacket& packet, BytesView bytes) {
    const auto found = tracks_.find(packet.receiver);
    if (found == tracks_.end() || found->second->subscribers().empty()) return;
    PacketRef ref = pool_.acquire_large();
    if (!ref || bytes.size() > ref.buffer().size()) return;
    std::copy(bytes.begin(), bytes.end(), ref.buffer().begin());
    ref.set_size(bytes.size());
    MediaPacket media = packet.packet;
    media.payload = BytesView(ref.data()).subspan(packet.payload_offset, packet.payload_size);
    media.dd_bytes = BytesView(ref.data()).subspan(packet.dd_offset, packet.dd_size);
    fan_out(now, *found->second, media, ref);
}

void Shard::handle_source(Timestamp now, const LinkSource& source) {
    const auto found = tracks_.find(source.receiver);
    if (found == tracks_.end()) return;
    Track& track = *found->second;
    const bool only_rates = track.source().same_but_rates(source.state);
    // Reports travel by themselves; a copy of older ones must not undo them.
    const auto reports = track.source().reports;
    track.source() = source.state;
    for (std::size_t i = 0; i < reports.size(); ++i)
        if (reports[i]) (void)track.source().add_report(i, *reports[i]);
    if (only_rates)
        bitrates_changed(now, track);
    else
        source_changed(now, track);
}

void Shard::handle_subscribe(Timestamp now, WorkerIndex from, const LinkSubscribe& subscribe) {
    if (!subscribe.subscribed) {
        const auto found = tracks_.find(subscribe.receiver);
        if (found == tracks_.end()) return;
        found->second->remove_replica(from);
        drop_track_if_unused(subscribe.receiver);
        return;
    }
    // The publisher's command may still be on its way: the track remembers who wants it.
    Track& track = track_for(subscribe.receiver, config_.index, subscribe.kind);
    track.set_replica(from, subscribe.max_spatial);
    // Also to one that is known: an end of the subscription between may have been left out, for the
    // newest only counts while a ring is full, and the track there is a new one.
    push_link(now, from, LinkSource{track.id(), track.source()});
}

}  // namespace confab::sfu
