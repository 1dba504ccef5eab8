// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// STUN messages that wait to be polled, in the order in which they were made. Beyond
// kMaxQueuedTransmits the newest is dropped and counted: nobody polls.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/check.h"
#include "base/state/state.h"
#include "rtc/ice/types.h"

namespace confab::ice {

class TransmitQueue {
  public:
    // An empty message could not be built; it is dropped too.
    void push(const Path& path, Bytes bytes) {
        if (list_.size() >= kMaxQueuedTransmits || bytes.empty()) {
            ++dropped_;
            return;
        }
        list_.push_back(Message{path, std::move(bytes)});
    }
    std::optional<Transmit> pop() {
        CONFAB_DCHECK(taken_ <= list_.size());
        if (taken_ == list_.size()) {
            list_.clear();
            taken_ = 0;
            return std::nullopt;
        }
        const Message& next = list_[taken_++];
        std::optional<Transmit> transmit(std::in_place);
        CONFAB_CHECK(next.bytes.size() <= transmit->buffer.size());
        transmit->path = next.path;
        transmit->size = static_cast<std::uint16_t>(next.bytes.size());
        std::copy(next.bytes.begin(), next.bytes.end(), transmit->buffer.begin());
        return transmit;
    }
    std::uint64_t dropped() const { return dropped_; }
    std::size_t bytes_held() const {
        std::size_t bytes = list_.capacity() * sizeof(Message);
        for (const Message& message : list_)
            bytes += message.bytes.capacity();
        return bytes;
    }

    // base/state/state.h
    void save(StateWriter& out) const;
    void load(StateReader& in);
    template <typename Change>
    void each_path(const Change& change) {
        for (Message& message : list_)
            change(message.path);
    }

  private:
    struct Message {
        Path path;
        Bytes bytes;
    };
    template <typename List, typename Count, typename Io>
    static void fields(List& list, Count& dropped, Io& io);

    std::vector<Message> list_;
    std::size_t taken_ = 0;  // of its front; all of it is cleared when everything is taken
    std::uint64_t dropped_ = 0;
};

}  // namespace confab::ice
