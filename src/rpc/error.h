// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// How a call between services fails (03 PSR-18): a code that travels as a word, and a text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace confab::rpc {

enum class Code : std::uint8_t {
    kCanceled,
    kMalformedRequest,
    kMalformedResult,
    kDeadlineExceeded,
    kUnavailable,
    kUnknown,
    kInvalidArgument,
    kNotFound,
    kNotAcceptable,
    kAlreadyExists,
    kPermissionDenied,
    kResourceExhausted,
    kFailedPrecondition,
    kAborted,
    kOutOfRange,
    kUnimplemented,
    kInternal,
    kDataLoss,
    kUnauthenticated,
    kUnprocessableEntity,
    kUpstreamServerError,
    kUpstreamClientError,
};

// "deadline_exceeded"
std::string_view to_text(Code code);
// Unknown words are kUnknown; the empty one means that there is no error.
std::optional<Code> parse_code(std::string_view text);

struct Error {
    Code code = Code::kUnknown;
    std::string text;
    std::vector<std::string> details;  // serialised google.protobuf.Any, one each
    bool operator==(const Error&) const = default;
};

inline Error no_response() {
    return {Code::kUnavailable, "no response from servers", {}};
}
inline Error timed_out() {
    return {Code::kDeadlineExceeded, "request timed out", {}};
}

}  // namespace confab::rpc
