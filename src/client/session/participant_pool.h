// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What sessions of one process are told of participants, held once: a thousand clients of one room
// see a thousand participants each, and all of them the same. Sessions that share a pool are driven
// by one thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "livekit_models.pb.h"

namespace confab::client {

// Never changed: who knows better gets another.
using ParticipantRef = std::shared_ptr<const livekit::ParticipantInfo>;
using ParticipantList = std::vector<ParticipantRef>;

class ParticipantPool {
  public:
    // What nobody holds any more goes when as much is new as was held before, but never below this.
    static constexpr std::size_t kMaxIdle = 1024;

    // The participant of these bytes, the same for the same bytes; null if they are not readable.
    ParticipantRef intern(std::string_view encoded);
    std::size_t size() const { return known_.size(); }

  private:
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const {
            return std::hash<std::string_view>{}(text);
        }
    };
    void sweep();

    std::unordered_map<std::string, ParticipantRef, Hash, std::equal_to<>> known_;  // by encoding
    std::size_t sweep_at_ = kMaxIdle;
};

}  // namespace confab::client
