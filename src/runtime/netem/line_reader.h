// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Whole lines out of a descriptor that is read when it is readable.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

namespace confab::netsim {

class LineReader {
  public:
    static constexpr std::size_t kMaxLine = 4096;  // what is longer is cut into lines

    explicit LineReader(int fd) : fd_(fd) {}

    // Reads once. False: the end, after which poll_line() still gives what is left.
    bool read();
    // Without its line feed.
    std::optional<std::string> poll_line();

  private:
    int fd_;
    std::string text_;
    bool ended_ = false;
};

}  // namespace confab::netsim
