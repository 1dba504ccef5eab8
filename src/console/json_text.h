// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Numbers and lists for json::Writer.
#pragma once

#include <charconv>
#include <cmath>
#include <iterator>
#include <string>

#include "json/json.h"

namespace confab::console {

// With three digits behind the point at most; what is no number is 0.
inline std::string number_text(double value) {
    if (!std::isfinite(value) || std::abs(value) > 1e15) return "0";
    const double rounded = std::round(value * 1000) / 1000;
    char text[40];
    const auto end = std::to_chars(std::begin(text), std::end(text), rounded).ptr;
    return std::string(static_cast<const char*>(text), static_cast<const char*>(end));
}

// `make` gives the JSON of one.
template <typename List, typename Make>
std::string list_text(const List& list, Make&& make) {
    std::string text = "[";
    for (const auto& one : list) {
        if (text.size() > 1) text += ',';
        text += make(one);
    }
    return text + "]";
}

}  // namespace confab::console
