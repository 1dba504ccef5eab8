// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/whip/awaited_tracks.h"

#include <doctest/doctest.h>

#include <optional>
#include <set>

namespace confab::control {
namespace {

using Names = std::vector<api::WhipTrackName>;

struct Bench {
    net::EventLoop loop;
    std::set<std::string> there;  // room/identity/track
    AwaitedTracks awaited;

    explicit Bench(Duration patience)
        : awaited(
              loop,
              [this](const std::string& room, const api::WhipTrackName& name) {
                  return there.contains(room + "/" + name.identity + "/" + name.track);
              },
              patience) {}

    // Runs until `done` is called, or the loop is stopped by a timer long after the patience.
    std::optional<Names> run(const Names& names) {
        std::optional<Names> missing;
        awaited.wait("r", names, [&](Names found) {
            missing = std::move(found);
            loop.stop();
        });
        net::EventLoop::Timer hang(loop);
        hang.set(net::EventLoop::now() + Duration::seconds(20), [this] { loop.stop(); });
        if (!missing) loop.run();
        return missing;
    }
};

}  // namespace

TEST_CASE("AwaitedTracks: what is there is not waited for, nor is nothing [CON-62]") {
    Bench bench(Duration::seconds(10));
    bench.there = {"r/a/cam"};
    for (const Names& names : {Names{}, Names{{"a", "cam"}}}) {
        bool done = false;
        bench.awaited.wait("r", names, [&](const Names& missing) { done = missing.empty(); });
        CHECK(done);
        CHECK(bench.awaited.waiting() == 0);
    }
}

TEST_CASE("AwaitedTracks: the last of them ends the wait [CON-62]") {
    Bench bench(Duration::seconds(10));
    net::EventLoop::Timer first(bench.loop);
    net::EventLoop::Timer second(bench.loop);
    first.set(net::EventLoop::now() + Duration::millis(60), [&] {
        bench.there.insert("r/a/cam");
        bench.there.insert("other/a/mic");
    });
    bool both = false;
    second.set(net::EventLoop::now() + Duration::millis(200), [&] {
        bench.there.insert("r/a/mic");
        both = true;
    });
    const auto missing = bench.run({{"a", "cam"}, {"a", "mic"}});
    REQUIRE(missing);
    CHECK(missing->empty());
    CHECK(both);
    CHECK(bench.awaited.waiting() == 0);
}

TEST_CASE("AwaitedTracks: what does not come is named when the patience is over [CON-62]") {
    Bench bench(Duration::millis(150));
    bench.there = {"r/a/cam"};
    const Timestamp begin = net::EventLoop::now();
    const auto missing = bench.run({{"a", "cam"}, {"b", "mic"}});
    REQUIRE(missing);
    CHECK(*missing == Names{{"b", "mic"}});
    CHECK(net::EventLoop::now() - begin >= Duration::millis(150));
    CHECK(bench.awaited.waiting() == 0);
}

TEST_CASE("AwaitedTracks: a reply may make the next request wait [CON-62]") {
    Bench bench(Duration::millis(100));
    bool second = false;
    bench.awaited.wait("r", {{"a", "cam"}}, [&](const Names&) {
        bench.awaited.wait("r", {{"a", "mic"}}, [&](const Names&) {
            second = true;
            bench.loop.stop();
        });
    });
    bench.loop.run();
    CHECK(second);
}

}  // namespace confab::control
