// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Key-frame requests towards one publisher stream: merged, throttled, and repeated until the first
// key frame came (02 IN-08, §3.1 "key-frame seeder").
#pragma once

#include "base/state/state.h"
#include "base/time.h"

namespace confab::rtp {

class PliThrottle {
  public:
    static constexpr Duration kSeederInterval = Duration::seconds(1);
    static constexpr Duration kSeederLimit = Duration::seconds(30);

    explicit PliThrottle(Duration interval) : interval_(interval) {}

    // Somebody needs a key frame.
    void request() { requested_ = true; }
    // The stream's first packet came: ask each second until a key frame is there.
    void start_seeder(Timestamp now);
    void key_frame_received();
    // True if a PLI is to be sent now.
    bool poll(Timestamp now);
    Timestamp next_deadline() const;

    void save(StateWriter& out) const;
    void load(StateReader& in);

  private:
    template <typename Self, typename Io>
    static void fields(Self& self, Io& io);

    Duration interval_;
    bool requested_ = false;
    bool sent_before_ = false;
    Timestamp last_sent_;
    Timestamp seeder_next_ = Timestamp::never();
    Timestamp seeder_end_ = Timestamp::never();
    bool key_frame_seen_ = false;
};

}  // namespace confab::rtp
