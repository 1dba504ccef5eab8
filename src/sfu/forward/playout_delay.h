// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// How long a subscriber is asked to hold back one video stream (02 IN-41): a delay that follows the
// jitter and loss it reports, written into packets until a receiver report shows that one of them
// arrived. The header extension (http://www.webrtc.org/experiments/rtp-hdrext/playout-delay):
//
//  0                   1                   2
//  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |  minimum, units of 10 ms  |  maximum          |
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/state/state.h"
#include "base/time.h"
#include "sfu/forward/forwarded_packet.h"
#include "sfu/shard/commands.h"

namespace confab::sfu {

class PlayoutDelay {
  public:
    using Wire = std::array<std::uint8_t, 3>;

    static constexpr std::int64_t kJitterFactor = 10;
    static constexpr std::int64_t kTolerableNacks = 60;  // per cent of the packets sent
    static constexpr std::int64_t kNackFactor = 2;       // ms for each per cent above
    static constexpr std::int64_t kMaxChange = 80;       // ms per second
    static constexpr Duration kDefaultMax = Duration::seconds(10);
    static constexpr Duration kGreatest = Duration::millis(40'950);  // of 12 bits

    explicit PlayoutDelay(const PlayoutDelayLimits& limits);

    // A receiver report: its jitter, and how many of the packets sent since the last one were asked
    // for again, in per cent. True if another delay is to be written from now on.
    bool update(Duration jitter, std::int64_t nack_percent, Timestamp now);
    struct Sent {
        std::uint64_t packets = 0;
        std::uint64_t nacked = 0;  // numbers asked for
    };
    // A receiver report with this highest number and jitter; `sent`: sums so far. Whether a delay
    // is to be written from now on; nullopt: as before.
    std::optional<bool> handle_report(std::uint32_t highest, Duration jitter, Sent sent,
                                      Timestamp now);
    // The packet that is about to carry wire(); the first one is waited for.
    void carried(std::int64_t sequence);
    // Makes it one that does.
    void write(ForwardedPacket& packet) {
        packet.has_playout_delay = true;
        packet.playout_delay = wire();
        carried(packet.sequence);
    }
    // The subscriber has everything up to `sequence`, cycles included (RFC 3550 §6.4.1). True if
    // the delay need not be written any more.
    bool acknowledged(std::uint32_t sequence);

    Duration delay() const { return delay_; }
    Wire wire() const;

    // But for its limits.
    void save(StateWriter& out) const;
    void load(StateReader& in);

  private:
    template <typename Self, typename Io>
    static void fields(Self& self, Io& io);

    Duration min_;
    Duration max_;
    Duration delay_;
    Timestamp last_;
    Sent reported_;  // at the last report
    bool updated_ = false;
    std::int64_t first_ = -1;  // packet that carried the present value first
};

}  // namespace confab::sfu
