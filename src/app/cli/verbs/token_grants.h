// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The flags of `token create` as grants.
#pragma once

#include <string>

#include "app/cli/call/call.h"
#include "base/result.h"
#include "token/grants.h"

namespace confab::app::cli {

// The error says which flag is wrong or missing.
Result<token::Grants, std::string> grants_of(const Call& call);

}  // namespace confab::app::cli
