// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "agents/kinds.h"

#include <doctest/doctest.h>

#include "token/deployment.h"

namespace confab::agents {

TEST_CASE("Kinds: what we tell comes back as it was [RPC-06] [RPC-09]") {
    const std::set<WorkerKey> all = {{livekit::JT_ROOM, "", "", ""},
                                     {livekit::JT_PUBLISHER, "a", "n", "d"},
                                     {livekit::JT_PARTICIPANT, "b", "", ""}};
    ::rpc::CheckEnabledResponse response;
    CHECK(kinds_of(response).empty());
    for (const WorkerKey& key : all)
        add_kind(response, key);
    ::rpc::CheckEnabledResponse read;
    REQUIRE(read.ParseFromString(response.SerializeAsString()));
    CHECK(kinds_of(read) == all);
    // A kind of which nothing is said is one, too: it differs from the Empty of others.
    ::rpc::CheckEnabledResponse one;
    add_kind(one, WorkerKey{});
    CHECK_FALSE(one.SerializeAsString().empty());
}

TEST_CASE("Kinds: of others all pairs count, of any deployment [RPC-06] [DSP-22]") {
    ::rpc::CheckEnabledResponse response;
    response.set_publisher_enabled(true);
    response.add_agent_names("a");
    response.add_agent_names("b");
    CHECK(kinds_of(response).empty());  // always with at least the empty namespace
    response.add_namespaces("");
    response.add_namespaces("n");
    const std::set<WorkerKey> kinds = kinds_of(response);
    CHECK(kinds.size() == 4);
    CHECK(kinds.contains({livekit::JT_PUBLISHER, "b", "n", kAnyDeployment}));
    CHECK_FALSE(kinds.contains({livekit::JT_ROOM, "b", "n", kAnyDeployment}));
    CHECK_FALSE(token::deployment_error(kAnyDeployment).empty());  // no worker's
}

}  // namespace confab::agents
