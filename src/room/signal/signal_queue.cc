// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/signal/signal_queue.h"

#include <utility>

namespace confab::room {

void SignalQueue::close(std::uint16_t code) {
    if (!session_) return;
    scope_->out.close(*session_, code);
    session_.reset();
}

void SignalQueue::send(livekit::SignalResponse response) {
    if (session_) {
        scope_->out.signal(*session_, std::move(response));
        return;
    }
    miss(response);
}

void SignalQueue::send_join(livekit::SignalResponse response, std::vector<EncodedOthers> others) {
    if (session_) scope_->out.join({*session_, std::move(response), std::move(others)});
}

void SignalQueue::miss(const livekit::SignalResponse& response) {
    if (discards_) return;
    if (response.has_update()) remember(response.update());
    ++scope_->counters.dropped_signals;
}

void SignalQueue::remember(const livekit::ParticipantUpdate& update) {
    for (const livekit::ParticipantInfo& info : update.participants()) {
        if (info.state() != livekit::ParticipantInfo::DISCONNECTED) {
            missed_.erase(info.identity());
        } else if (missed_.size() < kMaxMissed) {
            missed_[info.identity()] = info;
        }
    }
}

std::vector<livekit::ParticipantInfo> SignalQueue::take_missed() {
    std::vector<livekit::ParticipantInfo> result;
    result.reserve(missed_.size());
    for (auto& [identity, info] : missed_)
        result.push_back(std::move(info));
    missed_.clear();
    return result;
}

}  // namespace confab::room
