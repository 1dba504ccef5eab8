// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/shards/home_reply.h"

#include <doctest/doctest.h>

#include <future>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "runtime/control/shards/webhook_relay.h"
#include "runtime/net/net_testing.h"

namespace confab::control {
namespace {

// Tells the thread in which it ends.
class Witness {
  public:
    explicit Witness(std::promise<std::thread::id>& ended) : ended_(&ended) {}
    Witness(Witness&& other) noexcept : ended_(std::exchange(other.ended_, nullptr)) {}
    Witness& operator=(Witness&&) = delete;
    ~Witness() {
        if (ended_ != nullptr) ended_->set_value(std::this_thread::get_id());
    }

  private:
    std::promise<std::thread::id>* ended_;
};

}  // namespace

TEST_CASE("HomeReply: called and dropped in the loop that it came from") {
    net::LoopThread home;
    net::LoopThread away;
    const std::thread::id home_id = home.call([] { return std::this_thread::get_id(); });
    std::promise<std::thread::id> ended;
    std::promise<std::thread::id> called;
    HomeReply<int> reply(home.loop(), [witness = Witness(ended), &called](int value) {
        CHECK(value == 7);
        called.set_value(std::this_thread::get_id());
    });
    SUBCASE("called") {
        away.call([&] {
            HomeReply<int> moved = std::move(reply);
            moved(7);
            moved(8);  // once
        });
        CHECK(called.get_future().get() == home_id);
    }
    SUBCASE("dropped") {
        away.call([&] { const HomeReply<int> moved = std::move(reply); });
    }
    CHECK(ended.get_future().get() == home_id);
}

TEST_CASE("WebhookRelay: as many as it holds are on the way, the others are counted [HOOK-02]") {
    net::EventLoop loop;
    std::vector<std::string> delivered;
    WebhookRelay relay(loop, [&](const room::WebhookEvent& hook) {
        delivered.push_back(hook.event.id());
        if (delivered.size() == WebhookRelay::kMaxWaiting) loop.stop();
    });
    const auto send = [&](std::uint64_t number) {
        livekit::WebhookEvent event;
        event.set_id(std::to_string(number));
        relay.send({std::move(event)});
    };
    for (std::uint64_t i = 0; i < WebhookRelay::kMaxWaiting + 3; ++i)
        send(i);
    CHECK(relay.dropped() == 3);
    loop.run();
    REQUIRE(delivered.size() == WebhookRelay::kMaxWaiting);
    for (std::uint64_t i = 0; i < delivered.size(); ++i)
        REQUIRE(delivered[i] == std::to_string(i));
    send(0);  // there is room again
    CHECK(relay.dropped() == 3);
}

}  // namespace confab::control
