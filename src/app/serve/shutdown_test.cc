// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/serve/shutdown.h"

#include <doctest/doctest.h>

#include <string>

namespace confab::app {
namespace {

using State = Shutdown::State;

struct Bench {
    net::EventLoop loop;
    bool empty = false;
    std::string trace;
    std::function<void()> flushed;

    ShutdownSteps steps() {
        return {.is_empty = [this] { return empty; },
                .drain = [this] { trace += "drain "; },
                .end_calls = [this] { trace += "end "; },
                .flush =
                    [this](std::function<void()> done) {
                        trace += "flush ";
                        flushed = std::move(done);
                    }};
    }
};

}  // namespace

TEST_CASE("Shutdown: the first signal drains, the second ends the calls, the third all [CON-11]") {
    Bench bench;
    Shutdown shutdown(bench.loop, true, bench.steps());
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
        bench.empty = drains;
        Shutdown shutdown(bench.loop, drains, bench.steps());
        shutdown.handle_signal();
        CHECK(shutdown.state() == State::kEnding);
        CHECK(bench.trace == (drains ? "drain end flush " : "end flush "));
    }
}

TEST_CASE("Shutdown: ends by itself, not before what waits is delivered [CON-11] [HOOK-07]") {
    Bench bench;
    bench.empty = true;
    Shutdown shutdown(bench.loop, true, bench.steps());
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

}  // namespace confab::app
