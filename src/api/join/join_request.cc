// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Every size is bounded before memory is taken for it (08 IMM-13).
#include "api/join/join_request.h"

#include <zlib.h>

#include <algorithm>
#include <limits>

#include "api/join/join_errors.h"
#include "base/text.h"

namespace confab::api {
namespace {

constexpr std::size_t kInflateStep = 16 * 1024;
constexpr int kGzipWindowBits = 15 + 16;  // zlib: the largest window, gzip framing

tl::unexpected<HttpError> refuse(const ErrorText& error) {
    return tl::unexpected<HttpError>(HttpError{error.status, std::string(error.text)});
}

// inflateEnd() on every way out.
struct Inflater {
    z_stream stream{};
    bool ready = inflateInit2(&stream, kGzipWindowBits) == Z_OK;
    Inflater() = default;
    Inflater(const Inflater&) = delete;
    Inflater& operator=(const Inflater&) = delete;
    ~Inflater() {
        if (ready) inflateEnd(&stream);
    }
};

}  // namespace

Result<Bytes, InflateError> gunzip(BytesView data, std::size_t limit) {
    Inflater inflater;
    if (!inflater.ready || data.empty()) return fail(InflateError::kBroken);
    if (data.size() > std::numeric_limits<uInt>::max()) return fail(InflateError::kTooLarge);
    z_stream& stream = inflater.stream;
    Bytes input = to_vector(data);  // zlib's pointer to the input is not const
    stream.next_in = input.data();
    stream.avail_in = static_cast<uInt>(input.size());
    Bytes out;
    for (;;) {
        const std::size_t filled = out.size();
        // One octet above the limit tells "too large" from "exactly full".
        const std::size_t step = std::min(kInflateStep, limit + 1 - filled);
        out.resize(filled + step);
        stream.next_out = out.data() + filled;
        stream.avail_out = static_cast<uInt>(step);
        const int result = inflate(&stream, Z_NO_FLUSH);
        out.resize(out.size() - stream.avail_out);
        if (out.size() > limit) return fail(InflateError::kTooLarge);
        if (result == Z_STREAM_END && stream.avail_in == 0) return out;
        if (result == Z_STREAM_END && inflateReset(&stream) == Z_OK) continue;
        if (result != Z_OK) return fail(InflateError::kBroken);
    }
}

Result<livekit::JoinRequest, HttpError> decode_join_request(std::string_view parameter) {
    const auto raw = base64_decode(parameter, Base64::kUrl);
    if (!raw) return refuse(join_errors::kNotBase64);
    livekit::WrappedJoinRequest wrapped;
    if (!wrapped.ParseFromArray(raw->data(), static_cast<int>(raw->size())))
        return refuse(join_errors::kBadWrapping);

    const BytesView inner = as_bytes(wrapped.join_request());
    if (inner.size() > kMaxJoinRequestSize) return refuse(join_errors::kLargeJoinRequest);
    Bytes inflated;
    if (wrapped.compression() == livekit::WrappedJoinRequest::GZIP) {
        auto result = gunzip(inner, kMaxJoinRequestSize);
        if (!result)
            return refuse(result.error() == InflateError::kTooLarge ? join_errors::kLargeJoinRequest
                                                                    : join_errors::kBadCompression);
        inflated = *std::move(result);
    } else {
        inflated = to_vector(inner);
    }
    livekit::JoinRequest request;
    if (!request.ParseFromArray(inflated.data(), static_cast<int>(inflated.size())))
        return refuse(join_errors::kBadJoinRequest);
    return request;
}

}  // namespace confab::api
