// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Tells once per stall that reliable data waits and nothing of it was acknowledged for
// Config::no_progress (02 DC-25). The owner knows whether data waits.
#pragma once

#include "base/state/state.h"
#include "base/time.h"

namespace confab::sctp {

class ProgressWatch {
  public:
    explicit ProgressWatch(Duration limit) : limit_(limit) {}

    // Something was acknowledged, or the first data begins to wait.
    void restart(Timestamp now) {
        since_ = now;
        reported_ = false;
    }
    // Asked while data waits. True: stalled, and not yet told.
    bool take_stall(Timestamp now) {
        if (now < deadline()) return false;
        reported_ = true;
        return true;
    }
    Timestamp deadline() const { return reported_ ? Timestamp::never() : since_ + limit_; }

    // base/state/state.h
    void save(StateWriter& out) const;
    void load(StateReader& in);

  private:
    template <typename Self, typename Io>
    static void fields(Self& self, Io& io);

    Duration limit_;
    Timestamp since_;
    bool reported_ = false;
};

}  // namespace confab::sctp
