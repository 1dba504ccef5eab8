// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Subscriptions: what a participant may have, by its own permission and by the publishers' lists
// (01 SIG-10, SIG-112; TOK-13).
#include "room/signal/responses.h"
#include "room/subscribe/subscriptions.h"

namespace confab::room {

bool Subscriptions::grants_access(const Participant& publisher, const Participant& to,
                                  std::string_view track_sid) const {
    return member(publisher).access.allows(to.identity(), to.sid(), track_sid);
}

bool Subscriptions::may_subscribe(const Participant& p, const Participant& publisher,
                                  const std::string& sid) const {
    return p.info.permission().recorder() || grants_access(publisher, p, sid);
}

void Subscriptions::withdraw(Participant& p, const std::string& sid, Subscription& s,
                             const Participant& publisher) {
    s.allowed = false;
    p.signal.send(subscription_permission_message(publisher.sid(), sid, false));
    drop(p, sid, s, true);
}

// After a change of its own rights: a recorder hears what the lists of others keep from it.
void Subscriptions::withdraw_forbidden(Participant& p) {
    for (auto& [sid, s] : member(p).table.entries()) {
        if (s.state == SubscriptionState::kNone) continue;
        const Publication track = host_->find_publication(sid);
        if (track && !may_subscribe(p, *track.publisher, sid))
            withdraw(p, sid, s, *track.publisher);
    }
}

void Subscriptions::rights_changed(Participant& p) {
    if (p.info.permission().can_subscribe()) {
        withdraw_forbidden(p);
        reconcile_existing(p);
        return report_stuck();
    }
    for (auto& [sid, s] : member(p).table.entries())
        s.allowed.reset();
    drop_all(p);
}

// Takes back what is no longer allowed, gives what now is.
bool Subscriptions::set_access(Participant& publisher,
                               const livekit::SubscriptionPermission& list) {
    if (!member(publisher).access.set(list)) return false;
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
