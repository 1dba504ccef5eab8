// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The sender reports of one outgoing stream (RFC 3550 §6.4.1; 02 FWD-10): the publisher's last one
// carried on to now, never back in time, and what the answers to them say of the round trip.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/state/state.h"
#include "base/time.h"
#include "sfu/forward/source_state.h"
#include "wire/rtcp/rtcp.h"

namespace confab::sfu {

class SenderReports {
  public:
    static constexpr std::size_t kMaxRemembered = 4;

    struct Times {
        NtpTime ntp;
        std::int64_t timestamp = 0;
    };
    // What to report now; none if that is not later than what was reported last. `offset`: the
    // source's time minus the outgoing one.
    std::optional<Times> next(const SourceReport& source, std::int64_t offset,
                              std::uint32_t clock_rate, Timestamp now);
    // None if the block answers none of the last reports.
    std::optional<Duration> round_trip(const wire::ReportBlock& block, Timestamp now) const;

    // 02 FWD-18.
    void save(StateWriter& out) const;
    void load(StateReader& in);

  private:
    template <typename Self, typename Io>
    static void fields(Self& self, Io& io);
    struct Sent {
        std::uint32_t ntp = 0;  // compact
        Timestamp at;
    };
    Times last_;
    std::array<Sent, kMaxRemembered> sent_{};
    std::size_t next_sent_ = 0;
    bool any_ = false;
};

}  // namespace confab::sfu
