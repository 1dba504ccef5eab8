// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What waits in the loop that asks until other shards have answered, or for so long and no longer.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/callback.h"
#include "runtime/net/event_loop.h"

namespace confab::control {

// The answers of all shards, in the loop that asks.
template <typename T>
class Gathering {
  public:
    using Answers = std::vector<std::optional<T>>;
    Gathering(net::EventLoop& loop, std::size_t count, Callback<Answers> reply)
        : answers_(count), missing_(count), reply_(std::move(reply)), timer_(loop) {}

    void add(std::size_t shard, std::optional<T> answer) {
        answers_[shard] = std::move(answer);
        if (--missing_ == 0) finish();
    }
    // Whoever has not answered keeps this alive.
    void finish_at(Timestamp deadline) {
        if (missing_ > 0) timer_.set(deadline, [this] { finish(); });
    }

  private:
    void finish() {
        timer_.cancel();
        if (reply_) reply_(std::exchange(answers_, Answers(answers_.size())));
    }

    Answers answers_;
    std::size_t missing_;
    Callback<Answers> reply_;
    net::EventLoop::Timer timer_;
};

// What waits for one shard, in the loop that asks. The question that is on its way, and then the
// answer, keep it alive.
template <typename T>
class Asked {
  public:
    Asked(net::EventLoop& loop, Callback<std::optional<T>> reply)
        : reply_(std::move(reply)), timer_(loop) {}

    void answer(std::optional<T> value) {
        timer_.cancel();
        reply_(std::move(value));
    }
    // Whoever sets `taken` first decides: the shard that begins, or the end of the wait.
    void give_up_at(Timestamp deadline, std::shared_ptr<std::atomic<bool>> taken) {
        timer_.set(deadline, [this, taken = std::move(taken)] {
            if (!taken->exchange(true)) answer(std::nullopt);
        });
    }

  private:
    Callback<std::optional<T>> reply_;
    net::EventLoop::Timer timer_;
};

}  // namespace confab::control
