// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Room: everything that happens by the clock.
#include "room/room.h"

namespace confab::room {

Timestamp Room::next_deadline() const {
    return earlier(own_deadline(), roster_.next_deadline());
}

Timestamp Room::scan_deadlines() const {
    Timestamp result = own_deadline();
    for (const auto& [identity, p] : roster_.participants())
        result = earlier(result, deadline_of(*p));
    return result;
}

Timestamp Room::deadline_of(const Participant& p) const {
    const Timestamp own = earlier(p.next_deadline(), negotiation_.next_deadline(p));
    const Timestamp tracks =
        earlier(publications_.next_deadline(p), subscriptions_.next_deadline(p));
    return earlier(own, tracks);
}

void Room::finish_turn() {
    roster_.finish_turn([this](const Participant& p) { return deadline_of(p); });
    negotiation_.finish_turn();
    records_.finish_turn([this](const Participant& p) { return describe(p); });
}

Timestamp Room::own_deadline() const {
    const Timestamp told = earlier(news_.next_deadline(), quality_.next_deadline());
    const Timestamp own = earlier(roster_.end_deadline(), speakers_.next_deadline());
    return earlier(told, earlier(data_.next_deadline(), own));
}

void Room::handle_timeout() {
    const Timestamp now = scope_->now();
    news_.handle_timeout(now);
    quality_.handle_timeout(now);
    speakers_.handle_timeout(now);
    data_.handle_timeout(now);
    for (const std::uint64_t number : roster_.take_due(now)) {
        Participant* p = roster_.find_number(number);
        if (p == nullptr) continue;
        touch(*p);
        participant_timers(*p);
    }
}

void Room::participant_timers(Participant& p) {
    const Timestamp now = scope_->now();
    switch (p.presence.due(now)) {
        case Presence::End::kNone:
            break;
        case Presence::End::kNeverActive:
            return end(p, {livekit::JOIN_FAILURE});
        case Presence::End::kNotBack:
            return end(p, {livekit::CONNECTION_TIMEOUT});
    }
    if (negotiation_.overdue(p) || publications_.overdue(p)) return full_reconnect(p);
    if (p.refresh_at <= now) send_refresh(p);
    publications_.handle_timeout(p, now);
    subscriptions_.handle_timeout(p, now);
    if (p.closing) return;
    negotiation_.handle_timeout(p);
}

}  // namespace confab::room
