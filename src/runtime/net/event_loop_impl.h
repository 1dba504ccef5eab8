// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The io_context of an EventLoop, for the other .cc files of runtime/net.
#pragma once

#include "runtime/net/asio.h"
#include "runtime/net/event_loop.h"

namespace confab::net {

struct EventLoop::Impl {
    asio::io_context context{1};
    std::function<void()> turn_hook;
    std::function<bool()> may_sleep;
    std::function<void()> awake;
    std::function<void(const std::string&)> failed;
    std::uint64_t failures = 0;
};

inline asio::io_context& context_of(EventLoop& loop) {
    return loop.impl().context;
}

inline std::chrono::steady_clock::time_point to_steady(Timestamp time) {
    return std::chrono::steady_clock::time_point(std::chrono::microseconds(time.us()));
}

}  // namespace confab::net
