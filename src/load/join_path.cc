// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "load/join_path.h"

#include <zlib.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/text.h"

namespace confab::load {

std::string gzip(const std::string& plain) {
    constexpr int kGzip = 16;
    constexpr int kLevel = 6;
    constexpr int kMemory = 8;
    z_stream stream{};
    CONFAB_CHECK(::deflateInit2(&stream, kLevel, Z_DEFLATED, MAX_WBITS + kGzip, kMemory,
                                Z_DEFAULT_STRATEGY) == Z_OK);
    Bytes in = to_vector(as_bytes(plain));
    Bytes out(::deflateBound(&stream, static_cast<uLong>(in.size())));
    stream.next_in = in.data();
    stream.avail_in = static_cast<uInt>(in.size());
    stream.next_out = out.data();
    stream.avail_out = static_cast<uInt>(out.size());
    (void)::deflate(&stream, Z_FINISH);
    out.resize(stream.total_out);
    (void)::deflateEnd(&stream);
    return std::string(as_text(out));
}

std::string join_request_value(const livekit::JoinRequest& request) {
    livekit::WrappedJoinRequest wrapped;
    wrapped.set_compression(livekit::WrappedJoinRequest::GZIP);
    wrapped.set_join_request(gzip(request.SerializeAsString()));
    const std::string bytes = wrapped.SerializeAsString();
    return base64_encode(as_bytes(bytes), Base64::kUrl);
}

std::string single_join_path(const livekit::JoinRequest& request, const std::string& token) {
    return "/rtc/v1?access_token=" + token + "&join_request=" + join_request_value(request);
}

std::string double_join_path(const livekit::JoinRequest& request, const std::string& token) {
    const bool subscribes = request.connection_settings().auto_subscribe();
    return "/rtc?access_token=" + token + "&auto_subscribe=" + (subscribes ? "1" : "0") +
           "&sdk=js&version=" + request.client_info().version() +
           "&protocol=" + std::to_string(request.client_info().protocol());
}

}  // namespace confab::load
