// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The sequence rule of the relay (03 NODE-21), both halves. Messages are numbered from 0. The
// sender has one batch on its way, from the first message that is not acknowledged; where no
// acknowledgement comes it sends it again, with all that has been added since, after 0.5, 1, 2 and
// 4 s. The receiver skips what it has, and what would leave a gap ends the session.
//
// A batch is acknowledged when it is in the peer's hands, whichever of its sendings that was.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/time.h"
#include "cluster/relay/batch.h"
#include "cluster/relay/settings.h"

namespace confab::cluster::relay {

// What becomes of the queue when nothing was acknowledged for Settings::retry_timeout.
enum class GiveUp : std::uint8_t {
    kFail,  // the session ends (the node with the WebSocket)
    kDrop,  // it is dropped, but counts: the receiver sees the gap (the node with the room)
};

class BatchSender {
  public:
    BatchSender(BatchKind kind, GiveUp give_up, const Settings& settings)
        : kind_(kind), give_up_(give_up), settings_(settings) {}

    // Beyond the limits it is as if the peer had not answered for retry_timeout. Nothing after
    // close().
    void push(std::string message);
    // The last batch says so; an empty one does if all others are gone.
    void close() { closing_ = true; }

    struct Transmit {
        std::string bytes;
        std::uint64_t end;  // for acknowledge()
    };
    // Until it is empty.
    std::optional<Transmit> poll_transmit(Timestamp now);
    // All before `end` is in the peer's hands. Late and repeated ones do no harm.
    void acknowledge(Timestamp now, std::uint64_t end);
    void handle_timeout(Timestamp now);
    Timestamp next_deadline() const;

    // Nothing can arrive, as all know: nothing is sent, and no time counts (NODE-14). What waits is
    // sent again when that is over.
    void pause() { paused_ = true; }
    void resume(Timestamp now);

    bool has_failed() const { return failed_; }
    // Closed, and that has arrived or was given up.
    bool is_drained() const { return drained_; }
    std::size_t waiting() const { return queue_.size(); }

  private:
    void give_up();
    // The closing flag is counted like a message after the last one.
    std::uint64_t end() const { return base_ + queue_.size() + (closing_ ? 1 : 0); }

    BatchKind kind_;
    GiveUp give_up_;
    const Settings& settings_;
    std::deque<std::string> queue_;
    std::size_t queued_bytes_ = 0;
    std::uint64_t base_ = 0;  // the number of the first in the queue
    // Of the batch that is on its way.
    std::optional<std::uint64_t> sent_to_;
    Timestamp first_sent_;
    Timestamp resend_at_ = Timestamp::never();
    Duration interval_;
    bool paused_ = false;
    bool closing_ = false;
    bool drained_ = false;
    bool failed_ = false;
};

enum class Fault : std::uint8_t { kGap, kOverflow };
std::string_view to_text(Fault fault);

class BatchReceiver {
  public:
    // Adds what is new of it. After a fault, and after close, nothing is added any more.
    Result<void, Fault> add(const Batch& batch);
    std::optional<std::string> take();
    bool is_closed() const { return closed_; }
    std::size_t waiting() const { return queue_.size(); }

  private:
    std::deque<std::string> queue_;
    std::size_t queued_bytes_ = 0;
    std::uint64_t expected_ = 0;
    bool closed_ = false;
    bool faulty_ = false;
};

}  // namespace confab::cluster::relay
