// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// When one peer connection negotiates (02 SDP-03; 01 SIG-80 step 2, SIG-85, SIG-86): debounce, ids
// of offers, one outstanding offer at a time, 15 s for its answer.
//   idle → waiting (request) → outstanding (offer sent) → idle (answer) or waiting (changed
//   meanwhile)
// In single-connection sessions "offer" is a media_sections_requirement and nothing is outstanding;
// where no offer follows it is repeated after 3, 6 and 12 s: nothing else would bring the tracks to
// that client.
#pragma once

#include <cstdint>

#include "base/state/state.h"
#include "base/time.h"

namespace confab::room {

class NegotiationTimer {
  public:
    static constexpr Duration kQuietDelay = Duration::millis(10);
    static constexpr Duration kBusyDelay = Duration::millis(150);
    static constexpr Duration kAnswerTimeout = Duration::seconds(15);
    static constexpr Duration kRequirementTimeout = Duration::seconds(3);
    static constexpr int kRequirementRepeats = 3;

    // `first_id`: of the first offer; not 0.
    explicit NegotiationTimer(std::uint32_t first_id) : id_(first_id - 1) {}

    // Something changed; `force`: now, without debounce.
    void request(Timestamp now, bool force);
    // Not before this moment (blank frames of a closing track go out first, FWD-15). `alone`: what
    // else is requested meanwhile does not wait for it.
    void request_after(Timestamp now, Duration delay, bool alone = false);
    // Is a negotiation due? False while an answer is awaited.
    bool due(Timestamp now) const { return !outstanding_ && earlier(due_, repeat_at_) <= now; }

    // An offer goes out: its id.
    std::uint32_t start_offer(Timestamp now);
    // A requirement goes out instead: no answer follows, but an offer should.
    void start_requirement(Timestamp now);
    // An answer just carried all changes: nothing is due any more.
    void settle();
    // The answer is there; what was requested meanwhile becomes due at once.
    void answered(Timestamp now);
    // The answer will never come (ICE restart makes the offer void).
    void abandon() { outstanding_ = false; }

    bool outstanding() const { return outstanding_; }
    bool timed_out(Timestamp now) const { return outstanding_ && sent_ + kAnswerTimeout <= now; }
    // One less than that of the first, before it.
    std::uint32_t last_id() const { return id_; }
    // `connected`: only then does a missing answer count.
    Timestamp next_deadline(bool connected) const;

    void save(StateWriter& out) const;
    void load(StateReader& in);

  private:
    template <typename Self, typename Io>
    static void fields(Self& self, Io& io);
    void started(Timestamp now);

    std::uint32_t id_;
    Timestamp due_ = Timestamp::never();
    Timestamp sent_;
    Timestamp last_;
    Timestamp repeat_at_ = Timestamp::never();  // of the requirement
    int repeats_ = 0;
    bool alone_ = false;  // due_ is for what was requested first
    bool ever_ = false;
    bool outstanding_ = false;
};

}  // namespace confab::room
