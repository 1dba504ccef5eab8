// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The stream on which copies of a subscription's packets go (RFC 4588; 02 FWD-11), or, for audio
// without one, whether the packet itself may go again.
#pragma once

#include <cstdint>
#include <optional>

#include "base/state/state.h"
#include "sfu/forward/forwarded_packet.h"
#include "sfu/forward/subscriber_reports.h"
#include "sfu/packet/media_packet.h"
#include "sfu/rewrite/sequencer.h"
#include "sfu/shard/commands.h"

namespace confab::sfu {

class RtxStream;

// A packet to be sent again; its payload is in the history of `stream` of the source.
struct ResendPacket {
    ForwardedPacket packet;  // of a copy still without a number
    std::int64_t source_sequence = 0;
    std::uint8_t stream = 0;
    RtxStream* copied_on = nullptr;    // numbers it; outlives this
    DownTrackStats* counts = nullptr;  // the same
    bool probe = false;                // nobody asked for it
};
// Fills in what the history knows and the number of a copy, leaves out again what was left out when
// it was sent, and counts it. Call it before build_header(), and only for what will be sent:
// numbers have no holes, and what is not sent makes nothing good.
void complete_resend(ResendPacket& resend, const MediaPacket& source, bool strip_trailers);

// Without an RTX stream a lost packet can only be sent again as it was, octet for octet (TRAP-14);
// what is stamped on leaving rules that out. Video always has a stamp.
bool may_resend_on_main(const SendCodec& codec, const SendExtensions& ids);

class RtxStream {
  public:
    RtxStream() = default;
    RtxStream(std::uint32_t ssrc, std::int64_t first_sequence)
        : ssrc_(ssrc), next_sequence_(first_sequence) {}

    // Packets are of this codec from now on.
    void take_codec(const SendCodec& codec, const SendExtensions& ids);
    std::uint32_t ssrc() const { return ssrc_; }
    bool negotiated() const { return payload_type_.has_value(); }
    // NACKs can be answered, by a copy or by the packet itself.
    bool answers() const { return payload_type_ || on_main_; }

    // The number of the next copy that is sent.
    std::int64_t take_number() { return next_sequence_++; }
    // A copy on this stream of what went out under the number. Only if negotiated().
    ResendPacket copy_of(const Sequencer::Found& found, std::uint16_t sequence);
    // The packet itself once more; `newest`: the last number of the stream `ssrc`.
    static ResendPacket same_again(const Sequencer::Found& found, std::uint16_t sequence,
                                   std::uint32_t ssrc, std::int64_t newest);

    // Its next number; all else is of the settings (02 TRAP-15).
    void save(StateWriter& out) const;
    void load(StateReader& in);
    void skip_ahead(std::int64_t count) { next_sequence_ += count; }

  private:
    std::uint32_t ssrc_ = 0;
    std::optional<PayloadType> payload_type_;
    bool on_main_ = false;  // NACKs are answered on the main SSRC (02 FWD-11)
    std::int64_t next_sequence_ = 0;
};

}  // namespace confab::sfu
