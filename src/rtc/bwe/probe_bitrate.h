// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a probe shows: the rates at which the packets of a cluster were sent and arrived
// (libwebrtc's ProbeBitrateEstimator). Media that leaves during a probe is part of it.
#pragma once

#include <cstdint>
#include <optional>

#include "base/time.h"
#include "rtc/bwe/packet_feedback.h"

namespace confab::bwe {

class ProbeBitrate {
  public:
    static constexpr double kMinReceived = 0.7;   // of the bytes sent
    static constexpr double kMaxRatio = 2.0;      // arriving per sent; more is no measurement
    static constexpr double kUnsaturated = 0.9;   // arriving per sent, if the link has room
    static constexpr double kOfSaturated = 0.95;  // of what arrived, if not
    static constexpr Duration kMaxLength = Duration::seconds(1);
    static constexpr std::uint32_t kMinPackets = 5;

    void begin(Timestamp at) {
        *this = ProbeBitrate();
        began_ = at;
    }
    // Packets that leave later are no part of it.
    void end(Timestamp at) {
        if (ended_.is_never()) ended_ = at;
    }
    void handle_sent(Timestamp at, std::uint32_t bytes);
    void handle_feedback(const PacketFeedback& packet);

    struct Result {
        double bits_per_second = 0;
        bool saturated = false;  // the link took less than was sent
    };
    // As much as is known now; none: too little was sent, or arrived.
    std::optional<Result> result() const;
    // So much was lost that the rest shows nothing but a full link.
    bool lost_much() const;
    // Of what became known, by bytes: 0 to 1.
    double loss() const;

  private:
    bool covers(Timestamp sent) const {
        return sent >= began_ && (ended_.is_never() || sent <= ended_) &&
               sent - began_ <= kMaxLength;
    }

    Timestamp began_ = Timestamp::never();
    Timestamp ended_ = Timestamp::never();
    std::uint64_t sent_bytes_ = 0;  // of packets that left in its time
    std::uint64_t bytes_ = 0;       // of those that arrived
    std::uint64_t lost_bytes_ = 0;  // as told, without what came late
    std::uint32_t packets_ = 0;
    Timestamp first_sent_ = Timestamp::never();
    Timestamp last_sent_;
    std::uint64_t last_burst_ = 0;  // bytes sent at last_sent_
    Duration first_arrival_;
    Duration last_arrival_;
    std::uint32_t first_bytes_ = 0;  // of the packet that arrived first
};

}  // namespace confab::bwe
