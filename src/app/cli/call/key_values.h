// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Flags that are given pairs, several in one text, too: --attribute a=1,b=2.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"

namespace confab::app::cli {

using KeyValues = std::map<std::string, std::string>;

// --attribute: key=value or `key: value`, of which quotes around the value are taken away. A comma
// parts two of them where `key=` follows, outside of quotes and of JSON.
Result<KeyValues, std::string> read_attributes(const std::vector<std::string>& given);

// --header: Key:Value. A comma parts two of them where `Key:` follows.
Result<KeyValues, std::string> read_headers(const std::vector<std::string>& given);

}  // namespace confab::app::cli
