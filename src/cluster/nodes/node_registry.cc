// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/nodes/node_registry.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <tuple>
#include <utility>

#include "cluster/nodes/record/server_version.h"
#include "cluster/nodes/record/wall_text.h"
#include "cluster/nodes/script/scripts.h"

namespace confab::cluster::nodes {

using redis::Value;

namespace {

RegistryEvent taken(const std::string& id, const NodeRecord& other, bool ours_is_later) {
    const std::string who = "another node at " + other.ip + " writes records as " + id;
    if (ours_is_later)
        return {RegistryEvent::Kind::kIdInUse,
                {},
                who + " and was there first: start this one again, it takes a new id"};
    return {RegistryEvent::Kind::kIdTaken, {}, who + ", one of them has to take a new id"};
}

}  // namespace

NodeRegistry::NodeRegistry(redis::Port& redis, rpc::Bus& bus, RegistryOptions options,
                           Figures figures, Rng rng)
    : options_(std::move(options)),
      figures_(std::move(figures)),
      rng_(rng),
      rates_(options_.rate_windows),
      table_(options_.id),
      bus_(bus),
      heartbeat_(bus, options_.id, options_.heartbeat),
      redis_(redis) {}

// ---------------------------------------------------------------- the owner

void NodeRegistry::start(const Clock& clock, NodeState state) {
    clock_ = clock;
    started_ = true;
    state_ = state;
    started_at_ = clock.wall.s();
    stored_wall_ = clock.wall;
    began_ = clock.now;
    heartbeat_.begin(clock.now);
    poll(clock);
}

void NodeRegistry::set_state(const Clock& clock, NodeState state) {
    clock_ = clock;
    table_.set_own_state(state);
    if (std::exchange(state_, state) == state || !registered_ || stopped_) return;
    write(clock);
}

void NodeRegistry::stop(const Clock& clock, Done done) {
    clock_ = clock;
    stopped_ = true;
    heartbeat_.end();
    poll_at_ = write_at_ = Timestamp::never();
    // A record of somebody else with our id stays.
    if (!started_ || told_taken_) return done(clock.now);
    const std::array<std::string_view, 3> words = {"HDEL", kNodesKey, options_.id};
    redis_.ask(clock.now, words,
               [done = std::move(done)](Timestamp now, Value*) mutable { done(now); });
}

void NodeRegistry::handle_up(const Clock& clock) {
    clock_ = clock;
    if (!started_ || stopped_) return;
    table_.forgive(clock.now);
    poll_at_ = clock.now;
    if (registered_) write_at_ = clock.now;
}

void NodeRegistry::handle_down(const Clock& clock) {
    clock_ = clock;
    counts_listeners_ = false;
    table_.forgive(clock.now);
}

void NodeRegistry::handle_timeout(const Clock& clock) {
    clock_ = clock;
    if (!started_ || stopped_) return;
    heartbeat_.handle_timeout(clock);
    if (heartbeat_.take_receipt(clock.now) && registered_) write_at_ = clock.now;
    if (clock.now >= poll_at_) poll(clock);
    join(clock);
    if (clock.now >= write_at_) write(clock);
    check_loop(clock.now);
}

Timestamp NodeRegistry::next_deadline() const {
    if (!events_.empty()) return Timestamp();
    if (!started_ || stopped_) return Timestamp::never();
    return earlier(heartbeat_.next_deadline(), earlier(poll_at_, write_at_));
}

// ---------------------------------------------------------------- the own record

std::string NodeRegistry::own_record(const Clock& clock) {
    NodeRecord record;
    record.id = options_.id;
    record.ip = options_.ip;
    record.region = options_.region;
    record.num_cpus = options_.num_cpus;
    record.state = state_;
    record.limits = options_.limits;
    record.link = options_.link;
    NodeStats& stats = record.stats.emplace();
    stats.started_at = started_at_;
    stats.updated_at = clock.wall.s();
    stats.figures = figures_();
    rates_.add(clock, stats.figures);
    stats.rates = rates_.rates();
    return write_record(record);
}

// Whoever sees the record may ask at once, and what nobody listens to is lost: the commands may
// overtake the subscriptions, which have a connection of their own.
void NodeRegistry::join(const Clock& clock) {
    const bool may = is_id_free_ && !registered_ && !writing_ && write_at_ == Timestamp::never();
    if (may && bus_.is_listening()) write(clock);
}

void NodeRegistry::write(const Clock& clock) {
    write_at_ = Timestamp::never();
    writing_ = true;
    const std::string record = own_record(clock);
    const std::array<std::string_view, 4> words = {"HSET", kNodesKey, options_.id, record};
    redis_.ask(clock.now, words, [this, asked = clock.now](Timestamp now, Value* reply) {
        handle_written(asked, now, reply);
    });
}

void NodeRegistry::handle_written(Timestamp asked, Timestamp now, const Value* reply) {
    writing_ = false;
    if (stopped_) return;
    if (reply == nullptr) {
        write_at_ = now + kRetry;
        return;
    }
    ++counters_.written;
    // A field that HSET makes anew was not there.
    if (there_ && reply->integer == 1) lose_record();
    there_ = true;
    if (stored_ && asked - *stored_ >= NodeTable::kAlive)
        tell({RegistryEvent::Kind::kWasAway,
              {},
              "the record of this node was not written for " +
                  std::to_string((asked - *stored_).ms()) +
                  " ms, others may have taken it for dead"});
    stored_ = asked;
    stored_wall_ = clock_.wall_at(asked);
    told_stuck_ = false;
    if (std::exchange(registered_, true)) return;
    registered_at_ = now;
    tell({RegistryEvent::Kind::kRegistered, {}, ""});
    check_version(now);
    poll_at_ = now;  // to see ourselves: a first node takes rooms at once
}

void NodeRegistry::lose_record() {
    there_ = false;
    table_.forgive(clock_.now);
    tell({RegistryEvent::Kind::kRecordLost,
          {},
          "the record of this node was gone from Redis, which may have lost all it had"});
}

// Stored again by the next heartbeat if this fails: it is told once and does not matter much.
void NodeRegistry::check_version(Timestamp now) {
    const std::array<std::string_view, 2> words = {"GET", kVersionKey};
    redis_.ask(now, words, [this](Timestamp at, const Value* reply) {
        if (reply == nullptr) return;
        const std::string stored = reply->kind == Value::Kind::kNull ? "0.0.0" : reply->text;
        const std::optional<bool> newer = is_newer(options_.version, stored);
        if (!newer) ++counters_.strange_versions;
        if (!newer.value_or(false)) return;
        const std::array<std::string_view, 3> set = {"SET", kVersionKey, options_.version};
        redis_.ask(at, set, [](Timestamp, const Value*) {});
    });
}

// ---------------------------------------------------------------- the others

void NodeRegistry::prove_dead(Timestamp now, const std::string& id) {
    table_.prove_dead(now, id);
    take_table_events();
}

void NodeRegistry::poll(const Clock& clock) {
    poll_at_ = Timestamp::never();
    if (polling_) return;  // goes on when that is answered
    polling_ = clock.now;
    ++counters_.polls;
    const std::array<std::string_view, 2> words = {"HVALS", kNodesKey};
    redis_.ask(clock.now, words, [this, asked = clock.now](Timestamp now, Value* reply) {
        handle_records(asked, now, reply);
    });
}

void NodeRegistry::handle_records(Timestamp asked, Timestamp now, Value* reply) {
    polling_.reset();
    if (stopped_) return;
    if (reply == nullptr) {
        table_.forgive(now);
        poll_at_ = now + kRetry;
        for (auto& [since, done] : std::exchange(waiting_, {}))
            done(now);
        return;
    }
    if (now - asked > kSlow) table_.forgive(now);
    std::vector<std::string> records;
    records.reserve(reply->items.size());
    for (Value& item : reply->items)
        records.push_back(std::move(item.text));
    table_.read(at(now), asked, records);
    check_own(now);
    note_dead(now);
    ask_for_listeners(now);
    take_table_events();
    is_id_free_ = !registered_ && !writing_ && check_id();
    join(at(now));
    const Duration spread = Duration::micros(
        static_cast<std::int64_t>(rng_.below(static_cast<std::uint64_t>(kPoll.us() / 10))));
    poll_at_ = std::max(asked + kSoonest, earlier(asked + kPoll - spread, table_.next_suspicion()));
    answer_waiting(now, asked);
}

void NodeRegistry::check_own(Timestamp now) {
    const NodeTable::Entry* own = table_.find(options_.id);
    if (own == nullptr || own->absent_since) {
        if (!there_) return;
        lose_record();
        if (!writing_) write_at_ = now;
        return;
    }
    const NodeRecord& record = own->record;
    const bool ours =
        record.ip == options_.ip && record.stats && record.stats->started_at == started_at_;
    if (!registered_ || ours) return;
    const std::int64_t started = record.stats ? record.stats->started_at : 0;
    const bool ours_is_later = std::tie(started_at_, options_.ip, options_.link) >
                               std::tie(started, record.ip, record.link);
    if (!std::exchange(told_taken_, true))
        tell(taken(options_.id, record, ours_is_later && now < registered_at_ + kTrial));
}

// Before the first record: it may be that of a process that has ended, which is silent soon.
bool NodeRegistry::check_id() {
    const NodeTable::Entry* own = table_.find(options_.id);
    if (own == nullptr || own->absent_since || !own->record.stats ||
        own->presence == NodeTable::Presence::kSilent)
        return true;
    const bool lives = own->changed_after != Timestamp();
    if (lives && !std::exchange(told_taken_, true)) tell(taken(options_.id, own->record, true));
    return false;
}

// Upstream removes at its start whatever looks old by its own clock, the living with a wrong clock
// too. Here they have time to prove that they live.
void NodeRegistry::note_dead(Timestamp now) {
    if (!registered_ && !dead_noted_) {
        dead_noted_ = now;
        for (const auto& [id, entry] : table_.entries())
            if (entry.first_age >= NodeTable::kExpired) dead_at_start_.insert(id);
    }
    for (auto it = dead_at_start_.begin(); it != dead_at_start_.end();) {
        const NodeTable::Entry* entry = table_.find(*it);
        const bool expired = entry != nullptr && table_.is_expired(*entry, now);
        const bool undecided =
            entry != nullptr && entry->presence == NodeTable::Presence::kUnproven;
        if (expired) remove(now, *it);
        it = undecided ? std::next(it) : dead_at_start_.erase(it);
    }
}

// A node that was killed leaves its record and its rooms, and the next process on its machine comes
// before it is silent.
void NodeRegistry::ask_for_listeners(Timestamp now) {
    const std::optional<std::string> own = Heartbeat::channel(options_.id);
    if (!counts_listeners_ || !own) return;
    std::vector<std::string> words = {"PUBSUB", "NUMSUB", *own};
    std::vector<std::string> ids;
    for (std::string& id : table_.doubtful(now)) {
        std::optional<std::string> channel = Heartbeat::channel(id);
        if (!channel) continue;
        words.push_back(*std::move(channel));
        ids.push_back(std::move(id));
    }
    if (ids.empty()) return;
    redis_.ask(now, words, [this, asked = now, ids = std::move(ids)](Timestamp at, Value* reply) {
        if (reply == nullptr || reply->items.size() != 2 * ids.size() + 2)
            counts_listeners_ = false;
        // Who does not count us does not count others either.
        if (!counts_listeners_ || stopped_ || reply->items[1].integer == 0) return;
        for (std::size_t i = 0; i < ids.size(); ++i) {
            const bool any = reply->items[2 * i + 3].integer != 0;
            poll_at_ = earlier(poll_at_, table_.note_listeners(at, asked, ids[i], any));
        }
        take_table_events();
    });
}

void NodeRegistry::remove(Timestamp now, const std::string& id) {
    const NodeTable::Entry* entry = table_.find(id);
    if (entry == nullptr) return;
    const std::array<std::string_view, 6> words = {"EVAL", kDropIfScript, "1", kNodesKey,
                                                   id,     entry->bytes};
    redis_.ask(now, words, [this](Timestamp, const Value* reply) {
        if (reply != nullptr && reply->integer == 1) ++counters_.removed;
    });
}

void NodeRegistry::refresh(Timestamp now, Done done) {
    waiting_.push_back({now, std::move(done)});
    poll_at_ = earlier(poll_at_, std::max(now, table_.asked().value_or(now) + kSoonest));
}

void NodeRegistry::answer_waiting(Timestamp now, Timestamp asked) {
    std::vector<Done> ready;
    while (!waiting_.empty() && waiting_.front().first <= asked) {
        ready.push_back(std::move(waiting_.front().second));
        waiting_.pop_front();
    }
    if (!waiting_.empty()) poll_at_ = std::max(now, asked + kSoonest);
    for (Done& done : ready)
        done(now);
}

// ---------------------------------------------------------------- health, events

void NodeRegistry::check_loop(Timestamp now) {
    if (told_stuck_ || now - stored_.value_or(began_) <= kMaxDelay) return;
    if (!redis_.is_up(redis::Line::kCommands) || (!stored_ && bus_.is_listening())) return;
    told_stuck_ = true;
    tell({RegistryEvent::Kind::kLoopStuck,
          {},
          "Redis answers, but pings of this node to itself have not come back for 30 s: its "
          "channels are stuck"});
}

bool NodeRegistry::is_ready(Timestamp now) const {
    return is_healthy(now) && state_ == NodeState::kServing && !stopped_ &&
           redis_.is_up(redis::Line::kCommands) && redis_.is_up(redis::Line::kChannels);
}

std::string NodeRegistry::health_text(const Clock& clock) const {
    if (is_healthy(clock.now)) return "OK";
    return "Not Ready\nNode Updated At " + wall_text(stored_wall_);
}

void NodeRegistry::take_table_events() {
    while (std::optional<TableEvent> event = table_.poll_event())
        tell({RegistryEvent::Kind::kNode, std::move(*event), ""});
}

void NodeRegistry::tell(RegistryEvent event) {
    if (events_.size() >= kMaxEvents) {
        events_.pop_front();
        ++counters_.lost_events;
    }
    events_.push_back(std::move(event));
}

std::optional<RegistryEvent> NodeRegistry::poll_event() {
    if (events_.empty()) return std::nullopt;
    RegistryEvent event = std::move(events_.front());
    events_.pop_front();
    return event;
}

}  // namespace confab::cluster::nodes
