// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "client/media/depacketizer.h"

#include <array>
#include <utility>

#include "wire/video/av1.h"
#include "wire/video/h264.h"
#include "wire/video/h265.h"
#include "wire/video/vp8.h"
#include "wire/video/vp9.h"

namespace confab::client {
namespace {

constexpr std::array<std::uint8_t, 4> kStartCode{0, 0, 0, 1};

void add(Bytes& to, BytesView bytes) {
    to.insert(to.end(), bytes.begin(), bytes.end());
}

void add_leb128(Bytes& to, std::size_t value) {
    for (; value >= 0x80; value >>= 7)
        to.push_back(static_cast<std::uint8_t>(0x80 | (value & 0x7F)));
    to.push_back(static_cast<std::uint8_t>(value));
}

}  // namespace

void Depacketizer::push(const JitterBuffer::Packet& packet) {
    if (!packet.contiguous) {
        lose();
        unsure_ = after_loss_ = true;
    }
    if (packet.payload.empty()) return;  // padding
    if (open_ && packet.timestamp != frame_.timestamp) finish();
    if (skipped_ && *skipped_ == packet.timestamp) return;
    const auto part = describe(packet.payload);
    if (!open_) {
        if (!part || !(unsure_ ? part->surely_starts : part->starts)) {
            skipped_ = packet.timestamp;
            unsure_ = false;  // the next frame begins behind this one
            after_loss_ = true;
            ++lost_;
            return;
        }
        open_ = true;
        unsure_ = false;
        skipped_.reset();
        frame_ = {};
        frame_.timestamp = packet.timestamp;
    }
    if (!part || !append(packet.payload) || frame_.data.size() + obu_.size() > kMaxFrame)
        return lose();
    frame_.key_frame |= part->key_frame;
    frame_.arrival = packet.arrival;
    if (packet.marker || format_ == FrameFormat::kAudio) finish();
}

std::optional<EncodedFrame> Depacketizer::pop() {
    if (ready_.empty()) return std::nullopt;
    std::optional<EncodedFrame> frame(std::move(ready_.front()));
    ready_.pop_front();
    return frame;
}

void Depacketizer::finish() {
    if (in_fragment_ || frame_.data.empty()) return lose();
    open_ = false;
    frame_.after_loss = std::exchange(after_loss_, false);
    if (ready_.size() >= kMaxReady) {
        ready_.pop_front();
        ready_.front().after_loss = true;
        ++lost_;
    }
    ready_.push_back(std::move(frame_));
    frame_ = {};
}

void Depacketizer::lose() {
    in_fragment_ = false;
    obu_.clear();
    if (!std::exchange(open_, false)) return;
    skipped_ = frame_.timestamp;
    after_loss_ = true;
    frame_ = {};
    ++lost_;
}

std::optional<Depacketizer::Part> Depacketizer::describe(BytesView payload) const {
    switch (format_) {
        case FrameFormat::kAudio:
            return Part{true, true, false};
        case FrameFormat::kVp8:
            if (const auto p = wire::parse_vp8(payload))
                return Part{p->frame_start(), p->frame_start(), p->key_frame};
            break;
        case FrameFormat::kVp9:
            if (const auto p = wire::parse_vp9(payload)) {
                const bool starts = p->frame_start && p->spatial_id == 0;
                return Part{starts, starts, p->key_frame};
            }
            break;
        case FrameFormat::kH264:
            if (const auto p = wire::parse_h264(payload))
                return Part{p->starts_nal, p->frame_start, p->idr};
            break;
        case FrameFormat::kH265:
            if (const auto p = wire::parse_h265(payload))
                return Part{p->starts_nal, p->frame_start, p->key_frame};
            break;
        case FrameFormat::kAv1:
            if (const auto p = wire::parse_av1(payload))
                return Part{!p->continues_obu, p->new_coded_sequence, p->key_frame};
            break;
    }
    return std::nullopt;
}

bool Depacketizer::append(BytesView payload) {
    switch (format_) {
        case FrameFormat::kAudio:
            add(frame_.data, payload);
            return true;
        case FrameFormat::kVp8:
            if (const auto p = wire::parse_vp8(payload))
                return add(frame_.data, payload.subspan(p->size)), true;
            return false;
        case FrameFormat::kVp9:
            if (const auto p = wire::parse_vp9(payload))
                return add(frame_.data, payload.subspan(p->size)), true;
            return false;
        case FrameFormat::kH264:
            return append_h264(payload);
        case FrameFormat::kH265:
            return append_h265(payload);
        case FrameFormat::kAv1:
            return append_av1(payload);
    }
    return false;
}

bool Depacketizer::append_nal(BytesView nal) {
    if (in_fragment_ || nal.empty()) return false;
    add(frame_.data, kStartCode);
    add(frame_.data, nal);
    return true;
}

bool Depacketizer::begin_fragment() {
    if (std::exchange(in_fragment_, true)) return false;
    add(frame_.data, kStartCode);
    return true;
}

// RFC 6184 §5.6–5.8. The interleaved forms are never negotiated.
bool Depacketizer::append_h264(BytesView payload) {
    constexpr std::uint8_t kStapA = 24, kFuA = 28;
    const std::uint8_t type = payload[0] & 0x1F;
    if (type < kStapA) return append_nal(payload);
    ByteReader in(payload.subspan(1));
    if (type == kStapA) {
        while (!in.at_end())
            if (const BytesView nal = in.bytes(in.u16()); !in.ok() || !append_nal(nal))
                return false;
        return true;
    }
    if (type != kFuA) return false;
    const std::uint8_t fu = in.u8();
    if ((fu & 0x80) != 0) {
        if (!begin_fragment()) return false;
        frame_.data.push_back(static_cast<std::uint8_t>((payload[0] & 0xE0) | (fu & 0x1F)));
    }
    if (!in.ok() || !in_fragment_) return false;
    add(frame_.data, in.rest());
    if ((fu & 0x40) != 0) in_fragment_ = false;
    return true;
}

// RFC 7798 §4.4, without decoding order numbers (sprop-max-don-diff is never negotiated).
bool Depacketizer::append_h265(BytesView payload) {
    constexpr std::uint8_t kAggregate = 48, kFragment = 49;
    ByteReader in(payload);
    const std::uint16_t header = in.u16();
    if (!in.ok()) return false;
    const auto type = static_cast<std::uint8_t>((header >> 9) & 0x3F);
    if (type < kAggregate) return append_nal(payload);
    if (type == kAggregate) {
        while (!in.at_end())
            if (const BytesView nal = in.bytes(in.u16()); !in.ok() || !append_nal(nal))
                return false;
        return true;
    }
    if (type != kFragment) return false;
    const std::uint8_t fu = in.u8();
    if ((fu & 0x80) != 0) {
        if (!begin_fragment()) return false;
        frame_.data.push_back(static_cast<std::uint8_t>((payload[0] & 0x81) | (fu & 0x3F) << 1));
        frame_.data.push_back(payload[1]);
    }
    if (!in.ok() || !in_fragment_) return false;
    add(frame_.data, in.rest());
    if ((fu & 0x40) != 0) in_fragment_ = false;
    return true;
}

// §4.4: |Z|Y| W |N|-|-|-|, then elements, of which the first may go on from the packet before and
// the last into the next one.
bool Depacketizer::append_av1(BytesView payload) {
    const bool continues = (payload[0] & 0x80) != 0;
    const bool goes_on = (payload[0] & 0x40) != 0;
    const unsigned announced = (payload[0] >> 4) & 3;
    if (continues != in_fragment_) return false;
    BytesView rest = payload.subspan(1);
    for (unsigned count = 1; !rest.empty(); ++count) {
        std::size_t size = rest.size();
        if (count != announced) {
            const auto given = wire::read_leb128(rest);
            if (!given || *given > rest.size()) return false;
            size = *given;
        }
        add(obu_, rest.first(size));
        rest = rest.subspan(size);
        if (rest.empty() && goes_on) break;
        if (!append_obu(std::exchange(obu_, {}))) return false;
    }
    in_fragment_ = goes_on;
    return true;
}

// With a size field, which RTP leaves out (§5).
bool Depacketizer::append_obu(BytesView obu) {
    constexpr std::uint8_t kTemporalDelimiter = 2, kTileList = 8;
    if (obu.empty()) return false;
    const std::uint8_t type = (obu[0] >> 3) & 0x0F;
    const std::size_t head = (obu[0] & 0x04) != 0 ? 2 : 1;
    const bool has_size = (obu[0] & 0x02) != 0;
    if (obu.size() < head) return false;
    BytesView body = obu.subspan(head);
    if (has_size) {
        const auto size = wire::read_leb128(body);
        if (!size || *size > body.size()) return false;
        body = body.first(*size);
    }
    if (type == kTemporalDelimiter || type == kTileList) return true;
    frame_.data.push_back(obu[0] | 0x02);
    add(frame_.data, obu.subspan(1, head - 1));
    add_leb128(frame_.data, body.size());
    add(frame_.data, body);
    return true;
}

}  // namespace confab::client
