// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Carries the webhooks of all control shards to the one that sends them. Those of a room stay in
// order, as they come from one thread. At most kMaxWaiting are on the way; a further one is dropped
// and counted, like one that finds the queue of its receiver full.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <utility>

#include "room/scope/types.h"
#include "runtime/net/event_loop.h"

namespace confab::control {

class WebhookRelay {
  public:
    static constexpr std::uint64_t kMaxWaiting = 16'384;

    // `home` and what `deliver`, called in it, refers to must outlive it.
    WebhookRelay(net::EventLoop& home, std::function<void(room::WebhookEvent)> deliver)
        : home_(home), deliver_(std::move(deliver)) {}

    // Any thread.
    void send(room::WebhookEvent event) {
        if (waiting_.fetch_add(1, std::memory_order_relaxed) >= kMaxWaiting) {
            waiting_.fetch_sub(1, std::memory_order_relaxed);
            dropped_.fetch_add(1, std::memory_order_relaxed);
            return;
        }
        home_.post([this, event = std::move(event)]() mutable {
            waiting_.fetch_sub(1, std::memory_order_relaxed);
            deliver_(std::move(event));
        });
    }
    std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

  private:
    net::EventLoop& home_;
    std::function<void(room::WebhookEvent)> deliver_;
    std::atomic<std::uint64_t> waiting_{0};
    std::atomic<std::uint64_t> dropped_{0};
};

}  // namespace confab::control
