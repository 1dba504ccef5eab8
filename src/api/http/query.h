// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The query of a request target, or a body of application/x-www-form-urlencoded (WHATWG URL,
// "application/x-www-form-urlencoded parsing"): '+' is a blank, %XX an octet. A pair with a broken
// escape, a ';' or octets that are no UTF-8 is left out: values end up in protobuf strings.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace confab::api {

inline constexpr std::size_t kMaxQueryParams = 128;

class QueryParams {
  public:
    QueryParams() = default;
    // `text` is what stands after the '?'; pairs after kMaxQueryParams are left out.
    static QueryParams parse(std::string_view text);

    // The first value of that name; empty if there is none.
    std::string_view get(std::string_view name) const;
    bool has(std::string_view name) const;
    // True only for "1" and "true" (01 CON-35).
    bool flag(std::string_view name) const;
    void add(std::string name, std::string value) {
        params_.emplace_back(std::move(name), std::move(value));
    }
    std::size_t size() const { return params_.size(); }

  private:
    std::vector<std::pair<std::string, std::string>> params_;
};

// Percent-decoding of one name or value; nullopt for a broken escape.
std::optional<std::string> decode_form_text(std::string_view text);

}  // namespace confab::api
