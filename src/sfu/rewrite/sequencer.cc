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

}  // namespace

Sequencer::Sequencer(std::size_t most) : most_(most) {
    CONFAB_CHECK(most > 0 && (most & (most - 1)) == 0);
}

void Sequencer::clear() {
    for (std::size_t i = 0; i < places(); ++i)
        entries_[i] = {};
}

void Sequencer::resize(std::size_t count) {
    const std::size_t before = places();
    auto entries = std::make_unique<Entry[]>(count);
    // What had places of its own has them with more places, too.
    for (std::size_t i = 0; i < before; ++i)
        if (entries_[i].used) entries[entries_[i].sequence & (count - 1)] = entries_[i];
    entries_ = std::move(entries);
    mask_ = count - 1;
}

Sequencer::Entry& Sequencer::place_for(std::uint16_t sequence, std::uint32_t now_ms) {
    if (!entries_) resize(std::min(kFirstEntries, most_));
    const auto young = [&](const Entry& e) {
        return e.used && e.sequence != sequence && Duration::millis(now_ms - e.sent_ms) < kKept;
    };
    while (young(slot(sequence)) && places() < most_)
        resize(2 * places());
    return slot(sequence);
}

Sequencer::Entry* Sequencer::find_entry(std::uint16_t sequence) const {
    if (!entries_) return nullptr;
    Entry& e = entries_[sequence & mask_];
    return e.used && e.sequence == sequence ? &e : nullptr;
}

void Sequencer::push(Timestamp now, const ForwardedPacket& p, std::int64_t source_sequence,
                     std::uint8_t stream, std::uint8_t spatial) {
    Entry& e = place_for(static_cast<std::uint16_t>(p.sequence), wrapped_ms(now));
    e = {};
    e.used = true;
    e.sequence = static_cast<std::uint16_t>(p.sequence);
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
    newest_source_ = source_sequence;
}

void Sequencer::restore(const Entry& e, Found& out) const {
    ForwardedPacket& p = out.packet;
    p = {};
    p.timestamp = e.timestamp;
    p.marker = e.marker;
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
    } else if (e.slice) {
        p.payload_offset = load_be16(e.detail.data());
        p.payload_size = load_be16(e.detail.data() + 2);
    }
    if (p.dd_mode == DescriptorMode::kNone) p.payload_type = e.type_or_targets;
    const auto distance =
        static_cast<std::int32_t>(e.source_sequence - static_cast<std::uint32_t>(newest_source_));
    out.source_sequence = newest_source_ + distance;
    out.stream = e.stream;
    out.spatial = e.spatial;
}

Sequencer::Answer Sequencer::request(Timestamp now, std::uint16_t sequence, Duration rtt,
                                     Found& out) {
    Entry* const found = find_entry(sequence);
    if (found == nullptr) return Answer::kUnknown;
    Entry& e = *found;
    const Duration since = Duration::millis(wrapped_ms(now) - e.sent_ms);
    if (e.resends >= kMaxResends)
        return since < std::max(kLostAfter, rtt * 2) ? Answer::kTooOften : Answer::kLost;
    if (since < std::min(kMaxGap, rtt * 2)) return Answer::kTooSoon;
    e.sent_ms = wrapped_ms(now);
    e.resends = static_cast<std::uint8_t>(e.resends + 1) & 3;
    restore(e, out);
    out.resends = e.resends;
    return Answer::kResend;
}

Sequencer::Asked Sequencer::asked(std::uint16_t sequence) {
    Entry* const e = find_entry(sequence);
    if (e == nullptr) return {};
    const Asked result{static_cast<std::int8_t>(e->spatial), e->asked};
    e->asked = true;
    return result;
}

bool Sequencer::find(std::uint16_t sequence, Found& out) const {
    const Entry* const e = find_entry(sequence);
    if (e == nullptr) return false;
    restore(*e, out);
    return true;
}

}  // namespace confab::sfu
