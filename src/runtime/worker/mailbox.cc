// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/worker/mailbox.h"

namespace confab::worker {

WorkerInbox::WorkerInbox(std::size_t workers) {
    for (std::size_t i = 0; i < workers; ++i)
        from_workers.push_back(std::make_unique<LazyRing<PeerSlot>>(kPeerSlots));
}

std::size_t data_bytes(const sfu::Command& command) {
    const auto* data = std::get_if<sfu::SendData>(&command);
    return data == nullptr ? 0 : data->payload.size() + sizeof command;
}

}  // namespace confab::worker
