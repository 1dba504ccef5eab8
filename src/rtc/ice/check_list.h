// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The candidate pairs of one ICE generation (RFC 8445 §6.1.2): bounded, without repetition, found
// by path or by a number that is never used twice. Holds state, sends nothing; the agent drives it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "base/state/state.h"
#include "base/time.h"
#include "rtc/ice/path.h"
#include "rtc/ice/types.h"

namespace confab::ice {

enum class PairState : std::uint8_t {
    kWaiting,     // to be checked when next_check is due
    kInProgress,  // asked, not answered
    kSucceeded,   // answered since it was last put to kWaiting
    kFailed,      // asked requests_per_pair times in vain; checks go on slowly
};

// Before every other time, yet far from overflow.
inline constexpr Timestamp kLongAgo =
    Timestamp::micros(std::numeric_limits<std::int64_t>::min() / 4);

struct Pair {
    std::uint32_t id = 0;
    Path path;
    std::uint32_t local_priority = 0;  // of a candidate type: ours are always host
    std::uint32_t remote_priority = 0;
    std::uint64_t priority = 0;
    CandidateType remote_type = CandidateType::kPeerReflexive;
    PairState state = PairState::kWaiting;
    std::uint8_t unanswered = 0;      // requests since the last answer
    bool check_received = false;      // with our password: the peer is there
    bool answered = false;            // at least once
    bool stray = false;               // the peer's media came over it before any check (note_stray)
    bool nominating = false;          // controlling: its requests carry USE-CANDIDATE
    std::uint64_t nomination = 0;     // controlled: number of its latest USE-CANDIDATE, 0 for none
    Timestamp last_heard = kLongAgo;  // STUN from the peer
    Timestamp last_check = kLongAgo;
    Timestamp next_check = Timestamp::never();

    // STUN has shown that the holder of the credentials is at the other end (08 IMM-1).
    bool is_valid() const { return check_received || answered; }
    void check_at(Timestamp when) { next_check = earlier(next_check, when); }
    void start_over(Timestamp when) {
        state = PairState::kWaiting;
        unanswered = 0;
        next_check = when;
    }
    // RFC 8445 §7.3.1.4: a check of the peer causes one of ours in the other direction.
    void trigger_check(Timestamp now, Duration min_spacing) {
        if (state == PairState::kFailed) start_over(Timestamp::never());
        check_at(std::max(now, last_check + min_spacing));
    }
    // Its check is due. True: a request goes out now, and the next one is scheduled. A pair that
    // has failed is asked slowly, and not at all while a pair is selected.
    bool begin_check(Timestamp now, const Timers& timers, bool is_selection_live);
};

// The pair of a remote address that an authenticated check has shown, with the PRIORITY that the
// check carried (RFC 8445 §7.3.1.3).
Pair peer_reflexive_pair(Timestamp now, const Path& path, std::optional<std::uint32_t> priority);

// RFC 8445 §6.1.2.3: G is the priority of the controlling side's candidate, D of the other's.
std::uint64_t pair_priority(std::uint32_t g, std::uint32_t d);

class CheckList {
  public:
    // nullptr when absent. Pointers hold until the next add, erase or clear.
    Pair* find(const Path& path);
    const Pair* find(const Path& path) const;
    Pair* find(std::uint32_t id);
    const Pair* find(std::uint32_t id) const;

    // The pair must not be in the list yet. In a full list a pair that an authenticated check or
    // packet has shown takes the place of the worst one (failed, then never valid, then longest
    // silent; never `keep`), so that a client which changes its address for hours always finds
    // room; a pair that was only signalled takes the place of a failed one. Else nullptr.
    Pair* add(Pair pair, Role role, std::uint32_t keep);
    void erase_tcp_connection(std::uint32_t connection);
    // Controlled: the peer was answered its latest nomination, so that it does not repeat it, and
    // has changed its address before our own check of that pair was answered. If nothing came over
    // it since then, or it is gone, the pair over which the peer comes now takes the nomination.
    void inherit_nomination(Pair& heir, std::uint64_t latest, Timestamp silent_since);
    void clear() { pairs_.clear(); }
    // Recomputes every priority for our role; what we had nominated is void.
    void set_role(Role role);
    // All are to be checked as if they were new, none is nominated.
    void start_over(Timestamp now);
    Timestamp next_check() const;

    std::vector<Pair>& pairs() { return pairs_; }
    const std::vector<Pair>& pairs() const { return pairs_; }
    std::uint64_t evicted() const { return evicted_; }
    std::size_t bytes_held() const { return pairs_.capacity() * sizeof(Pair); }

    // base/state/state.h
    void save(StateWriter& out) const;
    void load(StateReader& in);

  private:
    template <typename Self, typename Io>
    static void fields(Self& self, Io& io);

    bool make_room(bool is_authenticated, std::uint32_t keep);

    std::vector<Pair> pairs_;
    std::uint32_t last_id_ = 0;
    std::uint64_t evicted_ = 0;
};

// Priority of one of our host candidates (02 ICE-07).
std::uint32_t host_priority(Protocol protocol, wire::TcpType tcp_type);
// The same candidate as a peer-reflexive one: the PRIORITY of its checks (RFC 8445 §7.1.1).
std::uint32_t reflexive_priority(Protocol protocol, std::uint32_t host_priority);

// Sets pair.priority from its two candidates.
void update_priority(Pair& pair, Role role);
// The remote candidate of a pair that a check had shown before it was signalled. Its signalled
// priority is the true one: Chromium gives relayed candidates the PRIORITY of a peer-reflexive one
// in checks.
void apply_signalled(Pair& pair, const RemoteCandidate& remote, Role role);

}  // namespace confab::ice
