// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/shards/awaited.h"

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <vector>

#include "runtime/control/shards/control_node.h"
#include "runtime/control/shards/node_testing.h"

namespace confab::control {
namespace {

using Answers = std::vector<std::optional<int>>;

// A loop that is run until a reply, or all that waits in it, has come.
struct Asker {
    net::EventLoop loop;
    std::vector<Answers> replies;

    std::shared_ptr<Gathering<int>> gathering(std::size_t count) {
        return std::make_shared<Gathering<int>>(loop, count, [this](Answers answers) {
            replies.push_back(std::move(answers));
            loop.stop();
        });
    }
    // What has been posted before.
    void run_posted() {
        loop.post([this] { loop.stop(); });
        loop.run();
    }
};

}  // namespace

TEST_CASE("Gathering: the reply comes with the last answer, each in its place [API-02]") {
    Asker asker;
    const auto gathering = asker.gathering(3);
    gathering->finish_at(net::EventLoop::now() + Duration::seconds(3600));
    gathering->add(2, 22);
    gathering->add(0, std::nullopt);
    CHECK(asker.replies.empty());
    gathering->add(1, 11);
    CHECK(asker.replies == std::vector<Answers>{{std::nullopt, 11, 22}});
}

TEST_CASE("Gathering: who has not answered in time is missing, and comes too late [API-W7]") {
    Asker asker;
    const auto gathering = asker.gathering(3);
    gathering->add(1, 11);
    gathering->finish_at(net::EventLoop::now() + Duration::millis(1));
    asker.loop.run();
    CHECK(asker.replies == std::vector<Answers>{{std::nullopt, 11, std::nullopt}});
    gathering->add(0, 0);
    gathering->add(2, 22);
    CHECK(asker.replies.size() == 1);
}

TEST_CASE("Gathering: of all answers there is nothing to wait for [API-02]") {
    Asker asker;
    const auto gathering = asker.gathering(1);
    gathering->add(0, 7);
    gathering->finish_at(net::EventLoop::now() - Duration::seconds(1));
    asker.run_posted();
    CHECK(asker.replies == std::vector<Answers>{{7}});
}

TEST_CASE("Asked: a shard that has begun is waited for, however long it takes [API-W7]") {
    net::EventLoop loop;
    std::vector<std::optional<int>> replies;
    const auto taken = std::make_shared<std::atomic<bool>>(true);  // by the shard
    Asked<int> asked(loop, [&](std::optional<int> value) { replies.push_back(value); });
    net::EventLoop::Timer end(loop);
    asked.give_up_at(net::EventLoop::now(), taken);
    end.set(net::EventLoop::now() + Duration::millis(5), [&] { loop.stop(); });
    loop.run();
    CHECK(replies.empty());
    asked.answer(7);
    CHECK(replies == std::vector<std::optional<int>>{7});
}

TEST_CASE("Asked: a shard that has not begun may not begin any more [API-W7]") {
    net::EventLoop loop;
    std::vector<std::optional<int>> replies;
    const auto taken = std::make_shared<std::atomic<bool>>(false);
    Asked<int> asked(loop, [&](std::optional<int> value) {
        replies.push_back(value);
        loop.stop();
    });
    asked.give_up_at(net::EventLoop::now() + Duration::millis(1), taken);
    loop.run();
    CHECK(replies == std::vector<std::optional<int>>{std::nullopt});
    CHECK(taken->load());
}

TEST_CASE("ControlNode: gathering goes without a hung shard once patience is over [API-W7]") {
    TestNode node(3);
    HungShard hang(node, 1);
    std::promise<Answers> answers;
    node.call([&](ControlNode& control) {
        control.gather<int>(
            [first = &control.first()](ControlPlane& plane) { return &plane == first ? 0 : 1; },
            Duration::millis(1500), [&](Answers all) { answers.set_value(std::move(all)); });
    });
    const Answers all = answers.get_future().get();
    REQUIRE(all.size() == 3);
    CHECK(all[0] == 0);
    CHECK_FALSE(all[1]);
    CHECK(all[2] == 1);
    hang.open();  // its answer finds nobody waiting
    CHECK(node.call_in(1, [](ControlPlane&) { return true; }));
}

}  // namespace confab::control
