// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What every bus must do (03 PSR-08 … PSR-21). A test of an implementation gives two nodes and a
// way to let time pass, and calls each of the checks below.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
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

// ---------------------------------------------------------------- the checks

inline constexpr Method kEcho{"Room", "Echo", Flow::kQueue};
inline constexpr Method kJob{"AgentInternal", "JobRequest", Flow::kAffinity};
inline constexpr Method kList{"EgressInternal", "ListActiveEgress", Flow::kMulti};
inline constexpr Method kPing{"Keepalive", "Ping", Flow::kPublish};
inline constexpr Method kRelay{"Signal", "RelaySignal", Flow::kStream};

inline Affinity claims(double value) {
    return [value](const Request&) { return value; };
}

inline void check_unary(Network network) {
    Caller caller(network);
    SUBCASE("nobody serves it [PSR-11] [API-W7]") {
        CHECK(caller.call(kEcho, {"r"}, "x") == "unavailable: no response from servers");
    }
    SUBCASE("topic and method select the server [PSR-05] [RPC-30]") {
        const auto room = network.b.serve(kEcho, {"a_b", "c"}, answers("first"), {});
        const auto other = network.b.serve(kEcho, {"a", "b_c"}, answers("second"), {});
        CHECK(caller.call(kEcho, {"a_b", "c"}, "x") == "first:x");
        CHECK(caller.call(kEcho, {"a", "b_c"}, "") == "second:");
        CHECK(caller.call(kEcho, {"a"}, "x") == "unavailable: no response from servers");
    }
    SUBCASE("a second server of the node is refused, a withdrawn one is gone [PSR-21]") {
        auto first = network.b.serve(kEcho, {"r"}, answers("first"), {});
        REQUIRE(first);
        const auto second = network.b.serve(kEcho, {"r"}, answers("second"), {});
        REQUIRE_FALSE(second);
        CHECK(second.error().code == Code::kAlreadyExists);
        CHECK(caller.call(kEcho, {"r"}, "x") == "first:x");
        *first = Registration();
        CHECK(caller.call(kEcho, {"r"}, "x") == "unavailable: no response from servers");
    }
    SUBCASE("code, text and details of an error arrive [PSR-18]") {
        const auto server = network.b.serve(
            kEcho, {},
            [](const Request&, Reply reply) {
                reply(tl::make_unexpected(Error{Code::kNotFound, "no such egress", {"detail"}}));
            },
            {});
        Error seen;
        network.a.call(network.now(), kEcho, {}, "x", {},
                       [&seen](const Outcome& outcome) { seen = outcome.error(); });
        network.pass(Duration::seconds(1));
        CHECK(seen == Error{Code::kNotFound, "no such egress", {"detail"}});
    }
    SUBCASE("metadata and the deadline come to the handler [PSR-19] [PSR-12]") {
        Metadata seen;
        Duration left;
        const auto server = network.b.serve(kEcho, {},
                                            [&](const Request& request, Reply reply) {
                                                seen = request.metadata;
                                                left = request.deadline - request.now;
                                                reply(std::string());
                                            },
                                            {});
        CallOptions options;
        options.timeout = Duration::seconds(7);
        options.metadata = {{"traceparent", "00-1-2-01"}, {"mine", "kept"}};
        CHECK(caller.call(kEcho, {}, "x", options).empty());
        CHECK(seen == options.metadata);
        CHECK(left > Duration::seconds(6));
        CHECK(left <= Duration::seconds(7));
    }
}

inline void check_selection(Network network) {
    Caller caller(network);
    SUBCASE("a queue takes turns, an abstaining server is passed over [PSR-09] [PSR-10]") {
        const auto a = network.a.serve(kEcho, {}, answers("a"), {});
        const auto b = network.b.serve(kEcho, {}, answers("b"), claims(-1));
        for (int i = 0; i < 4; ++i)
            CHECK(caller.call(kEcho, {}, "x") == "a:x");
    }
    SUBCASE("the highest affinity wins [PSR-11]") {
        const auto a = network.a.serve(kJob, {}, answers("a"), claims(0.4));
        const auto b = network.b.serve(kJob, {}, answers("b"), claims(0.7));
        for (int i = 0; i < 4; ++i)
            CHECK(caller.call(kJob, {}, "x") == "b:x");
    }
    SUBCASE("an affinity of 0 is heard and never chosen, below 0 is silence [PSR-11]") {
        const auto a = network.a.serve(kJob, {}, answers("a"), claims(0));
        CHECK(caller.call(kJob, {}, "x") ==
              "unavailable: no servers available (received 1 responses)");
        const auto b = network.b.serve(kEcho, {"still"}, answers("b"), claims(-1));
        CHECK(caller.call(kEcho, {"still"}, "x") == "unavailable: no response from servers");
    }
    SUBCASE("claims below the minimum do not count [PSR-11]") {
        const auto a = network.a.serve(kJob, {}, answers("a"), claims(0.4));
        CallOptions options;
        options.minimum_affinity = 0.4;
        CHECK(caller.call(kJob, {}, "x", options) == "a:x");
        options.minimum_affinity = 0.5;
        CHECK(caller.call(kJob, {}, "x", options).starts_with("unavailable: no servers"));
    }
}

inline void check_waiting(Network network) {
    Caller caller(network);
    SUBCASE("a server that says nothing ends with the timeout, a late answer is lost [PSR-12]") {
        Reply held;
        const auto server = network.b.serve(
            kEcho, {}, [&held](const Request&, Reply reply) { held = std::move(reply); }, {});
        caller.start(kEcho, {}, "x");
        network.pass(Duration::millis(2900));
        CHECK(caller.answer() == "waiting");
        network.pass(Duration::millis(200));
        CHECK(caller.answer() == "deadline_exceeded: request timed out");
        held(std::string("late"));  // a second answer would fail in Caller
        network.pass(Duration::seconds(1));
    }
    SUBCASE("an answer may come later, within the time") {
        Reply held;
        const auto server = network.b.serve(
            kEcho, {}, [&held](const Request&, Reply reply) { held = std::move(reply); }, {});
        caller.start(kEcho, {}, "x");
        network.pass(Duration::seconds(2));
        held(std::string("in time"));
        network.pass(Duration::millis(100));
        CHECK(caller.answer() == "in time");
    }
    SUBCASE("a reply that is dropped is an error, not a wait") {
        const auto server = network.b.serve(kEcho, {}, [](const Request&, Reply) {}, {});
        CHECK(caller.call(kEcho, {}, "x") == "internal: the handler gave no answer");
    }
    SUBCASE("a cancelled call answers nobody") {
        Reply held;
        const auto server = network.b.serve(
            kEcho, {}, [&held](const Request&, Reply reply) { held = std::move(reply); }, {});
        const CallId id = caller.start(kEcho, {}, "x");
        network.pass(Duration::millis(100));
        network.a.cancel(id);
        held(std::string("too late"));
        network.pass(Duration::seconds(5));
        CHECK(caller.answer() == "waiting");
    }
}

inline void check_many(Network network) {
    SUBCASE("all servers answer, and the end comes with the timeout [PSR-14]") {
        const auto a = network.a.serve(kList, {}, answers("a"), {});
        const auto b = network.b.serve(kList, {}, answers("b"), {});
        std::vector<std::string> seen;
        bool over = false;
        network.a.gather(
            network.now(), kList, {}, "x", {},
            [&](const Outcome& outcome) {
                CHECK_FALSE(over);
                seen.push_back(text_of(outcome));
            },
            [&over] { over = true; });
        network.pass(Duration::seconds(1));
        std::sort(seen.begin(), seen.end());
        CHECK(seen == std::vector<std::string>{"a:x", "b:x"});
        CHECK_FALSE(over);
        network.pass(Duration::millis(2100));
        CHECK(over);
    }
    SUBCASE("a publication reaches all listeners of its topic in order [PSR-07]") {
        std::string a;
        std::string b;
        const auto first =
            network.a.subscribe(kPing, {"n"}, [&a](const std::string& m) { a += m; });
        auto second = network.b.subscribe(kPing, {"n"}, [&b](const std::string& m) { b += m; });
        network.pass(Duration::seconds(1));  // until other nodes know of them
        network.a.publish(kPing, {"n"}, "1");
        network.a.publish(kPing, {"n"}, "2");
        network.a.publish(kPing, {"elsewhere"}, "3");
        network.pass(Duration::seconds(1));
        second = Registration();
        network.a.publish(kPing, {"n"}, "4");
        network.pass(Duration::seconds(1));
        CHECK(a == "124");
        CHECK(b == "12");
    }
}

// One end of a stream and what it heard.
struct StreamEnd {
    std::shared_ptr<Stream> stream;
    std::vector<std::string> got;
    std::string closed;

    void listen() {
        stream->set_handlers(
            [this] {
                while (auto message = stream->receive())
                    got.push_back(*message);
            },
            [this](const Error& error) { closed = text_of(tl::make_unexpected(error)); });
    }
};

inline void check_streams(Network network) {
    StreamEnd server;
    std::string opened_with;
    const auto registration = network.b.serve_stream(
        kRelay, {"ND_b"}, [&](const Request& request, std::shared_ptr<Stream> stream) {
            opened_with = request.payload;
            server.stream = std::move(stream);
        });
    StreamEnd client;
    std::string refused;
    network.a.open(network.now(), kRelay, {"ND_b"}, "hello", {},
                   [&client](Result<std::shared_ptr<Stream>, Error> result) {
                       client.stream = *std::move(result);
                   });
    network.a.open(network.now(), kRelay, {"ND_x"}, "hello", {},
                   [&refused](Result<std::shared_ptr<Stream>, Error> result) {
                       refused = text_of(tl::make_unexpected(result.error()));
                   });
    network.pass(Duration::seconds(1));
    REQUIRE(client.stream);
    REQUIRE(server.stream);
    CHECK(opened_with == "hello");
    CHECK(refused == "unavailable: no response from servers");
    client.listen();
    const auto send = [&network](StreamEnd& from, std::string text) {
        const auto outcome = std::make_shared<std::string>("waiting");
        from.stream->send(network.now(), std::move(text), [outcome](Result<void, Error> result) {
            *outcome = result ? "taken" : text_of(tl::make_unexpected(result.error()));
        });
        return outcome;
    };

    SUBCASE("messages arrive in order, both ways, and are acknowledged [PSR-16]") {
        server.listen();
        const auto first = send(client, "1");
        send(client, "2");
        send(server, "a");
        network.pass(Duration::seconds(1));
        CHECK(server.got == std::vector<std::string>{"1", "2"});
        CHECK(client.got == std::vector<std::string>{"a"});
        CHECK(*first == "taken");
    }
    SUBCASE(
        "what is not taken is kept up to its bound, the next is lost and its sender hears it "
        "[PSR-16]") {
        std::vector<std::shared_ptr<std::string>> sent;
        sent.reserve(Stream::kMaxQueued + 1);
        for (std::size_t i = 0; i < Stream::kMaxQueued + 1; ++i)
            sent.push_back(send(client, std::to_string(i)));
        network.pass(Duration::seconds(1));
        CHECK(*sent[Stream::kMaxQueued - 1] == "taken");
        CHECK(*sent[Stream::kMaxQueued] == "waiting");
        network.pass(Duration::seconds(3));
        CHECK(*sent[Stream::kMaxQueued] == "deadline_exceeded: request timed out");
        server.listen();
        network.pass(Duration::seconds(1));
        CHECK(server.got.size() == Stream::kMaxQueued);
        CHECK(*send(client, "again") == "waiting");
        network.pass(Duration::seconds(1));
        CHECK(server.got.back() == "again");
    }
    SUBCASE("a close comes to the other end alone, after what was sent [PSR-16]") {
        server.listen();
        send(client, "last");
        client.stream->close({Code::kUnavailable, "EOF", {}});
        network.pass(Duration::seconds(1));
        CHECK(server.got == std::vector<std::string>{"last"});
        CHECK(server.closed == "unavailable: EOF");
        CHECK(client.closed.empty());
        CHECK_FALSE(server.stream->is_open());
        const auto after = send(server, "x");
        network.pass(Duration::seconds(1));
        CHECK(*after == "canceled: stream closed");
    }
    SUBCASE("an end that is let go closes the stream") {
        client.stream.reset();
        server.listen();
        network.pass(Duration::seconds(1));
        CHECK_FALSE(server.stream->is_open());
    }
}

}  // namespace confab::rpc::testing
