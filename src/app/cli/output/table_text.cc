// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/cli/output/table_text.h"

#include <algorithm>

#include "base/text.h"

namespace confab::app::cli {
namespace {

using Widths = std::vector<std::size_t>;

std::string rule(const Widths& widths, std::string_view left, std::string_view middle,
                 std::string_view right) {
    std::string out(left);
    for (std::size_t i = 0; i < widths.size(); ++i) {
        for (std::size_t n = 0; n < widths[i] + 2; ++n)
            out += "─";
        out += i + 1 < widths.size() ? middle : right;
    }
    return out + "\n";
}

std::string row_text(const Row& row, const Widths& widths) {
    std::vector<std::vector<std::string_view>> cells;
    std::size_t height = 1;
    for (const std::string& cell : row) {
        cells.push_back(split(cell, '\n'));
        height = std::max(height, cells.back().size());
    }
    std::string out;
    for (std::size_t line = 0; line < height; ++line) {
        out += "│";
        for (std::size_t i = 0; i < cells.size(); ++i) {
            const std::string text =
                line < cells[i].size() ? printable(cells[i][line]) : std::string();
            out += " " + text + std::string(widths[i] - width_of(text), ' ') + " │";
        }
        out += "\n";
    }
    return out;
}

void widen(Widths& widths, const Row& row) {
    for (std::size_t i = 0; i < row.size(); ++i)
        for (const std::string_view line : split(row[i], '\n'))
            widths[i] = std::max(widths[i], width_of(printable(line)));
}

}  // namespace

std::string printable(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto c = static_cast<unsigned char>(text[i]);
        // C0, DEL, and C1, whose octets of UTF-8 are C2 80 … C2 9F.
        const bool is_c1 =
            c == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0;
        if (is_c1) ++i;
        if (c < 0x20 || c == 0x7F || is_c1)
            out += "�";
        else
            out += text[i];
    }
    return out;
}

std::size_t width_of(std::string_view text) {
    return static_cast<std::size_t>(std::ranges::count_if(
        text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::string table_text(const Row& heads, const std::vector<Row>& rows) {
    Widths widths(heads.size(), 0);
    widen(widths, heads);
    for (const Row& row : rows)
        widen(widths, row);
    std::string out = rule(widths, "┌", "┬", "┐") + row_text(heads, widths);
    out += rule(widths, "├", "┼", "┤");
    for (const Row& row : rows)
        out += row_text(row, widths);
    return out + rule(widths, "└", "┴", "┘");
}

}  // namespace confab::app::cli
