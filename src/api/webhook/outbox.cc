// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "api/webhook/outbox.h"

#include <algorithm>

namespace confab::api {

std::uint64_t Outbox::take_sequence(const std::string& url) {
    const auto found = sequences_.find(url);
    if (found != sequences_.end()) return ++found->second;
    if (sequences_.size() >= kMaxOutboxUrls) return 0;
    return ++sequences_[url];
}

void Outbox::add(Timestamp now, OutboxEvent& event) {
    event.number = ++last_number_;
    asked_.emplace_back(event.number, now);
    writes_.emplace_back(event);
}

void Outbox::mark(Timestamp now, const OutboxMark& mark) {
    if (mark.state != OutboxState::kPending) {
        attempts_.erase(mark.number);
        writes_.emplace_back(mark);
        return;
    }
    if (attempts_.empty()) attempts_since_ = now;
    attempts_[mark.number] = mark;
}

bool Outbox::hold(Timestamp now, std::uint64_t number, Timestamp since) {
    held_.emplace(number, since);
    if (held_.size() <= kMaxOutboxHeld) return true;
    mark(now, {held_.begin()->first, OutboxState::kGivenUp, 0, 0});
    held_.erase(held_.begin());
    return false;
}

std::size_t Outbox::give_up_held(Timestamp now, Duration retention) {
    return std::erase_if(held_, [this, now, retention](const auto& held) {
        if (now - held.second <= retention) return false;
        mark(now, {held.first, OutboxState::kGivenUp, 0, 0});
        return true;
    });
}

void Outbox::flush_marks() {
    for (const auto& [number, mark] : attempts_)
        writes_.emplace_back(mark);
    attempts_.clear();
}

Timestamp Outbox::next_deadline() const {
    const Timestamp flush =
        attempts_.empty() ? Timestamp::never() : attempts_since_ + kOutboxMarkDelay;
    return asked_.empty() ? flush : earlier(flush, asked_.front().second + kOutboxPatience);
}

std::optional<OutboxWrite> Outbox::poll_write() {
    if (writes_.empty()) return std::nullopt;
    OutboxWrite write = std::move(writes_.front());
    writes_.pop_front();
    return write;
}

void Outbox::handle_stored(std::uint64_t through, bool kept) {
    if (through <= stored_through_ || through > last_number_) return;
    const std::uint64_t first = stored_through_ + 1;
    stored_through_ = through;
    while (!asked_.empty() && asked_.front().first <= through)
        asked_.pop_front();
    if (kept) return;
    const bool adjoins = !gaps_.empty() && gaps_.back().second + 1 == first;
    if (adjoins || gaps_.size() >= kMaxOutboxGaps)
        gaps_.back().second = through;
    else
        gaps_.emplace_back(first, through);
}

void Outbox::handle_timeout(Timestamp now) {
    std::uint64_t late = 0;
    for (const auto& [number, since] : asked_) {
        if (since + kOutboxPatience > now) break;
        late = number;
    }
    handle_stored(late, false);
    if (!attempts_.empty() && attempts_since_ + kOutboxMarkDelay <= now) flush_marks();
}

bool Outbox::is_kept(std::uint64_t number) const {
    return number > 0 && is_answered(number) &&
           std::none_of(gaps_.begin(), gaps_.end(), [number](const auto& gap) {
               return gap.first <= number && number <= gap.second;
           });
}

}  // namespace confab::api
