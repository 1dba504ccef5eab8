// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "client/session/signal_link.h"

#include <algorithm>
#include <iterator>

namespace confab::client {

void SignalLink::opening(Timestamp now) {
    open_ = false;
    last_received_ = now;
    queue_.clear();
}

void SignalLink::opened(Timestamp now) {
    open_ = true;
    next_ping_ = now + ping_interval_;
}

void SignalLink::closed() {
    open_ = false;
    next_ping_ = Timestamp::never();
    queue_.clear();
}

void SignalLink::set_ping_times(int interval, int timeout) {
    if (interval > 0) ping_interval_ = Duration::seconds(interval);
    if (timeout > 0) ping_timeout_ = Duration::seconds(timeout);
}

// ---------------------------------------------------------------- requests

void SignalLink::send(const livekit::SignalRequest& request) {
    const bool of_negotiation =
        request.has_offer() || request.has_answer() || request.has_trickle();
    if (!open_ && of_negotiation) return;
    std::deque<std::string>& queue = open_ ? queue_ : held_;
    if (queue.size() >= kMaxMessages) {
        ++dropped_;
        return;
    }
    queue.push_back(request.SerializeAsString());
}

void SignalLink::release() {
    std::ranges::move(held_, std::back_inserter(queue_));
    held_.clear();
}

std::optional<std::string> SignalLink::poll() {
    if (queue_.empty()) return std::nullopt;
    std::optional<std::string> message(std::move(queue_.front()));
    queue_.pop_front();
    return message;
}

// ---------------------------------------------------------------- time

bool SignalLink::handle_timeout(Timestamp now) {
    if (now < next_ping_) return false;
    if (now - last_received_ >= ping_timeout_) {
        next_ping_ = Timestamp::never();
        return true;
    }
    next_ping_ = now + ping_interval_;
    livekit::SignalRequest request;
    request.mutable_ping_req()->set_timestamp((wall_at_zero_ + (now - Timestamp{})).ms());
    send(request);
    return false;
}

}  // namespace confab::client
