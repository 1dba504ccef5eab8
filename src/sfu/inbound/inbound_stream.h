// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// One incoming SSRC with its retransmissions: order, duplicates, padding, loss repair, reports and
// what of each packet the forwarding needs (02 §3.1). Pure; the shard sends what it writes.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <memory>
#include <optional>

#include "base/state/state.h"
#include "rtc/rtp/audio_level.h"
#include "rtc/rtp/nack_tracker.h"
#include "rtc/rtp/padding_compactor.h"
#include "rtc/rtp/pli_throttle.h"
#include "rtc/rtp/reception_stats.h"
#include "sfu/inbound/packet_parser.h"
#include "sfu/inbound/sequence_line.h"
#include "sfu/inbound/time_line.h"
#include "sfu/packet/media_packet.h"
#include "sfu/shard/commands.h"
#include "sfu/shard/media_figures.h"
#include "wire/rtcp/rtcp.h"
#include "wire/rtp/rtp.h"

namespace confab::sfu {

struct InboundCounters {
    std::uint64_t duplicates = 0;
    std::uint64_t too_late = 0;
    std::uint64_t padding_only = 0;
    std::uint64_t malformed = 0;    // payload, descriptor or RTX that does not parse
    std::uint64_t wrong_codec = 0;  // a payload type the receiver was not made for (IN-12)
    std::uint64_t repaired = 0;     // losses filled by RTX
    std::uint64_t nacks = 0;
    std::uint64_t plis = 0;
    std::uint64_t out_of_order = 0;  // late, and no repair
    std::uint64_t restarts = 0;      // the publisher began to count anew
};

// Where a layer's stream ended: what comes after it under another SSRC goes on there.
struct StreamEnd {
    std::int64_t next = 0;  // number
    rtp::ReceptionStats stats;
    TimeLine timestamp;
    std::int64_t time_shift = 0;

    // base/state/state.h.
    void save(StateWriter& out) const;
    void load(StateReader& in);

  private:
    template <typename Self, typename Io>
    static void fields(Self& self, Io& io);
};
// Of a stream of this track of which nothing came.
StreamEnd no_end(const AddReceiver& receiver);

class InboundStream;

}  // namespace confab::sfu

namespace confab {

// Into one just made for the same layer and SSRC: numbers and times go on, and so do repair and
// reports (02 FWD-18).
template <>
struct StateAccess<sfu::InboundStream> {
    static void save(const sfu::InboundStream& stream, StateWriter& out);
    static void load(sfu::InboundStream& stream, StateReader& in);

  private:
    template <typename Self, typename Io>
    static void fields(Self& self, Io& io);
};

}  // namespace confab

namespace confab::sfu {

class InboundStream {
  public:
    // `receiver` is shared by the streams of a track and outlives them.
    InboundStream(const AddReceiver& receiver, const ReceiveLayer& layer, Ssrc ssrc);

    // For whoever subscribed this stream is the continuation of another one: the next number, and
    // the time by the clock unless the publisher's own goes on (02 FWD-02). Pictures from the first
    // key frame on, for what comes before it refers to nothing. Before the first packet.
    void follow(std::unique_ptr<StreamEnd> before);
    // Null if nothing came of it.
    std::unique_ptr<StreamEnd> end() const;

    Ssrc ssrc() const { return ssrc_; }
    std::uint8_t spatial() const { return layer_.spatial; }
    const std::string& rid() const { return layer_.rid; }

    // A packet of the primary SSRC. nullopt: nothing to forward.
    std::optional<MediaPacket> receive(Timestamp now, const wire::RtpPacketView& packet);
    // A packet of the RTX SSRC; `bytes` is the same packet, in which the original is restored
    // (RFC 4588 §4): its views point behind the two bytes that were the OSN.
    std::optional<MediaPacket> receive_rtx(Timestamp now, const wire::RtpPacketView& packet,
                                           BytesSpan bytes);
    void receive_sender_report(Timestamp now, const wire::SenderReport& report);
    void update_rtt(Duration rtt) {
        nack_.update_rtt(rtt);
        round_.rtt = rtt;
    }
    void set_muted(bool muted);

    // Feedback, written into the compound of a connection. Each is false or 0 when nothing was due
    // or there was no room; a NACK gives the number of packets asked for.
    std::size_t write_nack(Timestamp now, ByteWriter& out);
    bool write_pli(Timestamp now, ByteWriter& out);
    // The block for the next receiver report; nullopt before the first packet.
    std::optional<wire::ReportBlock> report_block(Timestamp now);
    void request_key_frame() { key_frame_wanted_ = true; }
    Timestamp next_deadline() const;

    bool started() const { return started_; }
    Codec codec() const { return last_codec_; }
    wire::FrameSize frame_size() const { return frame_size_; }
    const rtp::AudioLevel& audio_level() const { return audio_level_; }
    const wire::DependencyStructure& dependency_structure() const { return dependency_.structure; }
    rtp::ReceptionStats& stats() { return stats_; }
    const InboundCounters& counters() const { return counters_; }
    // Since the last call; uses up the window of stats().
    StreamRound take_round();
    // The newest sender report with its RTP time on the unwrapped line.
    struct SenderReportInfo {
        NtpTime ntp;
        std::int64_t rtp_time = 0;
        Timestamp arrival;
    };
    const std::optional<SenderReportInfo>& sender_report() const { return sender_report_; }

  private:
    friend struct confab::StateAccess<InboundStream>;

    // Sequence numbers in which duplicates are known.
    static constexpr auto kWindow = static_cast<std::size_t>(SequenceLine::kWindow);
    // A repair may overtake originals that are still under way, by this many.
    static constexpr std::int64_t kMaxRepairAhead = 128;
    // Lost in a long gap, these may be repaired: senders keep what is not pushed out for seconds.
    static constexpr std::int64_t kFewLost = 5;

    const ReceiveCodec* find_codec(std::uint8_t payload_type) const;
    Duration pli_interval() const;
    bool is_forwardable(const ReceiveCodec& codec) const;
    enum class Arrival : std::uint8_t { kNew, kLate, kRepeated };
    Arrival note_arrival(Timestamp now, const wire::RtpHeader& header);
    void note_gap(Timestamp now, std::int64_t first, const wire::RtpHeader& header);
    bool asks_for_losses() const;
    bool restarts(Timestamp now, const wire::RtpHeader& header);
    void keep_time(Timestamp now, std::int64_t timestamp, const rtp::ReceptionStats& before);
    void follow_time(Timestamp now, std::uint32_t timestamp);
    bool take_over(MediaPacket& packet, std::int64_t position);
    // Where a packet stands; nullopt for one that is no news.
    struct Place {
        std::int64_t sequence = 0;
        bool late = false;
    };
    std::optional<Place> place(Timestamp now, const wire::RtpPacketView& packet, bool repaired);
    std::optional<MediaPacket> accept(Timestamp now, const wire::RtpPacketView& packet,
                                      const ReceiveCodec& codec, bool repaired);
    void read_extensions(const wire::RtpPacketView& view, MediaPacket& packet) const;
    bool read_payload(MediaPacket& packet);
    void observe_level(Timestamp now, const MediaPacket& packet, const ReceiveCodec& codec);

    const AddReceiver& receiver_;
    ReceiveLayer layer_;
    Ssrc ssrc_;
    bool started_ = false;
    Codec last_codec_ = Codec::kNone;
    SequenceLine sequence_;
    TimeLine timestamp_;
    std::int64_t time_shift_ = 0;  // what a restart took from the publisher's time
    std::bitset<kWindow> seen_;
    rtp::PaddingCompactor compactor_;
    std::unique_ptr<StreamEnd> before_;  // until the first packet that goes on
    rtp::NackTracker nack_;
    rtp::PliThrottle pli_;
    // A request waits here until it may be sent: a key frame that comes meanwhile settles it.
    bool key_frame_wanted_ = false;
    bool repair_awaited_ = false;  // of a gap; a key frame takes its place
    std::uint64_t given_up_ = 0;   // losses, when they were asked for last
    Timestamp pli_allowed_;
    rtp::ReceptionStats stats_;
    rtp::AudioLevel audio_level_;
    std::int64_t last_level_timestamp_ = 0;
    DependencyState dependency_;
    wire::FrameSize frame_size_;
    std::optional<SenderReportInfo> sender_report_;
    InboundCounters counters_;
    StreamRound round_;                    // what was measured in it so far
    std::uint64_t out_of_order_told_ = 0;  // up to the last round
};

}  // namespace confab::sfu
