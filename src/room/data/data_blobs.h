// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What one participant keeps here for others to fetch by its identity and a key (01 SIG-127). It is
// part of the participant: a resume and a move to another room keep it, a full reconnect is
// somebody new.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "livekit_rtc.pb.h"

namespace confab::room {

class DataBlobs {
  public:
    // However short they are: each costs more than its bytes.
    static constexpr std::size_t kMaxBlobs = 1'000;
    // Whatever the configuration says, or where it has no limit.
    static constexpr std::size_t kMaxBytes = 16 * 1024 * 1024;

    // 0: no limit.
    struct Limits {
        std::size_t key = 256;
        std::size_t all = 64'000;  // keys and contents
        std::size_t custom_encoding = 32;
    };
    struct Refusal {
        livekit::RequestResponse::Reason reason = livekit::RequestResponse::OK;
        const char* message = "";
    };
    // One under the same key gives way. Nothing changes when it is refused.
    std::optional<Refusal> store(const livekit::DataBlob& blob, const Limits& limits);
    // Null when there is none.
    const livekit::DataBlob* find(const livekit::DataBlobKey& key) const;

    std::size_t size() const { return blobs_.size(); }
    std::size_t bytes() const { return bytes_; }

  private:
    std::map<std::string, livekit::DataBlob> blobs_;  // by the encoded key
    std::size_t bytes_ = 0;
};

}  // namespace confab::room
