// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Agents on a node of several shards: calls about dispatches, and workers, reach rooms wherever
// these live.
#include "runtime/control/agents/node_agents.h"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>

#include "livekit_agent_dispatch.pb.h"
#include "runtime/control/shards/node_testing.h"

namespace confab::control {
namespace {

constexpr std::size_t kShards = 3;

std::string create(const TestNode& node, const std::string& room) {
    livekit::CreateAgentDispatchRequest request;
    request.set_room(room);
    request.set_agent_name("bot");
    return node.call_api("AgentDispatchService", node.token(room, ""), "CreateDispatch", request);
}
std::string list(const TestNode& node, const std::string& room) {
    livekit::ListAgentDispatchRequest request;
    request.set_room(room);
    return node.call_api("AgentDispatchService", node.token(room, ""), "ListDispatch", request);
}

// Keeps a shard busy, so that what follows in its turn comes late.
class Busy {
  public:
    Busy(TestNode& node, std::size_t shard)
        : thread_([this, &node, shard] {
              while (!ended_) {
                  for (int i = 0; i < 8; ++i) {
                      const auto hold = [](ControlPlane&) {
                          std::this_thread::sleep_for(std::chrono::milliseconds(1));
                      };
                      node.call([&](ControlNode& control) { control.run_in(shard, hold); });
                  }
                  node.call_in(shard, [](ControlPlane&) { return 0; });
              }
          }) {}
    ~Busy() {
        ended_ = true;
        thread_.join();
    }

  private:
    std::atomic<bool> ended_ = false;
    std::thread thread_;
};

}  // namespace

TEST_CASE(
    "NodeAgents: a room that a dispatch makes can be asked at once, wherever it is [DSP-24]") {
    TestNode node(kShards);
    for (std::size_t shard = 0; shard < kShards; ++shard) {
        const Busy busy(node, shard);
        for (int i = 0; i < 20; ++i) {
            const std::string room = node.room_in(shard, "room" + std::to_string(i));
            const std::string made = create(node, room);
            CAPTURE(shard);
            REQUIRE_MESSAGE(made.starts_with("HTTP/1.1 200"), made);
            CHECK(made.find("bot") != std::string::npos);
            CHECK(list(node, room).find("bot") != std::string::npos);
        }
    }
}

TEST_CASE("NodeAgents: a room that is not there has no dispatches [DSP-26] [RPC-05]") {
    TestNode node(kShards);
    const std::string room = node.room_in(2);
    CHECK(list(node, room).starts_with("HTTP/1.1 503"));
    REQUIRE(create(node, room).starts_with("HTTP/1.1 200"));
    livekit::DeleteRoomRequest request;
    request.set_room(room);
    REQUIRE(node.twirp("DeleteRoom", room, request).starts_with("HTTP/1.1 200"));
    CHECK(list(node, room).starts_with("HTTP/1.1 503"));
}

}  // namespace confab::control
