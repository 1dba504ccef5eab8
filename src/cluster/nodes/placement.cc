// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/nodes/placement.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <functional>

#include "cluster/nodes/script/scripts.h"

namespace confab::cluster::nodes {

using redis::Value;

Placement::Placement(redis::Port& redis, NodeRegistry& registry, PlacementOptions options, Rng rng)
    : registry_(registry),
      options_(std::move(options)),
      rng_(rng),
      own_(redis, registry),
      redis_(redis) {}

void Placement::select(Timestamp now, std::string room, std::string wanted, Done done) {
    const JobId id = ++last_;
    const bool is_here = own_.contains(room);
    const bool is_busy = jobs_.size() >= kMaxWaiting;
    jobs_.emplace(id, Job{std::move(room), std::move(wanted), std::move(done), now, {}});
    set_due(id, now + kPatience);
    if (is_here) {
        ++counters_.here;
        return keep(now, id, registry_.id());
    }
    if (is_busy)
        return refuse(id, PlaceError::Code::kBusy, "too many rooms are being placed, try again");
    look_up(now, id);
}

void Placement::hand_over(Timestamp now, std::string room, Done done) {
    const JobId id = ++last_;
    Job job{std::move(room), {}, std::move(done), now, registry_.id()};
    job.may_wait = false;  // the room is here meanwhile
    jobs_.emplace(id, std::move(job));
    set_due(id, now + kPatience);
    place(now, id);
}

// ---------------------------------------------------------------- rooms that have a node

void Placement::look_up(Timestamp now, JobId id) {
    const std::array<std::string_view, 3> words = {"HGET", kRoomsKey, jobs_.at(id).room};
    redis_.ask(now, words, [this, id](Timestamp at, const Value* reply) {
        if (!jobs_.contains(id)) return;
        if (reply == nullptr) return fall_back(at, id);
        away_since_.reset();
        if (reply->kind == Value::Kind::kNull) {
            // Redis was away a moment ago and may have come back empty: who has the room writes
            // that again soon.
            const auto known = elsewhere_.find(jobs_.at(id).room);
            const bool may_be_forgotten = known != elsewhere_.end() &&
                                          !registry_.table().is_settled() &&
                                          registry_.table().is_usable(known->second);
            return may_be_forgotten ? keep(at, id, std::string(known->second)) : place(at, id);
        }
        judge(at, id, reply->text);
    });
}

void Placement::judge(Timestamp now, JobId id, const std::string& holder) {
    if (holder == registry_.id() || registry_.table().is_usable(holder))
        return keep(now, id, holder);
    if (!is_table_new(now, id, [this, id, holder](Timestamp at) { judge(at, id, holder); })) return;
    jobs_.at(id).stale = holder;
    place(now, id);
}

void Placement::keep(Timestamp now, JobId id, const std::string& holder) {
    const NodeTable::Entry* entry = registry_.table().find(holder);
    // Each node by its own limits: upstream holds all of them to those of the one who asks.
    if (entry != nullptr && is_full(entry->record, registry_.limits()))
        return refuse(id, PlaceError::Code::kNodeFull, std::string(kFullForCreate));
    note_holder(now, jobs_.at(id).room, holder);
    finish(id, Placed{holder});
}

void Placement::note_holder(Timestamp now, const std::string& room, const std::string& holder) {
    if (holder == registry_.id()) {
        elsewhere_.erase(room);
        if (!own_.contains(room)) own_.add(now, room, true);
        return;
    }
    own_.forget(room);
    if (elsewhere_.size() >= kMaxElsewhere) elsewhere_.clear();
    elsewhere_.insert_or_assign(room, holder);
}

bool Placement::is_table_new(Timestamp now, JobId id, std::function<void(Timestamp)> then) {
    Job& job = jobs_.at(id);
    if (registry_.table().asked() >= job.begun) return true;
    if (std::exchange(job.refreshed, true)) {
        fall_back(now, id);  // it was asked for, and did not come
        return false;
    }
    registry_.refresh(now, guard_.on([this, id, then = std::move(then)](Timestamp at) {
        if (jobs_.contains(id)) then(at);
    }));
    return false;
}

// ---------------------------------------------------------------- rooms that get one

void Placement::place(Timestamp now, JobId id) {
    if (const auto offers = offers_for(now, id)) claim(now, id, *offers);
}

// nullopt: the job has ended, or goes on later.
std::optional<std::vector<Offer>> Placement::offers_for(Timestamp now, JobId id) {
    const std::string& wanted = jobs_.at(id).wanted;
    const NodeTable& table = registry_.table();
    if (wanted.empty()) {
        const std::vector<NodeView> views = table.views();
        auto found =
            offers(views, {options_.selector, registry_.region(), registry_.limits()}, rng_);
        if (found) return *std::move(found);
        // One may have come, or be free again, since the table was read.
        if (is_table_new(now, id, [this, id](Timestamp at) { place(at, id); }))
            refuse_none(id, found.error());
        return std::nullopt;
    }
    // Upstream writes down whatever is wanted, and the room is nowhere.
    if (!table.is_usable(wanted)) {
        if (is_table_new(now, id, [this, id](Timestamp at) { place(at, id); }))
            refuse(id, PlaceError::Code::kUnknownNode, "could not find object");
        return std::nullopt;
    }
    const NodeRecord& record = table.find(wanted)->record;
    if (!is_full(record, registry_.limits())) return std::vector<Offer>{{&record, 0}};
    refuse(id, PlaceError::Code::kNodeFull, std::string(kFullForCreate));
    return std::nullopt;
}

void Placement::refuse_none(JobId id, NoNode why) {
    if (why == NoNode::kAllFull)
        return refuse(id, PlaceError::Code::kNodeFull, std::string(kFullForCreate));
    refuse(id, PlaceError::Code::kNoNodes, explain(registry_.table().views(), registry_.limits()));
}

void Placement::claim(Timestamp now, JobId id, const std::vector<Offer>& offers) {
    Job& job = jobs_.at(id);
    ++job.claims;
    std::vector<std::string> words = {"EVAL",
                                      std::string(kClaimScript),
                                      "2",
                                      std::string(kRoomsKey),
                                      std::string(kRecentKey),
                                      job.room,
                                      job.stale,
                                      std::to_string(fade_of(options_.selector.sort_by).ms())};
    for (const Offer& offer : offers) {
        std::array<char, 64> rooms{};
        std::snprintf(rooms.data(), rooms.size(), "%.3f", offer.rooms);
        words.push_back(offer.record->id);
        words.emplace_back(rooms.data());
    }
    redis_.ask(now, words, [this, id](Timestamp at, const Value* reply) {
        if (jobs_.contains(id)) handle_claim(at, id, reply);
    });
}

void Placement::handle_claim(Timestamp now, JobId id, const Value* reply) {
    if (reply == nullptr || reply->items.size() != 2) return fall_back(now, id);
    const std::string& holder = reply->items[0].text;
    Job& job = jobs_.at(id);
    if (reply->items[1].integer == 1) {
        ++counters_.placed;
        counters_.replaced += job.stale.empty() ? 0U : 1U;
        note_holder(now, job.room, holder);
        return finish(id, Placed{holder, true});
    }
    // Somebody was quicker.
    if (job.claims >= kMaxClaims)
        return refuse(id, PlaceError::Code::kRedis,
                      "the node of the room changed too often meanwhile, try again");
    judge(now, id, holder);
}

// ---------------------------------------------------------------- Redis does not answer

void Placement::fall_back(Timestamp now, JobId id) {
    const Job& job = jobs_.at(id);
    if (!away_since_) away_since_ = now;
    if (!may_place_here(job)) {
        if (wait_for_return(now, id)) return;
        return refuse(id, PlaceError::Code::kRedis,
                      "Redis does not answer, and the room is not on this node: try again, or look "
                      "at redis.address and the server there");
    }
    if (is_own_full()) return refuse(id, PlaceError::Code::kNodeFull, std::string(kFullForCreate));
    ++counters_.local;
    own_.add(now, job.room, false);
    finish(id, Placed{registry_.id(), true, false});
}

// False: that would take too long, or too many do.
bool Placement::wait_for_return(Timestamp now, JobId id) {
    Job& job = jobs_.at(id);
    const Timestamp end = earlier(job.begun + kReturnPatience, *away_since_ + kFailover);
    if (!job.may_wait || now >= end || (!job.returning && returning_ >= kMaxReturning))
        return false;
    set_returning(job, true);
    // Somebody is there who refuses it: a replica that is not yet the master.
    const bool is_asked_again = redis_.is_up(redis::Line::kCommands) && now < job.due;
    set_due(id, is_asked_again ? earlier(end, now + kAskAgain) : end);
    return true;
}

void Placement::set_returning(Job& job, bool returning) {
    if (std::exchange(job.returning, returning) == returning) return;
    returning ? ++returning_ : --returning_;
}

void Placement::handle_down(Timestamp now) {
    if (!away_since_) away_since_ = now;
}

void Placement::handle_up(Timestamp now) {
    away_since_.reset();
    const auto spread = returning_ * static_cast<std::uint64_t>(kReturnSpread.us());
    for (const auto& [id, job] : jobs_) {
        if (!job.returning) continue;
        const Duration wait = Duration::micros(static_cast<std::int64_t>(rng_.below(spread)));
        set_due(id, earlier(job.due, now + wait));
    }
}

void Placement::ask_anew(Timestamp now, JobId id) {
    Job& job = jobs_.at(id);
    set_returning(job, false);
    set_due(id, now + kPatience);
    job.stale.clear();
    job.refreshed = false;
    job.claims = 0;
    look_up(now, id);
}

void Placement::handle_due(Timestamp now, JobId id) {
    const Job& job = jobs_.at(id);
    const bool is_over =
        now >= job.begun + kReturnPatience || (away_since_ && now >= *away_since_ + kFailover);
    if (job.returning && !is_over && redis_.is_up(redis::Line::kCommands)) return ask_anew(now, id);
    fall_back(now, id);
}

void Placement::set_due(JobId id, Timestamp due) {
    Job& job = jobs_.at(id);
    due_.erase({job.due, id});
    job.due = due;
    due_.insert({due, id});
}

bool Placement::may_place_here(const Job& job) const {
    const auto known = elsewhere_.find(job.room);
    const bool is_elsewhere =
        known != elsewhere_.end() && registry_.table().is_usable(known->second);
    return options_.allow_local_when_down && !is_elsewhere &&
           registry_.state() == NodeState::kServing &&
           (job.wanted.empty() || job.wanted == registry_.id());
}

bool Placement::is_own_full() const {
    const NodeTable::Entry* own = registry_.table().find(registry_.id());
    return own != nullptr && is_full(own->record, registry_.limits());
}

// ---------------------------------------------------------------- answers

void Placement::refuse(JobId id, PlaceError::Code code, std::string text) {
    ++counters_.refused;
    finish(id, fail(PlaceError{code, std::move(text)}));
}

void Placement::finish(JobId id, Outcome outcome) {
    Job& job = jobs_.at(id);
    set_returning(job, false);
    due_.erase({job.due, id});
    ready_.push_back({std::move(job.done), std::move(outcome)});
    jobs_.erase(id);
}

void Placement::handle_timeout(Timestamp now) {
    while (!due_.empty() && due_.begin()->first <= now)
        handle_due(now, due_.begin()->second);
    own_.handle_timeout(now);
    for (auto& [done, outcome] : std::exchange(ready_, {}))
        done(now, std::move(outcome));
}

Timestamp Placement::next_deadline() const {
    if (!ready_.empty() || own_.has_conflict()) return Timestamp();
    const Timestamp next = own_.next_deadline();
    return due_.empty() ? next : earlier(next, due_.begin()->first);
}

Placement::Snapshot Placement::snapshot() const {
    Snapshot all = counters_;
    all.waiting = jobs_.size();
    all.returning = returning_;
    all.own_rooms = own_.size();
    all.unsure = own_.unsure();
    return all;
}

}  // namespace confab::cluster::nodes
