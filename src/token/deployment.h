// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Names of agent deployments: workers register with them, dispatches ask for them (05 WRK-02).
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace confab::token {

inline constexpr std::size_t kMaxDeploymentLength = 64;

// What is wrong with it, as callers of the API are told; empty: nothing.
inline std::string_view deployment_error(std::string_view deployment) {
    constexpr char kDelete = 0x7F;
    if (deployment.size() > kMaxDeploymentLength) return "deployment exceeds 64 bytes";
    if (deployment.find('_') != std::string_view::npos)
        return "deployment contains reserved character '_'";
    const auto is_blank = [](char c) { return (c >= 0 && c <= ' ') || c == kDelete; };
    if (std::any_of(deployment.begin(), deployment.end(), is_blank))
        return "deployment contains whitespace";
    return {};
}

}  // namespace confab::token
