// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Transport-wide feedback for everything one publisher connection receives
// (draft-holmer-rmcat-transport-wide-cc-extensions-01; times of 02 §3.1). Probes on SSRC 0 and on
// RTX streams count too (02 IN-07, TRAP-07).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>

#include "base/bytes.h"
#include "base/sequence.h"
#include "base/state/state.h"
#include "base/time.h"
#include "wire/rtcp/transport_cc.h"

namespace confab::rtp {

class TransportCcResponder {
  public:
    // A report goes out when more than kMinHeld packets wait and one of the three times is due.
    static constexpr std::size_t kMinHeld = 20;
    static constexpr std::size_t kManyHeld = 100;
    static constexpr std::size_t kMaxHeld = 256;  // beyond: the newest arrivals are not reported
    static constexpr Duration kInterval = Duration::millis(100);
    static constexpr Duration kMarkerInterval = Duration::millis(50);

    explicit TransportCcResponder(std::uint32_t sender_ssrc) : sender_ssrc_(sender_ssrc) {}

    void received(Timestamp now, std::uint16_t sequence, std::uint32_t media_ssrc, bool marker);
    // Is a report due now? Then write it.
    bool due(Timestamp now) const;
    // Writes as many reports as are due and fit; false when nothing was written.
    bool write(Timestamp now, ByteWriter& out);
    std::size_t held() const { return size_; }

    // By the clock that the reports tell, whatever that of the new owner says.
    void save(StateWriter& out) const;
    void load(StateReader& in);

  private:
    template <typename Self, typename Io>
    static void fields(Self& self, Io& io);

    std::uint32_t sender_ssrc_;
    Duration clock_;  // of the reports, ahead of ours
    std::uint32_t media_ssrc_ = 0;
    std::uint8_t feedback_count_ = 0;
    bool marker_ = false;
    bool reported_before_ = false;
    Timestamp last_report_;
    Unwrapper<std::uint16_t> unwrapper_;
    // Made with the first packet: who only subscribes never needs it.
    std::unique_ptr<std::array<wire::TransportArrival, kMaxHeld>> held_;
    std::size_t size_ = 0;
    // Behind the last number reported: what is lost between two reports belongs to the second.
    std::optional<std::int64_t> next_;
};

}  // namespace confab::rtp
