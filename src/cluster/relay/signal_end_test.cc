// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// How sessions come about and end, as the node with the WebSocket sees it.
#include "cluster/relay/signal_end.h"

#include <doctest/doctest.h>

#include <set>

#include "cluster/relay/relay_testing.h"

namespace confab::cluster::relay {
namespace {

using namespace confab::cluster::relay::testing;

// A peer written by hand on the bus of another node.
class Peer {
  public:
    explicit Peer(World& world, std::string node = "ND_peer") : world_(world) {
        world.placement.node = node;
        registration_ =
            *bus_.serve_stream(kRelaySignal, {std::move(node)},
                               [this](const rpc::Request&, std::shared_ptr<rpc::Stream> stream) {
                                   streams.push_back(std::move(stream));
                               });
    }
    void send(std::string bytes) {
        streams.back()->send(world_.now, std::move(bytes), [](const Result<void, rpc::Error>&) {});
        world_.turn();
    }
    void respond(std::uint64_t seq, const std::vector<std::string>& messages, bool close = false) {
        send(encode_batch(BatchKind::kResponses, seq, close, messages));
    }
    std::vector<std::shared_ptr<rpc::Stream>> streams;

  private:
    World& world_;
    rpc::LocalBus bus_ = world_.bus("ND_peer");
    rpc::Registration registration_;
};

std::string text_of(const SignalEvent& event) {
    return std::to_string(event.status) + " " + event.error.text;
}

}  // namespace

TEST_CASE("SignalEnd: the first response starts the session, then both say things [NODE-10]") {
    World world;
    const SessionId id = world.join();
    const Client& client = world.clients.at(id);
    CHECK(client.started);
    CHECK(world.placement.room == "room");
    const RoomSession& room = world.host->only();
    CHECK(room.start.grants.identity == "bob");
    CHECK(room.start.node_id == "ND_signal");
    CHECK(room.start.connection_id.starts_with("CO_"));
    for (int i = 0; i < 3; ++i) {
        world.signal.send(id, request(i));
        world.media->respond(world.host->last(), response(i + 1));
    }
    world.turn();
    CHECK(room.numbers == numbers_to(3));
    CHECK(client.numbers == numbers_to(4));
    CHECK(world.faults->sent == 4);  // start, first response, and a batch each way
    CHECK(world.signal.snapshot().sessions == 1);
    CHECK(world.signal.snapshot().started == 1);
}

TEST_CASE("SignalEnd: a room of this node is not relayed [NODE-10]") {
    World world;
    world.placement.node = "ND_signal";
    const SessionId id = world.join();
    CHECK(world.clients.at(id).here);
    CHECK(world.signal.snapshot().sessions == 0);
    CHECK(world.faults->sent == 0);
}

TEST_CASE("SignalEnd: nobody at that node: three attempts, then 503 [NODE-20, PSR-18]") {
    World world;
    world.placement.node = "ND_gone";
    const SessionId id = world.join();
    const Client& client = world.clients.at(id);
    world.pass(kHopeless - Duration::millis(1));
    CHECK(!client.refused);
    world.pass(Duration::millis(1));
    REQUIRE(client.refused);
    CHECK(text_of(*client.refused) == "503 no response from servers");
    CHECK(world.placement.asked == 6 + 8 + 10);
    CHECK(world.signal.snapshot().attempts == 3);
    CHECK(world.signal.snapshot().sessions == 0);
    CHECK(world.signal.snapshot().refused == 1);
}

TEST_CASE(
    "SignalEnd: a node where nobody listens is asked for anew, and may be another [NODE-24]") {
    World world;
    world.placement.node = "ND_gone";
    const SessionId id = world.join();
    world.pass(Duration::millis(400));
    world.placement.node = "ND_media";
    world.pass(Duration::millis(99));
    CHECK(!world.clients.at(id).started);
    world.pass(Duration::millis(1));
    CHECK(world.clients.at(id).started);
    CHECK(world.signal.snapshot().attempts == 1);
}

TEST_CASE("SignalEnd: a client that goes while its node is waited for leaves nothing [NODE-20]") {
    World world;
    world.placement.node = "ND_gone";
    const SessionId id = world.join();
    world.signal.close(id);
    world.pass(kHopeless);
    CHECK(world.signal.snapshot().sessions == 0);
    CHECK(world.placement.asked == 1);
}

TEST_CASE("SignalEnd: attempts have new connection ids, and 3, 4 and 5 s [NODE-20, CON-33]") {
    World world;
    world.host->silent = true;
    const SessionId id = world.join();
    world.pass(Duration::millis(2999));
    CHECK(world.host->sessions.size() == 1);
    world.pass(Duration::millis(1));
    CHECK(world.host->sessions.size() == 2);
    world.pass(Duration::seconds(4));
    CHECK(world.host->sessions.size() == 3);
    world.pass(Duration::millis(4999));
    CHECK(!world.clients.at(id).refused);
    world.pass(Duration::millis(1));
    REQUIRE(world.clients.at(id).refused);
    CHECK(text_of(*world.clients.at(id).refused) ==
          "503 timed out while waiting for signal response");
    std::set<std::string> ids;
    for (const auto& [session, room] : world.host->sessions) {
        ids.insert(room.start.connection_id);
        CHECK(room.closed);  // the room is told of attempts that are over
    }
    CHECK(ids.size() == 3);
}

TEST_CASE("SignalEnd: a placement that does not answer is not waited for without end [NODE-20]") {
    World world;
    world.placement.silent = true;
    const SessionId id = world.join();
    world.pass(Duration::millis(12'999));
    CHECK(!world.clients.at(id).refused);
    CHECK(world.placement.asked == 1);
    world.pass(Duration::millis(1));  // a client waits for 15 s
    REQUIRE(world.clients.at(id).refused);
    CHECK(world.clients.at(id).refused->status == 503);
    CHECK(world.placement.asked == 1);
}

TEST_CASE("SignalEnd: a placement that waits for Redis [NODE-14, NODE-20]") {
    World world;
    world.placement.silent = true;
    const SessionId id = world.join();
    SUBCASE("and gets an answer: from then on the room's node has its time") {
        world.host->silent = true;
        world.pass(Duration::millis(7900));
        world.placement.kept[0](std::string("ND_media"));
        world.turn();
        CHECK(world.host->sessions.size() == 1);
        world.pass(Duration::millis(2999));
        CHECK(!world.clients.at(id).refused);
        world.media->respond(world.host->last(), response(0));
        world.turn();
        CHECK(world.clients.at(id).started);
        CHECK(world.placement.asked == 1);
    }
    SUBCASE("in vain: what it says is told, and it is not asked again") {
        world.pass(Duration::seconds(8));
        world.placement.kept[0](
            fail(rpc::Error{rpc::Code::kUnavailable, "Redis does not answer", {}}));
        world.turn();
        REQUIRE(world.clients.at(id).refused);
        CHECK(text_of(*world.clients.at(id).refused) == "503 Redis does not answer");
        CHECK(world.placement.asked == 1);
    }
    SUBCASE("and the room's node does not answer then: no attempt after 8 s") {
        world.host->silent = true;
        world.pass(Duration::millis(7900));
        world.placement.kept[0](std::string("ND_media"));
        world.pass(Duration::seconds(3));
        REQUIRE(world.clients.at(id).refused);
        CHECK(world.signal.snapshot().attempts == 1);
    }
    SUBCASE("its client goes meanwhile") {
        world.signal.close(id);
        world.placement.kept[0](std::string("ND_media"));
        world.turn();
        CHECK(world.host->sessions.empty());
        CHECK(world.signal.snapshot().sessions == 0);
    }
}

TEST_CASE("SignalEnd: an answer to an attempt that is over is dropped [NODE-20]") {
    Settings settings;
    settings.place_wait = Duration::zero();
    World world(settings);
    world.placement.silent = true;
    const SessionId id = world.join();
    world.pass(Duration::seconds(3));
    REQUIRE(world.placement.kept.size() == 2);
    world.placement.kept[0](std::string("ND_media"));
    world.turn();
    CHECK(world.host->sessions.empty());
    world.placement.kept[1](std::string("ND_media"));
    world.turn();
    CHECK(world.clients.at(id).started);
    CHECK(world.host->sessions.size() == 1);
}

TEST_CASE("SignalEnd: what placement refuses is told [NODE-11, NODE-12]") {
    World world;
    world.placement.error = {rpc::Code::kUnknown, "could not find any available nodes", {}};
    SessionId id = world.join();
    CHECK(text_of(*world.clients.at(id).refused) == "500 could not find any available nodes");
    CHECK(world.placement.asked == 3);
    world.placement.error = {rpc::Code::kNotFound, "requested room does not exist", {}};
    id = world.join();
    CHECK(text_of(*world.clients.at(id).refused) == "404 requested room does not exist");
    CHECK(world.placement.asked == 4);
}

TEST_CASE("SignalEnd: what the room's node refuses for good is asked once [NODE-10, CON-33]") {
    World world;
    world.host->refusal = {rpc::Code::kPermissionDenied, "room is full", {}};
    SessionId id = world.join();
    CHECK(text_of(*world.clients.at(id).refused) == "403 room is full");
    CHECK(world.host->sessions.size() == 1);
    // A room that is elsewhere by now.
    world.host->refusal = {rpc::Code::kAborted, "room is on another node", {}};
    id = world.join();
    CHECK(world.host->sessions.size() == 4);
    CHECK(text_of(*world.clients.at(id).refused) == "409 room is on another node");
}

TEST_CASE("SignalEnd: a node that ends the stream instead of a response [CON-33]") {
    World world;
    Peer peer(world);
    const SessionId id = world.join();
    SUBCASE("without a word") {
        for (int i = 0; i < 3; ++i) {
            peer.streams.back()->close();
            world.turn();
        }
    }
    SUBCASE("with the flag") {
        for (int i = 0; i < 3; ++i)
            peer.respond(0, {}, true);
    }
    REQUIRE(world.clients.at(id).refused);
    CHECK(text_of(*world.clients.at(id).refused) == "500 connection closed by media");
    CHECK(peer.streams.size() == 3);
}

// A resume of somebody unknown: the upgrade succeeds.
TEST_CASE("SignalEnd: a first response that is the last one is still received [NODE-23, SIG-147]") {
    World world;
    Peer peer(world);
    const SessionId id = world.join();
    livekit::SignalResponse leave;
    leave.mutable_leave()->set_action(livekit::LeaveRequest::RECONNECT);
    peer.respond(0, {leave.SerializeAsString()}, true);
    const Client& client = world.clients.at(id);
    CHECK(client.started);
    REQUIRE(client.leave);
    CHECK(client.leave->action() == livekit::LeaveRequest::RECONNECT);
    REQUIRE(client.closed);
    CHECK(client.closed->close_code == 1000);
    CHECK(world.signal.snapshot().sessions == 0);
    CHECK(world.signal.snapshot().failed == 0);
    CHECK(!peer.streams.back()->is_open());
}

TEST_CASE("SignalEnd: the room's node closes after its last response [NODE-21]") {
    World world;
    const SessionId id = world.join();
    world.media->respond(world.host->last(), response(1));
    world.media->close(world.host->last());
    world.turn();
    const Client& client = world.clients.at(id);
    CHECK(client.numbers == numbers_to(2));
    CHECK(!client.leave);
    CHECK(client.closed);
    CHECK(world.media->snapshot().sessions == 0);
    CHECK(!world.host->only().closed);  // it knows
}

TEST_CASE("SignalEnd: what a client said before it went arrives [NODE-21]") {
    World world;
    const SessionId id = world.join();
    world.signal.send(id, request(0));
    world.signal.close(id);
    world.signal.send(id, request(1));
    world.media->respond(world.host->last(), response(1));
    world.turn();
    const RoomSession& room = world.host->only();
    CHECK(room.numbers == numbers_to(1));
    REQUIRE(room.closed);
    CHECK(world.media->snapshot().failed == 0);
    CHECK(world.signal.snapshot().sessions == 0);
    CHECK(world.clients.at(id).numbers == numbers_to(1));
    CHECK(!world.clients.at(id).closed);
}

TEST_CASE("SignalEnd: a client that goes while its session is being started [NODE-10]") {
    World world;
    const SessionId placing = world.signal.start(World::start_of("a"));
    world.signal.close(placing);
    world.host->silent = true;
    const SessionId answering = world.join("b");
    world.signal.close(answering);
    world.placement.silent = true;
    const SessionId waiting = world.join("c");
    world.signal.close(waiting);
    world.pass(Duration::seconds(20));
    CHECK(world.signal.snapshot().sessions == 0);
    CHECK(world.host->only().closed);
    for (const auto& [id, client] : world.clients)
        CHECK(!client.is_over());
}

TEST_CASE("SignalEnd: a gap ends the session, with what came before it [NODE-21]") {
    World world;
    Peer peer(world);
    const SessionId id = world.join();
    peer.respond(0, {response(0), response(1)});
    peer.respond(1, {response(1), response(2)});
    CHECK(world.clients.at(id).numbers == numbers_to(3));
    peer.respond(4, {response(4)});
    const Client& client = world.clients.at(id);
    CHECK(client.numbers == numbers_to(3));
    REQUIRE(client.closed);
    CHECK(client.closed->error.text == "signal message dropped");
    REQUIRE(client.leave);
    CHECK(client.leave->action() == livekit::LeaveRequest::RESUME);
    CHECK(!peer.streams.back()->is_open());
    CHECK(world.signal.snapshot().failed == 1);
}

TEST_CASE("SignalEnd: garbage of one peer ends its stream only [NODE-21]") {
    World world;
    const SessionId other = world.join("other");
    Peer peer(world);
    const SessionId id = world.join();
    peer.respond(0, {response(0)});
    SUBCASE("bytes") {
        peer.send("\xff\xff\xff");
    }
    SUBCASE("size") {
        peer.send(std::string(kMaxStreamMessage + 1, 'x'));
    }
    SUBCASE("number") {
        peer.respond(1, std::vector<std::string>(kMaxReceived + 1));
    }
    CHECK(world.clients.at(id).closed);
    CHECK(world.clients.at(id).closed->error.code == rpc::Code::kMalformedRequest);
    CHECK(!world.clients.at(other).is_over());
}

TEST_CASE("SignalEnd: unknown fields pass through unseen [RPC-34, RDS-25]") {
    World world;
    Peer peer(world);
    const SessionId id = world.join();
    world.clients.at(id).reads = false;
    const std::string future("\x82\xfa\x01\x00", 4);
    peer.respond(0, {future});
    CHECK(world.signal.receive(id) == future);
}

TEST_CASE("SignalEnd: a slow consumer has 200 places [NODE-21]") {
    World world;
    const SessionId id = world.join();
    Client& client = world.clients.at(id);
    client.reads = false;
    std::size_t sent = 1;
    for (; sent <= kMaxReceived; ++sent) {
        world.media->respond(world.host->last(), response(static_cast<std::int64_t>(sent)));
        world.turn();
    }
    CHECK(!client.is_over());
    SUBCASE("and loses the session with one more, after what is there") {
        world.media->respond(world.host->last(), response(static_cast<std::int64_t>(sent)));
        world.turn();
        CHECK(!client.is_over());
        world.read(id);
        world.turn();
        CHECK(client.numbers.size() == kMaxReceived + 1);
        CHECK(client.leave);
        REQUIRE(client.closed);
        CHECK(client.closed->error.text == "too many signal messages are waiting");
        CHECK(world.host->only().closed);
    }
    SUBCASE("or fetches them, and goes on") {
        world.read(id);
        client.reads = true;
        world.media->respond(world.host->last(), response(static_cast<std::int64_t>(sent)));
        world.turn();
        CHECK(client.numbers == numbers_to(static_cast<std::int64_t>(sent + 1)));
    }
}

TEST_CASE("SignalEnd: sessions have a limit [NODE-20]") {
    Settings settings;
    settings.max_sessions = 2;
    World world(settings);
    const SessionId first = world.join("a");
    world.join("b");
    const SessionId third = world.join("c");
    REQUIRE(world.clients.at(third).refused);
    CHECK(text_of(*world.clients.at(third).refused) == "503 node has too many sessions");
    world.signal.close(first);
    world.turn();
    CHECK(world.clients.at(world.join("d")).started);
}

TEST_CASE("SignalEnd: calls for sessions that are not there do nothing [NODE-20]") {
    World world;
    const SessionId none{77};
    world.signal.send(none, request(0));
    world.signal.close(none);
    CHECK(!world.signal.receive(none));
    const SessionId id = world.signal.start(World::start_of("a"));
    world.signal.send(id, request(0));  // before it has begun
    CHECK(!world.signal.receive(id));
    world.clients[id];
    world.turn();
    CHECK(world.clients.at(id).started);
    CHECK(world.host->only().numbers.empty());
}

}  // namespace confab::cluster::relay
