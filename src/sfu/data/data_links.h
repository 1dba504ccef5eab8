// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The way of data from this worker to each other one and back: a stream of records per worker
// (data_link.h), how much may wait in it, and what is dropped beyond.
#pragma once

#include <cstdint>
#include <vector>

#include "sfu/data/data_link.h"

namespace confab::sfu {

class DataLinks {
  public:
    // On the way to one other worker: beyond the first, senders of rooms that live there too are
    // held back; beyond the second, lossy messages are dropped.
    static constexpr std::size_t kMaxBytes = 1024 * 1024;
    static constexpr std::size_t kMaxLossy = 256 * 1024;

    explicit DataLinks(std::size_t workers) : links_(workers) {}

    std::size_t workers() const { return links_.size(); }
    bool have_room(const std::vector<WorkerIndex>& workers) const;

    // False when it is lossy and too much waits: then it is dropped.
    bool add(WorkerIndex to, RoomId room, const DataMessage& message);
    // Of nobody who could be held back: to those workers for which less than kMaxLossy wait.
    void add_unpaced(const std::vector<WorkerIndex>& to, RoomId room, const DataMessage& message);
    void add_frame(const std::vector<WorkerIndex>& to, RoomId room, DataTrackId track,
                   BytesView frame);
    void add_taken(WorkerIndex to, RoomId room, MemberId sender, std::size_t bytes);
    void add_left(const std::vector<WorkerIndex>& to, RoomId room, MemberId sender);
    void add_fence(WorkerIndex to, LinkedFence fence, LinkedFence::Stage stage);

    struct Flushed {
        bool any = false;   // something waited
        bool more = false;  // and some is left
    };
    // push(to, piece) is false when there is no room.
    template <typename Push>
    Flushed flush(Push&& push);
    // A piece of another worker's stream: gives handle(record) each record that it completes.
    template <typename Handle>
    void receive(WorkerIndex from, BytesView piece, Handle&& handle);

    std::uint64_t dropped() const { return dropped_; }

  private:
    std::vector<LinkStream> links_;  // by worker
    std::uint64_t dropped_ = 0;
};

template <typename Push>
DataLinks::Flushed DataLinks::flush(Push&& push) {
    Flushed result;
    for (std::size_t i = 0; i < links_.size(); ++i) {
        if (links_[i].waiting() == 0) continue;
        result.any = true;
        const auto to = static_cast<WorkerIndex>(i);
        result.more |= links_[i].flush([&](BytesView piece) { return push(to, piece); });
    }
    return result;
}

template <typename Handle>
void DataLinks::receive(WorkerIndex from, BytesView piece, Handle&& handle) {
    if (from >= links_.size()) return;
    LinkStream& in = links_[from];
    in.receive(piece);
    while (const auto bytes = in.next_record())
        if (const auto record = parse_link_record(*bytes)) handle(*record);
}

}  // namespace confab::sfu
