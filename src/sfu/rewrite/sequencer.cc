// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// 02 FWD-11.
#include "sfu/rewrite/sequencer.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace confab::sfu {
namespace {

std::uint32_t wrapped_ms(Timestamp t) {
    return static_cast<std::uint32_t>(t.ms());
}
bool is_before(std::uint32_t a, std::uint32_t b) {
    return static_cast<std::int32_t>(a - b) < 0;
}

}  // namespace

Sequencer::Sequencer(std::size_t most, Duration kept) : most_(most), kept_(kept) {
    CONFAB_CHECK(most > 0 && (most & (most - 1)) == 0);
}

void Sequencer::clear() {
    size_ = 0;
}

void Sequencer::resize(std::size_t count) {
    auto sent = std::make_unique<Sent[]>(count);
    for (std::size_t i = 0; i < size_; ++i)
        sent[i] = at(i);
    sent_ = std::move(sent);
    mask_ = count - 1;
    next_ = size_;
}

bool Sequencer::is_kept(const Sent& sent, std::uint32_t now_ms) const {
    if (Duration::millis(now_ms - sent.sent_ms) < kept_) return true;
    for (std::uint32_t i = 0; repeats_ && i < sent.count; ++i) {
        const Repeat& r = repeats_[(sent.sequence + i) & repeats_mask_];
        if (r.used && r.sequence == sent.sequence + i &&
            Duration::millis(now_ms - r.sent_ms) < kept_)
            return true;
    }
    return false;
}

void Sequencer::add(const Sent& sent) {
    if (!sent_) resize(std::min(kFirstEntries, most_));
    if (size_ == places()) {
        if (places() < most_ && is_kept(at(0), sent.sent_ms))
            resize(2 * places());
        else
            --size_;
    }
    sent_[next_++ & mask_] = sent;
    ++size_;
    if (size_ > 1 && is_before(sent.sequence, at(size_ - 2).sequence)) sort_newest();
}

// What came late is put behind what was sent before it.
void Sequencer::sort_newest() {
    const Sent late = at(size_ - 1);
    std::size_t i = size_ - 1;
    for (; i > 0 && is_before(late.sequence, at(i - 1).sequence); --i)
        at(i) = at(i - 1);
    at(i) = late;
}

Sequencer::Place Sequencer::place_of(std::uint16_t sequence) const {
    if (size_ == 0) return {};
    const Sent& newest = at(size_ - 1);
    const std::uint32_t last = newest.sequence + newest.count - 1;
    const auto before = static_cast<std::uint16_t>(last - sequence);
    if (before >= 0x8000) return {};  // none that was sent yet
    const std::uint32_t asked = last - before;
    // The last one that does not begin behind it.
    std::size_t low = 0, count = size_;
    while (count > 1) {
        const std::size_t half = count / 2;
        if (!is_before(asked, at(low + half).sequence)) low += half;
        count -= half;
    }
    const Sent& sent = at(low);
    return {asked - sent.sequence < sent.count ? &sent : nullptr, asked};
}

void Sequencer::resize_repeats(std::size_t count) {
    auto repeats = std::make_unique<Repeat[]>(count);
    // What had places of its own has them with more places, too.
    for (std::size_t i = 0; repeats_ && i <= repeats_mask_; ++i)
        if (repeats_[i].used) repeats[repeats_[i].sequence & (count - 1)] = repeats_[i];
    repeats_ = std::move(repeats);
    repeats_mask_ = count - 1;
}

Sequencer::Repeat* Sequencer::repeat_of(const Place& place, std::uint32_t now_ms) {
    constexpr std::size_t kFirstRepeats = 64;
    if (!repeats_) resize_repeats(kFirstRepeats);
    const auto taken = [&] {
        const Repeat& r = repeats_[place.sequence & repeats_mask_];
        const auto since = static_cast<std::int32_t>(now_ms - r.sent_ms);
        return r.used && r.sequence != place.sequence && Duration::millis(since) < kept_;
    };
    while (taken()) {
        if (repeats_mask_ + 1 >= kMaxRepeats) return nullptr;
        resize_repeats(2 * (repeats_mask_ + 1));
    }
    Repeat& r = repeats_[place.sequence & repeats_mask_];
    if (!r.used || r.sequence != place.sequence) r = {place.sequence, place.sent->sent_ms, 0, true};
    return &r;
}

Sequencer::Sent Sequencer::sent_of(Timestamp now, const ForwardedPacket& p,
                                   std::int64_t source_sequence, std::uint8_t stream,
                                   std::uint8_t spatial) {
    Sent e;
    e.sequence = static_cast<std::uint32_t>(p.sequence);
    e.source_sequence = static_cast<std::uint32_t>(source_sequence);
    e.timestamp = p.timestamp;
    e.sent_ms = wrapped_ms(now);
    e.marker = p.marker;
    e.capture = p.has_abs_capture_time;
    e.stream = stream & 3;
    e.spatial = spatial & 3;
    e.dd_mode = static_cast<std::uint8_t>(p.dd_mode) & 3;
    e.type_or_targets = p.payload_type;
    if (p.dd_mode != DescriptorMode::kNone) {
        e.type_or_targets = p.dd_target_count;
        store_be32(e.detail.data(), p.dd_mask);
        store_be16(e.detail.data() + 4, p.dd_frame_number);
    } else if (p.prefix_size > 0) {
        CONFAB_DCHECK(p.prefix_size <= e.detail.size() && p.payload_offset <= 0xFF);
        e.prefix_size = p.prefix_size & 7;
        e.skip = static_cast<std::uint8_t>(p.payload_offset);
        std::copy_n(p.prefix.begin(), std::min<std::size_t>(p.prefix_size, e.detail.size()),
                    e.detail.begin());
    } else if (p.payload_offset > 0 || p.payload_size != ForwardedPacket::kToEnd) {
        e.slice = true;
        store_be16(e.detail.data(), p.payload_offset);
        store_be16(e.detail.data() + 2, p.payload_size);
    }
    return e;
}

void Sequencer::push(Timestamp now, const ForwardedPacket& packet, std::int64_t source_sequence,
                     std::uint8_t stream, std::uint8_t spatial) {
    add(sent_of(now, packet, source_sequence, stream, spatial));
    newest_source_ = source_sequence;
}

void Sequencer::push_frame(Timestamp now, const ForwardedPacket& first, const SharedFrame& frame,
                           std::int64_t source_sequence, std::uint8_t stream,
                           std::uint8_t spatial) {
    Sent all = sent_of(now, first, source_sequence, stream, spatial);
    all.marker = frame.marker;
    all.count = static_cast<std::uint8_t>(frame.count);
    all.later_octet = frame.later_octet;
    if (all.prefix_size > 0) all.detail[0] = frame.first_octet;
    add(all);
    newest_source_ = source_sequence + frame.count - 1;
}

void Sequencer::restore(const Place& place, Found& out) const {
    const Sent& e = *place.sent;
    const std::uint32_t in_frame = place.sequence - e.sequence;
    ForwardedPacket& p = out.packet;
    p = {};
    p.timestamp = e.timestamp;
    p.marker = e.marker && in_frame + 1 == e.count;
    p.has_abs_capture_time = e.capture;
    p.dd_mode = static_cast<DescriptorMode>(e.dd_mode);
    if (p.dd_mode != DescriptorMode::kNone) {
        p.dd_target_count = e.type_or_targets;
        p.dd_mask = load_be32(e.detail.data());
        p.dd_frame_number = load_be16(e.detail.data() + 4);
    } else if (e.prefix_size > 0) {
        p.prefix_size = e.prefix_size;
        p.payload_offset = e.skip;
        std::copy_n(e.detail.begin(), e.prefix_size, p.prefix.begin());
        if (in_frame > 0) p.prefix[0] = e.later_octet;
    } else if (e.slice) {
        p.payload_offset = load_be16(e.detail.data());
        p.payload_size = load_be16(e.detail.data() + 2);
    }
    if (p.dd_mode == DescriptorMode::kNone) p.payload_type = e.type_or_targets;
    const auto distance = static_cast<std::int32_t>(e.source_sequence + in_frame -
                                                    static_cast<std::uint32_t>(newest_source_));
    out.source_sequence = newest_source_ + distance;
    out.stream = e.stream;
    out.spatial = e.spatial;
}

Sequencer::Answer Sequencer::request(Timestamp now, std::uint16_t sequence, Duration rtt,
                                     Found& out) {
    const Place place = place_of(sequence);
    if (place.sent == nullptr) return Answer::kUnknown;
    Repeat* const asked = repeat_of(place, wrapped_ms(now));
    if (asked == nullptr) return Answer::kTooSoon;
    Repeat& r = *asked;
    const Duration since = Duration::millis(wrapped_ms(now) - r.sent_ms);
    if (r.resends >= kMaxResends)
        return since < std::max(kLostAfter, rtt * 2) ? Answer::kTooOften : Answer::kLost;
    if (since < std::min(kMaxGap, rtt * 2)) return Answer::kTooSoon;
    r.sent_ms = wrapped_ms(now);
    ++r.resends;
    restore(place, out);
    out.resends = r.resends;
    return Answer::kResend;
}

std::optional<std::int8_t> Sequencer::spatial_of(std::uint16_t sequence) const {
    const Place place = place_of(sequence);
    if (place.sent == nullptr) return std::nullopt;
    return static_cast<std::int8_t>(place.sent->spatial);
}

bool Sequencer::find(std::uint16_t sequence, Found& out) const {
    const Place place = place_of(sequence);
    if (place.sent == nullptr) return false;
    restore(place, out);
    return true;
}

}  // namespace confab::sfu
