// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Files of the repository, for tests that hold them against the code.
#pragma once

#include <fstream>
#include <sstream>
#include <string>

namespace confab::app::testing {

// `path` is below the repository's root; the text is empty where there is no such file.
inline std::string read_source(const std::string& path) {
    std::ifstream file(CONFAB_SOURCE_DIR "/" + path);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

}  // namespace confab::app::testing
