// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Splitting at '&' and the first '='.
#include "api/http/query.h"

#include "base/text.h"

namespace confab::api {

std::optional<std::string> decode_form_text(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out.push_back(text[i] == '+' ? ' ' : text[i]);
            continue;
        }
        if (text.size() - i < 3) return std::nullopt;
        const auto octet = from_hex(text.substr(i + 1, 2));
        if (!octet) return std::nullopt;
        out += as_text(*octet);
        i += 2;
    }
    return out;
}

QueryParams QueryParams::parse(std::string_view text) {
    QueryParams out;
    while (!text.empty() && out.params_.size() < kMaxQueryParams) {
        std::string_view pair = next_token(text, '&');
        if (pair.empty() || pair.find(';') != pair.npos) continue;
        const std::string_view raw_name = next_token(pair, '=');
        auto name = decode_form_text(raw_name);
        auto value = decode_form_text(pair);
        if (!name || !value || !is_valid_utf8(*name) || !is_valid_utf8(*value)) continue;
        out.add(*std::move(name), *std::move(value));
    }
    return out;
}

std::string_view QueryParams::get(std::string_view name) const {
    for (const auto& [key, value] : params_)
        if (key == name) return value;
    return {};
}

bool QueryParams::has(std::string_view name) const {
    for (const auto& [key, value] : params_)
        if (key == name) return true;
    return false;
}

bool QueryParams::flag(std::string_view name) const {
    const std::string_view value = get(name);
    return value == "1" || value == "true";
}

}  // namespace confab::api
