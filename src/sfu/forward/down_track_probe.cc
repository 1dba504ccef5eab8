// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What fills the link while congestion control tries for more (02 FWD-14): copies of old packets
// where RTX was negotiated, else packets of nothing but padding (RFC 3550 §5.1).
#include <array>

#include "sfu/forward/down_track.h"

namespace confab::sfu {
namespace {

constexpr std::array<std::uint8_t, DownTrack::kPaddingSize> make_padding() {
    std::array<std::uint8_t, DownTrack::kPaddingSize> out{};
    out.back() = static_cast<std::uint8_t>(out.size());
    return out;
}
constexpr auto kPadding = make_padding();

}  // namespace

// A stream that was stopped on purpose takes none: nobody waits for more of it.
bool DownTrack::probing_allowed() const {
    return munger_.started() && cold_->reports.any() && !muted();
}

std::optional<ResendPacket> DownTrack::probe_packet(std::size_t back) {
    if (!sequencer_ || !cold_->rtx.negotiated() || !probing_allowed() || back >= kProbePackets)
        return std::nullopt;
    const auto sequence =
        static_cast<std::uint16_t>(munger_.last_sequence() - static_cast<std::int64_t>(back));
    Sequencer::Found found;
    if (!sequencer_->find(sequence, found)) return std::nullopt;
    return cold_->rtx.copy_of(found, sequence);
}

void DownTrack::push_padding(bool frame_ended) {
    SyntheticPacket out;
    ForwardedPacket& p = out.packet;
    p.timestamp = static_cast<std::uint32_t>(munger_.last_timestamp());
    p.sequence = munger_.insert(munger_.last_timestamp(), frame_ended);
    p.ssrc = ssrc_;
    p.payload_type = payload_type_;
    p.padding = true;
    out.payload = kPadding;
    ++stats_.packets;
    stats_.octets += header_size(p, extensions_, {}) + out.payload.size();
    (void)cold_->outgoing.push(out);
}

std::size_t DownTrack::write_padding(std::size_t packets, bool forced) {
    if (!probing_allowed() || (!forced && !munger_.last_marker())) return 0;
    std::size_t count = 0;
    for (; count < packets && !cold_->outgoing.full(); ++count)
        push_padding(munger_.last_marker());
    return count;
}

}  // namespace confab::sfu
