// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Events not yet taken by the owner, with the bytes they hold: messages nobody takes close the
// receive window (02 §6.3), and so do those that the owner has taken and only keeps.
#pragma once

#include <list>
#include <optional>
#include <utility>

#include "base/state/state.h"
#include "rtc/sctp/limits.h"
#include "rtc/sctp/types.h"

namespace confab::sctp {

class EventQueue {
  public:
    void push(Event event) {
        bytes_ += cost(event);
        events_.push_back(std::move(event));
    }
    std::optional<Event> pop() {
        if (events_.empty()) return std::nullopt;
        std::optional<Event> event(std::move(events_.front()));
        events_.pop_front();
        bytes_ -= cost(*event);
        return event;
    }
    std::size_t bytes() const { return bytes_ + kept_; }
    // What the owner keeps of the messages that it took.
    void set_kept(std::size_t bytes) { kept_ = bytes; }
    std::size_t size() const { return events_.size(); }
    bool overflowing() const { return events_.size() > kMaxEvents; }

    // base/state/state.h
    void save(StateWriter& out) const;
    void load(StateReader& in);

  private:
    template <typename Self, typename Io>
    static void fields(Self& self, Io& io);

    static std::size_t cost(const Event& event) {
        const auto* message = std::get_if<MessageReceived>(&event);
        return message != nullptr ? message->payload.size() + kItemOverhead : 0;
    }
    std::list<Event> events_;  // a list holds nothing when empty
    std::size_t bytes_ = 0;
    std::size_t kept_ = 0;
};

}  // namespace confab::sctp
