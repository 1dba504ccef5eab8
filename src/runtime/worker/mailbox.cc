// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/worker/mailbox.h"

namespace confab::worker {

Mailbox::Mailbox(std::size_t workers) {
    for (std::size_t i = 0; i < workers; ++i)
        from_workers.push_back(std::make_unique<LazyRing<PeerSlot>>(kPeerSlots));
}

}  // namespace confab::worker
