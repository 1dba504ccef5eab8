// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/data/pressure/data_windows.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "sfu/data/data_message.h"

namespace confab::sfu {

// ---------------------------------------------------------------- one window

std::size_t& DataWindow::at(WorkerIndex worker) {
    for (Abroad& one : abroad)
        if (one.worker == worker) return one.bytes;
    return abroad.emplace_back(Abroad{worker, 0}).bytes;
}

void DataWindow::keep_only(const std::vector<WorkerIndex>& workers) {
    std::erase_if(abroad, [&](const Abroad& one) {
        return std::find(workers.begin(), workers.end(), one.worker) == workers.end();
    });
}

bool DataWindow::full() const {
    if (waiting >= kMaxBytes) return true;
    return std::any_of(abroad.begin(), abroad.end(),
                       [](const Abroad& one) { return one.bytes >= kMaxBytes; });
}

// ---------------------------------------------------------------- windows

WindowId DataWindows::add(RoomId room, MemberId sender) {
    const WindowId id = windows_.emplace();
    DataWindow& window = at(id);
    window.room = room;
    window.sender = sender;
    return id;
}

// Each holds a window at most, and many may come and go.
bool DataWindows::abandon(WindowId id) {
    DataWindow& window = at(id);
    const RoomId room = window.room;
    window.abandoned = true;
    if (window.waiting > 0)
        left_[room] += window.waiting;
    else
        windows_.erase(id);
    const auto left = left_.find(room);
    return left == left_.end() || left->second <= kMaxLeftBytes;
}

bool DataWindows::erase_idle(WindowId id) {
    DataWindow& window = at(id);
    if (window.waiting > 0) return false;
    tell_taken(window);
    return windows_.erase(id);
}

void DataWindows::note_taken(DataWindow& window, std::size_t bytes) {
    if (!window.home) return;
    const std::size_t kept = std::min(bytes, window.unsaid);
    window.unsaid -= kept;
    window.untold += bytes - kept;
    // What is not told makes the window there smaller by a quarter at most.
    if (window.untold >= DataWindow::kMaxBytes / 4) tell_taken(window);
}

void DataWindows::tell_taken(DataWindow& window) {
    if (window.untold == 0) return;
    CONFAB_CHECK(window.home.has_value());
    links_.add_taken(*window.home, window.room, window.sender, std::exchange(window.untold, 0));
}

// ---------------------------------------------------------------- messages that wait

void DataWindows::hold(PendingId& message, const sctp::SharedBytes& payload, WindowId of) {
    if (!message) {
        const std::size_t cost = payload.size() + DataMessage::kOverhead;
        message = pending_.emplace(PendingMessage{payload, cost, of, 0});
        DataWindow& window = at(of);
        window.waiting += cost;
        window.held += cost;
    }
    ++pending_.find(message)->receivers;
}

void DataWindows::release(PendingId id) {
    PendingMessage& message = *pending_.find(id);
    CONFAB_DCHECK(message.receivers > 0);
    if (--message.receivers > 0) return;
    const WindowId of = message.window;
    DataWindow& window = at(of);
    // Else its sender were held back for ever, or too early let go.
    (void)CONFAB_BUG_IF(window.waiting < message.cost, "data_window");
    window.waiting -= std::min(window.waiting, message.cost);
    note_taken(window, message.cost);
    if (window.abandoned) {
        std::size_t& left = left_[window.room];
        CONFAB_DCHECK(left >= message.cost);
        left -= std::min(left, message.cost);
        if (left == 0) left_.erase(window.room);
    }
    pending_.erase(id);
    if (window.abandoned && window.waiting == 0) windows_.erase(of);
    opened_ = true;
}

// ---------------------------------------------------------------- senders held back

void DataWindows::hold_back(PeerId sender) {
    if (std::find(held_back_.begin(), held_back_.end(), sender) == held_back_.end())
        held_back_.push_back(sender);
}

void DataWindows::forget(PeerId sender) {
    std::erase(held_back_, sender);
}

std::vector<PeerId> DataWindows::take_held_back() {
    if (!std::exchange(opened_, false)) return {};
    return std::exchange(held_back_, {});
}

// ---------------------------------------------------------------- senders on other workers

WindowId RemoteSenders::window(DataWindows& windows, RoomId room, MemberId sender,
                               WorkerIndex home) {
    if (by_sender_.size() >= kMaxIdle && !by_sender_.contains(sender))
        std::erase_if(by_sender_,
                      [&](const auto& entry) { return windows.erase_idle(entry.second); });
    WindowId& window = by_sender_[sender];
    if (!window) window = windows.add(room, sender);
    windows.at(window).home = home;
    return window;
}

WindowId RemoteSenders::take(DataWindows& windows, MemberId sender, WorkerIndex home) {
    const auto found = by_sender_.find(sender);
    if (found == by_sender_.end() || windows.at(found->second).home != home) return {};
    const WindowId window = found->second;
    by_sender_.erase(found);
    return window;
}

void RemoteSenders::abandon_all(DataWindows& windows) {
    for (const auto& [sender, window] : by_sender_)
        (void)windows.abandon(window);
    by_sender_.clear();
}

}  // namespace confab::sfu
