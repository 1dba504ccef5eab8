// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/roster/roster.h"

#include "base/check.h"

namespace confab::room {

Roster::Roster(const RoomScope& scope, std::uint32_t empty_timeout_s,
               std::uint32_t departure_timeout_s)
    : scope_(&scope), lifecycle_(scope.now(), empty_timeout_s, departure_timeout_s) {}

Participant* Roster::find(const std::string& identity) const {
    const auto it = participants_.find(identity);
    return it == participants_.end() ? nullptr : it->second.get();
}

Participant* Roster::find_sid(const std::string& sid) const {
    const auto it = by_sid_.find(sid);
    return it == by_sid_.end() ? nullptr : it->second;
}

Participant* Roster::find_number(std::uint64_t number) const {
    const auto it = by_number_.find(number);
    return it == by_number_.end() ? nullptr : it->second;
}

std::vector<Participant*> Roster::everyone() const {
    std::vector<Participant*> result;
    result.reserve(participants_.size());
    scope_->counters.participants_visited += participants_.size();
    for (const auto& [identity, p] : participants_)
        result.push_back(p.get());
    return result;
}

Participant& Roster::add(std::unique_ptr<Participant> owned) {
    Participant& p = *owned;
    CONFAB_CHECK(!participants_.contains(p.identity()));
    p.number = scope_->ids.next();
    p.touched = false;  // what another roster meant to do about it, it does no more
    by_sid_[p.sid()] = &p;
    by_number_[p.number] = &p;
    participants_[p.identity()] = std::move(owned);
    set_standing(p, true);
    pages_.changed(p);
    touch(p);
    return p;
}

void Roster::remove(Participant& p) {
    closed_.push_back(take(p));
}

std::unique_ptr<Participant> Roster::take(Participant& p) {
    const auto it = participants_.find(p.identity());
    CONFAB_CHECK(it != participants_.end() && it->second.get() == &p);
    std::unique_ptr<Participant> taken = std::move(it->second);
    participants_.erase(it);
    by_sid_.erase(p.sid());
    by_number_.erase(p.number);
    deadlines_.erase(p.number);
    pages_.remove(p);
    lifecycle_.left(scope_->now());
    set_standing(p, false);
    return taken;
}

void Roster::set_standing(Participant& p, bool present) {
    Standing standing;
    if (present) {
        standing.present = !p.dependent();
        standing.publisher = p.info.is_publisher();
        standing.recorder = p.recorder();
    }
    heads_.change(p.standing, standing);
    lifecycle_.set_present(scope_->now(), heads_.present());
}

void Roster::touch(Participant& p) {
    if (p.touched) return;
    p.touched = true;
    touched_.push_back(&p);
}

std::vector<std::uint64_t> Roster::take_due(Timestamp now) {
    std::vector<std::uint64_t> due;
    while (const auto number = deadlines_.pop_due(now))
        due.push_back(*number);
    return due;
}

}  // namespace confab::room
