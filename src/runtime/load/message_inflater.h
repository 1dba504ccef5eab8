// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Messages of permessage-deflate, each a stream of its own (RFC 7692 §7.2.2).
#pragma once

#include <zlib.h>

#include <algorithm>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "base/check.h"

namespace confab::load {

class MessageInflater {
  public:
    MessageInflater() { CONFAB_CHECK(::inflateInit2(&stream_, -MAX_WBITS) == Z_OK); }
    ~MessageInflater() { (void)::inflateEnd(&stream_); }
    MessageInflater(const MessageInflater&) = delete;
    MessageInflater& operator=(const MessageInflater&) = delete;

    // Valid until the next. Nothing: it is none, or becomes longer than `limit`.
    std::optional<std::string_view> inflate(std::string_view payload, std::size_t limit) {
        constexpr std::string_view kTail("\0\0\xFF\xFF", 4);
        in_.assign(payload.begin(), payload.end());
        in_.insert(in_.end(), kTail.begin(), kTail.end());
        std::size_t size = 0;
        (void)::inflateReset(&stream_);
        stream_.next_in = in_.data();
        stream_.avail_in = static_cast<uInt>(in_.size());
        do {
            if (size > limit) return std::nullopt;
            if (out_.size() - size < kRoom) out_.resize(2 * out_.size() + kRoom);
            stream_.next_out = out_.data() + size;
            stream_.avail_out = static_cast<uInt>(out_.size() - size);
            const int result = ::inflate(&stream_, Z_SYNC_FLUSH);
            if (result != Z_OK && result != Z_BUF_ERROR) return std::nullopt;
            size = out_.size() - stream_.avail_out;
        } while (stream_.avail_out == 0);
        return as_text(BytesView(out_).first(size));
    }

  private:
    static constexpr std::size_t kRoom = 16 * 1024;

    z_stream stream_{};
    Bytes in_;
    Bytes out_;
};

}  // namespace confab::load
