// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Answers the NACKs of one subscription (RFC 4585 §6.2.1, RFC 4588; 02 FWD-11): what was sent, in
// its Sequencer, and the stream that copies go on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/prefetch.h"
#include "base/state/state.h"
#include "base/time.h"
#include "sfu/forward/subscriber_reports.h"
#include "sfu/packet/arrived_packet.h"
#include "sfu/rewrite/rtx_stream.h"
#include "sfu/rewrite/sequencer.h"
#include "sfu/shard/commands.h"

namespace confab::sfu {

class VideoLayerSelector;

// Why a subscriber is to get a key frame.
enum class KeyFrameCause : std::uint8_t {
    kAsked,  // a PLI or FIR
    kStuck,  // a NACK that can not be answered: Retransmitter::take_stuck()
};

class Retransmitter {
  public:
    static constexpr std::size_t kMaxNacked = 5000;  // numbers looked at per packet (02 FWD-11)
    static constexpr Duration kStuckEvery = Duration::seconds(2);

    // How a NACK finds the stream.
    struct State {
        Duration rtt;
        std::uint32_t ssrc = 0;
        std::int64_t newest = 0;                     // number of the last packet sent
        bool silent = false;                         // nothing is sent again now
        const VideoLayerSelector* layers = nullptr;  // none for audio
    };

    // Whether a NACK can be answered, with one of the codecs at least.
    static bool needed(const AddDownTrack& config);
    // `kept`: packets, or frames, of the track that can be sent again; 0 for the usual.
    Retransmitter(const AddDownTrack& config, std::size_t kept, std::int64_t first_rtx_sequence);

    // Packets are of this codec from now on.
    void take_codec(const SendCodec& codec, const SendExtensions& ids) {
        rtx_.take_codec(codec, ids);
    }
    void note_sent(Timestamp now, const ForwardedPacket& packet, std::int64_t source_sequence,
                   std::uint8_t stream, std::uint8_t spatial) {
        sent_.push(now, packet, source_sequence, stream, spatial);
    }
    // All packets of a frame that went on together; `first` is the first one as sent.
    void note_frame(Timestamp now, const ForwardedPacket& first, const SharedFrame& frame,
                    std::int64_t source_sequence, std::uint8_t stream, std::uint8_t spatial) {
        sent_.push_frame(now, first, frame, source_sequence, stream, spatial);
    }
    // What was sent so far can not be found any more.
    void clear() { sent_.clear(); }
    void prefetch() const { prefetch_for_write(this, sizeof *this); }
    void prefetch_place() const { sent_.prefetch(); }

    // Returns how many entries of `out` are to be sent again; counts in `stats` what that says of
    // those sent before.
    std::size_t handle_nack(std::span<const std::uint16_t> sequences, Timestamp now,
                            const State& state, DownTrackStats& stats, std::span<ResendPacket> out);
    // Whether the subscriber still asks for a packet of video all copies of which were lost: it can
    // show nothing more without a key frame, and libwebrtc asks for one after three seconds only.
    // Answers yes every two seconds at most, for who keeps on asking.
    bool take_stuck(Timestamp now);
    // A copy on the RTX stream, whatever a NACK asked for before; nullopt without such a stream and
    // for what can not be sent again.
    std::optional<ResendPacket> copy_of(std::uint16_t sequence);

    // The numbers of the copies. What was sent stays behind with the packets themselves.
    void save(StateWriter& out) const { out.part(1, rtx_); }
    void load(StateReader& in) { in.part(1, rtx_); }
    void skip_ahead(std::int64_t count) { rtx_.skip_ahead(count); }
    // Another owner sent the stream up to this number: no copy of it can be made here.
    void begin_behind(std::int64_t sequence) { before_ = sequence; }

  private:
    bool was_before(std::uint16_t sequence, std::int64_t newest) const;

    Sequencer sent_;
    RtxStream rtx_;
    std::int64_t before_ = -1;  // the last number of the owner before; -1: there was none
    bool stuck_ = false;
    Timestamp next_stuck_;
};

}  // namespace confab::sfu
