// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/services/sip/rules/numbers.h"

namespace confab::cluster::services::sip {

std::string normalized(std::string_view number) {
    const std::string_view rest = number.substr(number.starts_with('+') ? 1 : 0);
    std::string digits = "+";
    for (const char c : rest) {
        if (c >= '0' && c <= '9')
            digits.push_back(c);
        else if (c != ' ' && c != '-' && c != '(' && c != ')')
            return std::string(number);
    }
    return rest.empty() ? std::string(number) : digits;
}

}  // namespace confab::cluster::services::sip
