// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/nodes/node_reconciler.h"

#include <algorithm>

#include "cluster/nodes/script/scripts.h"

namespace confab::cluster::nodes {

using redis::Value;
using Words = std::vector<std::string_view>;

NodeReconciler::NodeReconciler(redis::Port& redis, NodeRegistry& registry, Rng rng)
    : registry_(registry), rng_(rng), redis_(redis) {}

void NodeReconciler::start(Timestamp now) {
    end_round(now);
}

void NodeReconciler::handle_timeout(Timestamp now) {
    if (now < due_ || asking_) return;
    due_ = Timestamp::never();
    if (cursor_.empty()) return seek_lead(now);
    scan(now);
}

// ---------------------------------------------------------------- who does it

void NodeReconciler::seek_lead(Timestamp now) {
    asking_ = true;
    const std::string lease = std::to_string(kLease.ms());
    const bool was_leader = is_leader(now);
    const Words take = {"SET", kLeaderKey, registry_.id(), "NX", "PX", lease};
    const Words renew = {"EVAL", kRenewScript, "1", kLeaderKey, registry_.id(), lease};
    redis_.ask(now, was_leader ? renew : take,
               [this, asked = now, was_leader](Timestamp at, const Value* reply) {
                   asking_ = false;
                   const bool won =
                       reply != nullptr &&
                       (was_leader ? reply->integer == 1 : reply->kind == Value::Kind::kText);
                   lease_until_ = won ? asked + kLease : Timestamp();
                   if (!won) {
                       missing_.clear();
                       return end_round(at);
                   }
                   begin_round(at, was_leader);
               });
}

void NodeReconciler::begin_round(Timestamp now, bool was_leader) {
    ++counters_.rounds;
    round_at_ = now;
    // After an outage nobody knows who is missing.
    if (!registry_.table().is_settled()) {
        missing_.clear();
        return end_round(now);
    }
    drop_records(now);
    reading_left_ = !was_leader;
    cursor_ = "0";
    due_ = now;
}

void NodeReconciler::drop_records(Timestamp now) {
    std::vector<std::string> expired;
    for (const auto& [id, entry] : registry_.table().entries())
        if (registry_.table().is_expired(entry, now)) expired.push_back(id);
    for (const std::string& id : expired)
        registry_.remove(now, id);
    counters_.records += expired.size();
}

void NodeReconciler::end_round(Timestamp now) {
    cursor_.clear();
    const auto tenth = static_cast<std::uint64_t>(kRound.us() / 10);
    const Duration early = Duration::micros(static_cast<std::int64_t>(rng_.below(tenth)));
    due_ = std::max(now + kPause, std::max(now - kRound, round_at_) + kRound - early);
    // Not the leader: a whole round from now.
    if (!is_leader(now)) due_ = now + kRound - early;
}

// ---------------------------------------------------------------- pages

void NodeReconciler::scan(Timestamp now) {
    if (!is_leader(now)) return end_round(now);
    if (events_.size() >= kMaxEvents) {
        due_ = now + kPause;
        return;
    }
    asking_ = true;
    const std::string count = std::to_string(kPage);
    Words words = {"EVAL",  kScanScript, "1", reading_left_ ? kOrphansKey : kRoomsKey,
                   cursor_, count};
    if (!reading_left_) {
        words.push_back(registry_.id());
        for (const auto& [id, entry] : registry_.table().entries())
            words.push_back(id);
    }
    redis_.ask(now, words, [this](Timestamp at, const Value* reply) {
        asking_ = false;
        handle_page(at, reply);
    });
}

void NodeReconciler::handle_page(Timestamp now, const Value* reply) {
    if (reply == nullptr || reply->items.empty()) return end_round(now);
    ++counters_.pages;
    Pairs page;
    for (std::size_t i = 1; i + 1 < reply->items.size(); i += 2)
        page.emplace_back(reply->items[i].text, reply->items[i + 1].text);
    if (reading_left_) {
        note_left(now, page);
    } else {
        clear_missing(now, page);
    }
    next_page(now, reply->items[0].text);
}

void NodeReconciler::next_page(Timestamp now, const std::string& cursor) {
    cursor_ = cursor;
    due_ = now + kPause;
    if (cursor != "0") return;
    if (std::exchange(reading_left_, false)) return;
    std::erase_if(missing_, [this](const auto& node) {
        return node.second.round != counters_.rounds ||
               registry_.table().find(node.first) != nullptr;
    });
    end_round(now);
}

void NodeReconciler::note_left(Timestamp now, const Pairs& page) {
    for (const auto& [room, node] : page)
        events_.push_back({room, node, now});
}

void NodeReconciler::clear_missing(Timestamp now, const Pairs& page) {
    std::vector<RoomOrphaned> gone;
    for (const auto& [room, node] : page) {
        if (registry_.table().find(node) != nullptr) continue;
        if (missing_.size() >= kMaxMissing && !missing_.contains(node)) continue;
        Missing& missing = missing_.try_emplace(node, Missing{now}).first->second;
        missing.round = counters_.rounds;
        if (now - missing.since >= kMissing) gone.push_back({room, node, missing.since});
    }
    if (gone.empty() || !registry_.table().is_settled()) return;
    Words words = {"EVAL", kOrphanScript, "2", kRoomsKey, kOrphansKey};
    for (const RoomOrphaned& orphan : gone) {
        words.push_back(orphan.room);
        words.push_back(orphan.node);
    }
    redis_.ask(now, words,
               [this, gone](Timestamp, const Value* reply) { handle_cleared(gone, reply); });
}

// The reply has those that still were as we read them, in our order.
void NodeReconciler::handle_cleared(const std::vector<RoomOrphaned>& asked, const Value* reply) {
    if (reply == nullptr) return;  // the next round finds them again, or who leads next does
    std::size_t next = 0;
    for (const Value& room : reply->items) {
        while (next < asked.size() && asked[next].room != room.text)
            ++next;
        if (next == asked.size()) return;
        events_.push_back(asked[next]);
        ++counters_.orphaned;
    }
}

void NodeReconciler::settle(Timestamp now, const std::string& room) {
    redis_.ask(now, Words{"HDEL", kOrphansKey, room}, [](Timestamp, const Value*) {});
}

std::optional<RoomOrphaned> NodeReconciler::poll_event() {
    if (events_.empty()) return std::nullopt;
    RoomOrphaned event = std::move(events_.front());
    events_.pop_front();
    return event;
}

}  // namespace confab::cluster::nodes
