// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a down-track gives out, and the part of its state that no packet touches.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ring.h"
#include "base/time.h"
#include "sfu/forward/forwarded_packet.h"
#include "sfu/forward/playout_delay.h"
#include "sfu/layers/layer_allocation.h"
#include "sfu/packet/media_packet.h"
#include "sfu/shard/commands.h"

namespace confab::sfu {

inline constexpr Duration kDefaultDownTrackRtt = Duration::millis(70);

// A packet of our own; `payload` lives as long as the down-track.
struct SyntheticPacket {
    ForwardedPacket packet;
    BytesView payload;
};
// A packet to be sent again; its payload is in the history of `stream` of the source.
struct ResendPacket {
    ForwardedPacket packet;
    std::int64_t source_sequence = 0;
    std::uint8_t stream = 0;
};
// Fills in what the history knows; call before build_header().
void complete_resend(ResendPacket& resend, const MediaPacket& source);

struct DownTrackStats {
    std::uint64_t packets = 0;  // without resends
    std::uint64_t octets = 0;   // RTP header and extensions included (02 FWD-10)
    std::uint64_t resent = 0;
    std::uint64_t nacked = 0;        // numbers asked for
    std::uint64_t nack_repeats = 0;  // asked for before
    std::uint64_t plis = 0;
    std::uint64_t late_dropped = 0;  // late or doubled packets that had no place any more
    std::uint64_t refused_switches = 0;
    std::uint32_t reported_lost = 0;
    std::uint8_t fraction_lost = 0;
    std::uint32_t jitter = 0;  // clock units
};
// Since the last window(), for connection quality (02 CQ-01).
struct DownTrackWindow {
    std::uint64_t packets = 0;
    std::uint64_t octets = 0;
    std::uint64_t lost = 0;
    std::uint64_t nacked = 0;
    std::uint64_t out_of_order = 0;
    std::optional<Duration> jitter;  // as the subscriber reported it last
    std::optional<Duration> rtt;
};

// Read per control action, not per packet.
struct DownTrackCold {
    DownTrackId id;
    MediaKind kind = MediaKind::kAudio;
    MediaSource source = MediaSource::kUnknown;
    bool screen_share = false;
    bool encrypted = false;
    std::uint32_t rtx_ssrc = 0;
    std::vector<SendCodec> codecs;
    std::string cname;
    std::string mid;
    Bytes sif_trailer;
    DownTrackSettings settings;
    std::optional<PayloadType> rtx_pt;
    bool resends_on_main = false;  // NACKs are answered on the main SSRC (02 FWD-11)

    Layer cap = kTopLayer;
    PauseReason pause = PauseReason::kNone;
    double distance = 0;

    Timestamp key_frame_due;  // next request, if one is needed
    Duration rtt = kDefaultDownTrackRtt;
    const Duration* shared_rtt = nullptr;  // of the peer; where set, it counts

    // Timestamps of the outgoing stream.
    std::int64_t reference_offset = 0;  // outgoing time minus the reference stream's
    std::int64_t first_timestamp = 0;
    Timestamp first_time;
    bool after_publisher_mute = false;
    bool foreign_source = false;  // the next packet comes from another receiver

    // Silence and blank frames.
    int blank_left = 0;
    Timestamp blank_due = Timestamp::never();
    Bytes blank_payload;  // stays in place while packets of it wait
    Codec blank_codec = Codec::kNone;
    bool publisher_was_muted = false;

    // Silence or padding before the first packet (02 FWD-16).
    bool early_media = false;  // wanted
    Timestamp early_due = Timestamp::never();
    Timestamp early_end;
    std::int64_t early_sequence = 0;  // where such a stream starts
    std::int64_t early_timestamp = 0;

    std::optional<PlayoutDelay> playout_delay;
    DownTrackStats playout_start;  // at the last receiver report

    // Reports.
    NtpTime last_report_ntp;
    std::int64_t last_report_time = 0;
    struct SentReport {
        std::uint32_t ntp = 0;  // compact
        Timestamp at;
    };
    std::array<SentReport, 4> sent_reports{};
    std::size_t next_sent_report = 0;
    bool any_report = false;
    bool reported_on = false;  // a receiver report came

    std::int64_t rtx_sequence = 0;
    DownTrackStats window_start;
    std::uint64_t window_out_of_order = 0;
    bool window_reported = false;
    std::optional<Duration> window_rtt;
    Ring<SyntheticPacket, 8> outgoing;
    Ring<StreamState, 8> events;
};

}  // namespace confab::sfu
