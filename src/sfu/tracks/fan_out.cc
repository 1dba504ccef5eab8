// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/tracks/fan_out.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/check.h"
#include "base/prefetch.h"
#include "sfu/tracks/red_up_converter.h"

namespace confab::sfu {

namespace {

PacketRef add_redundancy(PacketPool& pool, const Track& track, const MediaPacket& media) {
    std::array<OpusFrame, 2> before;
    for (std::size_t i = 0; i < before.size(); ++i) {
        const auto back = static_cast<std::int64_t>(i + 1);
        const HistoryEntry* const entry = track.find(0, media.sequence - back);
        if (entry != nullptr && entry->codec == Codec::kOpus)
            before[i] = {entry->payload, entry->timestamp};
    }
    const RedUpConversion red({media.payload, media.timestamp}, before);
    PacketRef slot =
        red.size() <= PacketPool::kSmallCapacity ? pool.acquire_small() : pool.acquire_large();
    if (!slot || !red.write(slot.buffer())) return {};
    slot.set_size(red.size());
    return slot;
}

std::size_t stream_of(const Track& track, const MediaPacket& media) {
    return track.source().stream_of(static_cast<std::int8_t>(media.spatial));
}
}  // namespace

void FanOut::take(Timestamp now, Track& track, MediaPacket& media, PacketRef& ref) {
    if (track.unused()) return;
    track.remember(parts_.pool, media, ref);
    parts_.stale.note(now, track);
    track.note_passed(stream_of(track, media), media.sequence);
    if (track.expects()) track.keep(parts_.pool, {media, ref});
    if (track.subscribers().empty()) return;
    if (track.arrived().empty()) {
        arrived_.push_back(&track);
        track.hold().begin(now);
    }
    track.arrived().push_back({media, ref});
    if (track.kind() == MediaKind::kVideo) track.hold().add(now, stream_of(track, media), media);
    if (track.arrived().size() >= kMaxArrived) deliver(now);
}

void FanOut::deliver(Timestamp now) {
    for (Track* track : arrived_)
        deliver(now, *track);
    arrived_.clear();
    next_deadline_ = Timestamp::never();
}

Timestamp FanOut::due(Track& track) const {
    return track.kind() == MediaKind::kVideo ? track.hold().until(hold_)
                                             : track.hold().first() + sound_hold_;
}

void FanOut::deliver_due(Timestamp now) {
    next_deadline_ = Timestamp::never();
    const bool any = std::any_of(arrived_.begin(), arrived_.end(),
                                 [&](Track* track) { return due(*track) <= now; });
    std::size_t held = 0;
    for (Track* track : arrived_) {
        const Timestamp until = due(*track);
        if (until <= now || (any && track->kind() == MediaKind::kAudio)) {
            deliver(now, *track);
        } else {
            next_deadline_ = earlier(next_deadline_, until);
            arrived_[held++] = track;
        }
    }
    arrived_.resize(held);
}

// What forward() stores in small pieces has left the store buffer when a block of decisions is
// copied, and the next states are on their way from memory meanwhile.
class FanOut::Decisions {
  public:
    struct Decision {
        const Subscriber* subscriber = nullptr;
        const ArrivedPacket* arrived = nullptr;
        const FrameRef* frame = nullptr;  // none: of the packet alone
        std::size_t count = 0;
        std::array<ForwardedPacket, DownTrack::kMaxPerPacket> packets;
    };
    Decisions(FanOut& owner, Timestamp now, Track& track)
        : owner_(owner), now_(now), track_(track) {}
    Decision& next(const Subscriber& subscriber, const ArrivedPacket& arrived) {
        if (used_ == block_.size()) flush();
        Decision& decision = block_[used_++];
        decision.subscriber = &subscriber;
        decision.arrived = &arrived;
        decision.frame = nullptr;
        decision.count = 0;
        return decision;
    }
    // The last one has to be made in another way.
    void take_back() { --used_; }
    void flush() {
        for (const Decision& d : std::span(block_).first(used_))
            owner_.deliver(now_, track_, *d.subscriber, std::span(d.packets).first(d.count),
                           *d.arrived, d.frame);
        used_ = 0;
    }

  private:
    FanOut& owner_;
    Timestamp now_;
    Track& track_;
    std::array<Decision, 10> block_;
    std::size_t used_ = 0;
};

void FanOut::deliver(Timestamp now, Track& track) {
    cut(track);
    Decisions decisions(*this, now, track);
    const std::span<const Subscriber> all = track.subscribers();
    bool decided = false;
    for (std::size_t i = 0; i < all.size(); ++i) {
        prefetch_row(i, all.size(), [&](std::size_t place, PrefetchStep step) {
            all[place].down_track->prefetch(step);
            all[place].peer->prefetch_queue(step, track.kind());
        });
        // A stream started while its packets can not be sent would have lost its key frame. One
        // that went on would use up numbers: the client takes a jump of half a cycle for one back
        // (RFC 3711 §3.3.1).
        if (!all[i].peer->transport().connected()) continue;
        decided = true;
        for (const Piece& piece : pieces_)
            if (!piece.frame || !decide_frame(now, all[i], piece, decisions))
                decide_each(now, track, all[i], piece.packets, decisions);
    }
    decisions.flush();
    pieces_.clear();
    if (decided) {
        forwarded_ += track.arrived().size();
        oldest_ = earlier(oldest_, track.hold().first());
    }
    if (track.told_home) settle_key_frames(now, track);
    forget_arrived(track);
}

void FanOut::cut(Track& track) {
    std::span<const ArrivedPacket> rest = track.arrived();
    const bool by_frame = track.kind() == MediaKind::kVideo && !track.source().svc();
    if (!by_frame) {
        pieces_.push_back({rest, {}});
        return;
    }
    while (!rest.empty()) {
        const std::size_t count = frame_length(rest);
        pieces_.push_back({rest.first(count), {}});
        if (count > 1) pieces_.back().frame = parts_.frames.share(rest.first(count));
        rest = rest.subspan(count);
    }
}

bool FanOut::decide_frame(Timestamp now, const Subscriber& subscriber, const Piece& piece,
                          Decisions& decisions) {
    auto& decision = decisions.next(subscriber, piece.packets.front());
    switch (subscriber.down_track->forward_frame(piece.packets, *piece.frame, now,
                                                 decision.packets[0])) {
        case Forwarder::Together::kAll:
            decision.frame = &piece.frame;
            decision.count = 1;
            return true;
        case Forwarder::Together::kNone:
            return true;
        case Forwarder::Together::kEach:
            break;
    }
    decisions.take_back();
    return false;
}

void FanOut::decide_each(Timestamp now, Track& track, const Subscriber& subscriber,
                         std::span<const ArrivedPacket> packets, Decisions& decisions) {
    for (const ArrivedPacket& arrived : packets) {
        const ArrivedPacket* given = subscriber.redundant ? redundant(track, arrived) : &arrived;
        if (given == nullptr) continue;
        auto& decision = decisions.next(subscriber, *given);
        decision.count = subscriber.down_track->forward(given->media, now, decision.packets);
    }
}

void FanOut::catch_up(Timestamp now, OutboundTrack& outbound, const Track::Passed& passed) {
    Track& track = *outbound.track;
    if (CONFAB_BUG_IF(!track.arrived().empty(), "catch_up_in_turn")) return;
    const auto self = std::find_if(track.subscribers().begin(), track.subscribers().end(),
                                   [&](const Subscriber& s) { return s.outbound == &outbound; });
    if (self == track.subscribers().end()) return;
    const Subscriber subscriber = *self;
    // One that came late may have come there, too: its number then was used.
    for (const ArrivedPacket& one : track.kept())
        if (one.media.late || one.media.sequence > passed[stream_of(track, one.media)])
            track.arrived().push_back(one);
    std::array<ForwardedPacket, DownTrack::kMaxPerPacket> out;
    for (const ArrivedPacket& arrived : track.arrived()) {
        const ArrivedPacket* given = subscriber.redundant ? redundant(track, arrived) : &arrived;
        if (given == nullptr) continue;
        const std::size_t count = outbound.down_track.forward(given->media, now, out);
        deliver(now, track, subscriber, std::span(out).first(count), *given);
    }
    track.arrived().clear();
    redundant_.clear();
}

void FanOut::forget_arrived(Track& track) {
    if (track.kind() == MediaKind::kVideo)
        for (const ArrivedPacket& arrived : track.arrived())
            track.note_recent(parts_.pool, arrived);
    track.arrived().clear();
    redundant_.clear();
}

// Of a replica: behind a key frame its subscribers may have left a layer, which then need not cross
// any more (DES-43).
void FanOut::settle_key_frames(Timestamp now, Track& track) {
    const std::vector<ArrivedPacket>& arrived = track.arrived();
    if (std::none_of(arrived.begin(), arrived.end(),
                     [](const ArrivedPacket& a) { return a.media.key_frame; }))
        return;
    track.key_frame_came();
    parts_.upstream.tell_wanted(now, track);
}

const ArrivedPacket* FanOut::redundant(Track& track, const ArrivedPacket& arrived) {
    if (arrived.media.codec != Codec::kOpus) return &arrived;
    if (redundant_.empty()) redundant_.resize(track.arrived().size());
    auto& [made, packet] = redundant_[static_cast<std::size_t>(&arrived - track.arrived().data())];
    if (!std::exchange(made, true)) {
        packet = arrived;
        packet.media.codec = Codec::kRed;
        if (!arrived.media.payload.empty()) {
            packet.ref = add_redundancy(parts_.pool, track, arrived.media);
            if (packet.ref) packet.media.payload = packet.ref.data();
        }
    }
    return packet.ref ? &packet : nullptr;
}

void FanOut::deliver(Timestamp now, Track& track, const Subscriber& subscriber,
                     std::span<const ForwardedPacket> packets, const ArrivedPacket& arrived,
                     const FrameRef* frame) {
    DownTrack& down_track = *subscriber.down_track;
    Downlink& downlink = subscriber.peer->downlink();
    const SendExtensions* const extensions = &down_track.extensions();
    for (const ForwardedPacket& packet : packets)
        (void)downlink.enqueue(frame != nullptr
                                   ? PendingPacket{packet, {}, {}, {}, extensions, *frame}
                                   : PendingPacket{packet, arrived.ref, arrived.media.payload,
                                                   arrived.media.dd_bytes, extensions},
                               track.kind());
    if (!packets.empty()) {
        parts_.queue.mark_media(*subscriber.peer);
        while (const auto state = down_track.poll_event())
            parts_.events.emit(StreamStateChanged{down_track.info().id, *state});
    } else if (const auto layer = down_track.poll_key_frame_request(now)) {
        parts_.upstream.request_key_frame(now, track, *layer);
    } else if (down_track.poll_codec_unsupported()) {
        parts_.events.emit(CodecUnsupported{down_track.info().id, track.source().codec});
    }
    // A packet may have cost it its layer.
    if (down_track.needs_key_frame() && !subscriber.outbound->timer.scheduled())
        parts_.subscriptions.reschedule(now, *subscriber.outbound);
}

}  // namespace confab::sfu
