// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Decompresses messages of permessage-deflate that refer to none before (RFC 7692 §7.2.2).
#pragma once

#include <zlib.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace confab::websocket {

enum class InflateError : std::uint8_t { kBroken, kTooLarge };

// One serves all connections of a thread.
class Inflater {
  public:
    Inflater();
    ~Inflater() { (void)::inflateEnd(&stream_); }
    Inflater(const Inflater&) = delete;
    Inflater& operator=(const Inflater&) = delete;

    // At most `limit` bytes come out; 0: any number.
    Result<std::string, InflateError> inflate(std::string_view message, std::size_t limit);

  private:
    Result<void, InflateError> feed(std::string_view part, std::size_t limit, std::string& out);

    z_stream stream_{};
    bool ended_ = false;
};

}  // namespace confab::websocket
