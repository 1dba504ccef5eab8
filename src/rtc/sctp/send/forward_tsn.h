// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// When FORWARD-TSN goes out: as soon as there is more to skip, and again after a round trip or
// T3-rtx while the peer still acknowledges less (RFC 3758 §3.5 C, F).
#pragma once

#include <cstdint>

#include "base/state/state.h"
#include "rtc/sctp/send/outstanding.h"

namespace confab::sctp {

class ForwardTsn {
  public:
    // Due when more has been given up than the last one said.
    void update(const Outstanding& outstanding);
    // A SACK came and does not reach as far: due also a round trip after the last one.
    void handle_sack(const Outstanding& outstanding, Timestamp now, Duration srtt);
    // T3-rtx: due whenever there is anything to skip.
    void handle_timeout(const Outstanding& outstanding) { due_ = outstanding.has_skip(); }

    bool due() const { return due_; }
    // True when it was written: the timer has to run. Stays due when it does not fit.
    bool write(const Outstanding& outstanding, Timestamp now, wire::sctp::PacketWriter& packet);
    void clear() { due_ = false; }

    // base/state/state.h
    void save(StateWriter& out) const;
    void load(StateReader& in);

  private:
    template <typename Self, typename Io>
    static void fields(Self& self, Io& io);

    Timestamp sent_at_;
    std::uint32_t sent_tsn_ = 0;
    bool due_ = false;
};

}  // namespace confab::sctp
