// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Subscriptions: wanted and actual, and what a participant may have, by its own permission and by
// the publishers' lists.
#include "room/subscribe/subscriptions.h"

#include <algorithm>
#include <utility>

#include "room/signal/responses.h"

namespace confab::room {

Subscriptions::Subscriptions(const RoomScope& scope, Room* room, Roster& roster, SsrcPool& ssrcs,
                             SendSettings settings, SubscriptionsHost& host)
    : scope_(&scope),
      sending_{scope, room, ssrcs, std::move(settings)},
      roster_(&roster),
      host_(&host) {}

void Subscriptions::add(const Participant& p, SubscriberSettings settings) {
    members_[p.number].settings = std::move(settings);
}

SubscriberSettings Subscriptions::remove(const Participant& p) {
    SubscriberSettings settings = std::move(member(p).settings);
    members_.erase(p.number);
    return settings;
}

// ---------------------------------------------------------------- wishes

void Subscriptions::update(
    Participant& p, const google::protobuf::RepeatedPtrField<std::string>& sids,
    const google::protobuf::RepeatedPtrField<livekit::ParticipantTracks>& by_publisher,
    bool subscribe) {
    SubscriptionTable& table = member(p).table;
    int budget = kMaxSidsPerRequest;
    const auto apply = [&](const std::string& sid) {
        if (--budget < 0) return;
        if (subscribe) {
            table.want(scope_->now(), sid);
        } else if (Subscription* s = table.find(sid)) {
            s->wanted = false;
        }
        reconcile(p, sid);
    };
    for (const std::string& sid : sids)
        apply(sid);
    for (const livekit::ParticipantTracks& tracks : by_publisher)
        for (const std::string& sid : tracks.track_sids())
            apply(sid);
    report_stuck();
}

void Subscriptions::subscribe_existing(Participant& p) {
    reconcile_existing(p);
    report_stuck();
}

void Subscriptions::reconcile_existing(Participant& p) {
    Member& m = member(p);
    for (const Publication& track : host_->publications()) {
        if (track.publisher == &p) continue;
        const std::string& sid = track.track->info.sid();
        const Subscription* known = m.table.find(sid);
        const bool touched = known != nullptr && known->wanted_since != Timestamp();
        if (m.settings.auto_subscribe && !touched) m.table.want(scope_->now(), sid);
        reconcile(p, sid);
    }
}

void Subscriptions::track_announced(const Publication& track) {
    const std::string& sid = track.track->info.sid();
    for (Participant* p : roster_->everyone()) {
        if (track.publisher == p) continue;
        Member& m = member(*p);
        if (m.settings.auto_subscribe) m.table.want(scope_->now(), sid);
        reconcile(*p, sid);
    }
    report_stuck();
}

void Subscriptions::track_ended(const std::string& sid) {
    for (Participant* p : roster_->everyone()) {
        SubscriptionTable& table = member(*p).table;
        Subscription* s = table.find(sid);
        if (s == nullptr) continue;
        if (s->state != SubscriptionState::kNone) drop(*p, sid, *s, true);
        table.erase(sid);
    }
}

void Subscriptions::renew(const Publication& track, Renewed which) {
    const std::string& sid = track.track->info.sid();
    const auto stays = [&](const Participant& p, const TrackSender& sender) {
        const auto& slots = track.track->slots;
        // Packets of another codec than its section was made for.
        const bool other = !slots[sender.codec()].instead.empty();
        return (!other || p.traits.gates.codec_change) &&
               std::any_of(slots.begin(), slots.end(),
                           [&](const CodecSlot& slot) { return sender.takes(slot.codec); });
    };
    for (Participant* p : roster_->everyone()) {
        Subscription* s = find(*p, sid);
        if (s == nullptr || s->state == SubscriptionState::kNone) continue;
        if (which == Renewed::kWithoutItsCodec && stays(*p, s->sender)) continue;
        drop(*p, sid, *s, false);
        reconcile(*p, sid);
    }
    report_stuck();
}

void Subscriptions::handle_timeout(Participant& p, Timestamp now) {
    Member& m = member(p);
    for (const std::string& sid : m.table.take_due_settings(now))
        if (Subscription* s = m.table.find(sid)) apply_settings(p, sid, *s);
    if (m.retry_at > now) return;
    m.retry_at = Timestamp::never();
    std::vector<std::string> sids;
    for (const auto& [sid, s] : m.table.entries())
        sids.push_back(sid);
    for (const std::string& sid : sids)
        reconcile(p, sid);
    if (m.table.has_unfulfilled())
        m.retry_at = earlier(m.retry_at, now + SubscriptionTable::kRetry);
    report_stuck();
}

Timestamp Subscriptions::next_deadline(const Participant& p) const {
    const auto it = members_.find(p.number);
    if (it == members_.end()) return Timestamp::never();
    return earlier(it->second.retry_at, it->second.table.next_settings_deadline());
}

std::optional<std::vector<sfu::AddDownTrack>> down_tracks_of(const Subscriptions& all,
                                                             const Participant& p) {
    std::vector<sfu::AddDownTrack> result;
    const auto link = all.host_->downlink(p);
    for (const auto& [sid, s] : all.member(p).table.entries()) {
        if (s.state != SubscriptionState::kBound || !s.sender.attached()) continue;
        const Publication track = all.host_->find_publication(sid);
        if (!track || !link || !s.sender.settled()) return std::nullopt;
        result.push_back(s.sender.description(all.sending_, p, track, link->peer));
    }
    return result;
}

bool Subscriptions::subscribes_to(const Participant& p, const Participant& publisher) const {
    return member(p).hears.contains(publisher.number);
}

NamedTracks named_tracks(const Subscriptions& all, const Participant& p,
                         const Participant& publisher, std::string_view name) {
    NamedTracks found;
    const SubscriptionTable::Map& entries = all.member(p).table.entries();
    for (const Publication& track : all.host_->publications_of(publisher)) {
        if (track.track->info.name() != name) continue;
        const std::string& sid = found.sids.emplace_back(track.track->info.sid());
        const auto entry = entries.find(sid);
        if (entry == entries.end()) continue;
        found.subscribed |= entry->second.state != SubscriptionState::kNone;
        found.bound |= entry->second.state == SubscriptionState::kBound;
    }
    return found;
}

std::vector<std::string> other_tracks(const Subscriptions& all, const Participant& p,
                                      std::size_t of_each_kind) {
    std::vector<std::string> sids;
    std::size_t audio = 0, video = 0;
    const SubscriptionTable::Map& entries = all.member(p).table.entries();
    for (const Publication& track : all.host_->publications()) {
        const std::string& sid = track.track->info.sid();
        if (track.publisher == &p || entries.contains(sid)) continue;
        std::size_t& count = track.track->video() ? video : audio;
        if (count < of_each_kind) {
            ++count;
            sids.push_back(sid);
        }
    }
    return sids;
}

void Subscriptions::reconcile(Participant& p, const std::string& sid) {
    Member& m = member(p);
    Subscription* s = m.table.find(sid);
    if (s == nullptr || p.closing || m.stuck) return;
    roster_->touch(p);
    const Publication track = host_->find_publication(sid);
    if (!s->wanted) {
        if (s->state != SubscriptionState::kNone) drop(p, sid, *s, true);
        // What a client refused stays refused while the track lives.
        if (!track) m.table.unwant(sid);
        return;
    }
    if (waits(*s)) check_stuck(p, sid, *s, track);
    if (s->state != SubscriptionState::kNone || !p.info.permission().can_subscribe()) return;
    if (m.retry_at.is_never()) m.retry_at = scope_->now() + SubscriptionTable::kRetry;
    if (!track) {
        if (scope_->now() - s->wanted_since < SubscriptionTable::kNotFound) return;
        note_step(*s, TrackStep::kAttempt);
        note_step(*s, TrackStep::kFailure, livekit::SE_TRACK_NOTFOUND);
        p.signal.send(subscription_error_message(sid, livekit::SE_TRACK_NOTFOUND));
        m.table.erase(sid);
        return;
    }
    if (track.publisher == &p) {
        // differs from upstream: there a participant may hear itself, which no SDK expects.
        p.signal.send(subscription_error_message(sid, livekit::SE_TRACK_NOTFOUND));
        return m.table.erase(sid);
    }
    const bool allowed = may_subscribe(p, *track.publisher, sid);
    if (std::exchange(s->allowed, allowed) != allowed) tell_allowed(p, sid, *s, *track.publisher);
    if (allowed) subscribe(p, sid, *s, track);
}

// No section for it, or nothing of its codec, although the connection is up (SIG-111).
void Subscriptions::check_stuck(Participant& p, const std::string& sid, Subscription& s,
                                const Publication& track) {
    // Who is muted starts no codec that it is asked for.
    if (s.state == SubscriptionState::kBound && track && track.track->info.muted())
        s.waiting_since = scope_->now();
    const auto link = host_->downlink(p);
    if (s.stuck_told || !link || !link->connected) return;
    const Timestamp since = std::max(s.waiting_since, link->connected_at);
    if (scope_->now() - since < SubscriptionTable::kStuck) return;
    s.stuck_told = true;
    if (s.state == SubscriptionState::kWaiting)
        note_step(s, TrackStep::kFailure, livekit::SE_UNKNOWN);
    p.signal.send(subscription_error_message(sid, livekit::SE_UNKNOWN));
    if (!scope_->config.reconnect_on_subscription_error) return;
    member(p).stuck = true;
    stuck_.push_back(p.number);
}

// Last in every input: it ends the participant, and its entries with it.
void Subscriptions::report_stuck() {
    for (const std::uint64_t number : std::exchange(stuck_, {}))
        if (Participant* p = roster_->find_number(number)) {
            member(*p).stuck = false;
            host_->subscriber_stuck(*p);
        }
}

// ---------------------------------------------------------------- rights (SIG-112, TOK-13)

bool Subscriptions::grants_access(const Participant& publisher, const Participant& to,
                                  std::string_view track_sid) const {
    return member(publisher).settings.access.allows(to.identity(), to.sid(), track_sid);
}

bool Subscriptions::may_subscribe(const Participant& p, const Participant& publisher,
                                  const std::string& sid) const {
    return p.recorder() || grants_access(publisher, p, sid);
}

void Subscriptions::withdraw(Participant& p, const std::string& sid, Subscription& s,
                             const Participant& publisher) {
    s.allowed = false;
    tell_allowed(p, sid, s, publisher);
    drop(p, sid, s, true);
}

void Subscriptions::tell_allowed(Participant& p, const std::string& sid, Subscription& s,
                                 const Participant& publisher) {
    s.allowed_at = scope_->now();
    const bool allowed = s.allowed.value_or(false);
    p.signal.send(subscription_permission_message(publisher.sid(), sid, allowed));
}

void Subscriptions::rights_changed(Participant& p) {
    auto& entries = member(p).table.entries();
    if (!p.info.permission().can_subscribe()) {
        for (auto& [sid, s] : entries)
            s.allowed.reset();
        return drop_all(p);
    }
    // A recorder hears what the lists of others keep from it; it may be none any more.
    for (auto& [sid, s] : entries) {
        if (s.state == SubscriptionState::kNone) continue;
        const Publication track = host_->find_publication(sid);
        if (track && !may_subscribe(p, *track.publisher, sid))
            withdraw(p, sid, s, *track.publisher);
    }
    reconcile_existing(p);
    report_stuck();
}

// Takes back what is no longer allowed, gives what now is.
bool Subscriptions::set_access(Participant& publisher,
                               const livekit::SubscriptionPermission& list) {
    const auto identity_of = [&](const std::string& sid) {
        const Participant* named = roster_->find_sid(sid);
        return named == nullptr ? std::string() : named->identity();
    };
    if (!member(publisher).settings.access.set(list, identity_of)) return false;
    for (const Publication& track : host_->publications_of(publisher)) {
        const std::string& sid = track.track->info.sid();
        for (Participant* p : roster_->everyone()) {
            Subscription* s = find(*p, sid);
            if (s == nullptr || !s->wanted) continue;
            if (s->state != SubscriptionState::kNone && !may_subscribe(*p, publisher, sid)) {
                withdraw(*p, sid, *s, publisher);
            } else {
                reconcile(*p, sid);
            }
        }
    }
    report_stuck();
    return true;
}

}  // namespace confab::room
