// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/nodes/node_table.h"

#include <algorithm>
#include <set>
#include <utility>

namespace confab::cluster::nodes {
namespace {

Duration age_of(const Clock& clock, std::int64_t updated_at) {
    return clock.wall - UnixTime::seconds(updated_at);
}

}  // namespace

// ---------------------------------------------------------------- clocks

bool ClockError::begin(const Clock& clock, std::int64_t updated_at) {
    // A heartbeat is every 2 s; times are whole seconds.
    constexpr Duration kFresh = Duration::millis(3500);
    const Duration age = age_of(clock, updated_at);
    if (age > -Duration::seconds(1) && age < kFresh) return true;
    behind_ = age;
    return false;
}

Timestamp ClockError::changed(const Clock& clock, std::int64_t updated_at, Timestamp asked_before) {
    const Duration age = age_of(clock, updated_at);
    // updated_at is whole seconds.
    note_sure(age - (clock.now - asked_before) - Duration::seconds(1));
    if (-age > sure_) sure_ = -age;
    behind_ = std::min(behind_, age);
    const Timestamp written = clock.now - (age - behind_);
    if (written + Duration::seconds(1) >= asked_before) {
        late_ = 0;
        return std::clamp(written, asked_before, clock.now);
    }
    least_late_ = late_ == 0 ? age : std::min(least_late_, age);
    if (++late_ >= kLateOnes) {
        behind_ = least_late_;
        late_ = 0;
    }
    return asked_before;
}

void ClockError::note_sure(Duration behind) {
    last_behind_.push_back(behind);
    if (last_behind_.size() > kLateOnes) last_behind_.pop_front();
    const Duration least = *std::min_element(last_behind_.begin(), last_behind_.end());
    if (last_behind_.size() == kLateOnes && least > Duration::zero())
        sure_ = std::min(sure_, -least);
}

// ---------------------------------------------------------------- records

void NodeTable::read(const Clock& clock, Timestamp asked, std::span<const std::string> records) {
    std::set<std::string, std::less<>> seen;
    for (const std::string& bytes : records) {
        std::optional<NodeRecord> record = read_record(bytes);
        if (record && own_state_ && record->id == own_id_) record->state = *own_state_;
        if (!record) {
            ++counters_.unreadable;
            continue;
        }
        // Under two names: neither is to be trusted more, the first stays.
        if (!seen.insert(record->id).second) {
            ++counters_.unreadable;
            continue;
        }
        take(clock, std::move(*record), bytes);
    }
    for (auto& [id, entry] : entries_)
        if (!seen.contains(id) && !entry.absent_since) entry.absent_since = clock.now;
    judge(clock.now, asked);
    asked_ = asked;
}

void NodeTable::take(const Clock& clock, NodeRecord record, std::string bytes) {
    const auto it = entries_.find(record.id);
    if (it == entries_.end()) {
        if (entries_.size() < kMaxNodes) return meet(clock, std::move(record), std::move(bytes));
        ++counters_.beyond_limit;
        return;
    }
    Entry& entry = it->second;
    if (std::exchange(entry.absent_since, std::nullopt) && entry.presence != Presence::kSilent)
        entry.written = clock.now;
    if (entry.bytes != bytes) see_change(clock, entry, std::move(record), std::move(bytes));
}

void NodeTable::meet(const Clock& clock, NodeRecord record, std::string bytes) {
    const std::string id = record.id;
    Entry entry;
    entry.written = clock.now;
    bool fresh = true;  // who tells no time is available (NODE-04)
    if (record.stats) {
        const std::int64_t updated = record.stats->updated_at;
        fresh = entry.clock_error.begin(clock, updated);
        entry.first_age = age_of(clock, updated);
    }
    entry.record = std::move(record);
    entry.bytes = std::move(bytes);
    if (fresh) see_alive(entry);
    entries_.emplace(id, std::move(entry));
}

void NodeTable::see_alive(Entry& entry) {
    entry.presence = Presence::kAlive;
    entry.may_be_lost = false;
    if (!std::exchange(entry.told_alive, true)) tell(TableEvent::Kind::kCame, entry.record.id, "");
}

void NodeTable::see_change(const Clock& clock, Entry& entry, NodeRecord record, std::string bytes) {
    const Timestamp before = asked_.value_or(clock.now);
    entry.written = clock.now;
    entry.changed_after = before;
    if (record.stats)
        entry.written = entry.clock_error.changed(clock, record.stats->updated_at, before);
    entry.first_age = Duration::zero();
    entry.told_standing = entry.told_heard = false;
    entry.record = std::move(record);
    entry.bytes = std::move(bytes);
    if (entry.proved_dead && clock.now < *entry.proved_dead + kLastWords) return;
    see_alive(entry);
    check_skew(entry);
}

void NodeTable::check_skew(Entry& entry) {
    const Duration sure = entry.clock_error.sure();
    const Duration off = sure < Duration::zero() ? -sure : sure;
    if (entry.told_skew || off <= kSkew || entry.record.id == own_id_) return;
    entry.told_skew = true;
    ++counters_.skewed;
    tell(TableEvent::Kind::kSkewed, entry.record.id,
         "the clock of node " + entry.record.id + " is " +
             (sure > Duration::zero() ? "ahead of" : "behind") + " ours by at least " +
             std::to_string(off.ms()) + " ms, have both set by NTP");
}

// ---------------------------------------------------------------- who is alive

void NodeTable::forgive(Timestamp now) {
    forgiven_ = now;
    lenient_until_ = now + kReturn;
}

void NodeTable::judge(Timestamp now, Timestamp asked) {
    if (now < lenient_until_) return;
    for (auto it = entries_.begin(); it != entries_.end();) {
        auto& [id, entry] = *it;
        const bool was_usable = entry.presence != Presence::kSilent;
        const bool gone = entry.absent_since && asked >= *entry.absent_since + kAbsent;
        const bool says_nothing = entry.record.stats && asked >= entry.written + kAlive;
        const bool stands =
            says_nothing && was_usable && (is_heard(entry, asked) || is_standing(entry, asked));
        const bool silent = says_nothing && !stands;
        if (entry.absent_since && was_usable) entry.presence = Presence::kUnproven;
        if (stands) see_standing(entry);
        if (silent) entry.presence = Presence::kSilent;
        if (was_usable && (gone || silent)) {
            ++counters_.died;
            if (entry.told_alive && !entry.absent_since && id != own_id_) ++counters_.lost;
            entry.told_alive = false;
            tell(TableEvent::Kind::kDied, id,
                 "node " + id + (gone ? " has left" : " is silent for 5 s"));
        }
        if (silent && !entry.absent_since && std::exchange(entry.may_be_lost, false))
            ++counters_.lost;
        it = gone ? entries_.erase(it) : std::next(it);
    }
}

void NodeTable::note(Timestamp now, std::string_view id, Sign sign) {
    const auto it = entries_.find(id);
    if (it == entries_.end() || id == own_id_) return;
    (sign == Sign::kHeard ? it->second.heard : it->second.standing) = now;
}

bool NodeTable::is_heard(const Entry& entry, Timestamp asked) const {
    return entry.heard && asked < *entry.heard + kStandingNews &&
           asked < entry.written + kHeardOnly;
}

bool NodeTable::is_standing(const Entry& entry, Timestamp asked) const {
    return entry.standing && asked < *entry.standing + kStandingNews;
}

void NodeTable::see_standing(Entry& entry) {
    entry.presence = Presence::kUnproven;
    // What was said last: a node that stands still was heard shortly before.
    const bool heard = entry.heard && (!entry.standing || *entry.heard > *entry.standing);
    if (std::exchange(heard ? entry.told_heard : entry.told_standing, true)) return;
    const std::string who = "node " + entry.record.id;
    if (heard)
        tell(TableEvent::Kind::kHeard, entry.record.id,
             who + " is there, but does not write its record any more: it may have lost Redis");
    else
        tell(TableEvent::Kind::kStands, entry.record.id,
             who + " says nothing, but its system answers for it");
}

void NodeTable::prove_dead(Timestamp now, std::string_view id) {
    const auto it = entries_.find(id);
    if (it == entries_.end() || id == own_id_) return;
    Entry& entry = it->second;
    entry.proved_dead = now;
    if (std::exchange(entry.presence, Presence::kSilent) == Presence::kSilent) return;
    ++counters_.died;
    entry.may_be_lost = std::exchange(entry.told_alive, false);
    tell(TableEvent::Kind::kDied, it->first,
         "node " + it->first + " has ended: nobody listens there");
}

bool NodeTable::is_doubtful(const Entry& entry, Timestamp now) const {
    return entry.presence == Presence::kUnproven && entry.first_age >= kAlive &&
           !entry.absent_since && entry.record.id != own_id_ && !is_heard(entry, now) &&
           !is_standing(entry, now);
}

std::vector<std::string> NodeTable::doubtful(Timestamp now) const {
    std::vector<std::string> ids;
    for (const auto& [id, entry] : entries_)
        if (is_doubtful(entry, now)) ids.push_back(id);
    return ids;
}

Timestamp NodeTable::note_listeners(Timestamp now, Timestamp asked, std::string_view id, bool any) {
    const auto it = entries_.find(id);
    if (it == entries_.end() || !is_doubtful(it->second, now)) return Timestamp::never();
    Entry& entry = it->second;
    if (any) {
        entry.unheard.reset();
        return Timestamp::never();
    }
    if (!entry.unheard) entry.unheard = now;
    if (asked < *entry.unheard + kUnheard) return *entry.unheard + kUnheard;
    entry.presence = Presence::kSilent;
    ++counters_.died;
    tell(TableEvent::Kind::kDied, it->first,
         "node " + it->first + " had ended before: its record is old, and nobody listens there");
    return Timestamp::never();
}

bool NodeTable::is_usable(std::string_view id) const {
    const Entry* entry = find(id);
    return entry != nullptr && entry->presence != Presence::kSilent;
}

bool NodeTable::is_proven(std::string_view id) const {
    const Entry* entry = find(id);
    return entry != nullptr && entry->presence == Presence::kAlive &&
           (is_settled() || entry->changed_after >= forgiven_);
}

bool NodeTable::is_expired(const Entry& entry, Timestamp now) const {
    return entry.presence == Presence::kSilent && entry.record.id != own_id_ &&
           (now - entry.written >= kExpired || entry.first_age >= kExpired);
}

const NodeTable::Entry* NodeTable::find(std::string_view id) const {
    const auto it = entries_.find(id);
    return it == entries_.end() ? nullptr : &it->second;
}

void NodeTable::set_own_state(NodeState state) {
    own_state_ = state;
    if (const auto own = entries_.find(own_id_); own != entries_.end())
        own->second.record.state = state;
}

std::vector<NodeView> NodeTable::views() const {
    std::vector<NodeView> all;
    all.reserve(entries_.size());
    for (const auto& [id, entry] : entries_)
        all.push_back({&entry.record, entry.presence == Presence::kAlive});
    return all;
}

Timestamp NodeTable::next_suspicion() const {
    Timestamp next = Timestamp::never();
    for (const auto& [id, entry] : entries_) {
        if (entry.absent_since) next = earlier(next, *entry.absent_since + kAbsent);
        if (entry.presence == Presence::kSilent || !entry.record.stats) continue;
        Timestamp silent = entry.written + kAlive;
        // What is said of it keeps it from being dead, not from being told apart from the living.
        if (entry.presence == Presence::kUnproven)
            for (const std::optional<Timestamp>& said : {entry.standing, entry.heard})
                if (said) silent = std::max(silent, *said + kStandingNews);
        next = earlier(next, silent);
    }
    return next.is_never() ? next : std::max(next, lenient_until_);
}

// ---------------------------------------------------------------- what is told

void NodeTable::tell(TableEvent::Kind kind, const std::string& node, std::string text) {
    if (node == own_id_) return;
    if (events_.size() >= kMaxEvents) {
        events_.pop_front();
        ++counters_.lost_events;
    }
    events_.push_back({kind, node, std::move(text)});
}

std::optional<TableEvent> NodeTable::poll_event() {
    if (events_.empty()) return std::nullopt;
    TableEvent event = std::move(events_.front());
    events_.pop_front();
    return event;
}

NodeTable::Snapshot NodeTable::snapshot() const {
    Snapshot all = counters_;
    all.nodes = entries_.size();
    all.alive = static_cast<std::size_t>(
        std::count_if(entries_.begin(), entries_.end(),
                      [](const auto& entry) { return entry.second.presence == Presence::kAlive; }));
    return all;
}

}  // namespace confab::cluster::nodes
