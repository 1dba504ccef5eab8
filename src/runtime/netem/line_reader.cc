// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/netem/line_reader.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

namespace confab::netsim {

bool LineReader::read() {
    std::array<char, kMaxLine> buffer;
    const ssize_t count = ::read(fd_, buffer.data(), buffer.size());
    if (count > 0) text_.append(buffer.data(), static_cast<std::size_t>(count));
    ended_ = count == 0 || (count < 0 && errno != EINTR && errno != EAGAIN);
    return !ended_;
}

std::optional<std::string> LineReader::poll_line() {
    const std::size_t end = text_.find('\n');
    if (end != std::string::npos) {
        std::string line = text_.substr(0, end);
        text_.erase(0, end + 1);
        return line;
    }
    if (text_.empty() || (!ended_ && text_.size() < kMaxLine)) return std::nullopt;
    return std::exchange(text_, {});
}

}  // namespace confab::netsim
