// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "websocket/inflater.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/check.h"

namespace confab::websocket {
namespace {

constexpr std::string_view kTail("\0\0\xFF\xFF", 4);  // the sender leaves it out (§7.2.1)

}  // namespace

Inflater::Inflater() {
    const int result = ::inflateInit2(&stream_, -MAX_WBITS);
    CONFAB_CHECK(result == Z_OK);
}

Result<std::string, InflateError> Inflater::inflate(std::string_view message, std::size_t limit) {
    (void)::inflateReset(&stream_);
    ended_ = false;
    std::string out;
    for (const std::string_view part : {message, kTail})
        CONFAB_TRY_VOID(feed(part, limit, out));
    return out;
}

Result<void, InflateError> Inflater::feed(std::string_view part, std::size_t limit,
                                          std::string& out) {
    constexpr std::size_t kLeast = 1024;
    constexpr std::size_t kMost = 64 * 1024;
    Bytes in(part.begin(), part.end());  // zlib's pointer is not to const
    stream_.next_in = in.data();
    stream_.avail_in = static_cast<uInt>(in.size());
    bool more = true;
    while (more && !ended_) {
        Bytes piece(std::clamp(out.size(), kLeast, kMost));
        stream_.next_out = piece.data();
        stream_.avail_out = static_cast<uInt>(piece.size());
        const int result = ::inflate(&stream_, Z_SYNC_FLUSH);
        if (result != Z_OK && result != Z_BUF_ERROR && result != Z_STREAM_END)
            return fail(InflateError::kBroken);
        ended_ = result == Z_STREAM_END;  // a final block (§7.2.3.4)
        out += as_text(BytesView(piece).first(piece.size() - stream_.avail_out));
        if (limit != 0 && out.size() > limit) return fail(InflateError::kTooLarge);
        more = stream_.avail_out == 0;
    }
    // Behind a final block a sender may put the empty one whose end is left out, and nothing else:
    // what we would not read must not be lost in silence.
    const std::string_view rest = part.substr(part.size() - stream_.avail_in);
    const bool is_padding = rest.empty() || rest == kTail || rest == std::string_view("\0", 1);
    return is_padding ? Result<void, InflateError>() : fail(InflateError::kBroken);
}

}  // namespace confab::websocket
