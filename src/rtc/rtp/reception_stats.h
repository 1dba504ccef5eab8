// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a receiver report says of one incoming stream (RFC 3550 §6.4.1, appendix A.3 and A.8).
#pragma once

#include <cstdint>

#include "base/state/state.h"
#include "base/time.h"

namespace confab::rtp {

// The fields of one report block; wire/rtcp/rtcp.h writes it.
struct ReceptionReport {
    std::uint8_t fraction_lost = 0;    // of 256, since the last report
    std::int32_t cumulative_lost = 0;  // 24 bit signed
    std::uint32_t highest_sequence = 0;
    std::uint32_t jitter = 0;          // RTP time units
    std::uint32_t last_sr = 0;         // compact NTP
    std::uint32_t delay_since_sr = 0;  // 1/65536 s
};

// Numbers since the last window() call, for connection quality.
struct ReceptionWindow {
    std::uint64_t expected = 0;
    std::uint64_t lost = 0;
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;
};

class ReceptionStats {
  public:
    explicit ReceptionStats(std::uint32_t clock_rate) : clock_rate_(clock_rate) {}

    // A packet that is no duplicate; `timestamp` is its unwrapped RTP time.
    void received(Timestamp now, std::int64_t sequence, std::int64_t timestamp, std::size_t size);
    // `count` numbers behind the highest were never sent; a packet behind them follows.
    void skip(std::int64_t count) { first_ += count; }
    // The RTP time that a packet would have that arrives now and was neither early nor late; later
    // than those before.
    std::int64_t timestamp_at(Timestamp now) const;
    std::int64_t last_timestamp() const { return last_jitter_timestamp_; }
    void received_sender_report(Timestamp now, NtpTime ntp);

    bool started() const { return started_; }
    ReceptionReport report(Timestamp now);
    ReceptionWindow window();
    std::uint64_t packets() const { return packets_; }
    std::uint64_t bytes() const { return bytes_; }
    std::int64_t highest_sequence() const { return highest_; }

    void save(StateWriter& out) const;
    void load(StateReader& in);

  private:
    template <typename Self, typename Io>
    static void fields(Self& self, Io& io);
    std::uint64_t expected() const { return static_cast<std::uint64_t>(highest_ - first_ + 1); }

    std::uint32_t clock_rate_;
    bool started_ = false;
    std::int64_t first_ = 0;
    std::int64_t highest_ = 0;
    std::uint64_t packets_ = 0;
    std::uint64_t bytes_ = 0;
    std::int64_t jitter_scaled_ = 0;  // times 16, as in appendix A.8
    std::int64_t last_transit_ = 0;
    std::int64_t last_jitter_timestamp_ = 0;
    std::uint64_t reported_expected_ = 0;
    std::uint64_t reported_packets_ = 0;
    ReceptionWindow window_start_;
    std::uint32_t last_sr_ = 0;
    Timestamp last_sr_arrival_;
};

}  // namespace confab::rtp
