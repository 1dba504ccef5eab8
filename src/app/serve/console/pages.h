// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The pages of the console, which are part of the program: what web/dist-console had when it was
// built (tools/embed_files).
#pragma once

#include <span>
#include <string_view>

namespace confab::app {

struct EmbeddedFile {
    std::string_view name;  // its path below the folder, "assets/index.js"
    std::string_view bytes;
};

// None: they were not there.
std::span<const EmbeddedFile> console_pages();

}  // namespace confab::app
