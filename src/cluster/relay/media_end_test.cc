// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What peers may do to the node with the rooms.
#include "cluster/relay/media_end.h"

#include <doctest/doctest.h>

#include "cluster/relay/relay_testing.h"

namespace confab::cluster::relay {
namespace {

using namespace confab::cluster::relay::testing;

// A node with a client, written by hand.
class Peer {
  public:
    explicit Peer(World& world, std::string name = "ND_peer")
        : world_(world), bus_(world.bus(std::move(name))) {
        bus_.open(world.now, kRelaySignal, {"ND_media"}, {}, {},
                  [this](Result<std::shared_ptr<rpc::Stream>, rpc::Error> opened) {
                      REQUIRE(opened);
                      stream = *std::move(opened);
                      stream->set_handlers([] {}, [this](const rpc::Error& e) { closed = e; });
                  });
        world.turn();
    }
    void send(std::string bytes) {
        stream->send(world_.now, std::move(bytes), [](const Result<void, rpc::Error>&) {});
        world_.turn();
    }
    void start() { send(encode_start(World::start_of("bob"))); }
    void say(std::uint64_t seq, const std::vector<std::string>& messages, bool close = false) {
        send(encode_batch(BatchKind::kRequests, seq, close, messages));
    }
    Batch receive() {
        bytes_ = stream->receive().value_or("");
        const auto batch = decode_batch(BatchKind::kResponses, bytes_);
        REQUIRE(batch);
        return *batch;
    }

    std::shared_ptr<rpc::Stream> stream;
    std::optional<rpc::Error> closed;

  private:
    World& world_;
    rpc::LocalBus bus_;
    std::string bytes_;
};

}  // namespace

TEST_CASE("MediaEnd: one node is served once [PSR-21, RPC-01]") {
    World world;
    const auto again = world.media->serve();
    REQUIRE(!again);
    CHECK(again.error().code == rpc::Code::kAlreadyExists);
}

TEST_CASE("MediaEnd: a stream without a start is closed after 7.5 s [NODE-20]") {
    World world;
    Peer peer(world);
    world.pass(Duration::millis(7499));
    CHECK(!peer.closed);
    CHECK(world.media->snapshot().sessions == 1);
    world.pass(Duration::millis(1));
    REQUIRE(peer.closed);
    CHECK(peer.closed->code == rpc::Code::kDeadlineExceeded);
    CHECK(world.media->snapshot().sessions == 0);
    CHECK(world.media->snapshot().refused == 1);
    CHECK(world.host->sessions.empty());
}

TEST_CASE("MediaEnd: a start comes in time, and requests beside it count [NODE-20, NODE-22]") {
    World world;
    Peer peer(world);
    world.pass(Duration::seconds(7));
    ::rpc::RelaySignalRequest first;
    REQUIRE(first.ParseFromString(encode_start(World::start_of("bob"))));
    first.add_requests()->set_ping(1);
    peer.send(first.SerializeAsString());
    peer.say(1, {request(1)});
    CHECK(world.host->only().numbers == numbers_to(2));
    const Batch answer = peer.receive();
    CHECK(answer.seq == 0);
    CHECK(answer.messages.size() == 1);
    world.pass(Duration::seconds(10));
    CHECK(!peer.closed);
}

TEST_CASE("MediaEnd: what is no start is refused with what is wrong [NODE-22]") {
    World world;
    Peer garbage(world);
    garbage.send("\xff\xff");
    CHECK(garbage.closed->code == rpc::Code::kMalformedRequest);
    Peer request_first(world);
    request_first.say(0, {request(0)});
    CHECK(request_first.closed->code == rpc::Code::kInvalidArgument);
    Peer nameless(world);
    nameless.send(encode_start(World::start_of("")));
    CHECK(nameless.closed->text == "identity cannot be empty");
    CHECK(world.host->sessions.empty());
    CHECK(world.media->snapshot().refused == 3);
    CHECK(world.media->snapshot().sessions == 0);
}

TEST_CASE("MediaEnd: a stream that ends before its start leaves nothing [RPC-01]") {
    World world;
    Peer peer(world);
    peer.stream->close();
    world.turn();
    CHECK(world.media->snapshot().sessions == 0);
}

TEST_CASE("MediaEnd: a peer that sends anything wrong ends its own stream only [NODE-21]") {
    World world;
    const SessionId other = world.join("other");
    Peer peer(world);
    peer.start();
    const SessionId id = world.host->last();
    peer.say(0, {request(0)});
    std::string text = "signal batch cannot be read";
    SUBCASE("garbage") {
        peer.send("\x1a\xff");
    }
    SUBCASE("a gap") {
        text = "signal message dropped";
        peer.say(2, {request(2)});
    }
    SUBCASE("a request that is none, and what follows it") {
        text = "signal request cannot be read";
        peer.say(1, {std::string("\xff\xff"), request(1)});
    }
    SUBCASE("too much at once") {
        text = "too many signal messages at once";
        peer.say(1, std::vector<std::string>(kMaxReceived + 1));
    }
    SUBCASE("too large") {
        text = "signal message too large";
        peer.send(std::string(kMaxStreamMessage + 1, 'x'));
    }
    const RoomSession& session = world.host->sessions.at(id);
    CHECK(session.numbers == numbers_to(1));
    REQUIRE(session.closed);
    CHECK(session.closed->text == text);
    CHECK(peer.closed->text == text);
    CHECK(world.media->snapshot().failed == 1);
    CHECK(world.media->snapshot().sessions == 1);
    world.signal.send(other, request(0));
    world.turn();
    CHECK(world.host->sessions.begin()->second.numbers == numbers_to(1));
    CHECK(!world.clients.at(other).is_over());
}

TEST_CASE("MediaEnd: a host that does not fetch has 200 places [NODE-21]") {
    World world;
    Peer peer(world);
    peer.start();
    const SessionId id = world.host->last();
    RoomSession& session = world.host->only();
    session.reads = false;
    for (std::uint64_t i = 0; i < kMaxReceived; ++i)
        peer.say(i, {request(static_cast<std::int64_t>(i))});
    CHECK(!peer.closed);
    SUBCASE("one more ends the stream; what is there can be fetched") {
        peer.say(kMaxReceived, {request(kMaxReceived)});
        CHECK(peer.closed);
        CHECK(!session.closed);
        world.host->read(id);
        world.turn();
        CHECK(session.numbers == numbers_to(kMaxReceived));
        CHECK(session.closed);
    }
    SUBCASE("fetched in time it goes on") {
        world.host->read(id);
        session.reads = true;
        peer.say(kMaxReceived, {request(kMaxReceived)});
        CHECK(session.numbers == numbers_to(kMaxReceived + 1));
    }
}

TEST_CASE("MediaEnd: a peer that takes nothing sees the gap, 7.5 s later [NODE-21]") {
    World world;
    Peer peer(world);
    peer.start();
    const SessionId id = world.host->last();
    // Its places fill, a batch each.
    for (std::size_t i = 1; i < rpc::Stream::kMaxQueued; ++i) {
        world.media->respond(id, response(static_cast<std::int64_t>(i)));
        world.turn();
    }
    world.media->respond(id, response(100));
    world.media->respond(id, response(101));
    world.pass(Duration::millis(7499));
    CHECK(!peer.closed);
    world.pass(Duration::millis(1));
    CHECK(!peer.closed);
    for (std::size_t i = 0; i < rpc::Stream::kMaxQueued; ++i)
        CHECK(peer.receive().seq == i);
    CHECK(!peer.stream->receive());
    world.media->respond(id, response(102));
    world.turn();
    CHECK(peer.receive().seq == 102);
    CHECK(world.media->snapshot().sessions == 1);
}

TEST_CASE("MediaEnd: what cannot be queued is dropped, so that the peer sees the gap [NODE-20]") {
    Settings settings;
    settings.stream_buffer_size = 3;
    World world(settings);
    const SessionId client = world.join();
    for (int i = 1; i <= 4; ++i)
        world.media->respond(world.host->last(), response(i));
    world.media->respond(world.host->last(), response(5));
    world.turn();
    CHECK(world.clients.at(client).numbers == numbers_to(1));
    REQUIRE(world.clients.at(client).closed);
    CHECK(world.clients.at(client).closed->error.text == "signal message dropped");
    CHECK(world.host->only().closed);
}

TEST_CASE(
    "MediaEnd: the room ends a session whose peer is silent, within retry_timeout [NODE-21]") {
    World world;
    world.join();
    world.faults->cut = true;
    world.media->respond(world.host->last(), response(1));
    world.media->close(world.host->last());
    world.pass(Duration::millis(7499));
    CHECK(world.media->snapshot().sessions == 1);
    world.pass(Duration::millis(1));
    CHECK(world.media->snapshot().sessions == 0);
    CHECK(!world.host->only().closed);
}

TEST_CASE("MediaEnd: refused or closed from within a call, and twice [NODE-21]") {
    World world;
    Peer peer(world);
    world.host->silent = true;
    peer.start();
    const SessionId id = world.host->last();
    world.media->refuse(id, {rpc::Code::kNotFound, "no", {}});
    world.media->close(id);
    world.media->respond(id, response(0));
    CHECK(!world.media->receive(id));
    world.turn();
    CHECK(peer.closed->text == "no");
    CHECK(!peer.stream->receive());
    world.media->close(id);
    world.media->refuse(id, {});
    world.turn();
    CHECK(world.media->snapshot().sessions == 0);
    CHECK(!world.host->only().closed);
}

TEST_CASE("MediaEnd: refused or closed when the peer has gone, with requests left [NODE-21]") {
    World world;
    Peer peer(world);
    world.host->silent = true;
    peer.start();
    world.host->only().reads = false;
    peer.say(0, {request(0)}, true);
    CHECK(world.media->snapshot().sessions == 1);
    SUBCASE("refused") {
        world.media->refuse(world.host->last(), {rpc::Code::kNotFound, "no", {}});
    }
    SUBCASE("closed") {
        world.media->close(world.host->last());
    }
    world.turn();
    CHECK(world.media->snapshot().sessions == 0);
    CHECK(!world.host->only().closed);
}

TEST_CASE("MediaEnd: both close at once [NODE-21]") {
    World world;
    const SessionId id = world.join();
    world.signal.send(id, request(0));
    world.signal.close(id);
    world.media->respond(world.host->last(), response(1));
    world.media->close(world.host->last());
    world.turn();
    CHECK(world.signal.snapshot().sessions == 0);
    CHECK(world.media->snapshot().sessions == 0);
    CHECK(!world.clients.at(id).closed);
    CHECK(!world.host->only().closed);
    CHECK(world.signal.next_deadline().is_never());
    CHECK(world.media->next_deadline().is_never());
}

TEST_CASE("MediaEnd: sessions have a limit [NODE-20]") {
    Settings settings;
    settings.max_sessions = 1;
    World world(settings);
    Peer first(world);
    Peer second(world);
    CHECK(!first.closed);
    REQUIRE(second.closed);
    CHECK(second.closed->text == "node has too many sessions");
    first.stream->close();
    world.turn();
    Peer third(world);
    CHECK(!third.closed);
}

TEST_CASE("MediaEnd: a node of clients that died ends its sessions at once [NODE-24]") {
    World world;
    world.join("bob");
    const SessionId bob = world.host->last();
    Peer other(world);
    other.start();
    world.faults->cut = true;
    world.media->node_died("ND_signal");
    world.turn();
    CHECK(world.host->sessions.at(bob).closed);
    CHECK(!world.host->sessions.rbegin()->second.closed);
    CHECK(world.media->snapshot().sessions == 1);
}

TEST_CASE(
    "MediaEnd: a node that names itself in opening the stream alone is known by it [NODE-24]") {
    World world;
    world.faults->caller = "ND_other";
    Peer other(world);
    other.start();
    world.faults->caller = "ND_third";
    Peer third(world);
    third.start();
    world.turn();
    world.media->node_died("ND_other");
    world.turn();
    CHECK(other.closed);
    CHECK(!third.closed);
    CHECK(world.media->snapshot().sessions == 1);
}

TEST_CASE("MediaEnd: after stop() running sessions go on, new ones find nobody [PSR-21]") {
    World world;
    const SessionId id = world.join("a");
    world.media->stop();
    const SessionId late = world.join("b");
    CHECK(!world.clients.at(late).started);
    world.pass(kHopeless);
    CHECK(world.clients.at(late).refused);
    world.signal.send(id, request(0));
    world.turn();
    CHECK(world.host->only().numbers == numbers_to(1));
}

}  // namespace confab::cluster::relay
