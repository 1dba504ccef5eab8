// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/rewrite/rtx_stream.h"

#include <algorithm>

#include "base/bytes.h"
#include "sfu/rewrite/trailer_strip.h"

namespace confab::sfu {

namespace {

void count(const ResendPacket& resend) {
    if (resend.counts == nullptr) return;
    DownTrackStats& stats = *resend.counts;
    if (resend.probe) {
        ++stats.probe_copies;
        return;
    }
    ++stats.resent;
    if (resend.copied_on != nullptr) ++stats.repairs;
}

}  // namespace

void complete_resend(ResendPacket& resend, const MediaPacket& source, bool strip_trailers) {
    count(resend);
    if (resend.copied_on != nullptr) resend.packet.sequence = resend.copied_on->take_number();
    resend.packet.has_abs_capture_time &= source.has_abs_capture_time;
    resend.packet.abs_capture_time = source.abs_capture_time;
    if (strip_trailers && (resend.packet.marker || source.frame_end))
        strip_trailer(resend.packet, source);
}

bool may_resend_on_main(const SendCodec& codec, const SendExtensions& ids) {
    return kind_of(codec.codec) == MediaKind::kAudio && codec.nack && ids.abs_send_time == 0 &&
           ids.transport_cc == 0;
}

void RtxStream::take_codec(const SendCodec& codec, const SendExtensions& ids) {
    payload_type_ = ssrc_ != 0 ? codec.rtx_pt : std::nullopt;
    on_main_ = !payload_type_ && may_resend_on_main(codec, ids);
}

// The descriptor in the prefix makes room for the original number (RFC 4588 §4).
ResendPacket RtxStream::copy_of(const Sequencer::Found& found, std::uint16_t sequence) {
    ForwardedPacket p = found.packet;
    std::copy_backward(p.prefix.begin(), p.prefix.begin() + p.prefix_size,
                       p.prefix.begin() + p.prefix_size + 2);
    store_be16(p.prefix.data(), sequence);
    p.prefix_size = static_cast<std::uint8_t>(p.prefix_size + 2);
    p.rtx = true;
    p.ssrc = ssrc_;
    p.payload_type = payload_type_->value();
    return {p, found.source_sequence, found.stream, this};
}

// The same number may never carry other octets (02 TRAP-14).
ResendPacket RtxStream::same_again(const Sequencer::Found& found, std::uint16_t sequence,
                                   std::uint32_t ssrc, std::int64_t newest) {
    ForwardedPacket p = found.packet;
    p.sequence = newest - static_cast<std::uint16_t>(static_cast<std::uint16_t>(newest) - sequence);
    p.ssrc = ssrc;
    p.rtx = true;
    return {p, found.source_sequence, found.stream, nullptr};
}

}  // namespace confab::sfu
