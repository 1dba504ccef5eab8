// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/roster/roster_pages.h"

#include <iterator>

namespace confab::room {

void RosterPages::changed(Participant& p) {
    if (p.hidden()) return remove(p);
    const auto known = places_.find(p.number);
    if (known != places_.end()) {
        known->second->encoded = {};
        return;
    }
    if (pages_.empty() || pages_.back().members.size() >= kMaxOnPage) pages_.emplace_back();
    pages_.back().members.push_back(&p);
    pages_.back().encoded = {};
    places_[p.number] = std::prev(pages_.end());
}

void RosterPages::remove(const Participant& p) {
    const auto known = places_.find(p.number);
    if (known == places_.end()) return;
    const Place page = known->second;
    places_.erase(known);
    std::erase(page->members, &p);
    page->encoded = {};
    const Place here = page->members.empty() ? pages_.erase(page) : page;
    if (here == pages_.end()) return;
    join_next(here);
    if (here != pages_.begin()) join_next(std::prev(here));
}

// Where people come and go, pages do not stay nearly empty: no two neighbours fit on one with a
// quarter to spare.
void RosterPages::join_next(Place page) {
    const Place next = std::next(page);
    if (next == pages_.end()) return;
    if (page->members.size() + next->members.size() > kMaxOnPage * 3 / 4) return;
    for (Participant* member : next->members) {
        page->members.push_back(member);
        places_[member->number] = page;
    }
    page->encoded = {};
    pages_.erase(next);
}

}  // namespace confab::room
