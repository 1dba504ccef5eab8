// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// RFC 7741 §4.2, 02 FWD-06.
#include "sfu/rewrite/vp8_munger.h"

#include <algorithm>

#include "base/bytes.h"

namespace confab::sfu {
namespace {

constexpr std::int64_t kIdStart = 1 << 16;  // keeps ids before the first one positive
constexpr std::uint16_t kIdMask = 0x7FFF;
constexpr std::uint8_t kKeyIdxMask = 0x1F;

std::uint8_t sub8(std::uint8_t a, std::uint8_t b) {
    return static_cast<std::uint8_t>(a - b);
}
std::uint8_t sub_key(std::uint8_t a, std::uint8_t b) {
    return static_cast<std::uint8_t>((a - b) & kKeyIdxMask);
}

}  // namespace

std::int64_t Vp8Munger::unwrap(const wire::Vp8Descriptor& descriptor) const {
    const std::int64_t id = descriptor.picture_id;
    if (!has_picture_) return kIdStart + id;
    const std::int64_t span = descriptor.picture_id_15bit ? 0x8000 : 0x80;
    std::int64_t distance = (id - newest_) % span;
    if (distance < 0) distance += span;
    if (distance >= span / 2) distance -= span;
    return newest_ + distance;
}

void Vp8Munger::switch_source(const wire::Vp8Descriptor& d) {
    has_picture_ = false;
    last_timestamp_ = -1;
    last_filtered_ = false;
    steps_.fill({});
    last_patch_.size = 0;
    forget_pictures();
    if (!started_) return;
    if (d.has_picture_id)
        picture_offset_ = static_cast<std::int32_t>(unwrap(d) - (last_sent_id_ + 1));
    if (d.has_tl0_pic_idx)
        tl0_offset_ = sub8(d.tl0_pic_idx, static_cast<std::uint8_t>(last_sent_.tl0_pic_idx + 1));
    if (d.has_key_idx)
        key_idx_offset_ = sub_key(d.key_idx, static_cast<std::uint8_t>(last_sent_.key_idx + 1));
}

Vp8Munger::Verdict Vp8Munger::by_timestamp(std::int64_t timestamp, Munger::Order order,
                                           bool too_high, std::int8_t limit, std::int8_t temporal) {
    const bool late = order == Munger::Order::kLate;
    if (!late && limit != steps_.front().limit) {
        std::move_backward(steps_.begin(), steps_.end() - 1, steps_.end());
        steps_.front() = {timestamp, limit};
    }
    bool filtered = too_high;
    if (timestamp == last_timestamp_) {
        filtered = last_filtered_;
    } else if (!late) {
        last_timestamp_ = timestamp;
        last_filtered_ = too_high;
    } else {
        // By the limit of then, as what came of its picture was.
        const auto then = std::find_if(steps_.begin(), steps_.end(),
                                       [&](const Step& step) { return step.since <= timestamp; });
        if (then != steps_.end() && then->limit != kNoLimit) filtered = temporal > then->limit;
    }
    if (!filtered) return Verdict::kForward;
    return late ? Verdict::kFill : Verdict::kFilter;
}

void Vp8Munger::restart_at(std::int64_t id) {
    // The encoder began to count anew inside one stream.
    forget_pictures();
    has_picture_ = false;
    picture_offset_ = static_cast<std::int32_t>(id - (last_sent_id_ + 1));
}

void Vp8Munger::advance_to(std::int64_t id) {
    // Pictures never seen keep today's offset for packets of theirs that come late.
    const std::int64_t first = std::max(newest_ + 1, id - static_cast<std::int64_t>(kPictures) + 1);
    if (has_picture_)
        for (std::int64_t missing = first; missing < id; ++missing)
            slot(missing) = {missing, picture_offset_, State::kMissing, limit_};
    newest_ = id;
    has_picture_ = true;
}

Vp8Munger::Verdict Vp8Munger::by_picture(std::int64_t id, Munger::Order order, std::int8_t temporal,
                                         bool too_high) {
    if (!pictures_) pictures_ = std::make_unique<std::array<Picture, kPictures>>();
    const bool late = order == Munger::Order::kLate;
    Picture& picture = slot(id);
    if (picture.id == id && picture.state != State::kUnknown) {
        if (picture.state == State::kMissing) {
            // By the limit of then: what it needs was sent or filtered by that, and so was what
            // needs it.
            const bool left_out = picture.limit == kNoLimit ? too_high : temporal > picture.limit;
            picture.state = left_out ? State::kFiltered : State::kForwarded;
        }
        if (picture.state == State::kForwarded) return Verdict::kForward;
        return late ? Verdict::kFill : Verdict::kFilter;
    }
    // Late and neither seen nor noted as missing: forgotten, or older than the source's start.
    if (late) return Verdict::kDrop;
    if (has_picture_ && id <= newest_) restart_at(id);
    advance_to(id);
    picture = {id, picture_offset_, too_high ? State::kFiltered : State::kForwarded};
    if (too_high) ++picture_offset_;
    return too_high ? Verdict::kFilter : Verdict::kForward;
}

bool Vp8Munger::write_again(const wire::Vp8Descriptor& source, std::int64_t sent_id,
                            DescriptorPatch& out) const {
    if (last_patch_.size == 0 || sent_id != last_sent_id_ ||
        !wire::same_vp8_picture(source, last_source_))
        return false;
    out = last_patch_;
    out.bytes[0] = wire::vp8_first_octet(source);
    return true;
}

void Vp8Munger::write(const wire::Vp8Descriptor& source, std::int64_t id, std::int32_t offset,
                      bool newest, DescriptorPatch& out) {
    if (write_again(source, id - offset, out)) return;
    wire::Vp8Descriptor d = source;
    if (d.has_picture_id) {
        d.picture_id = static_cast<std::uint16_t>((id - offset) & kIdMask);
        d.picture_id_15bit = d.picture_id > 0x7F;
    }
    d.tl0_pic_idx = sub8(d.tl0_pic_idx, tl0_offset_);
    d.key_idx = sub_key(d.key_idx, key_idx_offset_);
    if (newest) {
        // Not `= d`: a wide load of what was just stored in bytes waits for the store buffer.
        last_sent_ = source;
        last_sent_.picture_id = d.picture_id;
        last_sent_.picture_id_15bit = d.picture_id_15bit;
        last_sent_.tl0_pic_idx = d.tl0_pic_idx;
        last_sent_.key_idx = d.key_idx;
        last_sent_id_ = id - offset;
        started_ = true;
    }
    out = wire::pack_vp8_descriptor(d);
    if (newest) {
        last_source_ = source;
        last_patch_ = out;
    }
}

Vp8Munger::Verdict Vp8Munger::process(const wire::Vp8Descriptor& d, std::int64_t timestamp,
                                      Munger::Order order, bool too_high, DescriptorPatch& out,
                                      std::int8_t limit, std::int8_t temporal) {
    if (!d.has_picture_id) {
        const Verdict verdict = by_timestamp(timestamp, order, too_high, limit, temporal);
        if (verdict == Verdict::kForward)
            write(d, last_sent_id_, 0, order != Munger::Order::kLate, out);
        return verdict;
    }
    const std::int64_t id = unwrap(d);
    const Verdict verdict =
        by_picture(id, order, static_cast<std::int8_t>(d.temporal_id), too_high);
    if (order != Munger::Order::kLate) limit_ = limit;
    // A late one is the newest if those behind its gap were filtered.
    const std::int32_t offset = slot(id).offset;
    if (verdict == Verdict::kForward)
        write(d, id, offset, !started_ || id - offset >= last_sent_id_, out);
    return verdict;
}

DescriptorPatch Vp8Munger::blank_frame() {
    wire::Vp8Descriptor d = last_sent_;
    d.non_reference = false;
    d.start_of_partition = true;
    d.partition_id = 0;
    d.temporal_id = 0;
    d.layer_sync = d.has_tid;
    d.tl0_pic_idx = static_cast<std::uint8_t>(d.tl0_pic_idx + 1);
    d.key_idx = static_cast<std::uint8_t>((d.key_idx + 1) & kKeyIdxMask);
    ++last_sent_id_;
    d.picture_id = static_cast<std::uint16_t>(last_sent_id_ & kIdMask);
    d.picture_id_15bit = d.picture_id > 0x7F;
    last_sent_ = d;
    last_patch_.size = 0;
    return wire::pack_vp8_descriptor(d);
}

}  // namespace confab::sfu
