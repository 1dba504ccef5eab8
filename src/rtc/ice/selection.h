// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Which pair media takes, and whether the peer still is at its end: the agent's state, the selected
// path, consent to send there (RFC 7675 §5.1), the keepalive's time, and the pair that takes over
// when the peer's address has changed. A poll machine that sends nothing: the agent names the pairs
// and does what is due.
//
//            start_checks()                select()               10 s silence
//   kNew ────────────────────▶ kChecking ─────────────▶ kConnected ─────────────▶ kDisconnected
//                               │  ▲ begin_generation()     ▲     heard() / select()      │
//                     15 s      │  └── any state            └─────────────────────────────┤
//                               ▼                            5 s more, or consent expired │
//                            kFailed ◀────────────────────────────────────────────────────┘
#pragma once

#include <cstdint>
#include <optional>

#include "base/ring.h"
#include "base/state/state.h"
#include "base/time.h"
#include "rtc/ice/check_list.h"
#include "rtc/ice/types.h"

namespace confab::ice {

class Selection {
  public:
    explicit Selection(const AgentConfig& config);

    // A restart of either side: the path lives on, no pair of the new generation is selected yet.
    void begin_generation();
    // From its start on, as long as generations are those of the peer alone.
    void limit_checking(Duration limit) { checking_limit_ = limit; }
    // The peer's credentials are known.
    void start_checks(Timestamp now);
    void select(Timestamp now, const Pair& pair);
    // The stream of the selected path has closed.
    void close_path();

    // Any packet of the selected path shows that the peer is there; authenticated STUN renews the
    // consent too.
    void heard(Timestamp now);
    void consented(Timestamp now);
    void handle_timeout(Timestamp now);
    Timestamp next_deadline() const;
    std::optional<Event> poll_event() { return events_.pop(); }

    // Without effect in a lite agent, which asks nobody.
    void schedule_keepalive(Timestamp when);
    // True: it is due, and the next one follows by itself.
    bool take_keepalive(Timestamp now);
    // The one sent then was answered: the next one has time.
    void keepalive_answered(Timestamp now, Timestamp sent);

    // Controlled: the nomination with this number was followed (Pair::nomination).
    void follow(std::uint64_t nomination) { nomination_ = nomination; }
    std::uint64_t nomination() const { return nomination_; }

    // The peer has checked a pair that is not the selected one: either it looks after its
    // alternatives, or its address has changed and nothing comes over the selected pair any more.
    // Then the selected pair is asked at once, and the rival wins if nothing comes. False: it is
    // the selected one itself, or there is none.
    bool note_rival(Timestamp now, const Pair& pair);
    // The peer's media come over another pair, which is known to work: it wins as soon as nothing
    // came over the selected one for Timers::moved_by_media.
    void note_moved(Timestamp now, const Pair& pair);
    // The pair whose time to win has come, until it is forgotten; 0 for none.
    std::uint32_t due_rival(Timestamp now);
    void forget_rival();
    std::uint32_t rival() const { return rival_; }

    State state() const { return state_; }
    // During a restart the path of the generation before.
    const std::optional<Path>& path() const { return path_; }
    bool is_on(const Path& path) const { return path_ && *path_ == path; }
    // Whether the path of the generation before still is asked and answered. A peer stays on a path
    // that works and has the higher priority, whatever it has nominated, and nominates no pair of a
    // lower one (Chromium). So only while it may have nothing else: no pair of the new generation
    // is selected, and none works when the time to choose is over. A path that is not to be used
    // any more is kept until the peer knows of that.
    bool keeps_old_path(const CheckList& list, bool tcp_only, Timestamp now) const;
    // 0: none, or of the generation before.
    std::uint32_t pair() const { return pair_; }
    bool is_live() const { return pair_ != 0 && state_ == State::kConnected; }
    Timestamp checks_started() const { return checks_started_; }
    // AgentConfig::upgrade_window.
    bool is_in_upgrade_window(Timestamp now) const {
        return now <= checks_started_ + upgrade_window_;
    }
    std::uint64_t events_dropped() const { return events_dropped_; }

    // base/state/state.h
    void save(StateWriter& out) const;
    void load(StateReader& in);
    template <typename Change>
    void each_path(const Change& change) {
        if (path_) change(*path_);
        for (std::size_t i = events_.size(); i > 0; --i) {
            Event event = *events_.pop();
            if (auto* selected = std::get_if<Selected>(&event)) change(selected->path);
            (void)events_.push(event);
        }
    }

  private:
    template <typename Self, typename Io>
    static void fields(Self& self, Io& io);

    void change_state(State state);
    void emit(const Event& event);
    Timestamp silent_at() const { return last_heard_ + timers_.disconnected_after; }
    Timestamp checking_ends() const;
    Timestamp fail_at() const;
    void fail();

    std::optional<Path> path_;
    State state_ = State::kNew;
    std::uint32_t pair_ = 0;
    std::uint64_t nomination_ = 0;
    Timestamp last_heard_;
    Timestamp last_consent_;  // last authenticated STUN
    Timestamp keepalive_at_ = Timestamp::never();
    // Checked by the peer since anything came over the selected pair. never(): its time has come,
    // and its first answer may be missing.
    std::uint32_t rival_ = 0;
    Timestamp rival_wins_at_ = Timestamp::never();
    Timestamp checks_started_ = Timestamp::never();  // of this generation
    Timers timers_;
    Duration checking_limit_;
    Duration upgrade_window_;
    bool lite_ = false;
    Ring<Event, kMaxQueuedEvents> events_;
    std::uint64_t events_dropped_ = 0;
};

}  // namespace confab::ice
