// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sim/client/video_checker.h"

namespace confab::sim {
namespace {

constexpr std::size_t kMaxDelivered = 64;

// The stamp behind the descriptor and, in a first packet, VP8's own frame header.
std::optional<MediaStamp> stamp_of(BytesView payload, const wire::Vp8Descriptor& descriptor) {
    BytesView rest = payload.subspan(descriptor.size);
    if (descriptor.frame_start()) {
        const std::size_t header = descriptor.key_frame ? 10 : 3;
        if (rest.size() < header) return std::nullopt;
        rest = rest.subspan(header);
    }
    return client::read_stamp(rest);
}

std::string describe(const MediaStamp& s) {
    return "layer " + std::to_string(s.layer) + " frame " + std::to_string(s.frame) + " packet " +
           std::to_string(s.index) + "/" + std::to_string(s.count) + " T" +
           std::to_string(s.temporal) + (s.key ? " key" : "");
}

}  // namespace

void VideoChecker::fail(Timestamp now, const std::string& what, Report& report) const {
    report.violation(now, name_ + ": " + what);
}

void VideoChecker::lose_chain() {
    if (!broken_) ++counters_.freezes;
    broken_ = true;
    delivered_.clear();
}

void VideoChecker::take_blank(Timestamp now, const wire::Vp8Descriptor& descriptor, bool contiguous,
                              Report& report) {
    ++counters_.blank_frames;
    // All that was before it may be lost.
    if (!started_ && contiguous) fail(now, "blank frame before any other", report);
    if (!descriptor.key_frame) fail(now, "payload of no encoder of ours", report);
    if (before_) check_ids(now, descriptor, false, report);
    // What comes behind a blank picture has nothing to refer to.
    broken_ = true;
    delivered_.clear();
}

void VideoChecker::check_ids(Timestamp now, const wire::Vp8Descriptor& descriptor, bool same_frame,
                             Report& report) {
    const wire::Vp8Descriptor& old = before_->descriptor;
    const int step = same_frame ? 0 : 1;
    if (!skipped_ && ((old.picture_id + step) & 0x7FFF) != descriptor.picture_id)
        fail(now,
             "picture id " + std::to_string(descriptor.picture_id) + " behind " +
                 std::to_string(old.picture_id),
             report);
    const int tl0_step = !same_frame && descriptor.temporal_id == 0 ? 1 : 0;
    if (((old.tl0_pic_idx + tl0_step) & 0xFF) != descriptor.tl0_pic_idx)
        fail(now,
             "TL0PICIDX " + std::to_string(descriptor.tl0_pic_idx) + " of T" +
                 std::to_string(descriptor.temporal_id) + " behind " +
                 std::to_string(old.tl0_pic_idx),
             report);
}

void VideoChecker::check_start(Timestamp now, const MediaStamp& stamp, Report& report) {
    if (!stamp.key || !stamp.first()) fail(now, "starts with " + describe(stamp), report);
}

// `packet` follows before_ without a hole.
void VideoChecker::check_within(Timestamp now, const OrderedPacket& packet,
                                const wire::Vp8Descriptor& descriptor, const MediaStamp& stamp,
                                Report& report) {
    const MediaStamp* old = before_->stamp ? &*before_->stamp : nullptr;
    const bool fresh = stamp.key && stamp.first();
    const bool same_frame =
        old != nullptr && old->layer == stamp.layer && old->frame == stamp.frame;
    check_ids(now, descriptor, same_frame, report);
    if (old == nullptr) {
        if (!fresh) fail(now, describe(stamp) + " behind a blank frame", report);
        return;
    }
    const auto pair = [&] { return describe(stamp) + " behind " + describe(*old); };
    if (same_frame) {
        if (stamp.index != old->index + 1) fail(now, pair(), report);
        if (packet.timestamp != before_->timestamp) fail(now, "two times in one frame", report);
        return;
    }
    if (packet.timestamp == before_->timestamp)
        fail(now, "one time for two frames: " + pair(), report);
    if (old->layer != stamp.layer) {
        ++counters_.switches;
        if (!fresh) fail(now, "switch without key frame: " + pair(), report);
    } else if (stamp.frame < old->frame) {
        fail(now, "goes back: " + pair(), report);
    } else if (!fresh && (!stamp.first() || !old->last())) {
        fail(now, "frame cut: " + pair(), report);
    }
}

void VideoChecker::frame_complete(Timestamp now, const MediaStamp& stamp, Report& report) {
    for (const std::uint8_t distance : stamp.references)
        if (distance != 0 && !delivered_.contains(stamp.frame - distance)) {
            fail(now,
                 describe(stamp) + " refers to frame " + std::to_string(stamp.frame - distance) +
                     ", which was left out",
                 report);
            lose_chain();
            return;
        }
    delivered_[stamp.frame] = true;
    if (delivered_.size() > kMaxDelivered) delivered_.erase(delivered_.begin());
    ++counters_.frames;
    if (stamp.key) ++counters_.key_frames;
    last_frame_ = stamp;
}

void VideoChecker::take(Timestamp now, const OrderedPacket& packet, Report& report) {
    const auto descriptor = wire::parse_vp8(packet.payload);
    if (!descriptor) return fail(now, "no VP8 descriptor", report);
    const auto stamp = stamp_of(packet.payload, *descriptor);
    if (!packet.contiguous) {
        lose_chain();
        before_.reset();
    }
    if (!stamp) {
        take_blank(now, *descriptor, packet.contiguous, report);
    } else {
        if (stamp->track != track_) fail(now, "packet of another track", report);
        if (!started_ && packet.contiguous) check_start(now, *stamp, report);
        if (before_) check_within(now, packet, *descriptor, *stamp, report);
        if (stamp->key && stamp->first()) {
            delivered_.clear();
            broken_ = false;
        }
        if (broken_)
            ++counters_.undecodable;
        else if (stamp->last())
            frame_complete(now, *stamp, report);
    }
    started_ = true;
    skipped_ = false;
    before_ = Before{*descriptor, stamp, packet.timestamp};
}

}  // namespace confab::sim
