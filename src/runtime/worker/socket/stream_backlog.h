// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a stream over TCP had no room for: whole frames with their headers (RFC 4571 §2), and before
// them the rest of one that was begun, which cannot be given up.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <optional>
#include <span>

#include "base/bytes.h"
#include "base/limits/backlog.h"
#include "base/time.h"

namespace confab::worker {

class StreamBacklog {
  public:
    // Keeps header and frame, of which `sent` octets have left. False: there is no room. One that
    // was begun is always kept, or the stream would lose its framing.
    bool hold(Timestamp now, BytesView header, BytesView frame, std::size_t sent, Urgency urgency);
    // Gives up what has waited for too long: how many frames.
    std::size_t drop_old(Timestamp now) { return whole_.drop_old(now); }
    // The beginning of what is to leave, in its order, of at most `octets` or one frame: how many
    // `parts` it fills. They hold until the next call.
    std::size_t gather(std::span<iovec> parts, std::size_t octets);
    // So many octets of that have left: how many frames have with them.
    std::size_t advance(std::size_t octets);
    bool empty() const { return !begun_ && whole_.empty(); }
    std::size_t octets() const {
        return (begun_ ? begun_->size() - written_ : 0) + whole_.octets();
    }

  private:
    std::optional<Bytes> begun_;
    std::size_t written_ = 0;  // of it
    Backlog whole_;
};

}  // namespace confab::worker
