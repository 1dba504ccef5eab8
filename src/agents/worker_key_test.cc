// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "agents/worker_key.h"

#include <doctest/doctest.h>

namespace confab::agents {

TEST_CASE("WorkerKey: topics by which nodes ask for workers [RPC-32]") {
    const auto topic = [](const char* name, const char* ns, const char* deployment) {
        return agent_topic({livekit::JT_ROOM, name, ns, deployment});
    };
    CHECK(topic("", "", "").empty());
    CHECK(topic("bot", "", "") == "bot");
    CHECK(topic("", "space", "") == "space");
    CHECK(topic("bot", "space", "") == "bot_space");
    CHECK(topic("bot", "space", "blue") == "bot_space_blue");
    CHECK(topic("", "", "blue") == "_blue");
    CHECK(type_word(livekit::JT_ROOM) == "room");
    CHECK(type_word(livekit::JT_PUBLISHER) == "publisher");
    CHECK(type_word(livekit::JT_PARTICIPANT) == "participant");
}

TEST_CASE("WorkerKey: a job fits exactly one key [CON-52]") {
    livekit::Job job;
    job.set_type(livekit::JT_PUBLISHER);
    job.set_agent_name("bot");
    job.set_namespace_("space");
    job.set_deployment("blue");
    const WorkerKey key{livekit::JT_PUBLISHER, "bot", "space", "blue"};
    CHECK(key_of(job) == key);
    job.set_deployment("green");
    CHECK(key_of(job) != key);
}

}  // namespace confab::agents
