// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A command as it goes to the server: an array of strings, which may hold any bytes.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace confab::redis {

void append_command(std::string& out, std::span<const std::string_view> words);

}  // namespace confab::redis
