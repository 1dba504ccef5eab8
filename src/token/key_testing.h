// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The key, and the moment, of recorded exchanges.
#pragma once

#include "token/token.h"

namespace confab::token::testing {

inline const std::string kGoldenSecret = "secretsecretsecretsecretsecretsecret";
inline constexpr UnixTime kGoldenNow = UnixTime::seconds(1'795'161'324);

inline KeyMap golden_keys() {
    return KeyMap(std::map<std::string, std::string, std::less<>>{{"devkey", kGoldenSecret}});
}

}  // namespace confab::token::testing
