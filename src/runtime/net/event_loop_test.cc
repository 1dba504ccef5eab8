// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/net/event_loop.h"

#include <doctest/doctest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>

namespace confab::net {

TEST_CASE("EventLoop: the turn hook runs once after a batch of handlers") {
    EventLoop loop;
    std::string trace;
    int turns = 0;
    loop.set_turn_hook([&] {
        trace += '|';
        if (++turns == 2) loop.stop();
    });
    loop.post([&] {
        trace += 'a';
        loop.post([&] { trace += 'c'; });
    });
    loop.post([&] { trace += 'b'; });
    std::optional<EventLoop::Timer> timer;
    timer.emplace(loop);
    timer->set(EventLoop::now() + Duration::millis(20), [&] { trace += 't'; });
    loop.run();
    CHECK(trace.substr(0, 6) == "abc|t|");
}

TEST_CASE("EventLoop: work counts, waiting does not [IMM-15]") {
    const Duration before = EventLoop::worked();
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    const Duration waited = EventLoop::worked() - before;
    CHECK(waited < Duration::millis(150));
    while (EventLoop::worked() - before < Duration::millis(3)) {
    }
    CHECK(EventLoop::worked() - before > Duration::zero());
}

TEST_CASE("EventLoop: a flood of handlers does not starve the turn hook") {
    EventLoop loop;
    std::size_t ran = 0;
    std::function<void()> again = [&] {
        ++ran;
        loop.post(again);
    };
    loop.set_turn_hook([&] { loop.stop(); });
    loop.post(again);
    loop.run();
    CHECK(ran >= EventLoop::kMaxHandlersPerTurn);
    CHECK(ran <= 3 * EventLoop::kMaxHandlersPerTurn);
}

TEST_CASE("EventLoop: sleeps only if the hook agrees, and says when it is awake again") {
    EventLoop loop;
    std::string trace;
    int asked = 0;
    loop.set_sleep_hooks(
        [&] {
            trace += 's';
            return ++asked > 1;
        },
        [&] { trace += 'w'; });
    loop.set_turn_hook([&] { trace += '|'; });
    EventLoop::Timer timer(loop);
    timer.set(EventLoop::now() + Duration::millis(10), [&] {
        trace += 't';
        loop.stop();
    });
    loop.run();
    CHECK(trace.substr(0, 7) == "sw|stw|");
}

TEST_CASE("EventLoop: a timer is replaced, cancelled, and may destroy itself") {
    EventLoop loop;
    std::string trace;
    EventLoop::Timer replaced(loop);
    replaced.set(EventLoop::now(), [&] { trace += 'X'; });
    replaced.set(EventLoop::now() + Duration::millis(5), [&] { trace += 'r'; });
    EventLoop::Timer cancelled(loop);
    cancelled.set(EventLoop::now(), [&] { trace += 'X'; });
    cancelled.cancel();
    EventLoop::Timer never(loop);
    never.set(EventLoop::now(), [&] { trace += 'X'; });
    never.set(Timestamp::never(), [&] { trace += 'X'; });
    auto own = std::make_unique<EventLoop::Timer>(loop);
    own->set(EventLoop::now() + Duration::millis(10), [&] {
        own.reset();
        trace += 'd';
        loop.stop();
    });
    loop.run();
    CHECK(trace == "rd");
}

TEST_CASE("EventLoop: watches a descriptor until the watch is gone") {
    const int fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    EventLoop loop;
    int calls = 0;
    {
        FdWatch watch = loop.watch_fd(fd, [&] {
            eventfd_t value = 0;
            CHECK(::eventfd_read(fd, &value) == 0);
            if (++calls == 2) return loop.stop();
            ::eventfd_write(fd, 1);
        });
        std::thread writer([fd] { ::eventfd_write(fd, 1); });
        loop.run();
        writer.join();
    }
    CHECK(calls == 2);
    ::eventfd_write(fd, 1);
    EventLoop::Timer timer(loop);
    timer.set(EventLoop::now() + Duration::millis(10), [&] { loop.stop(); });
    loop.run();
    CHECK(calls == 2);
    ::close(fd);
}

TEST_CASE("EventLoop: a watch that is gone has let go of its descriptor, which may be closed") {
    // The next descriptor opened may get the same number, and must be watched, not the old one.
    EventLoop loop;
    int calls = 0;
    const int first = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    auto old = std::make_unique<FdWatch>(loop.watch_fd(first, [&] { calls += 100; }));
    old.reset();
    ::close(first);
    const int second = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    REQUIRE(second == first);
    {
        const FdWatch watch = loop.watch_fd(second, [&] {
            ++calls;
            loop.stop();
        });
        loop.post([second] { ::eventfd_write(second, 1); });
        EventLoop::Timer guard(loop);
        guard.set(EventLoop::now() + Duration::seconds(5), [&] { loop.stop(); });
        loop.run();
    }
    CHECK(calls == 1);
    ::close(second);
}

TEST_CASE(
    "EventLoop: what throws in a handler, timer or hook is told and the loop goes on [ERR-04]") {
    EventLoop loop;
    std::string trace;
    loop.set_failure_handler([&](const std::string& what) {
        trace += what;
        if (what == "b") throw std::runtime_error("of the handler");
    });
    loop.post([] { throw std::runtime_error("a"); });
    loop.post([] { throw std::runtime_error("b"); });
    loop.post([] { throw 5; });  // NOLINT(hicpp-exception-baseclass): somebody may
    int turns = 0;
    loop.set_turn_hook([&] {
        if (++turns == 1) throw std::runtime_error("|");
        trace += '.';
    });
    loop.set_sleep_hooks([]() -> bool { throw std::runtime_error("s"); },
                         [] { throw std::runtime_error("w"); });
    EventLoop::Timer timer(loop);
    timer.set(EventLoop::now() + Duration::millis(10), [&] {
        loop.stop();
        throw std::runtime_error("t");
    });
    loop.run();
    CHECK(trace.starts_with("aban unknown exception|s"));
    CHECK(trace.find('t') != std::string::npos);
    CHECK(trace.ends_with('.'));
    CHECK(loop.failures() >= 8);
}

TEST_CASE("EventLoop: signals arrive as calls, again and again [CON-11]") {
    EventLoop loop;
    int count = 0;
    loop.on_signal({SIGUSR1, SIGUSR2}, [&](int number) {
        ++count;
        if (count == 1) {
            CHECK(number == SIGUSR1);
            std::raise(SIGUSR2);
        } else {
            CHECK(number == SIGUSR2);
            loop.stop();
        }
    });
    loop.post([] { std::raise(SIGUSR1); });
    loop.run();
    CHECK(count == 2);
}

}  // namespace confab::net
