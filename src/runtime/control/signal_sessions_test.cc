// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Signalling connections over real sockets, with real rooms behind them and no media.
#include "runtime/control/signal_sessions.h"

#include <doctest/doctest.h>

#include <memory>

#include "runtime/control/signal_node_testing.h"

namespace confab::control {
namespace {

constexpr int kText = SignalClient::kText;
constexpr int kBinary = SignalClient::kBinary;

using Node = SignalNode;

class Client : public SignalClient {
  public:
    Client(const Node& node, std::string_view path) : SignalClient(node.port(), path) {}
};

}  // namespace

TEST_CASE("SignalSessions: the upgrade waits for the first response, which is the join [CON-31]") {
    Node node;
    node.set_answering(false);
    Client client(node, "/r/ann");
    REQUIRE(node.has_sessions(1));
    node.set_answering(true);
    const std::string head = client.head();
    CHECK(head.starts_with("HTTP/1.1 101 "));
    CHECK(head.find("X-Extra: 1\r\n") != std::string::npos);
    const auto join = client.wait(livekit::SignalResponse::kJoin);
    CHECK(join.join().participant().identity() == "ann");
}

TEST_CASE("SignalSessions: a refusal is an HTTP status with its text, and no session [CON-31]") {
    room::Config settings = signal_config();
    settings.room.auto_create = false;
    Node node(std::move(settings));
    Client client(node, "/nowhere/ann");
    const std::string head = client.head();
    CHECK(head.starts_with("HTTP/1.1 404 "));
    CHECK(head.find("X-Extra: 1\r\n") != std::string::npos);
    CHECK(client.raw().read_until("exist").ends_with("requested room does not exist"));
    CHECK(node.has_sessions(0));
}

TEST_CASE("SignalSessions: who goes before the answer leaves no session behind [CON-31]") {
    Node node;
    node.set_answering(false);
    auto client = std::make_unique<Client>(node, "/r/ann");
    REQUIRE(node.has_sessions(1));
    client.reset();
    CHECK(node.has_sessions(0));
    node.set_answering(true);
    CHECK(node.has_sessions(0));
}

TEST_CASE("SignalSessions: answers come in the encoding of the last frame [CON-42]") {
    Node node;
    Client client(node, "/r/ann");
    int opcode = 0;
    client.head();
    client.wait(livekit::SignalResponse::kJoin, &opcode);
    CHECK(opcode == kBinary);
    client.send(kText, R"({"pingReq":{"timestamp":"7"}})");
    CHECK(client.wait(livekit::SignalResponse::kPongResp, &opcode)
              .pong_resp()
              .last_ping_timestamp() == 7);
    CHECK(opcode == kText);
    livekit::SignalRequest ping;
    ping.mutable_ping_req()->set_timestamp(8);
    client.send(ping);
    client.wait(livekit::SignalResponse::kPongResp, &opcode);
    CHECK(opcode == kBinary);
}

TEST_CASE("SignalSessions: what goes to many comes in the encoding of each [CON-42]") {
    Node node;
    Client ann(node, "/r/ann");
    Client bob(node, "/r/bob");
    Client cleo(node, "/r/cleo");
    for (Client* client : {&ann, &bob, &cleo}) {
        client->head();
        client->wait(livekit::SignalResponse::kJoin);
    }
    bob.send(kText, R"({"pingReq":{"timestamp":"7"}})");
    bob.wait(livekit::SignalResponse::kPongResp);
    livekit::SignalRequest change;
    change.mutable_update_metadata()->set_metadata("caf\u00e9 \"1\"");
    ann.send(change);
    // Until the update that carries it, past those that tell of who joined.
    const auto metadata_of_ann = [](Client& client, int& opcode) {
        for (;;) {
            const auto update = client.wait(livekit::SignalResponse::kUpdate, &opcode);
            if (!update.has_update()) return std::string("none came");
            for (const auto& participant : update.update().participants())
                if (participant.identity() == "ann" && !participant.metadata().empty())
                    return participant.metadata();
        }
    };
    for (const auto& [client, encoding] : {std::pair{&bob, kText}, std::pair{&cleo, kBinary}}) {
        int opcode = 0;
        CHECK(metadata_of_ann(*client, opcode) == "caf\u00e9 \"1\"");
        CHECK(opcode == encoding);
    }
}

TEST_CASE("SignalSessions: a frame that does not decode ends that session alone [CON-41]") {
    Node node;
    Client bad(node, "/r/bad");
    Client good(node, "/r/good");
    for (Client* client : {&bad, &good}) {
        client->head();
        client->wait(livekit::SignalResponse::kJoin);
    }
    SUBCASE("binary") {
        bad.send(kBinary, "\xff\xff\xff");
    }
    SUBCASE("text") {
        bad.send(kText, "{no json");
    }
    CHECK(bad.close_code() == 1000);
    CHECK(node.has_sessions(1));
    livekit::SignalRequest ping;
    ping.mutable_ping_req()->set_timestamp(9);
    good.send(ping);
    CHECK(good.wait(livekit::SignalResponse::kPongResp).pong_resp().last_ping_timestamp() == 9);
}

TEST_CASE("SignalSessions: a client that hangs up is known to the room [SIG-160]") {
    Node node;
    auto client = std::make_unique<Client>(node, "/r/ann");
    client->head();
    client->wait(livekit::SignalResponse::kJoin);
    CHECK(node.has_sessions(1));
    client.reset();
    CHECK(node.has_sessions(0));
}

TEST_CASE("SignalSessions: a duplicate closes the first connection after its leave [SIG-142]") {
    Node node;
    Client first(node, "/r/ann");
    first.head();
    first.wait(livekit::SignalResponse::kJoin);
    Client second(node, "/r/ann");
    second.head();
    second.wait(livekit::SignalResponse::kJoin);
    CHECK(first.wait(livekit::SignalResponse::kLeave).leave().reason() ==
          livekit::DUPLICATE_IDENTITY);
    CHECK(first.close_code() == 1000);
    CHECK(node.has_sessions(1));
}

}  // namespace confab::control
