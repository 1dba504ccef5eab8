// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What every bus must do (03 PSR-08 … PSR-21). A test of an implementation gives two nodes and a
// way to let time pass, and calls each of the checks below.
#pragma once

#include <doctest/doctest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "rpc/bus.h"

namespace confab::rpc::testing {

struct Network {
    Bus& a;
    Bus& b;
    std::function<Timestamp()> now;
    // Lets everything happen that is due within this time.
    std::function<void(Duration)> pass;
};

inline std::string text_of(const Outcome& outcome) {
    return outcome ? *outcome
                   : std::string(to_text(outcome.error().code)) + ": " + outcome.error().text;
}

// Calls from `a` and gives what came back, or "waiting".
class Caller {
  public:
    explicit Caller(Network& network) : network_(network) {}

    CallId start(const Method& method, const Topic& topic, std::string request,
                 CallOptions options = {}) {
        return network_.a.call(network_.now(), method, topic, std::move(request),
                               std::move(options), [answer = answer_](const Outcome& outcome) {
                                   CHECK(*answer == "waiting");
                                   *answer = text_of(outcome);
                               });
    }
    std::string call(const Method& method, const Topic& topic, std::string request,
                     CallOptions options = {}) {
        *answer_ = "waiting";
        start(method, topic, std::move(request), std::move(options));
        CHECK(*answer_ == "waiting");  // never inside the call
        network_.pass(Duration::seconds(1));
        return *answer_;
    }
    const std::string& answer() const { return *answer_; }

  private:
    Network& network_;
    std::shared_ptr<std::string> answer_ = std::make_shared<std::string>("waiting");
};

inline Handler answers(std::string with) {
    return [with = std::move(with)](const Request& request, Reply reply) {
        reply(with + ":" + request.payload);
    };
}

void check_unary(Network network);
void check_selection(Network network);
void check_waiting(Network network);
void check_many(Network network);
void check_streams(Network network);

}  // namespace confab::rpc::testing
