// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// From DATA chunks to whole messages, ordered per stream or unordered (RFC 9260 §6.5, §6.6, §6.9),
// with what FORWARD-TSN skips (RFC 3758 §3.6) and stream resets (RFC 6525 §5.2.2).
// Fragments of one message have consecutive TSNs, so they are kept as runs of TSNs.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "base/state/state.h"
#include "rtc/sctp/event_queue.h"
#include "wire/sctp/sctp_chunks.h"

namespace confab::sctp {

class Reassembly {
  public:
    explicit Reassembly(std::size_t max_message_size) : max_message_size_(max_message_size) {}

    // One new chunk; whole messages go to `events`. False when its message became too large: its
    // stream takes no more data until the peer resets it, MessageTooLarge tells the owner.
    bool add(std::int64_t tsn, const wire::sctp::DataChunk& data, EventQueue& events);
    // All up to `tsn` that is not whole is given up; `skipped` names the ordered streams.
    void forward(std::int64_t tsn, const wire::sctp::ForwardTsnView& skipped, EventQueue& events);
    // Starts again at sequence number 0; gives StreamReset events. Empty: all streams.
    void reset(std::span<const std::uint16_t> streams, EventQueue& events);

    // Bytes waiting here, overhead included (not those in `events`).
    std::size_t held_bytes() const { return held_; }
    std::size_t tracked_streams() const { return streams_.size(); }

    // base/state/state.h
    void save(StateWriter& out) const;
    void load(StateReader& in);

  private:
    template <typename Self, typename Io>
    static void fields(Self& self, Io& io);

    struct Run {
        std::int64_t next = 0;  // the TSN behind its last
        std::uint16_t stream = 0;
        std::uint16_t ssn = 0;
        std::uint32_t ppid = 0;
        bool unordered = false;
        bool has_begin = false;
        bool has_end = false;
        std::size_t fragments = 1;
        Bytes bytes;
    };
    using Runs = std::map<std::int64_t, Run>;  // by first TSN
    struct Stream {
        std::int64_t next_ssn = 0;
        std::map<std::int64_t, MessageReceived> waiting;
        bool discarding = false;  // after a message too large, until the peer resets
    };

    Stream* stream_for(std::uint16_t id);
    Runs::iterator insert_run(std::int64_t tsn, const wire::sctp::DataChunk& data);
    Runs::iterator join_left(Runs::iterator run);
    void join_right(Runs::iterator run);
    void drop_run(Runs::iterator run);
    void drop_stream_data(std::uint16_t id, Stream& stream);
    void finish(Run run, Stream& stream, EventQueue& events);
    void deliver_waiting(Stream& stream, EventQueue& events);
    void skip_to(std::uint16_t id, std::uint16_t ssn, EventQueue& events);
    static std::size_t cost(const MessageReceived& message);
    // held_ is what is held; walks it, for CONFAB_DCHECK.
    bool sum_agrees() const;
    static std::int64_t unwrap_ssn(const Stream& stream, std::uint16_t ssn);

    std::size_t max_message_size_;
    Runs runs_;
    std::map<std::uint16_t, Stream> streams_;
    std::size_t held_ = 0;
};

}  // namespace confab::sctp
