// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "redis/session.h"

#include <doctest/doctest.h>

#include <array>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "redis/command.h"

using namespace confab;
using namespace confab::redis;
using Code = Fault::Code;

namespace {

std::string encoded(std::initializer_list<std::string_view> words) {
    std::string out;
    append_command(out, std::vector<std::string_view>(words));
    return out;
}

// A session and what came of it.
struct Client {
    explicit Client(const Login& login = {})
        : session(now, login,
                  [this](Timestamp, std::string_view channel, const std::string& payload) {
                      messages.push_back(std::string(channel) + "=" + payload);
                  }) {}

    Reply note(std::string name) {
        return [this, name = std::move(name)](Timestamp, Result<Value, Fault> reply) {
            std::string said = name + ":";
            if (!reply)
                said += "fault " + std::to_string(static_cast<int>(reply.error().code));
            else
                said += reply->text + (reply->kind == Value::Kind::kPush ? "confirmed" : "");
            replies.push_back(std::move(said));
        };
    }
    Result<void, Fault> ask(std::initializer_list<std::string_view> words) {
        const std::vector<std::string_view> all(words);
        return session.command(now, all, note(std::string(all.front())));
    }
    Result<void, Fault> subscribe(std::initializer_list<std::string_view> words) {
        const std::vector<std::string_view> all(words);
        return session.subscription(now, all, note(std::string(all.front())));
    }
    void hear(std::string_view text) { session.received(now, as_bytes(text)); }
    void pass(Duration time) {
        const Timestamp end = now + time;
        while (session.next_deadline() <= end) {
            now = session.next_deadline();
            session.advance(now);
        }
        now = end;
    }
    Code ended() const {
        REQUIRE(session.state() == Session::State::kEnded);
        return session.fault()->code;
    }

    Timestamp now = Timestamp::micros(1'000'000);
    std::vector<std::string> messages;
    std::vector<std::string> replies;
    Session session;
};

constexpr std::string_view kGreeted = "%1\r\n+proto\r\n:3\r\n";

}  // namespace

TEST_CASE("Session: the greeting names user, client and database before anything else [RDS-28]") {
    Client client({"alice", "secret", 3, "confab"});
    CHECK(client.ask({"PING"}));
    CHECK(client.session.take_output() ==
          encoded({"HELLO", "3", "AUTH", "alice", "secret", "SETNAME", "confab"}) +
              encoded({"SELECT", "3"}));
    client.hear(kGreeted);
    CHECK(client.session.state() == Session::State::kGreeting);
    CHECK_FALSE(client.session.has_output());
    client.hear("+OK\r\n");
    CHECK(client.session.state() == Session::State::kReady);
    CHECK(client.session.take_output() == encoded({"PING"}));
    client.hear("+PONG\r\n");
    CHECK(client.replies == std::vector<std::string>{"PING:PONG"});

    Client plain;
    CHECK(plain.session.take_output() == encoded({"HELLO", "3", "SETNAME", "confab"}));
    Client only_password({"", "secret", 0, ""});
    CHECK(only_password.session.take_output() ==
          encoded({"HELLO", "3", "AUTH", "default", "secret"}));
}

TEST_CASE("Session: a refused login says what to do and never the password [RDS-28]") {
    const auto refused = [](std::string_view text) {
        Client client({"alice", "secret", 3, "confab"});
        CHECK(client.ask({"PING"}));
        client.hear(text);
        CHECK(client.replies.size() == 1);
        CHECK(client.session.fault()->text.find("secret") == std::string::npos);
        CHECK_FALSE(client.session.has_output());
        CHECK_FALSE(client.ask({"PING"}));
        return client.ended();
    };
    CHECK(refused("-WRONGPASS invalid username-password pair\r\n") == Code::kRefused);
    CHECK(refused("-NOAUTH HELLO must be called with\r\n") == Code::kRefused);
    CHECK(refused("-NOPERM no permissions\r\n") == Code::kRefused);
    CHECK(refused("%0\r\n-ERR DB index is out of range\r\n") == Code::kRefused);
    CHECK(refused("-LOADING Redis is loading\r\n") == Code::kNotReady);
    CHECK(refused("-ERR unknown command `HELLO`\r\n") == Code::kTooOld);
    CHECK(refused("-NOPROTO unsupported protocol version\r\n") == Code::kTooOld);
    CHECK(refused("SSH-2.0-OpenSSH\r\n") == Code::kProtocol);
}

TEST_CASE("Session: replies in the order of the commands, messages between them") {
    Client client;
    client.hear(kGreeted);
    client.session.take_output();
    CHECK(client.ask({"GET", "a"}));
    CHECK(client.subscribe({"SUBSCRIBE", "x", "y"}));
    CHECK(client.ask({"SET", "a", "1"}));
    client.hear("$1\r\n7\r\n>3\r\n$9\r\nsubscribe\r\n$1\r\nx\r\n:1\r\n");
    client.hear(">3\r\n$7\r\nmessage\r\n$1\r\nx\r\n$2\r\nhi\r\n");
    CHECK(client.replies == std::vector<std::string>{"GET:7"});
    client.hear(">3\r\n$9\r\nsubscribe\r\n$1\r\ny\r\n:2\r\n-OOM no\r\n");
    CHECK(client.replies == std::vector<std::string>{"GET:7", "SUBSCRIBE:confirmed", "SET:OOM no"});
    client.hear(">4\r\n$8\r\npmessage\r\n$1\r\n*\r\n$1\r\nz\r\n$2\r\nho\r\n");
    CHECK(client.messages == std::vector<std::string>{"x=hi", "z=ho"});
    CHECK(client.session.state() == Session::State::kReady);
}

TEST_CASE("Session: a channel that the user may not have is refused, what follows goes on") {
    Client client;
    client.hear(kGreeted);
    CHECK(client.subscribe({"SUBSCRIBE", "a", "secret"}));
    CHECK(client.ask({"PING"}));
    client.hear("-NOPERM No permissions to access a channel\r\n+PONG\r\n");
    CHECK(client.replies ==
          std::vector<std::string>{"SUBSCRIBE:NOPERM No permissions to access a channel",
                                   "PING:PONG"});
    // One that the server takes away later answers nothing.
    CHECK(client.ask({"GET", "a"}));
    client.hear(">3\r\n$11\r\nunsubscribe\r\n$1\r\nx\r\n:0\r\n_\r\n");
    CHECK(client.replies.back() == "GET:");
    client.hear("+what\r\n");
    CHECK(client.ended() == Code::kProtocol);
}

TEST_CASE("Session: who does not answer is given up, who is silent is asked") {
    Client client;
    client.hear(kGreeted);
    client.session.take_output();
    client.pass(Duration::seconds(5));
    CHECK(client.session.take_output() == encoded({"PING"}));
    client.hear("+PONG\r\n");
    client.pass(Duration::millis(4900));
    CHECK_FALSE(client.session.has_output());
    CHECK(client.ask({"GET", "a"}));
    CHECK(client.ask({"GET", "b"}));
    client.pass(Duration::seconds(4));
    client.hear(">3\r\n$7\r\nmessage\r\n$1\r\nx\r\n$2\r\nhi\r\n");  // no reply
    client.pass(Duration::seconds(1));
    CHECK(client.ended() == Code::kTimeout);
    const std::string timeout = "GET:fault " + std::to_string(static_cast<int>(Code::kTimeout));
    CHECK(client.replies == std::vector<std::string>{timeout, timeout});
    CHECK(client.session.next_deadline().is_never());

    Client silent;
    silent.pass(Duration::seconds(5));
    CHECK(silent.ended() == Code::kTimeout);
    Client gone;
    gone.hear(kGreeted);
    CHECK(gone.ask({"GET", "a"}));
    gone.session.closed(gone.now, "reset by peer");
    CHECK(gone.ended() == Code::kClosed);
    CHECK(gone.replies.size() == 1);
}

TEST_CASE("Session: what waits is bounded, and so is a message") {
    Client client;
    client.hear(kGreeted);
    const std::string large(Session::kMaxUnsent / 2, 'x');
    CHECK(client.ask({"SET", "a", large}));
    const auto full = client.ask({"SET", "b", large});
    REQUIRE_FALSE(full);
    CHECK(full.error().code == Code::kFull);
    client.session.take_output();
    CHECK(client.ask({"SET", "b", large}));
    client.session.take_output();
    while (client.session.waiting() < Session::kMaxWaiting)
        REQUIRE(client.ask({"PING"}));
    CHECK_FALSE(client.ask({"PING"}));

    Client listener;
    listener.hear(kGreeted);
    const std::string payload(ReplyReader::kMaxValue + 1, 'x');
    listener.hear(">3\r\n+message\r\n+c\r\n$" + std::to_string(payload.size()) + "\r\n" + payload +
                  "\r\n");
    CHECK(listener.messages.empty());
    CHECK(listener.session.messages_too_big() == 1);
    CHECK(listener.session.state() == Session::State::kReady);
}
