// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "agents/job_line.h"

#include <algorithm>

namespace confab::agents {
namespace {

Timestamp later(Timestamp a, Timestamp b) {
    return a < b ? b : a;
}

}  // namespace

void JobLine::add(const std::string& job) {
    const auto [at, is_new] = places_.try_emplace(job);
    if (!is_new) return;
    at->second.order = ++last_order_;
    waiting_.emplace(at->second.order, job);
}

void JobLine::leave(Places::iterator at) {
    const Place& place = at->second;
    switch (place.stage) {
        case Stage::kWaiting:
            waiting_.erase(place.order);
            break;
        case Stage::kRefused:
            refused_.erase({place.again, at->first});
            break;
        case Stage::kAskedAgain:
            --asked_again_;
            [[fallthrough]];
        case Stage::kAsked:
            --asked_;
            break;
    }
}

void JobLine::remove(const std::string& job) {
    const auto at = places_.find(job);
    if (at == places_.end()) return;
    leave(at);
    places_.erase(at);
}

std::optional<std::string> JobLine::take(Timestamp now) {
    if (retry_ <= now) retry_ = Timestamp::never();
    if (!retry_.is_never() || asked_ >= window_) return std::nullopt;
    Places::iterator at;
    if (may_ask_again() && next_again() <= now) {
        at = places_.find(refused_.begin()->second);
    } else if (!waiting_.empty()) {
        at = places_.find(waiting_.begin()->second);
    } else {
        return std::nullopt;
    }
    const bool again = at->second.stage == Stage::kRefused;
    leave(at);
    at->second.stage = again ? Stage::kAskedAgain : Stage::kAsked;
    ++asked_;
    if (again) ++asked_again_;
    if (again && cautious_) paced_ = now + kAgainPace;
    return at->first;
}

// ---------------------------------------------------------------- answers

void JobLine::accepted(const std::string& job) {
    const auto at = places_.find(job);
    if (at != places_.end() && at->second.stage == Stage::kAskedAgain) {
        cautious_ = false;
        paced_ = Timestamp();
    }
    remove(job);
    window_ = std::min(window_ * 2, kMaxAsked);
    pause_ = kFirstRetry;
}

void JobLine::refused(Timestamp now, const std::string& job) {
    const auto at = places_.find(job);
    if (at == places_.end()) return;
    Place& place = at->second;
    if (place.stage == Stage::kAskedAgain) {
        cautious_ = true;
        paced_ = now + kAgainPace;
    }
    leave(at);
    place.stage = Stage::kRefused;
    place.again = now + place.pause;
    place.pause = std::min(place.pause * 2, kLastRetry);
    refused_.insert({place.again, job});
}

// It waits on, before those that came later.
void JobLine::nobody_there(Timestamp now, const std::string& job) {
    window_ = kAskedAfterNobody;
    if (retry_.is_never()) {
        retry_ = now + pause_;
        pause_ = std::min(pause_ * 2, kLastRetry);
    }
    const auto at = places_.find(job);
    if (at == places_.end()) return;
    leave(at);
    at->second.stage = Stage::kWaiting;
    waiting_.emplace(at->second.order, job);
}

// How long each of them was refused counts on: who told of room need not be one that takes it.
void JobLine::capacity(Timestamp now) {
    retry_ = Timestamp::never();
    pause_ = kFirstRetry;
    if (now < forwarded_) return;
    forwarded_ = now + kForwardPause;
    std::set<std::pair<Timestamp, std::string>> forward;
    for (const auto& [when, job] : refused_) {
        Place& place = places_.at(job);
        place.again = earlier(when, now);
        forward.insert({place.again, job});
    }
    refused_ = std::move(forward);
}

// ---------------------------------------------------------------- time

Timestamp JobLine::next_again() const {
    return later(refused_.begin()->first, paced_);
}

Timestamp JobLine::next_deadline() const {
    if (asked_ >= window_ || (waiting_.empty() && refused_.empty())) return Timestamp::never();
    if (!retry_.is_never()) return retry_;
    if (!waiting_.empty()) return Timestamp();
    return may_ask_again() ? next_again() : Timestamp::never();
}

}  // namespace confab::agents
