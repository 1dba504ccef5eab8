// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// One connection to a Redis server without its socket: greeting, commands in a pipeline, messages
// of channels, and when to give up. Its driver connects, hands over bytes and a time, and writes
// what take_output() gives; when a session has ended it makes another one, and whoever subscribed
// does so again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "redis/port.h"
#include "redis/reply_reader.h"
#include "redis/value.h"

namespace confab::redis {

// RDS-28.
struct Login {
    std::string username;  // empty with a password: the user "default"
    std::string password;
    std::uint32_t db = 0;
    std::string name = "confab";  // in the server's CLIENT LIST
};

struct Timing {
    Duration reply = Duration::seconds(5);    // for each command, from when it was given
    Duration silence = Duration::seconds(5);  // then a PING asks whether anybody is there
};

class Session {
  public:
    enum class State : std::uint8_t { kGreeting, kReady, kEnded };
    using MessageHandler =
        std::function<void(Timestamp now, std::string_view channel, std::string payload)>;

    static constexpr std::size_t kMaxWaiting = 100'000;               // commands
    static constexpr std::size_t kMaxUnsent = std::size_t{64} << 20;  // bytes

    // Of a connection that has just been made. Messages of channels go to `on_message`; those
    // beyond the reader's limit are counted and go nowhere.
    Session(Timestamp now, const Login& login, MessageHandler on_message, Timing timing = {});
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    // ---- commands. `done` is called once, in received(), advance() or closed(); never in here.
    // What is given while greeting waits for its end. Error: kFull, or why the session has ended.
    Result<void, Fault> command(Timestamp now, Words words, Reply done);
    // SUBSCRIBE, PSUBSCRIBE, UNSUBSCRIBE, PUNSUBSCRIBE with at least one channel: answered when the
    // last of them is confirmed, with the server's error if it is refused.
    Result<void, Fault> subscription(Timestamp now, Words words, Reply done);

    // ---- the driver.
    void received(Timestamp now, BytesView bytes);
    void advance(Timestamp now);
    void closed(Timestamp now, std::string_view why);
    Timestamp next_deadline() const;
    bool has_output() const { return !output_.empty(); }
    std::string take_output() { return std::exchange(output_, {}); }

    State state() const { return state_; }
    const std::optional<Fault>& fault() const { return fault_; }  // once ended
    std::size_t waiting() const { return waiting_.size(); }
    std::uint64_t messages_too_big() const { return messages_too_big_; }

  private:
    struct Waiting {
        std::size_t confirmations = 0;  // 0: one reply
        Timestamp deadline;
        Reply done;
    };

    Result<void, Fault> enqueue(Timestamp now, Words words, std::size_t confirmations, Reply done);
    void greet(Timestamp now, const Login& login);
    void greeted(Timestamp now, const Result<Value, Fault>& reply);
    void take(Timestamp now, Value value);
    void take_push(Timestamp now, Value push);
    void answer(Timestamp now, Result<Value, Fault> result);
    void end(Timestamp now, Fault fault);

    Timing timing_;
    MessageHandler on_message_;
    State state_ = State::kGreeting;
    std::optional<Fault> fault_;
    std::size_t greetings_ = 0;  // of their replies that are missing
    Timestamp heard_;
    ReplyReader reader_;
    std::string output_;
    std::string held_back_;  // commands given while greeting
    std::deque<Waiting> waiting_;
    std::uint64_t messages_too_big_ = 0;
};

}  // namespace confab::redis
