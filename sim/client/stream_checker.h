// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// One subscribed stream at its receiver: a jitter buffer that puts packets in order, waits for what
// is missing, asks for it, and hands them to the check of the codec. Its side door sent() sees what
// the server sent before the network touched it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "client/media/jitter_buffer.h"
#include "client/media/track_plan.h"
#include "rtc/rtp/nack_tracker.h"
#include "rtc/rtp/reception_stats.h"
#include "sim/client/sent_log.h"
#include "sim/client/video_checker.h"
#include "wire/rtp/rtp.h"

namespace confab::sim {

using client::MediaKind;

// A track as its subscriber was told of it.
struct SubscriptionPlan {
    std::uint32_t track = 0;  // number of the run, which stands in every payload
    MediaKind kind = MediaKind::kAudio;
    std::uint32_t ssrc = 0;
    std::uint32_t rtx_ssrc = 0;
    std::uint8_t payload_type = 0;
    std::uint8_t rtx_payload_type = 0;
    bool operator==(const SubscriptionPlan&) const = default;
};

struct StreamCounters {
    std::uint64_t packets = 0;
    std::uint64_t repaired = 0;  // by RTX
    std::uint64_t silence = 0;   // audio made by the server
};

class StreamChecker {
  public:
    StreamChecker(std::string owner, const SubscriptionPlan& plan);

    const SubscriptionPlan& plan() const { return plan_; }
    // Content must not leave the server in [from, until): the track was muted or not wanted.
    void forbid_from(Timestamp from) { forbidden_.push_back({from, Timestamp::never()}); }
    void allow_from(Timestamp until);

    // Left the server: RTP header fields, by SSRC.
    void sent(Timestamp now, const wire::RtpPeek& header, std::uint32_t timestamp, Report& report);
    // Came out of SRTP on one of the stream's two SSRCs.
    void receive(Timestamp now, const wire::RtpPacketView& packet, Report& report);
    void handle_timeout(Timestamp now, Report& report);
    Timestamp next_deadline() const { return buffer_.next_deadline(); }

    // Feedback that is due now.
    std::size_t collect_nacks(Timestamp now, std::span<std::uint16_t> out) {
        return nack_.collect(now, out);
    }
    bool wants_key_frame() const;
    rtp::ReceptionStats& stats() { return stats_; }

    bool is_video() const { return plan_.kind == MediaKind::kVideo; }
    const VideoChecker& video() const { return video_; }
    std::uint64_t given_up() const { return buffer_.given_up(); }  // numbers that never came
    const StreamCounters& counters() const { return counters_; }
    const SentLog& sent_log() const { return log_; }
    Timestamp last_content() const { return last_content_; }
    // Highest layers seen since the last call, then forgets them.
    struct Seen {
        int layer = -1;
        int temporal = -1;
    };
    Seen take_seen();

  private:
    using Held = client::JitterBuffer::Packet;
    struct Span {
        Timestamp from;
        Timestamp until;
    };
    void hold(Timestamp now, std::int64_t sequence, const wire::RtpPacketView& packet,
              BytesView payload, Report& report);
    void advance(Timestamp now, Report& report);
    void take(Timestamp now, const Held& held, Report& report);
    void take_audio(Timestamp now, std::int64_t sequence, const Held& held, bool contiguous,
                    Report& report);
    void check_content(Timestamp now, std::int64_t sequence, const MediaStamp& stamp,
                       Report& report);

    std::string name_;
    SubscriptionPlan plan_;
    SentLog log_;
    SentLog repair_log_;
    SeqUnwrapper sequence_;
    client::JitterBuffer buffer_;
    bool hole_ = false;  // something was given up since the last content
    rtp::NackTracker nack_;
    rtp::ReceptionStats stats_;
    RtpTimeUnwrapper time_;
    VideoChecker video_;
    std::optional<MediaStamp> last_audio_;
    std::vector<Span> forbidden_;
    Timestamp last_content_;
    Seen seen_;
    StreamCounters counters_;
};

}  // namespace confab::sim
