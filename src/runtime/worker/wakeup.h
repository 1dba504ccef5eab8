// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// An eventfd that is rung only while its owner sleeps (02 DES-42): the owner announces its sleep,
// looks at its queues once more, then waits; a producer that published before rings if it saw the
// announcement. Both sides use a full fence, so that one of them always sees the other.
#pragma once

#include <atomic>
#include <cstdint>

#include "runtime/worker/socket/file_descriptor.h"

namespace confab::worker {

class Wakeup {
  public:
    Wakeup();

    int fd() const { return fd_.get(); }
    // Producer, after publish().
    void notify();
    // Owner: announce_sleep(), check the queues, wait on fd(), then awake(); that again while fd()
    // is readable.
    void announce_sleep();
    void awake();

  private:
    enum class State : std::uint8_t { kAwake, kSleeping, kRung };

    FileDescriptor fd_;
    std::atomic<State> state_{State::kAwake};
    // The owner's. A producer first takes the announcement, then writes: what it took and what was
    // not read yet comes later, and would leave fd() readable for ever if nobody read it.
    std::uint64_t unread_ = 0;
};

}  // namespace confab::worker
