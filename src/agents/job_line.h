// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The jobs that wait for one kind of worker, and which of them is asked for when (05 DSP-02,
// DSP-23). "Nobody has room" concerns all of them: they wait together, ever longer, until somebody
// says that there is room again. "Asked and refused", or left without an answer, concerns that one
// job: it leaves its place, the others are asked for meanwhile, and it is tried again, ever more
// seldom.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "base/time.h"

namespace confab::agents {

class JobLine {
  public:
    // That wait; what is crowded out is up to the caller.
    static constexpr std::size_t kMaxWaiting = 10'000;
    // Requests on their way. After one that found nobody fewer, and twice as many with each
    // success.
    static constexpr std::size_t kMaxAsked = 64;
    static constexpr std::size_t kAskedAfterNobody = 8;
    // Of those that were refused before, so many at once, and after a further refusal only one in
    // each kAgainPace: many jobs that nobody takes are no storm of offers.
    static constexpr std::size_t kMaxAgain = 4;
    static constexpr Duration kAgainPace = Duration::millis(250);
    // Until the next try, of one job as of all, and twice as long each time.
    static constexpr Duration kFirstRetry = Duration::seconds(1);
    static constexpr Duration kLastRetry = Duration::seconds(30);
    // New room brings refused jobs forward, at most so often.
    static constexpr Duration kForwardPause = Duration::seconds(5);

    // The last one.
    void add(const std::string& job);
    // In whatever state.
    void remove(const std::string& job);
    // Whom to ask for now; as long as there is one.
    std::optional<std::string> take(Timestamp now);

    // ---- what became of one that was taken
    void accepted(const std::string& job);
    void refused(Timestamp now, const std::string& job);
    void nobody_there(Timestamp now, const std::string& job);

    // Somebody would take a job now.
    void capacity(Timestamp now);

    // When take() may have something again.
    Timestamp next_deadline() const;
    bool is_empty() const { return places_.empty(); }
    bool is_crowded() const { return waiting_.size() + refused_.size() > kMaxWaiting; }

  private:
    enum class Stage : std::uint8_t { kWaiting, kRefused, kAsked, kAskedAgain };
    struct Place {
        std::uint64_t order = 0;
        Stage stage = Stage::kWaiting;
        Duration pause = kFirstRetry;  // after the next refusal
        Timestamp again;               // kRefused: when
    };
    using Places = std::map<std::string, Place>;

    void leave(Places::iterator at);
    void wait(Places::iterator at);
    bool may_ask_again() const { return !refused_.empty() && asked_again_ < kMaxAgain; }
    Timestamp next_again() const;

    Places places_;
    std::map<std::uint64_t, std::string> waiting_;         // by order
    std::set<std::pair<Timestamp, std::string>> refused_;  // by when they are asked for again
    std::size_t asked_ = 0;                                // of both kinds
    std::size_t asked_again_ = 0;
    std::size_t window_ = kMaxAsked;
    std::uint64_t last_order_ = 0;
    Duration pause_ = kFirstRetry;
    Timestamp retry_ = Timestamp::never();  // nobody has room: nothing is asked for before
    bool cautious_ = false;                 // the last one that was asked for again was refused
    Timestamp paced_;                       // nothing is asked for again before
    Timestamp forwarded_;                   // nothing is brought forward before
};

}  // namespace confab::agents
