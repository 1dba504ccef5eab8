// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/peer/rtcp_compounds.h"

#include <algorithm>

namespace confab::sfu {

void send_rtcp(peer::Transport& transport, BytesView compound, SendBatch& batch) {
    srtp::SendContext* sender = transport.srtp_sender();
    if (compound.empty() || sender == nullptr || !transport.path() || !batch.has_room()) return;
    const BytesSpan out = batch.reserve();
    std::copy(compound.begin(), compound.end(), out.begin());
    const std::size_t size = sender->protect_rtcp(out, compound.size());
    if (size > 0) batch.commit(*transport.path(), size);
}

}  // namespace confab::sfu
