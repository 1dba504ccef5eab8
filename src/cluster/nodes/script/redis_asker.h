// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Asks Redis for a machine that may be gone before the reply is there.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/callback.h"
#include "cluster/nodes/script/guard.h"
#include "redis/port.h"

namespace confab::cluster::nodes {

class RedisAsker {
  public:
    // Null: no connection, no reply in time, an error, or parts of the reply are missing.
    using Heard = Callback<Timestamp, redis::Value*>;

    explicit RedisAsker(redis::Port& redis) : redis_(redis) {}

    // `heard` is called inside the call if there is no connection.
    void ask(Timestamp now, redis::Words words, Heard heard) {
        const auto shared = std::make_shared<Heard>(std::move(heard));
        const auto answer = [this, shared](Timestamp at, Result<redis::Value, redis::Fault> reply) {
            const bool good = reply && !reply->is_error() && !reply->cut;
            refused_ += good ? 0 : 1;
            (*shared)(at, good ? &*reply : nullptr);
        };
        if (!redis_.command(now, words, guard_.on(answer))) answer(now, fail(redis::Fault{}));
    }
    void ask(Timestamp now, const std::vector<std::string>& words, Heard heard) {
        ask(now, std::vector<std::string_view>(words.begin(), words.end()), std::move(heard));
    }
    void ask(Timestamp now, const std::vector<std::string_view>& words, Heard heard) {
        ask(now, redis::Words(words), std::move(heard));
    }

    bool is_up(redis::Line line) const { return redis_.is_up(line); }
    std::uint64_t refused() const { return refused_; }

  private:
    redis::Port& redis_;
    std::uint64_t refused_ = 0;
    Guard guard_;
};

}  // namespace confab::cluster::nodes
