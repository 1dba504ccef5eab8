// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// TCP through a path: octets keep their order, take the path's delay and rate, and stand still in
// an outage. Nothing is lost and nothing comes twice: TCP would send it again. A stream is read
// only while there is room, so that its sender feels the rate.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

#include "base/bytes.h"
#include "base/rng.h"
#include "base/slot_map.h"
#include "base/time.h"
#include "netem/path.h"

namespace confab::netem {

using StreamId = Handle<struct RelayStreamTag>;

struct StreamLimits {
    std::size_t max_streams = 1024;      // further ones are reset at once
    std::size_t max_octets = 1U << 20U;  // under way in one direction of a stream
};

struct StreamCounters {
    std::uint64_t opened = 0;
    std::uint64_t refused = 0;
    std::uint64_t cut = 0;
    std::uint64_t octets_up = 0;  // that were written
    std::uint64_t octets_down = 0;
};

class StreamRelay {
  public:
    static constexpr std::size_t kSegment = 1460;  // what the rate spaces

    // The path outlives the relay.
    explicit StreamRelay(Path& path, StreamLimits limits = {});

    // A client connects. nullopt: it is to be reset.
    std::optional<StreamId> open(Timestamp now);
    // How much may be read from that end now; 0 leaves it where it is.
    std::size_t room(StreamId id, Direction direction) const;
    // What was read, at most room().
    void handle_bytes(Timestamp now, StreamId id, Direction direction, BytesView bytes);
    // That end has closed its half.
    void handle_end(Timestamp now, StreamId id, Direction direction);
    // Acts on what changed in the path.
    void handle_timeout(Timestamp now);

    // What may be written to the other end now, in part; valid until the next call for this stream.
    BytesView due(Timestamp now, StreamId id, Direction direction);
    // So much of due() was written.
    void consume(StreamId id, Direction direction, std::size_t size);
    // All was written, and the end is due.
    bool has_ended(Timestamp now, StreamId id, Direction direction) const;
    // Streams that are to be reset; they are closed already.
    std::optional<StreamId> poll_reset();
    void close(StreamId id) { streams_.erase(id); }

    // When due() or has_ended() of some stream will tell more than at `now`.
    Timestamp next_deadline(Timestamp now) const;
    const StreamCounters& counters() const { return counters_; }
    std::size_t streams() const { return streams_.size(); }

  private:
    struct Piece {
        Timestamp at;
        std::size_t size = 0;
    };
    struct Half {
        Bytes bytes;
        std::size_t begin = 0;     // what of them is consumed
        std::size_t ready = 0;     // what behind it is due
        std::deque<Piece> pieces;  // one that is late holds up those behind it
        bool ended = false;
        Timestamp end_at;
        std::size_t waiting() const { return bytes.size() - begin; }
    };
    struct Stream {
        Half up;
        Half down;
        Half& half(Direction d) { return d == Direction::kUp ? up : down; }
        const Half& half(Direction d) const { return d == Direction::kUp ? up : down; }
    };
    std::size_t bound(Direction direction) const;
    Timestamp arrival(Timestamp now, Direction direction, std::size_t size);
    bool stands_still(Timestamp now, Direction direction) const;
    Timestamp deadline_of(Timestamp now, const Half& half, Direction direction) const;

    Path& path_;
    StreamLimits limits_;
    Rng rng_;
    Timestamp wire_free_[2];
    std::uint32_t cuts_seen_ = 0;
    mutable SlotMap<Stream, struct RelayStreamTag> streams_;  // it has no for_each() const
    std::deque<StreamId> resets_;
    StreamCounters counters_;
};

}  // namespace confab::netem
