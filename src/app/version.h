// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Two versions (05 SDK-21): our own, and the LiveKit server release whose behaviour clients get.
// Version fields of the protocol carry the second one as three plain numbers, never with a prefix:
// clients parse it as strict semver.
#pragma once

#include <string_view>

namespace confab::app {

inline constexpr std::string_view kConfabVersion = "0.1.0";
inline constexpr std::string_view kLiveKitVersion = "1.13.5";

}  // namespace confab::app
