// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/worker/control_port.h"

#include <algorithm>
#include <utility>

#include "runtime/worker/command_size.h"

namespace confab::worker {
namespace {

// Plain commands are bounded by their number, those with much to say by their bytes.
static_assert(ControlPort::kMaxWaitingBytes >= ControlPort::kMaxWaiting * sizeof(sfu::Command));

// What ends something: as many at most as there is to end, and it would stay for ever without.
bool is_release(const sfu::Command& command) {
    return std::holds_alternative<sfu::ClosePeer>(command) ||
           std::holds_alternative<sfu::EndAwait>(command) ||
           std::holds_alternative<sfu::RemoveReceiver>(command) ||
           std::holds_alternative<sfu::RemoveDownTrack>(command) ||
           std::holds_alternative<sfu::DataMemberGone>(command);
}

}  // namespace

ControlPort::ControlPort(const std::vector<std::unique_ptr<WorkerInbox>>& inboxes) {
    for (const auto& inbox : inboxes) {
        lanes_.push_back(std::make_unique<Lane>());
        lanes_.back()->inbox = inbox.get();
    }
}

bool ControlPort::Lane::is_full() const {
    return waiting.size() >= kMaxWaiting || waiting_bytes >= kMaxWaitingBytes;
}

void ControlPort::send(sfu::WorkerIndex worker, sfu::Command command) {
    if (worker >= lanes_.size()) return;
    Lane& lane = *lanes_[worker];
    lane.ring_bell = true;
    const std::size_t bytes = data_bytes(command);
    const bool full = bytes > 0 ? lane.data_on_its_way() + bytes > kMaxDataBytes
                                : lane.is_full() && !is_release(command);
    if (full) {
        ++commands_dropped_;
        return;
    }
    lane.data_bytes_sent += bytes;
    SpscRing<sfu::Command>& ring = lane.mailbox.commands.producer();
    sfu::Command* slot = lane.waiting.empty() ? ring.claim() : nullptr;
    if (slot == nullptr) {
        lane.waiting_bytes += command_size(command);
        lane.waiting.push_back(std::move(command));
        return;
    }
    *slot = std::move(command);
    ring.publish();
}

void ControlPort::flush() {
    for (const auto& lane : lanes_) {
        while (!lane->waiting.empty()) {
            const std::size_t bytes = command_size(lane->waiting.front());
            if (!lane->mailbox.commands.producer().push(std::move(lane->waiting.front()))) break;
            lane->waiting.pop_front();
            lane->waiting_bytes -= bytes;
        }
        if (lane->ring_bell) lane->inbox->wakeup.notify();
        lane->ring_bell = !lane->waiting.empty();
    }
}

bool ControlPort::commands_waiting() const {
    return std::any_of(lanes_.begin(), lanes_.end(),
                       [](const auto& lane) { return !lane->waiting.empty(); });
}

std::optional<WorkerEvent> ControlPort::poll_event() {
    for (std::size_t i = 0; i < lanes_.size(); ++i) {
        const std::size_t index = (next_worker_ + i) % lanes_.size();
        SpscRing<sfu::Event>* events = lanes_[index]->mailbox.events.consumer();
        sfu::Event* event = events == nullptr ? nullptr : events->front();
        if (event == nullptr) continue;
        WorkerEvent result{static_cast<sfu::WorkerIndex>(index), std::move(*event)};
        events->release();
        next_worker_ = index + 1;  // a flood of one keeps nobody waiting
        return result;
    }
    return std::nullopt;
}

bool ControlPort::has_events() const {
    return std::any_of(lanes_.begin(), lanes_.end(),
                       [](const auto& lane) { return !lane->mailbox.events.empty(); });
}

const Mailbox::Published& ControlPort::snapshot(std::size_t worker) {
    return lanes_[worker]->mailbox.snapshot.read();
}

Timestamp ControlPort::oldest_snapshot() {
    Timestamp oldest = Timestamp::never();
    for (std::size_t i = 0; i < lanes_.size(); ++i)
        oldest = earlier(oldest, snapshot(i).at);
    return oldest;
}

}  // namespace confab::worker
