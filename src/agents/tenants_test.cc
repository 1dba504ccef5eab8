// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Workers of tenants under one name, and what the rooms of each want of them.
#include <doctest/doctest.h>

#include <algorithm>

#include "agents/launcher_testing.h"
#include "token/room_key.h"

namespace confab::agents {
namespace {

using testing::World;

void set_tenants(World& w, token::KeyMap::Texts tenants) {
    token::KeyMap keys({{"key", World::kSecret}, {"old", World::kSecret}});
    keys.set_tenants(std::move(tenants));
    w.keys = keys;
}
std::string worker_of(World& w, const std::string& tenant, const std::string& api_key) {
    const std::string id = w.workers.connect(w.clock(), api_key, tenant);
    livekit::WorkerMessage message;
    message.mutable_register_()->set_agent_name("bot");
    message.mutable_register_()->set_namespace_("ns");
    w.say(id, message);
    w.settle();
    return id;
}
void launch(World& w, const std::string& id, const std::string& tenant) {
    livekit::Job job = w.job(id);
    job.set_namespace_(token::room_key(tenant, "ns"));
    w.launcher->launch(w.now, job);
    w.settle();
}

}  // namespace

TEST_CASE("agents: a job goes to a worker of its tenant, which sees no tenant [TEN-09]") {
    World w;
    set_tenants(w, {{"key", "acme"}, {"old", "globex"}});
    const std::string acme = worker_of(w, "acme", "key");
    const std::string globex = worker_of(w, "globex", "old");
    CHECK(w.kinds.size() == 2);
    launch(w, "AJ_a", "acme");
    CHECK(w.offers(acme) == 1);
    CHECK(w.offers(globex) == 0);
    launch(w, "AJ_g", "globex");
    CHECK(w.offers(acme) == 1);
    CHECK(w.offers(globex) == 1);
    launch(w, "AJ_o", "");  // nobody of the operator's is there
    CHECK(w.offers(acme) + w.offers(globex) == 2);
    for (const auto& [worker, messages] : w.told)
        for (const livekit::ServerMessage& message : messages) {
            if (message.has_availability())
                CHECK(message.availability().job().namespace_() == "ns");
            if (message.has_assignment()) CHECK(message.assignment().job().namespace_() == "ns");
        }
    // What is told of a job says of which room it is.
    REQUIRE(w.changes.size() == 2);
    CHECK(room_key_of(w.changes[0]) == token::room_key("acme", "r"));
    CHECK(room_key_of(w.changes[1]) == token::room_key("globex", "r"));
}

TEST_CASE("agents: the end of a room ends the jobs of that tenant's room [TEN-09]") {
    World w;
    set_tenants(w, {{"key", "acme"}, {"old", "globex"}});
    const std::string acme = worker_of(w, "acme", "key");
    const std::string globex = worker_of(w, "globex", "old");
    launch(w, "AJ_a", "acme");
    launch(w, "AJ_g", "globex");
    w.launcher->room_over(w.now, token::room_key("globex", "r"));
    w.settle();
    CHECK(w.count(acme, livekit::ServerMessage::kTermination) == 0);
    CHECK(w.count(globex, livekit::ServerMessage::kTermination) == 1);
    w.launcher->room_over(w.now, "r");  // the operator's
    w.settle();
    CHECK(w.count(acme, livekit::ServerMessage::kTermination) == 0);
}

TEST_CASE("agents: workers whose key became another tenant's are cut [TEN-11]") {
    World w;
    set_tenants(w, {{"key", "acme"}, {"old", "globex"}});
    const std::string acme = worker_of(w, "acme", "key");
    const std::string globex = worker_of(w, "globex", "old");
    w.workers.keys_changed();
    w.settle();
    CHECK(w.ended.empty());
    set_tenants(w, {{"key", "acme"}, {"old", "acme"}});
    w.workers.keys_changed();
    w.settle();
    CHECK(w.ended == World::Texts{globex});
    CHECK(w.cut);
    launch(w, "AJ_g", "globex");  // nor does it get another job before it is gone
    CHECK(w.offers(globex) == 0);
    CHECK(w.offers(acme) == 0);
}

}  // namespace confab::agents
