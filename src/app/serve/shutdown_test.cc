// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/serve/shutdown.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/telemetry/log.h"

namespace confab::app {
namespace {

using State = Shutdown::State;

struct Bench {
    net::EventLoop loop;
    std::size_t participants = 2;
    std::string trace;
    std::function<void()> flushed;

    ShutdownSteps steps() {
        return {.participants = [this] { return participants; },
                .drain = [this] { trace += "drain "; },
                .end_calls = [this] { trace += "end "; },
                .flush =
                    [this](std::function<void()> done) {
                        trace += "flush ";
                        flushed = std::move(done);
                    }};
    }
};

// The lines of the log while it lives.
struct Lines {
    Lines() {
        telemetry::LogOptions options;
        options.json = false;
        options.sink = [this](std::string_view line) { all.emplace_back(line); };
        telemetry::init_log(options);
    }
    ~Lines() { telemetry::init_log({}); }
    std::size_t count(std::string_view text) const {
        return static_cast<std::size_t>(std::count_if(
            all.begin(), all.end(),
            [&](const std::string& line) { return line.find(text) != std::string::npos; }));
    }
    std::vector<std::string> all;
};

}  // namespace

TEST_CASE("Shutdown: the first signal drains, the second ends the calls, the third all [CON-11]") {
    Bench bench;
    Shutdown shutdown(bench.loop, true, {}, bench.steps());
    shutdown.handle_signal();
    CHECK(shutdown.state() == State::kDraining);
    CHECK(bench.trace == "drain ");  // once: not with the second signal
    shutdown.handle_signal();
    CHECK(shutdown.state() == State::kEnding);
    CHECK(bench.trace == "drain end flush ");
    shutdown.handle_signal();
    CHECK(shutdown.state() == State::kStopped);
    bench.loop.run();  // returns
}

TEST_CASE("Shutdown: with nobody there the first signal ends; so it does in development [CON-11]") {
    for (const bool drains : {true, false}) {
        Bench bench;
        bench.participants = drains ? 0 : 2;
        Shutdown shutdown(bench.loop, drains, {}, bench.steps());
        shutdown.handle_signal();
        CHECK(shutdown.state() == State::kEnding);
        CHECK(bench.trace == (drains ? "drain end flush " : "end flush "));
    }
}

TEST_CASE("Shutdown: ends by itself, not before what waits is delivered [CON-11] [HOOK-07]") {
    Bench bench;
    bench.participants = 0;
    Shutdown shutdown(bench.loop, true, {}, bench.steps());
    shutdown.handle_signal();
    net::EventLoop::Timer later(bench.loop);
    bool delivered = false;
    later.set(net::EventLoop::now() + Duration::millis(300), [&] {
        delivered = true;
        bench.flushed();
    });
    bench.loop.run();
    CHECK(delivered);
    CHECK(shutdown.state() == State::kStopped);
}

TEST_CASE("Shutdown: a drain ends at its time, and says who is left [CON-11] [NODE-13]") {
    Lines lines;
    Bench bench;
    Shutdown shutdown(bench.loop, true,
                      {.limit = Duration::millis(600), .tell_every = Duration::millis(50)},
                      bench.steps());
    net::EventLoop::Timer leaving(bench.loop);
    const Timestamp begin = net::EventLoop::now();
    leaving.set(begin + Duration::millis(20), [&] { bench.participants = 1; });
    shutdown.handle_signal();
    CHECK(lines.count("participants=2 seconds_left=1 ") == 1);
    bench.flushed = [] {};
    net::EventLoop::Timer look(bench.loop);
    std::function<void()> watch = [&] {
        if (bench.trace.find("end") == std::string::npos)
            return look.set(net::EventLoop::now() + Duration::millis(5), watch);
        CHECK(net::EventLoop::now() - begin >= Duration::millis(600));
        bench.flushed();
    };
    watch();
    bench.loop.run();
    CHECK(bench.trace == "drain end flush ");
    CHECK(lines.count("participants=1 seconds_left=1 ") >= 1);  // on the way
    CHECK(lines.count("the time to drain is over: ending the calls participants=1") == 1);
    CHECK(shutdown.state() == State::kStopped);
}

TEST_CASE("Shutdown: calls go on elsewhere when the time is over, and end here then [OPS-01]") {
    Bench bench;
    ShutdownSteps steps = bench.steps();
    std::function<void()> moved;
    steps.move_calls = [&](std::function<void()> done) {
        bench.trace += "move ";
        moved = std::move(done);
        bench.loop.stop();
    };
    Shutdown shutdown(bench.loop, true, {.limit = Duration::millis(20)}, steps);
    shutdown.handle_signal();
    bench.loop.run();
    CHECK(bench.trace == "drain move ");
    CHECK(shutdown.state() == State::kMoving);
    moved();
    CHECK(bench.trace == "drain move end flush ");
    moved();  // once
    CHECK(bench.trace == "drain move end flush ");
    bench.flushed();
    bench.loop.run();
    CHECK(shutdown.state() == State::kStopped);
}

TEST_CASE("Shutdown: with nobody left the rooms go on elsewhere all the same [OPS-01]") {
    Bench bench;
    bench.participants = 0;
    ShutdownSteps steps = bench.steps();
    steps.move_calls = [&](const std::function<void()>& done) {
        bench.trace += "move ";
        done();
    };
    Shutdown shutdown(bench.loop, true, {}, steps);
    shutdown.handle_signal();
    CHECK(bench.trace == "drain move end flush ");
}

TEST_CASE("Shutdown: a second signal does not wait for calls that go elsewhere [OPS-01]") {
    Bench bench;
    ShutdownSteps steps = bench.steps();
    steps.move_calls = [&](const std::function<void()>&) { bench.loop.stop(); };
    Shutdown shutdown(bench.loop, true, {.limit = Duration::millis(20)}, steps);
    shutdown.handle_signal();
    bench.loop.run();
    shutdown.handle_signal();
    CHECK(bench.trace == "drain end flush ");
}

TEST_CASE("Shutdown: a drain can be called off, and begins anew with the next signal [OPS-01]") {
    Lines lines;
    Bench bench;
    ShutdownSteps steps = bench.steps();
    steps.undrain = [&] { bench.trace += "undrain "; };
    Shutdown shutdown(bench.loop, true, {.limit = Duration::millis(60)}, steps);
    CHECK(!shutdown.undrain());
    shutdown.handle_signal();
    CHECK(shutdown.undrain());
    CHECK(!shutdown.undrain());
    CHECK(shutdown.state() == State::kRunning);
    CHECK(lines.count("the drain is called off") == 1);
    net::EventLoop::Timer later(bench.loop);
    later.set(net::EventLoop::now() + Duration::millis(120), [&] { bench.loop.stop(); });
    bench.loop.run();
    CHECK(bench.trace == "drain undrain ");  // the time of that drain is nobody's any more
    shutdown.handle_signal();
    shutdown.handle_signal();
    CHECK(bench.trace == "drain undrain drain end flush ");
    CHECK(!shutdown.undrain());  // too late
}

TEST_CASE("Shutdown: without a time a drain goes on [NODE-13]") {
    Lines lines;
    Bench bench;
    Shutdown shutdown(bench.loop, true, {.tell_every = Duration::millis(10)}, bench.steps());
    shutdown.handle_signal();
    net::EventLoop::Timer enough(bench.loop);
    enough.set(net::EventLoop::now() + Duration::millis(60), [&] { bench.loop.stop(); });
    bench.loop.run();
    CHECK(shutdown.state() == State::kDraining);
    CHECK(lines.count("participants=2 remedy=") >= 2);
    CHECK(lines.count("seconds_left") == 0);
}

TEST_CASE("Shutdown: who leaves before the time of the drain ends it [CON-11] [NODE-13]") {
    Lines lines;
    Bench bench;
    Shutdown shutdown(bench.loop, true,
                      {.limit = Duration::seconds(3600), .tell_every = Duration::millis(10)},
                      bench.steps());
    shutdown.handle_signal();
    bench.participants = 0;
    net::EventLoop::Timer look(bench.loop);
    std::function<void()> watch = [&] {
        if (bench.flushed) return bench.flushed();
        look.set(net::EventLoop::now() + Duration::millis(5), watch);
    };
    watch();
    net::EventLoop::Timer hang(bench.loop);
    hang.set(net::EventLoop::now() + Duration::seconds(20), [&] { bench.loop.stop(); });
    bench.loop.run();
    CHECK(bench.trace == "drain end flush ");
    CHECK(lines.count("is over") == 0);
}

}  // namespace confab::app
