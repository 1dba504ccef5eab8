// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// An eventfd that is rung only while its owner sleeps (02 DES-42): the owner announces its sleep,
// looks at its queues once more, then waits; a producer that published before rings if it saw the
// announcement. Both sides use a full fence, so that one of them always sees the other.
#pragma once

#include <atomic>

#include "runtime/worker/socket/file_descriptor.h"

namespace confab::worker {

class Wakeup {
  public:
    Wakeup();

    int fd() const { return fd_.get(); }
    // Producer, after publish().
    void notify();
    // Owner: announce_sleep(), check the queues, wait on fd(), then awake().
    void announce_sleep();
    void awake();

  private:
    FileDescriptor fd_;
    std::atomic<bool> sleeping_{false};
};

}  // namespace confab::worker
