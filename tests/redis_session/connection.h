// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// One connection as the checks use it.
#pragma once

#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "redis/session.h"
#include "socket.h"

namespace confab::redis {

// A session with its socket, driven while somebody waits for something.
class Connection {
  public:
    Connection(std::uint16_t port, const Login& login)
        : socket_(port),
          session_(
              clock_now(), login,
              [this](Timestamp, std::string_view channel, std::string payload) {
                  messages.emplace_back(channel);
                  payloads.push_back(std::move(payload));
              },
              kTiming) {
        expect(socket_.connected(), "nobody listens");
    }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    void until(const std::string& what, const std::function<bool()>& holds) {
        const Timestamp end = clock_now() + kPatience;
        while (!holds()) {
            expect(clock_now() < end, "waited in vain for " + what);
            turn();
        }
    }

    Result<Value, Fault> ask(std::initializer_list<std::string_view> words,
                             bool subscription = false) {
        return ask(std::vector<std::string_view>(words), subscription);
    }
    Result<Value, Fault> ask(const std::vector<std::string_view>& all, bool subscription = false) {
        std::optional<Result<Value, Fault>> reply;
        const auto done = [&](Timestamp, Result<Value, Fault> result) {
            reply = std::move(result);
        };
        const auto taken = subscription ? session_.subscription(clock_now(), all, done)
                                        : session_.command(clock_now(), all, done);
        if (!taken) return fail(taken.error());
        until(std::string(all.front()), [&] { return reply.has_value(); });
        return *reply;
    }
    Value answer(std::initializer_list<std::string_view> words, bool subscription = false) {
        auto reply = ask(words, subscription);
        expect(reply.has_value(), reply ? "" : reply.error().text);
        return *reply;
    }

    void wait_for_end() {
        until("the end", [&] { return session_.state() == Session::State::kEnded; });
    }
    const Session& session() const { return session_; }

    std::vector<std::string> messages;  // their channels
    std::vector<std::string> payloads;

  private:
    void turn() {
        const bool open =
            socket_.turn(session_.take_output(), Duration::millis(20),
                         [&](BytesView bytes) { session_.received(clock_now(), bytes); });
        if (!open) session_.closed(clock_now(), "end of file");
        session_.advance(clock_now());
    }

    Socket socket_;
    Session session_;
};

}  // namespace confab::redis
