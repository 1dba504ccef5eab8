// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Room: everything that happens by the clock.
#include "room/room.h"

namespace confab::room {

bool Room::expired() const {
    return lifecycle_.expired(scope_->now());
}

Timestamp Room::next_deadline() const {
    return earlier(own_deadline(), deadlines_.next());
}

Timestamp Room::scan_deadlines() const {
    Timestamp result = own_deadline();
    for (const auto& [identity, p] : participants_)
        result = earlier(result, deadline_of(*p));
    return result;
}

Timestamp Room::deadline_of(const Participant& p) const {
    return earlier(p.next_deadline(), publish_deadline(p));
}

void Room::touch(Participant& p) {
    if (p.touched) return;
    p.touched = true;
    touched_.push_back(&p);
}

void Room::finish_turn() {
    for (Participant* p : touched_) {
        p->touched = false;
        if (!p->closing) deadlines_.set(p->number, deadline_of(*p));
    }
    touched_.clear();
    closed_.clear();
}

Timestamp Room::own_deadline() const {
    Timestamp result = earlier(broadcaster_.next_deadline(), lifecycle_.next_deadline());
    if (counters_dirty_) result = earlier(result, counters_told_ + kCountersInterval);
    result = earlier(earlier(result, rpc_.next_deadline()), speakers_at_);
    if (!participants_.empty()) result = earlier(result, next_quality_);
    return result;
}

// SIG-107: an announced track must get its section, a section that sends its announcement.
Timestamp Room::publish_deadline(const Participant& p) const {
    if (!scope_->config.reconnect_on_publication_error) return Timestamp::never();
    const Timestamp since = earlier(p.publish.oldest_pending(), p.unknown_media_since);
    return since.is_never() ? since : since + kPublishTimeout;
}

// Ticks are counted from the creation of the room, also after nobody was there.
void Room::align_quality() {
    const std::int64_t passed = (scope_->now() - created_).us() / kQualityInterval.us();
    next_quality_ = created_ + kQualityInterval * (passed + 1);
}

void Room::handle_timeout() {
    const Timestamp now = scope_->now();
    deliver_batch(broadcaster_.poll_batch(now));
    if (next_quality_ <= now) {
        align_quality();
        quality_tick();
    }
    if (counters_dirty_ && counters_told_ + kCountersInterval <= now) touch_counters();
    if (speakers_at_ <= now) speaker_changes();
    rpc_.handle_timeout(now);
    report_rpc();
    std::vector<std::uint64_t> due;
    while (const auto number = deadlines_.pop_due(now))
        due.push_back(*number);
    for (const std::uint64_t number : due) {
        const auto p = by_number_.find(number);
        if (p == by_number_.end()) continue;
        touch(*p->second);
        participant_timers(*p->second);
    }
}

void Room::participant_timers(Participant& p) {
    const Timestamp now = scope_->now();
    if (p.join_deadline <= now) return end(p, livekit::JOIN_FAILURE, Ending::kWithLeave);
    if (p.resume_deadline <= now) return end(p, livekit::CONNECTION_TIMEOUT, Ending::kWithLeave);
    for (const PeerLink* link : {p.publisher.get(), p.subscriber.get()})
        if (link != nullptr && link->connected && link->timer.timed_out(now))
            return full_reconnect(p);
    if (publish_deadline(p) <= now) return full_reconnect(p);
    if (p.held_offer_at <= now) {
        answer_held_offer(p);
        if (p.closing) return;
    }
    if (p.refresh_at <= now) send_refresh(p);
    if (p.simulated_speaker_until <= now) simulated_speaker(p, false);
    if (p.update_at <= now) changed(p, true);
    for (const std::string& sid : p.subscriptions.take_due_settings(now))
        if (Subscription* s = p.subscriptions.find(sid)) apply_settings(p, sid, *s);
    if (p.retry_at <= now) {
        p.retry_at = Timestamp::never();
        reconcile_all(p);
        if (p.subscriptions.has_unfulfilled()) p.retry_at = now + SubscriptionTable::kRetry;
    }
    run_negotiation(p);
    for (auto& [sid, track] : p.publish.tracks()) {
        track.dynacast.handle_timeout(now);
        poll_dynacast(p, track);
    }
}

}  // namespace confab::room
