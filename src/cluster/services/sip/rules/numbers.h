// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Phone numbers as trunks and rules compare them (05 section A.4).
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace confab::cluster::services::sip {

// Of digits with an optional '+' in front and blanks, '-', '(' and ')' between: '+' and the digits.
// Anything else, the name of a SIP user say, stays as it is.
std::string normalized(std::string_view number);

inline bool is_same_number(std::string_view a, std::string_view b) {
    return a == b || normalized(a) == normalized(b);
}

template <typename Numbers>
bool has_number(const Numbers& numbers, std::string_view number) {
    return std::any_of(numbers.begin(), numbers.end(),
                       [number](const std::string& one) { return is_same_number(one, number); });
}

}  // namespace confab::cluster::services::sip
