// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// redis::Session and redis::Client against a real redis-server (tests/cluster/run_redis_session
// starts it, and again when it ends, with the users "confab", password "right", that may have no
// channel "secret…", and "nobody" without rights). usage: redis_session PORT
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "checks.h"
#include "connection.h"
#include "node.h"
#include "redis/client.h"
#include "redis/session.h"
#include "socket.h"

namespace confab::redis {
namespace {

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
        ::usleep(50'000);
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

// The server goes with all that it had, and is back: nobody asks for anything again but the client.
void come_back(std::uint16_t port) {
    Node node(port, kUser);
    for (const char* channel : {"a", "b", "secret1"})
        node.client.subscribe(clock_now(), channel);
    node.until("the connections", [&] { return node.is_up(); });
    expect(node.refused == std::vector<std::string>{"secret1"}, "the refused channel");
    const std::array<std::string_view, 2> shutdown = {"SHUTDOWN", "NOSAVE"};
    bool told = false;
    const auto taken =
        node.client.command(clock_now(), shutdown,
                            [&](Timestamp, const Result<Value, Fault>& reply) { told = !reply; });
    expect(taken.has_value(), "SHUTDOWN");
    node.until("the end", [&] { return told && node.downs >= 2; });
    node.until("the connections of the new server", [&] { return node.is_up(); });
    Connection speaker(port, kUser);
    expect(speaker.answer({"PUBLISH", "b", "after"}).integer == 1, "nobody listens");
    node.until("a message", [&] { return node.payloads == std::vector<std::string>{"after"}; });
    expect(node.ups == 4, "not up twice each");
}

}  // namespace

int run(int argc, char** argv) {
    return run_checks(
        argc, argv,
        {{"any bytes as values, nulls, errors, 20 MB, databases", exchange},
         {"a refused login says what to do", logins},
         {"channels: order, a refused one, one message too big, silence", channels},
         {"CLIENT PAUSE: commands and listeners give up in time", pause},
         {"a server that goes: everybody is told", restart},
         {"a server that comes back, empty: so do connections and channels", come_back}});
}

}  // namespace confab::redis

int main(int argc, char** argv) {
    return confab::redis::run(argc, argv);
}
