// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Tables of box drawings, as upstream's command line has them (LKC-04).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace confab::app::cli {

using Row = std::vector<std::string>;

// Every row has as many cells as `heads`. Line breaks in a cell make it higher.
std::string table_text(const Row& heads, const std::vector<Row>& rows);

// For a terminal: without control characters, which names and metadata of others could have.
std::string printable(std::string_view text);
// Columns of a terminal, one for each code point.
std::size_t width_of(std::string_view text);

}  // namespace confab::app::cli
