// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A session in virtual time.
#include "websocket/session.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "websocket/websocket_testing.h"

namespace confab::websocket {
namespace {

using enum wire::WebSocketOpcode;
using Link = Session::Link;

std::string close_frame(int code) {
    return {'\x88', '\x02', static_cast<char>(code >> 8), static_cast<char>(code)};
}
std::string close_of(int code) {
    return frame(kClose, std::string{static_cast<char>(code >> 8), static_cast<char>(code)});
}

// The driver and the peer: what is written goes at once, unless the test holds it.
class World {
  public:
    explicit World(const SessionOptions& options = {}, bool accepted = true)
        : session(options, {accepted, "response", true, false}, now) {}

    void receive(std::string_view bytes) {
        const Bytes copy = to_vector(as_bytes(bytes));
        BytesView input = copy;
        while (!input.empty()) {
            session.handle_bytes(now, input);
            tell();
        }
        write();
    }
    void tell() {
        while (const auto event = session.poll_event()) {
            if (!event->closed) {
                messages.emplace_back(event->payload);
                continue;
            }
            CHECK_FALSE(closed);
            closed = event->closed;
            if (!farewell.empty()) CHECK(send(farewell));
        }
    }
    // What goes now, and nothing more until written().
    std::string begin_write() {
        std::string out;
        for (const BytesView piece : session.poll_transmit(now))
            out += as_text(piece);
        return out;
    }
    void write() {
        for (std::string next = begin_write(); !next.empty(); next = begin_write()) {
            sent += next;
            session.handle_written(now);
        }
    }
    void open() {
        write();
        CHECK(take() == "response");
    }
    void pass(Duration time) {
        const Timestamp end = now + time;
        while (session.next_deadline() <= end) {
            now = std::max(now, session.next_deadline());
            session.handle_timeout(now);
            tell();
            write();
        }
        now = end;
    }
    bool send(std::string payload) {
        return session.send(true, std::make_shared<const Message>(std::move(payload)));
    }
    std::string take() { return std::exchange(sent, {}); }
    bool ended(SessionEnd by, int code) const {
        return closed && closed->by == by && closed->code == code;
    }

    Timestamp now = Timestamp::micros(1'000'000);
    Session session;
    std::vector<std::string> messages;
    std::optional<SessionClosed> closed;
    std::string farewell;  // sent when it is told of the end
    std::string sent;
};

}  // namespace

TEST_CASE("WebSocket session: the response goes first, what was sent before it next [CON-31]") {
    World world;
    CHECK(world.send("join"));
    CHECK(world.begin_write() == "response");
    CHECK(world.begin_write().empty());
    world.session.handle_written(world.now);
    world.write();
    CHECK(world.take() == "\x81\x04join");
    CHECK(world.session.queued_bytes() == 0);
}

TEST_CASE("WebSocket session: who is refused gets the response and the end [CON-31]") {
    World world({}, false);
    world.tell();
    CHECK(world.ended(SessionEnd::kError, 1006));
    CHECK_FALSE(world.send("x"));
    world.open();
    CHECK(world.session.link() == Link::kShut);
    world.receive(frame(kText, "x"));
    CHECK(world.messages.empty());
    world.pass(Session::kCloseTimeout - Duration::micros(1));
    CHECK(world.session.link() == Link::kShut);
    world.pass(Duration::micros(1));
    CHECK(world.session.link() == Link::kCut);
}

TEST_CASE("WebSocket session: a response that nobody reads ends it [CON-31]") {
    World world;
    CHECK_FALSE(world.begin_write().empty());
    world.pass(SessionOptions().handshake_timeout);
    CHECK(world.session.link() == Link::kCut);
    CHECK(world.ended(SessionEnd::kError, 1006));
}

TEST_CASE("WebSocket session: a pong goes between messages, never within one [CON-43]") {
    World world;
    world.open();
    CHECK(world.send("one"));
    CHECK(world.begin_write() == "\x81\x03one");
    CHECK(world.send("two"));
    world.receive(frame(kText, "in") + frame(kPing, "p") + frame(kPing, "q"));
    CHECK(world.messages == std::vector<std::string>{"in"});
    CHECK(world.take().empty());
    world.session.handle_written(world.now);
    world.write();
    CHECK(world.take() == "\x8A\x01p\x8A\x01q\x81\x03two");
}

TEST_CASE("WebSocket session: who pings all the time gets messages and the end, too [CON-43]") {
    World world;
    world.open();
    CHECK(world.send("one"));
    CHECK(world.begin_write() == "\x81\x03one");
    const auto next = [&world] {
        world.receive(frame(kPing, "p"));
        world.session.handle_written(world.now);
        return world.begin_write();
    };
    CHECK(world.send("two"));
    CHECK(next() == "\x8A\x01p");
    CHECK(next() == "\x81\x03two");
    CHECK(next() == "\x8A\x01p\x8A\x01p");
    world.session.close(world.now, 1000, Duration::seconds(1));
    CHECK(next() == close_frame(1000));
}

TEST_CASE("WebSocket session: who was cut is not heard any more") {
    World world;
    world.open();
    world.session.close(world.now, 1000, Duration::seconds(1));
    world.write();
    CHECK(world.take() == close_frame(1000));
    world.session.cut(SessionEnd::kError);
    world.receive(close_of(1000));
    CHECK(world.session.link() == Link::kCut);
}

TEST_CASE("WebSocket session: of too many pings the newest is answered [CON-43] [IMM-15]") {
    const std::string payload(62, 'p');  // 64 bytes with its header
    const std::size_t most = Session::kMaxPongBytes / 64;
    for (const std::size_t pings : {most - 1, most, most + 1}) {
        World world;
        world.open();
        CHECK(world.send("x"));
        CHECK_FALSE(world.begin_write().empty());
        for (std::size_t i = 0; i < pings; ++i)
            world.receive(frame(kPing, payload));
        world.session.handle_written(world.now);
        world.write();
        CHECK(world.take().size() == (pings <= most ? pings * 64 : 64));
    }
}

TEST_CASE("WebSocket session: pings at their interval; silence beyond its time cuts [CON-43]") {
    SessionOptions options;
    options.silence_timeout = Duration::seconds(25);
    World world(options);
    world.open();
    world.pass(Duration::seconds(20));
    CHECK(world.take() == std::string("\x89\0\x89\0", 4));
    world.receive(frame(kPong, ""));
    world.pass(Duration::seconds(20));
    CHECK(world.take() == std::string("\x89\0\x89\0", 4));
    CHECK_FALSE(world.closed);
    world.pass(Duration::seconds(10));
    CHECK(world.ended(SessionEnd::kError, 1006));
    CHECK(world.session.link() == Link::kCut);
    CHECK(world.session.next_deadline().is_never());
    CHECK(world.take().empty());
}

TEST_CASE("WebSocket session: a ping that cannot be written cuts [CON-43]") {
    World world;
    world.open();
    world.now = world.session.next_deadline();
    world.session.handle_timeout(world.now);
    CHECK_FALSE(world.begin_write().empty());
    CHECK(world.session.next_deadline() == world.now + SessionOptions().ping_write_timeout);
    world.pass(SessionOptions().ping_write_timeout);
    CHECK(world.ended(SessionEnd::kWriteTimeout, 1006));
}

TEST_CASE("WebSocket session: a write that takes too long cuts [CON-44] [IMM-15]") {
    World world;
    world.open();
    CHECK(world.send("x"));
    CHECK(world.send("y"));
    CHECK_FALSE(world.begin_write().empty());
    CHECK(world.session.queued_bytes() == 2);
    world.pass(SessionOptions().write_timeout - Duration::micros(1));
    CHECK(world.session.is_open());
    CHECK(world.session.writing_for(world.now) ==
          SessionOptions().write_timeout - Duration::micros(1));
    world.pass(Duration::micros(1));
    CHECK(world.ended(SessionEnd::kWriteTimeout, 1006));
    CHECK(world.session.link() == Link::kCut);
    CHECK(world.session.queued_bytes() == 0);
}

TEST_CASE("WebSocket session: queued up to the limit, one more byte cuts [IMM-15]") {
    SessionOptions options;
    options.max_queued_bytes = 10;
    for (const std::size_t size : {9U, 10U, 11U}) {
        World world(options);
        world.open();
        CHECK(world.send("a"));
        CHECK(world.send(std::string(size - 1, 'x')) == (size <= 10));
        world.tell();
        CHECK(world.session.queued_bytes() == (size <= 10 ? size : 0));
        CHECK(world.ended(SessionEnd::kOverflow, 1006) == (size > 10));
    }
    options.max_queued_bytes = 0;
    World none(options);
    CHECK_FALSE(none.send("a"));
}

TEST_CASE("WebSocket session: short messages go with one write, up to its limits") {
    World world;
    world.open();
    for (std::size_t i = 0; i < Session::kMaxAtOnce + 1; ++i)
        CHECK(world.send("x"));
    CHECK(world.begin_write().size() == 3 * Session::kMaxAtOnce);
    world.session.handle_written(world.now);
    CHECK(world.begin_write().size() == 3);
    world.session.handle_written(world.now);
    for (int i = 0; i < 3; ++i)
        CHECK(world.send(std::string(Session::kBytesAtOnce - 1, 'x')));
    CHECK(world.begin_write().size() == 2 * (Session::kBytesAtOnce - 1 + 4));
    world.session.handle_written(world.now);
    CHECK(world.session.queued_bytes() == Session::kBytesAtOnce - 1);
}

TEST_CASE("WebSocket session: close writes what is queued, then its code [CON-44]") {
    World world;
    world.open();
    CHECK(world.send("a"));
    world.session.close(world.now, 1000, Duration::millis(250));
    CHECK_FALSE(world.send("late"));
    world.write();
    CHECK(world.take() ==
          "\x81\x01"
          "a" +
              close_frame(1000));
    CHECK_FALSE(world.closed);
    world.receive(frame(kText, "dropped") + frame(kPing, "p"));
    CHECK(world.messages.empty());
    CHECK(world.take().empty());  // nothing behind a close frame
    world.receive(close_of(1000));
    CHECK(world.session.link() == Link::kShut);
    CHECK_FALSE(world.closed);
    world.session.handle_end();
    world.tell();
    CHECK(world.ended(SessionEnd::kUs, 1000));
    CHECK(world.session.link() == Link::kCut);
}

TEST_CASE("WebSocket session: closed with 1006, its bytes end behind what is queued [CON-44]") {
    World world;
    world.open();
    CHECK(world.send("a"));
    world.session.close(world.now, 1006, Duration::millis(250));
    CHECK(world.begin_write() ==
          "\x81\x01"
          "a");
    CHECK(world.session.link() == Link::kOpen);
    world.session.handle_written(world.now);
    CHECK(world.begin_write().empty());
    CHECK(world.session.link() == Link::kShut);
    CHECK_FALSE(world.closed);
    SUBCASE("until the peer's end") {
        world.session.handle_end();
        world.tell();
    }
    SUBCASE("or for a second") {
        world.pass(Session::kCloseTimeout - Duration::micros(1));
        CHECK(world.session.link() == Link::kShut);
        world.pass(Duration::micros(1));
    }
    CHECK(world.ended(SessionEnd::kUs, 1006));
    CHECK(world.session.link() == Link::kCut);
}

TEST_CASE("WebSocket session: close waits for the peer's frame and its end, not longer [CON-45]") {
    World world;
    world.open();
    world.session.close(world.now, 1000, Duration::millis(250));
    world.write();
    world.pass(Session::kCloseTimeout - Duration::micros(1));
    CHECK(world.session.link() == Link::kOpen);
    world.pass(Duration::micros(1));
    CHECK(world.session.link() == Link::kCut);
    CHECK(world.ended(SessionEnd::kUs, 1000));
}

TEST_CASE("WebSocket session: what is not written within the grace goes not at all [CON-45]") {
    World world;
    world.open();
    CHECK(world.send("a"));
    CHECK_FALSE(world.begin_write().empty());
    CHECK(world.send("b"));
    world.session.close(world.now, 1000, Duration::millis(250));
    world.now = world.now + Duration::millis(250);
    SUBCASE("the write under way ends just then: the close frame goes") {
        world.session.handle_written(world.now);
        world.write();
        CHECK(world.take() == close_frame(1000));
        CHECK(world.session.queued_bytes() == 0);
    }
    SUBCASE("it does not end: the connection is cut") {
        world.pass(Duration());
        CHECK(world.ended(SessionEnd::kUs, 1000));
        CHECK(world.session.link() == Link::kCut);
    }
}

TEST_CASE("WebSocket session: a close frame that nobody reads has its own time [CON-45]") {
    World world;
    world.open();
    world.session.close(world.now, 1000, Duration());
    CHECK(world.begin_write() == close_frame(1000));
    world.pass(Session::kCloseTimeout - Duration::micros(1));
    CHECK(world.session.link() == Link::kOpen);
    world.pass(Duration::micros(1));
    CHECK(world.session.link() == Link::kCut);
}

TEST_CASE("WebSocket session: the peer's close is told, answered with its code, and the end") {
    for (const int code : {1000, 1001, 3000, 4001}) {
        World world;
        world.open();
        CHECK(world.send("a"));
        CHECK_FALSE(world.begin_write().empty());
        CHECK(world.send("no reader"));
        world.receive(close_of(code) + frame(kText, "behind"));
        CHECK(world.ended(SessionEnd::kPeer, code));
        CHECK(world.messages.empty());
        CHECK(world.session.link() == Link::kOpen);
        world.session.handle_written(world.now);
        world.write();
        CHECK(world.take() == close_frame(code));
        CHECK(world.session.link() == Link::kShut);
        world.pass(Session::kCloseTimeout);
        CHECK(world.session.link() == Link::kCut);
    }
    World world;
    world.open();
    world.receive(frame(kClose, ""));
    CHECK(world.ended(SessionEnd::kPeer, 1005));
    CHECK(world.take() == std::string("\x88\0", 2));
}

TEST_CASE("WebSocket session: both close at once") {
    World world;
    world.open();
    CHECK(world.send("a"));
    CHECK_FALSE(world.begin_write().empty());
    world.session.close(world.now, 1000, Duration::seconds(1));
    world.receive(close_of(4001));
    world.session.handle_written(world.now);
    world.write();
    CHECK(world.take() == close_frame(4001));
    CHECK(world.session.link() == Link::kShut);
    world.session.handle_end();
    world.tell();
    CHECK(world.ended(SessionEnd::kUs, 1000));
}

TEST_CASE("WebSocket session: an oversize message is told of first, then closed [CON-45]") {
    SessionOptions options;
    options.max_message_bytes = 10;
    World world(options);
    world.open();
    world.farewell = "leave";
    world.receive(frame(kText, std::string(11, 'x')) + frame(kText, "x"));
    CHECK(world.ended(SessionEnd::kTooBig, 1009));
    CHECK(world.messages.empty());
    CHECK(world.take() == "\x81\x05leave" + close_frame(1009));
    CHECK_FALSE(world.send("late"));
    CHECK(world.session.link() == Link::kShut);
}

TEST_CASE("WebSocket session: faults are told of and answered with their code [CON-45]") {
    const auto answer = [](std::string_view bytes) {
        World world;
        world.open();
        world.receive(bytes);
        CHECK(world.ended(SessionEnd::kError, 1006));
        CHECK_FALSE(world.send("x"));
        CHECK(world.session.link() == Link::kShut);
        world.receive(frame(kPing, "p"));
        return world.take();
    };
    CHECK(answer(frame(kContinuation, "x")) == close_frame(1002));
    CHECK(answer(frame(kText, "\xFF")) == close_frame(1007));
    CHECK(answer(frame(kClose, "x")) == close_frame(1002));
}

TEST_CASE("WebSocket session: a failure of ours ends with 1011 [CON-02]") {
    World world;
    world.open();
    world.session.fail(1011);
    world.tell();
    world.write();
    CHECK(world.ended(SessionEnd::kError, 1011));
    CHECK(world.take() == close_frame(1011));
}

TEST_CASE("WebSocket session: a lost connection is told once, whatever comes later") {
    World world;
    world.open();
    CHECK(world.send("a"));
    world.session.handle_end();
    world.tell();
    CHECK(world.ended(SessionEnd::kError, 1006));
    world.session.handle_end();
    world.session.close(world.now, 1000, Duration());
    world.session.fail(1011);
    world.tell();
    CHECK(world.begin_write().empty());
    CHECK(world.session.next_deadline().is_never());
}

}  // namespace confab::websocket
