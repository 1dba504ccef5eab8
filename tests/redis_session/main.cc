// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// redis::Session against a real redis-server (tests/cluster/run_redis_session starts it, with the
// users "confab", password "right", that may have no channel "secret…", and "nobody" without
// rights). usage: redis_session PORT
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <initializer_list>
#include <iostream>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "redis/session.h"

namespace confab::redis {
namespace {

constexpr Duration kPatience = Duration::seconds(20);
constexpr Timing kTiming = {Duration::seconds(2), Duration::seconds(1)};

Timestamp clock_now() {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    return Timestamp::micros(std::chrono::duration_cast<std::chrono::microseconds>(now).count());
}

void expect(bool holds, const std::string& what) {
    if (!holds) throw std::runtime_error(what);
}

// A session with its socket, driven while somebody waits for something.
class Connection {
  public:
    Connection(std::uint16_t port, const Login& login)
        : socket_(::socket(AF_INET, SOCK_STREAM, 0)),
          session_(
              clock_now(), login,
              [this](std::string_view channel, std::string payload) {
                  messages.emplace_back(channel);
                  payloads.push_back(std::move(payload));
              },
              kTiming) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        // The one cast that sockets ask for.
        expect(
            ::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0,
            "nobody listens");
    }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    ~Connection() { ::close(socket_); }

    void until(const std::string& what, const std::function<bool()>& holds) {
        const Timestamp end = clock_now() + kPatience;
        while (!holds()) {
            expect(clock_now() < end, "waited in vain for " + what);
            turn();
        }
    }

    Result<Value, Fault> ask(std::initializer_list<std::string_view> words,
                             bool subscription = false) {
        std::optional<Result<Value, Fault>> reply;
        const std::vector<std::string_view> all(words);
        const auto done = [&](Result<Value, Fault> result) { reply = std::move(result); };
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
        unsent_ += session_.take_output();
        pollfd ready{socket_, static_cast<short>(unsent_.empty() ? POLLIN : POLLIN | POLLOUT), 0};
        ::poll(&ready, 1, 20);
        if ((ready.revents & POLLOUT) != 0) {
            const ssize_t sent =
                ::send(socket_, unsent_.data(), unsent_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
            if (sent > 0) unsent_.erase(0, static_cast<std::size_t>(sent));
        }
        if ((ready.revents & (POLLIN | POLLHUP)) != 0) {
            std::array<std::uint8_t, 65536> bytes;
            const ssize_t size = ::recv(socket_, bytes.data(), bytes.size(), 0);
            if (size <= 0)
                session_.closed("end of file");
            else
                session_.received(clock_now(),
                                  BytesView(bytes).first(static_cast<std::size_t>(size)));
        }
        session_.advance(clock_now());
    }

    int socket_;
    std::string unsent_;
    Session session_;
};

const Login kUser = {"confab", "right", 0, "confab"};

void exchange(std::uint16_t port) {
    Login login = kUser;
    login.db = 3;
    Connection one(port, login);
    const std::string value("\r\n\0$5\r\n", 7);
    expect(one.answer({"HSET", "nodes", "n1", value}).integer == 1, "HSET");
    expect(one.answer({"HGET", "nodes", "n1"}).text == value, "HGET");
    expect(one.answer({"HGETALL", "nodes"}).kind == Value::Kind::kMap, "HGETALL");
    expect(one.answer({"HGET", "nodes", "n2"}).kind == Value::Kind::kNull, "HGET of nothing");
    expect(one.answer({"LPUSH", "nodes", "x"}).error_code() == "WRONGTYPE", "LPUSH");
    expect(one.answer({"CLIENT", "LIST"}).text.find("name=confab") != std::string::npos,
           "the name");
    Connection other_database(port, kUser);
    expect(other_database.answer({"EXISTS", "nodes"}).integer == 0, "the database");
    const std::string megabytes(std::size_t{20} << 20, 'x');
    expect(one.answer({"SET", "large", megabytes}).text == "OK", "SET");
    expect(one.answer({"GET", "large"}).text == megabytes, "GET");
}

void logins(std::uint16_t port) {
    const auto ended = [&](const Login& login) {
        Connection one(port, login);
        one.wait_for_end();
        expect(one.session().fault()->code == Fault::Code::kRefused, one.session().fault()->text);
        return one.session().fault()->text;
    };
    expect(ended({"confab", "wrong", 0, "confab"}).find("redis.password is wrong") !=
               std::string::npos,
           "wrong");
    expect(ended({}).find("set redis.password") != std::string::npos, "none");
    expect(ended({"nobody", "right", 3, "confab"}).find("may not log in") != std::string::npos,
           ended({"nobody", "right", 3, "confab"}));
    expect(ended({"confab", "right", 99, "confab"}).find("DB index") != std::string::npos,
           "database");
}

void channels(std::uint16_t port) {
    Connection listener(port, kUser);
    Connection speaker(port, kUser);
    expect(listener.answer({"SUBSCRIBE", "a", "b"}, true).kind == Value::Kind::kPush, "SUBSCRIBE");
    expect(listener.answer({"SUBSCRIBE", "c", "secret1"}, true).error_code() == "NOPERM", "NOPERM");
    expect(listener.answer({"SUBSCRIBE", "c"}, true).kind == Value::Kind::kPush, "after a refusal");
    for (const std::string_view channel : {"a", "b", "c", "d"})
        speaker.answer({"PUBLISH", channel, channel});
    listener.until("messages", [&] { return listener.messages.size() == 3; });
    expect(listener.messages == std::vector<std::string>{"a", "b", "c"}, "order");
    expect(listener.answer({"UNSUBSCRIBE", "a", "b"}, true).kind == Value::Kind::kPush,
           "UNSUBSCRIBE");
    expect(speaker.answer({"PUBLISH", "a", "x"}).integer == 0, "still subscribed");
    // More than may be held is read past; what follows is heard.
    const std::string large(ReplyReader::kMaxValue + 1, 'x');
    expect(speaker.answer({"PUBLISH", "c", large}).integer == 1, "PUBLISH");
    speaker.answer({"PUBLISH", "c", "after"});
    listener.until("what follows", [&] { return listener.messages.size() == 4; });
    expect(listener.payloads.back() == "after" && listener.session().messages_too_big() == 1,
           "too big");
    // A quiet listener asks whether anybody is there, and stays.
    const Timestamp start = clock_now();
    listener.until("time", [&] { return clock_now() > start + kTiming.silence * 3; });
    expect(listener.session().state() == Session::State::kReady, "a quiet one ended");
}

void pause(std::uint16_t port) {
    Connection one(port, kUser);
    Connection listener(port, kUser);
    expect(listener.answer({"SUBSCRIBE", "a"}, true).kind == Value::Kind::kPush, "SUBSCRIBE");
    const Timestamp start = clock_now();
    one.answer({"CLIENT", "PAUSE", "5000"});
    const auto reply = one.ask({"GET", "a"});
    expect(!reply && reply.error().code == Fault::Code::kTimeout, "a command of a paused server");
    listener.wait_for_end();
    expect(listener.session().fault()->code == Fault::Code::kTimeout,
           "a listener of a paused server");
    const Timestamp over = start + Duration::millis(5500);
    while (clock_now() < over)
        ::poll(nullptr, 0, 50);
    Connection again(port, kUser);
    expect(again.answer({"PING"}).text == "PONG", "after the pause");
}

void restart(std::uint16_t port) {
    Connection one(port, kUser);
    Connection listener(port, kUser);
    expect(listener.answer({"SUBSCRIBE", "a"}, true).kind == Value::Kind::kPush, "SUBSCRIBE");
    const auto reply = one.ask({"SHUTDOWN", "NOSAVE"});
    expect(!reply && reply.error().code == Fault::Code::kClosed, "SHUTDOWN");
    listener.wait_for_end();
    expect(listener.session().fault()->code == Fault::Code::kClosed, "a listener");
}

int run(std::uint16_t port) {
    int failed = 0;
    int passed = 0;
    const auto check = [&](const char* name, void (*body)(std::uint16_t)) {
        try {
            body(port);
            ++passed;
            std::cout << "ok " << name << std::endl;
        } catch (const std::exception& error) {
            ++failed;
            std::cout << "FAILED " << name << ": " << error.what() << std::endl;
        }
    };
    check("any bytes as values, nulls, errors, 20 MB, databases", exchange);
    check("a refused login says what to do", logins);
    check("channels: order, a refused one, one message too big, silence", channels);
    check("CLIENT PAUSE: commands and listeners give up in time", pause);
    check("a server that goes: everybody is told", restart);
    std::cout << passed << " passed, " << failed << " failed" << std::endl;
    return failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace confab::redis

int main(int argc, char** argv) {
    const int port = argc == 2 ? std::atoi(argv[1]) : 0;
    if (port <= 0 || port > 65535) {
        std::cerr << "usage: redis_session PORT\n";
        return 2;
    }
    return confab::redis::run(static_cast<std::uint16_t>(port));
}
