// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a shard has to report to one control shard, until its driver takes it. A driver that is
// behind loses first what is told again in a moment: state changes are few, and nobody tells them
// twice. Answers to calls are refused with them: whoever waits for one has a time limit.
#pragma once

#include <deque>
#include <optional>
#include <utility>

#include "base/check.h"
#include "sfu/shard/commands.h"

namespace confab::sfu {

class EventQueue {
  public:
    // Beyond these, levels, quality and answers are refused;
    static constexpr std::size_t kMaxEvents = 16'384;
    static constexpr std::size_t kMaxBytes = std::size_t{16} << 20;  // of their lists and texts
    // beyond this, everything: the control shard has hung for so long that its rooms are lost.
    static constexpr std::size_t kMaxStates = 16 * kMaxEvents;

    // False: refused.
    bool push(Event event) {
        const std::size_t size = payload_size(event);
        const bool full = events_.size() >= kMaxEvents || bytes_ + size > kMaxBytes;
        if (events_.size() >= kMaxStates || (full && is_repeated(event))) return false;
        bytes_ += size;
        events_.push_back(std::move(event));
        return true;
    }
    std::optional<Event> poll() {
        if (events_.empty()) return std::nullopt;
        std::optional<Event> event(std::move(events_.front()));
        events_.pop_front();
        const std::size_t size = payload_size(*event);
        CONFAB_CHECK(bytes_ >= size);
        bytes_ -= size;
        return event;
    }
    // Whether there is place for what can be told later.
    bool has_room() const { return events_.size() < kMaxEvents && bytes_ < kMaxBytes; }
    bool empty() const { return events_.empty(); }
    std::size_t size() const { return events_.size(); }
    std::size_t bytes() const { return bytes_; }

  private:
    // What an event holds beside itself.
    static std::size_t payload_size(const Event& event) {
        if (const auto* levels = std::get_if<SpeakerLevels>(&event))
            return levels->levels.size() * sizeof(SpeakerLevel);
        if (const auto* batch = std::get_if<QualityBatch>(&event))
            return batch->samples.size() * sizeof(QualitySample) +
                   batch->streams.size() * sizeof(StreamSample);
        if (const auto* answer = std::get_if<CallAnswered>(&event)) return answer->payload.size();
        if (const auto* exported = std::get_if<PeerExported>(&event)) return exported->state.size();
        const auto* opened = std::get_if<DataChannelOpened>(&event);
        return opened == nullptr ? 0 : opened->label.size();
    }
    static bool is_repeated(const Event& event) {
        return std::holds_alternative<SpeakerLevels>(event) ||
               std::holds_alternative<QualityBatch>(event) ||
               std::holds_alternative<DataProgress>(event) ||
               std::holds_alternative<CallAnswered>(event);
    }

    std::deque<Event> events_;
    std::size_t bytes_ = 0;
};

}  // namespace confab::sfu
