// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// An error that somebody outside reads, declared once: the code answers with it, and
// docs/reference/errors.md is printed from it.
#pragma once

#include <string_view>

namespace confab {

struct ErrorText {
    int status = 0;           // of HTTP
    std::string_view text;    // as it is sent, or how it begins where details follow
    std::string_view why;     // for the reader of the reference
    std::string_view remedy;  // what to do about it
};

}  // namespace confab
