// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a subscriber's reports say of one stream: its round trip time, and loss and jitter since
// quality was asked for last (02 CQ-01).
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

#include "base/state/state.h"
#include "base/time.h"
#include "sfu/shard/commands.h"
#include "wire/rtcp/rtcp.h"

namespace confab::sfu {

struct DownTrackStats {
    std::uint64_t packets = 0;  // without resends
    std::uint64_t octets = 0;   // RTP header and extensions included (02 FWD-10)
    std::uint64_t resent = 0;
    std::uint64_t nacked = 0;        // numbers asked for
    std::uint64_t nack_repeats = 0;  // copies of what had been sent again before
    std::uint64_t plis = 0;
    std::uint64_t late_dropped = 0;  // late or doubled packets that had no place any more
    std::uint64_t refused_switches = 0;
    std::uint32_t out_of_order = 0;  // sent, but came late from the publisher
    std::int64_t before_first = 0;   // the number before that of the first packet
    std::uint32_t reported_lost = 0;
    std::uint32_t jitter = 0;  // clock units
    std::uint8_t fraction_lost = 0;
    std::uint64_t repairs = 0;       // copies on a stream of their own (RTX) that were asked for
    std::uint32_t repairs_lost = 0;  // of that stream, as reported
    std::uint64_t probe_copies = 0;  // what else went on it
};
// Since the last window(), for connection quality (02 CQ-01).
struct DownTrackWindow {
    std::uint64_t packets = 0;
    std::uint64_t reported = 0;  // packets that the reports which came are of
    Duration span;               // between those reports and the ones before; zero: not known
    std::uint64_t octets = 0;
    std::uint64_t lost = 0;  // on the way to the subscriber, as far as can be told
    std::uint64_t nacked = 0;
    std::uint64_t out_of_order = 0;
    std::optional<Duration> jitter;  // as the subscriber reported it last
    std::optional<Duration> rtt;
    double distance = 0;         // to the layer wanted, on average
    double unmuted = 1;          // share of the time
    bool unreported = false;     // sent for long, and nothing is said of it
    Codec codec = Codec::kNone;  // that is sent
};

inline constexpr Duration kDefaultDownTrackRtt = Duration::millis(70);

constexpr Duration jitter_time(std::uint32_t jitter, std::uint32_t clock_rate) {
    return Duration::micros(std::int64_t{jitter} * 1'000'000 /
                            std::max(std::int64_t{clock_rate}, std::int64_t{1}));
}

class SubscriberReports {
  public:
    // A block about our SSRC; its figures go into `stats`.
    void note(const wire::ReportBlock& block, DownTrackStats& stats, Timestamp now);
    // The same about the SSRC of its repairs.
    static void note_repairs(const wire::ReportBlock& block, DownTrackStats& stats);
    void note_rtt(Duration rtt) {
        rtt_ = (rtt_ + rtt) / 2;
        window_rtt_ = rtt;
    }
    // Reads the round trip time there from now on; it outlives this.
    void share_rtt(const Duration& rtt) { shared_rtt_ = &rtt; }
    Duration rtt() const { return shared_rtt_ != nullptr ? *shared_rtt_ : rtt_; }
    bool any() const { return any_; }

    // What came since the last call; `last_sequence`: the highest number sent. Numbers without a
    // packet were lost before they could be sent, a packet that came late may have been reported
    // before it was sent, and a copy on RTX made good what its stream still reports as lost: none
    // of them is a loss of this subscriber (CQ-01).
    DownTrackWindow window(const DownTrackStats& stats, std::int64_t last_sequence,
                           std::uint32_t clock_rate);

    // But for the round trip time of the peer.
    void save(StateWriter& out) const;
    void load(StateReader& in);

  private:
    template <typename Self, typename Io>
    static void fields(Self& self, Io& io);

    Duration rtt_ = kDefaultDownTrackRtt;
    const Duration* shared_rtt_ = nullptr;  // of the peer; where set, it counts
    bool any_ = false;
    bool window_reported_ = false;
    std::optional<Duration> window_rtt_;
    DownTrackStats window_start_;
    std::uint64_t unsent_before_ = 0;     // numbers without a packet when the window began
    std::uint64_t spare_repairs_ = 0;     // of the window before, of losses not reported there
    std::uint64_t reported_packets_ = 0;  // sent when the newest report came
    std::uint64_t judged_packets_ = 0;    // of those, told with windows before
    Timestamp reported_at_;
    Timestamp judged_at_;
};

}  // namespace confab::sfu
