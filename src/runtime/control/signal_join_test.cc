// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Join responses as clients get them: the list of who is there comes out of pages that all joins
// have in common, compressed once.
#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/control/signal_node_testing.h"
#include "runtime/net/websocket/websocket_testing.h"

namespace confab::control {
namespace {

constexpr const char* kDeflate = "Sec-WebSocket-Extensions: permessage-deflate\r\n";

std::unique_ptr<SignalClient> come(const SignalNode& node, const std::string& identity,
                                   std::string_view headers = "") {
    auto client = std::make_unique<SignalClient>(node.port(), "/r/" + identity, headers);
    REQUIRE(client->head().starts_with("HTTP/1.1 101 "));
    return client;
}

livekit::JoinResponse join_of(const std::string& message) {
    livekit::SignalResponse response;
    REQUIRE(response.ParseFromString(message));
    REQUIRE(response.has_join());
    return response.join();
}

std::vector<std::string> identities(const livekit::JoinResponse& join) {
    std::vector<std::string> result;
    for (const livekit::ParticipantInfo& info : join.other_participants())
        result.push_back(info.identity());
    return result;
}

}  // namespace

TEST_CASE("SignalSessions: a join lists everybody, plain and compressed alike [SIG-30] [CON-41]") {
    SignalNode node;
    std::vector<std::unique_ptr<SignalClient>> here;
    std::vector<std::string> expected;
    for (int i = 0; i < 40; ++i) {
        const std::string identity = "p" + std::to_string(i);
        here.push_back(come(node, identity));
        const livekit::JoinResponse join = join_of(here.back()->read().payload);
        CHECK(join.participant().identity() == identity);
        CHECK(identities(join) == expected);
        expected.push_back(identity);
    }
    const auto ann = come(node, "ann", kDeflate);
    const auto frame = ann->read();
    CHECK(frame.compressed);
    const livekit::JoinResponse join = join_of(net::inflate(frame.payload));
    CHECK(join.participant().identity() == "ann");
    CHECK(identities(join) == expected);
    CHECK(node.server_stats().websocket_deflated >= 1 + 40 / 16);
}

TEST_CASE("SignalSessions: one more join compresses what is new, however many are there") {
    SignalNode node;
    std::vector<std::unique_ptr<SignalClient>> here;
    std::uint64_t of_the_tenth = 0;
    for (int i = 0; i < 100; ++i) {
        const std::uint64_t before = node.server_stats().websocket_deflated;
        here.push_back(come(node, "p" + std::to_string(i), kDeflate));
        const auto join = join_of(net::inflate(here.back()->read().payload));
        CHECK(join.other_participants_size() == i);
        const std::uint64_t cost = node.server_stats().websocket_deflated - before;
        if (i == 10) of_the_tenth = cost;
        // Where a page begins, the one before it is made anew.
        if (i > 10) CHECK(cost <= of_the_tenth + 1);
    }
}

}  // namespace confab::control
