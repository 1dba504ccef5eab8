// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a shard has to report, until its driver takes it. A driver that is behind loses data
// messages first: state changes are few, and nobody tells them twice.
#pragma once

#include <deque>
#include <optional>
#include <utility>

#include "base/check.h"
#include "sfu/shard/commands.h"

namespace confab::sfu {

class EventQueue {
  public:
    // Beyond either, data messages are refused.
    static constexpr std::size_t kMaxEvents = 65'536;
    static constexpr std::size_t kMaxBytes = std::size_t{16} << 20;  // of their payloads

    // False: refused.
    bool push(Event event) {
        const std::size_t size = payload_size(event);
        const bool full = events_.size() >= kMaxEvents || bytes_ + size > kMaxBytes;
        if (full && std::holds_alternative<DataReceived>(event)) return false;
        bytes_ += size;
        events_.push_back(std::move(event));
        return true;
    }
    std::optional<Event> poll() {
        if (events_.empty()) return std::nullopt;
        std::optional<Event> event(std::move(events_.front()));
        events_.pop_front();
        CONFAB_CHECK(bytes_ >= payload_size(*event));
        bytes_ -= payload_size(*event);
        return event;
    }
    std::size_t size() const { return events_.size(); }
    std::size_t bytes() const { return bytes_; }

  private:
    // What an event holds beside itself.
    static std::size_t payload_size(const Event& event) {
        const auto* data = std::get_if<DataReceived>(&event);
        return data == nullptr ? 0 : data->payload.size() + data->label.size();
    }

    std::deque<Event> events_;
    std::size_t bytes_ = 0;
};

}  // namespace confab::sfu
