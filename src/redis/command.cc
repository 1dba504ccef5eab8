// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "redis/command.h"

namespace confab::redis {
namespace {

void append_head(std::string& out, char type, std::size_t size) {
    out += type;
    out += std::to_string(size);
    out += "\r\n";
}

}  // namespace

void append_command(std::string& out, std::span<const std::string_view> words) {
    append_head(out, '*', words.size());
    for (const std::string_view word : words) {
        append_head(out, '$', word.size());
        out += word;
        out += "\r\n";
    }
}

}  // namespace confab::redis
