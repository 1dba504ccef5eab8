// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Commands of one store: what comes back of them is a value or a Failure, refusals of the server
// are told with their remedy, and a store that is gone is not called any more.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/callback.h"
#include "base/result.h"
#include "base/time.h"
#include "cluster/store/failure.h"
#include "cluster/store/notices.h"
#include "redis/port.h"

namespace confab::cluster::store {

// Of one value in the store; beyond that it is neither written nor given out.
inline constexpr std::size_t kMaxRecord = std::size_t{1} << 20;

using Answer = Result<redis::Value, Failure>;

class Commands {
  public:
    using Done = Callback<Timestamp, Answer>;

    // Both outlive it.
    Commands(redis::Port& port, Notices& notices)
        : port_(port), notices_(notices), alive_(std::make_shared<const bool>(true)) {}
    Commands(const Commands&) = delete;
    Commands& operator=(const Commands&) = delete;

    // `done` is called once: later, or inside this call if there is no connection. What it gets is
    // no error value. With the Commands' end it is called no more.
    void send(Timestamp now, redis::Words words, Done done);
    void send(Timestamp now, std::initializer_list<std::string_view> words, Done done) {
        send(now, redis::Words(words.begin(), words.size()), std::move(done));
    }
    // Several, of which one may fail and others not. `done` when all are answered, with the answers
    // in the order of the commands: where several masters have the keys, replies come in any.
    void send_all(Timestamp now, const std::vector<std::vector<std::string_view>>& all,
                  Callback<Timestamp, std::vector<Answer>> done);
    // EVAL of a script of scripts.h.
    void eval(Timestamp now, std::string_view script, const std::vector<std::string>& keys,
              const std::vector<std::string>& arguments, Done done);

    bool is_up() const { return port_.is_up(redis::Line::kCommands); }
    Notices& notices() { return notices_; }

  private:
    Failure refusal(Timestamp now, const std::string& command, const std::string& key,
                    const std::string& error);

    redis::Port& port_;
    Notices& notices_;
    std::shared_ptr<const bool> alive_;  // replies on their way see whether it still is
};

// The first of them that is a failure.
inline std::optional<Failure> failure_of(const std::vector<Answer>& answers) {
    for (const Answer& answer : answers)
        if (!answer) return answer.error();
    return std::nullopt;
}

// A text reply; empty if there is none.
inline std::string take_text(redis::Value&& value) {
    return value.kind == redis::Value::Kind::kText ? std::move(value.text) : std::string();
}

}  // namespace confab::cluster::store
