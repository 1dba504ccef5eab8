// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// All nodes of a cluster as one of them sees them: what their records say, and who is alive
// (03 NODE-04, RDS-07, RDS-27, NODE-24).
//
// A node is judged by when its record changes, never by its clock alone: each has one, and a wrong
// one would make the living dead or the dead alive. A record is from between the poll that saw it
// first and the one before; where in between, its updated_at says, corrected by how wrong the clock
// of its node was found to be (ClockError). Five seconds later, if a poll made then sees the same
// record, its node is silent. If its system is known to answer for it (NodeTable::note),
// the process stands still and keeps what it has for as long as that is said; it gets nothing new.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/nodes/clock.h"
#include "cluster/nodes/record/node_record.h"
#include "cluster/nodes/select/selectors.h"

namespace confab::cluster::nodes {

// How far the clock of a node is from ours, learned from its records.
class ClockError {
  public:
    // A record seen for the first time. True: it looks as if it were written by a heartbeat just
    // now.
    bool begin(const Clock& clock, std::int64_t updated_at);
    // It changed after `asked_before`. When it was written, by our clock; within that moment and
    // now.
    Timestamp changed(const Clock& clock, std::int64_t updated_at, Timestamp asked_before);
    // Above 0: it is ahead. Sure to be so by this much, however late we look.
    Duration sure() const { return sure_; }

  private:
    // Records in a row that are older than they can be, before it is the clock. A record that was
    // held up on its way looks like that once.
    static constexpr int kLateOnes = 3;

    void note_sure(Duration behind);

    Duration behind_;  // the smallest of our time less theirs
    Duration sure_;
    Duration least_late_;  // of the late ones in a row
    int late_ = 0;
    // How much the last ones were behind, at least.
    std::deque<Duration> last_behind_;
};

struct TableEvent {
    enum class Kind : std::uint8_t {
        kCame,    // alive: for the first time, or again
        kDied,    // silent for 5 s; or its record is gone, and stays so
        kSkewed,  // its clock is off by more than 2 s: once for each node
        kStands,  // silent, but its system answers: once until it writes again
        kHeard,   // it does not write, but is heard over a link: likewise
    };
    Kind kind;
    std::string node;
    std::string text;  // for a log
};

class NodeTable {
  public:
    static constexpr Duration kAlive = Duration::seconds(5);
    // Without its record, before it counts as dead. Someone with a wrong clock may have removed it
    // (upstream does, at its start); the next heartbeat brings it back.
    static constexpr Duration kAbsent = Duration::millis(2500);
    // After Redis was away or lost all: until the others have found back to it.
    static constexpr Duration kReturn = Duration::seconds(7);
    static constexpr Duration kLastWords = Duration::seconds(4);  // a heartbeat, and a poll
    // Of what a link says of it; said each second.
    static constexpr Duration kStandingNews = Duration::seconds(2);
    // Without its record, of who is heard: somebody else may write it, or its Redis is away.
    static constexpr Duration kHeardOnly = Duration::seconds(30);
    // Nobody listening for a node, twice, so far apart: who was there before an outage of Redis
    // tries only every redis::Lifeline::kLongestPause to find back to it, and listens by then. A
    // node that has just started does not know of the outage.
    static constexpr Duration kUnheard = Duration::millis(2500);
    static constexpr Duration kSkew = Duration::seconds(2);
    static constexpr Duration kExpired = Duration::seconds(60);  // 03 RDS-27
    static constexpr std::size_t kMaxNodes = 2000;   // further records are counted and left out
    static constexpr std::size_t kMaxEvents = 8192;  // beyond, the oldest is lost and counted

    enum class Presence : std::uint8_t {
        kAlive,
        // Not known yet (seen for the first time, with a time long past or to come; or its record
        // is missing for a moment): keeps its rooms and gets no new ones.
        kUnproven,
        kSilent,
    };
    struct Entry {
        NodeRecord record;
        std::string bytes;  // as it was read
        Presence presence = Presence::kUnproven;
        Timestamp written;        // of the record, as far as it is known
        Timestamp changed_after;  // the record: that poll still saw another one
        std::optional<Timestamp> absent_since;
        std::optional<Timestamp> proved_dead;
        std::optional<Timestamp> standing;  // so it was said last
        std::optional<Timestamp> heard;     // the same
        std::optional<Timestamp> unheard;   // nobody listened for it, then
        bool told_standing = false;
        bool told_heard = false;
        bool may_be_lost = false;  // proved dead; lost if it does not withdraw its record
        Duration first_age;        // by its own clock when it was seen first; 0 once it has changed
        ClockError clock_error;
        bool told_alive = false;
        bool told_skew = false;
    };

    explicit NodeTable(std::string own_id) : own_id_(std::move(own_id)) {}

    // What this node is by now, whatever is still read of it.
    void set_own_state(NodeState state);

    // All records, as Redis had them at some time between `asked` and now.
    void read(const Clock& clock, Timestamp asked, std::span<const std::string> records);
    // The process of a node has ended, as its machine says: what it wrote last is no sign of life,
    // also where that is read only now. A record that changes kLastWords later is one: the proof
    // was none.
    void prove_dead(Timestamp now, std::string_view id);
    // Who may be a leftover of a process that was killed: old at first sight, not changed since,
    // and nothing else speaks for them.
    std::vector<std::string> doubtful(Timestamp now) const;
    // Whether anybody listens for such a one, as Redis had it within `asked` and now. It is silent
    // when nobody did, twice; a record that changes is a sign of life at any time. When to ask
    // again, if that matters.
    Timestamp note_listeners(Timestamp now, Timestamp asked, std::string_view id, bool any);
    // What a link says of a node; to be said again while it is so.
    enum class Sign : std::uint8_t {
        kStands,  // its process says nothing, but its system answers
        // Its process has said something. For kHeardOnly it keeps its rooms and gets no new ones,
        // whatever becomes of its record.
        kHeard,
    };
    void note(Timestamp now, std::string_view id, Sign sign);
    // Redis was away, slow or emptied: nobody is taken for dead for kReturn.
    void forgive(Timestamp now);

    // Redis has answered for long enough that who is missing here is missing.
    bool is_settled() const { return asked_ && *asked_ >= lenient_until_; }
    bool is_loaded() const { return asked_.has_value(); }
    // When the last poll was made whose reply is here.
    std::optional<Timestamp> asked() const { return asked_; }
    const Entry* find(std::string_view id) const;
    // In the order of ids. Valid until the next read().
    std::vector<NodeView> views() const;
    const std::map<std::string, Entry, std::less<>>& entries() const { return entries_; }
    // Whether anything of this node may still be used: the room it has, a relay to it.
    bool is_usable(std::string_view id) const;
    // It lives, and has shown it since Redis answers again.
    bool is_proven(std::string_view id) const;
    // Dead for so long that its record may go (03 RDS-27: 60 s).
    bool is_expired(const Entry& entry, Timestamp now) const;

    // When a poll should be made because somebody may have died.
    Timestamp next_suspicion() const;
    std::optional<TableEvent> poll_event();

    struct Snapshot {
        std::size_t nodes = 0;
        std::size_t alive = 0;
        std::uint64_t unreadable = 0;
        std::uint64_t beyond_limit = 0;
        std::uint64_t skewed = 0;  // nodes
        std::uint64_t died = 0;
        std::uint64_t lost = 0;  // of them, others that were alive and did not withdraw
        std::uint64_t lost_events = 0;
    };
    Snapshot snapshot() const;

  private:
    void take(const Clock& clock, NodeRecord record, std::string bytes);
    void meet(const Clock& clock, NodeRecord record, std::string bytes);
    void see_change(const Clock& clock, Entry& entry, NodeRecord record, std::string bytes);
    void see_alive(Entry& entry);
    void check_skew(Entry& entry);
    void judge(Timestamp now, Timestamp asked);
    bool is_standing(const Entry& entry, Timestamp asked) const;
    bool is_heard(const Entry& entry, Timestamp asked) const;
    bool is_doubtful(const Entry& entry, Timestamp now) const;
    void see_standing(Entry& entry);
    void tell(TableEvent::Kind kind, const std::string& node, std::string text);

    std::string own_id_;
    std::optional<NodeState> own_state_;
    std::map<std::string, Entry, std::less<>> entries_;
    std::optional<Timestamp> asked_;
    Timestamp forgiven_;
    Timestamp lenient_until_;
    std::deque<TableEvent> events_;
    Snapshot counters_;
};

}  // namespace confab::cluster::nodes
