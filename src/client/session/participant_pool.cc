// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "client/session/participant_pool.h"

#include <algorithm>

namespace confab::client {

ParticipantRef ParticipantPool::intern(std::string_view encoded) {
    if (const auto found = known_.find(encoded); found != known_.end()) return found->second;
    auto info = std::make_shared<livekit::ParticipantInfo>();
    if (!info->ParseFromArray(encoded.data(), static_cast<int>(encoded.size()))) return nullptr;
    if (known_.size() >= sweep_at_) sweep();
    ParticipantRef result = std::move(info);
    known_.emplace(encoded, result);
    return result;
}

void ParticipantPool::sweep() {
    std::erase_if(known_, [](const auto& entry) { return entry.second.use_count() == 1; });
    sweep_at_ = std::max(kMaxIdle, 2 * known_.size());
}

}  // namespace confab::client
