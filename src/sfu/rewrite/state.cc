// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What numbers, times and picture ids of an outgoing stream follow from, as bytes
// (base/state/state.h; 02 FWD-18). A number that is read and used twice would break SRTP (02
// TRAP-14): what does not fit together is refused.
#include "base/state/state.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/bytes.h"
#include "sfu/packet/state_fields.h"
#include "sfu/rewrite/munger.h"
#include "sfu/rewrite/rtx_stream.h"
#include "sfu/rewrite/vp8_munger.h"

namespace confab::sfu {
namespace {

template <typename Io, typename D>
void descriptor_fields(Io& io, D& d) {
    io.field(1, d.extended);
    io.field(2, d.non_reference);
    io.field(3, d.start_of_partition);
    io.field(4, d.has_picture_id);
    io.field(5, d.picture_id_15bit);
    io.field(6, d.has_tl0_pic_idx);
    io.field(7, d.has_tid);
    io.field(8, d.has_key_idx);
    io.field(9, d.layer_sync);
    io.field(10, d.key_frame);
    bounded_field(io, 11, d.partition_id, 0, 7);
    bounded_field(io, 12, d.temporal_id, 0, 3);
    bounded_field(io, 13, d.key_idx, 0, 31);
    io.field(14, d.tl0_pic_idx);
    bounded_field(io, 15, d.size, 0, wire::kMaxVp8DescriptorSize);
    bounded_field(io, 16, d.picture_id, 0, 0x7FFF);
}

template <typename Io, typename R>
void range_fields(Io& io, R& range) {
    line_field(io, 1, range.first);
    line_field(io, 2, range.last);
    line_field(io, 3, range.offset);
}

}  // namespace

// ---------------------------------------------------------------- numbers

std::vector<RangeMap::Range> RangeMap::closed() const {
    std::vector<Range> ranges;
    const auto slots = static_cast<std::uint32_t>(closed_.size());
    for (std::uint32_t i = size_; i > 0; --i)
        ranges.push_back(closed_[(head_ + slots - i) % slots]);
    return ranges;
}

void RangeMap::save(StateWriter& out) const {
    line_field(out, 1, start_);
    line_field(out, 2, offset_);
    out.list(3, closed(), kMaxRanges,
             [](auto& inner, const auto& range) { range_fields(inner, range); });
}

void RangeMap::load(StateReader& in) {
    line_field(in, 1, start_);
    line_field(in, 2, offset_);
    closed_.clear();
    in.list(3, closed_, kMaxRanges, [](auto& inner, auto& range) { range_fields(inner, range); });
    head_ = 0;
    size_ = static_cast<std::uint32_t>(closed_.size());
    // Ascending on both sides, from 0 on there.
    std::int64_t before = 0;
    std::int64_t out_before = 0;
    for (std::size_t i = 0; i < closed_.size() && in.ok(); ++i) {
        const Range& range = closed_[i];
        in.require(range.first <= range.last && (i == 0 || range.first >= before));
        in.require(range.first - range.offset >= out_before);
        before = range.last + 1;
        out_before = range.last - range.offset + 1;
    }
    in.require(start_ - offset_ >= out_before && (closed_.empty() || start_ >= before));
}

template <typename Self, typename Io>
void SentWindow::fields(Self& self, Io& io) {
    bounded_field(io, 1, self.newest_, -1, kMaxRtpIndex);
    bounded_field(io, 2, self.oldest_, 0, kMaxRtpIndex + 1);
    std::array<std::uint8_t, kSize / 8> bits{};
    for (std::size_t i = 0; i < self.bits_.size(); ++i)
        store_be64(bits.data() + 8 * i, self.bits_[i]);
    io.field(3, bits);
    if constexpr (Io::kReads) {
        io.require(self.oldest_ <= self.newest_ + 1);
        for (std::size_t i = 0; i < self.bits_.size(); ++i)
            self.bits_[i] = load_be64(bits.data() + 8 * i);
    }
}
void SentWindow::save(StateWriter& out) const {
    fields(*this, out);
}
void SentWindow::load(StateReader& in) {
    fields(*this, in);
}

template <typename Self, typename Io>
void Munger::fields(Self& self, Io& io) {
    io.field(1, self.started_);
    io.field(2, self.last_marker_);
    bounded_field(io, 3, self.first_skip_, 0, kMaxFirstSkip);
    if (!self.started_) return;
    line_field(io, 4, self.newest_in_);
    bounded_field(io, 5, self.last_sequence_, -1, kMaxRtpIndex);
    line_field(io, 6, self.last_timestamp_);
    line_field(io, 7, self.timestamp_offset_);
    io.part(8, self.ranges_);
    io.part(9, self.sent_);
}
void Munger::save(StateWriter& out) const {
    fields(*this, out);
}
void Munger::load(StateReader& in) {
    fields(*this, in);
    if (!started_) return;
    // The next number is the successor of the last one, and was not sent.
    in.require(newest_in_ - ranges_.offset() == last_sequence_);
    in.require(ranges_.open_from() <= newest_in_ + 1 && sent_.newest_ <= last_sequence_);
}

void Munger::skip_ahead(std::int64_t count) {
    if (!started_) {
        first_skip_ =
            static_cast<std::uint16_t>(std::min<std::int64_t>(first_skip_ + count, kMaxFirstSkip));
        return;
    }
    last_sequence_ += count;
    ranges_.reset(newest_in_ + 1, newest_in_ - last_sequence_);
    sent_.start(last_sequence_ + 1);
}

void RtxStream::save(StateWriter& out) const {
    out.field(1, next_sequence_);
}
void RtxStream::load(StateReader& in) {
    // One that is not there is not known: none may be guessed.
    next_sequence_ = -1;
    bounded_field(in, 1, next_sequence_, 0, kMaxRtpIndex);
}

// ---------------------------------------------------------------- VP8

template <typename Self, typename Io>
void Vp8Munger::fields(Self& self, Io& io) {
    io.field(1, self.started_);
    io.field(2, self.last_filtered_);
    io.field(3, self.has_picture_);
    io.field(4, self.tl0_offset_);
    io.field(5, self.key_idx_offset_);
    io.field(6, self.limit_);
    io.field(7, self.picture_offset_);
    line_field(io, 8, self.newest_);
    line_field(io, 9, self.last_timestamp_);
    line_field(io, 10, self.last_sent_id_);
    io.record(11, [&self](auto& inner) { descriptor_fields(inner, self.last_sent_); });
}

void Vp8Munger::save(StateWriter& out) const {
    fields(*this, out);
    if (!pictures_) return;
    for (const Picture& picture : *pictures_) {
        if (picture.state == State::kUnknown) continue;
        out.record(12, [&picture](StateWriter& inner) {
            inner.field(1, picture.id);
            inner.field(2, picture.offset);
            inner.choice(3, picture.state, State::kFiltered);
            inner.field(4, picture.limit);
        });
    }
}

void Vp8Munger::load(StateReader& in) {
    fields(*this, in);
    std::vector<Picture> pictures;
    in.list(12, pictures, kPictures, [](StateReader& inner, Picture& picture) {
        bounded_field(inner, 1, picture.id, 0, kMaxLine);
        inner.field(2, picture.offset);
        inner.choice(3, picture.state, State::kFiltered);
        inner.field(4, picture.limit);
        inner.require(picture.state != State::kUnknown);
    });
    in.require(pictures.empty() || has_picture_);
    if (pictures.empty() || !in.ok()) return;
    pictures_ = std::make_unique<std::array<Picture, kPictures>>();
    std::size_t place = 0;
    for (const Picture& picture : pictures) {
        // In the order of their places, one in each.
        const std::size_t own = static_cast<std::size_t>(picture.id) % kPictures;
        in.require(picture.id <= newest_ && own >= place);
        place = own + 1;
        slot(picture.id) = picture;
    }
}

}  // namespace confab::sfu
