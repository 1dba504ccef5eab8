// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A reply that goes along to another loop: called, or dropped unanswered, in the loop that it came
// from, as what it holds (a connection, a timer) belongs there.
#pragma once

#include <utility>

#include "base/callback.h"
#include "runtime/net/event_loop.h"

namespace confab::control {

template <typename T>
class HomeReply {
  public:
    // `home` must outlive the reply.
    HomeReply(net::EventLoop& home, Callback<T> reply) : home_(&home), reply_(std::move(reply)) {}
    HomeReply(HomeReply&&) noexcept = default;
    HomeReply& operator=(HomeReply&&) = delete;
    ~HomeReply() {
        if (reply_) home_->post([dropped = std::move(reply_)] {});
    }
    // Later calls do nothing.
    void operator()(T value) {
        if (!reply_) return;
        home_->post([reply = std::move(reply_), value = std::move(value)]() mutable {
            reply(std::move(value));
        });
    }

  private:
    net::EventLoop* home_;
    Callback<T> reply_;
};

}  // namespace confab::control
