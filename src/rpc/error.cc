// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "rpc/error.h"

#include <array>
#include <cstddef>

namespace confab::rpc {
namespace {

constexpr std::array<std::string_view, 22> kTexts{"canceled",
                                                  "malformed_request",
                                                  "malformed_result",
                                                  "deadline_exceeded",
                                                  "unavailable",
                                                  "unknown",
                                                  "invalid_argument",
                                                  "not_found",
                                                  "not_acceptable",
                                                  "already_exists",
                                                  "permission_denied",
                                                  "resource_exhausted",
                                                  "failed_precondition",
                                                  "aborted",
                                                  "out_of_range",
                                                  "unimplemented",
                                                  "internal",
                                                  "data_loss",
                                                  "unauthenticated",
                                                  "unprocessable_entity",
                                                  "upstream_server_error",
                                                  "upstream_client_error"};
static_assert(kTexts.size() == static_cast<std::size_t>(Code::kUpstreamClientError) + 1);

}  // namespace

std::string_view to_text(Code code) {
    return kTexts[static_cast<std::size_t>(code)];
}

std::optional<Code> parse_code(std::string_view text) {
    if (text.empty()) return std::nullopt;
    for (std::size_t i = 0; i < kTexts.size(); ++i)
        if (kTexts[i] == text) return static_cast<Code>(i);
    return Code::kUnknown;
}

}  // namespace confab::rpc
