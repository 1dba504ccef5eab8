// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/relay/link/linked_bus.h"

#include <doctest/doctest.h>

#include "cluster/relay/relay_testing.h"

namespace confab::cluster::relay {
namespace {

using namespace confab::cluster::relay::testing;

// Each way one message, which arrives.
void check_talks(World& world, SessionId id, std::int64_t number) {
    world.signal.send(id, request(number));
    world.media->respond(world.host->last(), response(number + 1));
    world.turn();
    CHECK(world.host->only().numbers == numbers_to(number + 1));
    CHECK(world.clients.at(id).numbers == numbers_to(number + 2));
}

// One stream between two nodes, whose messages nobody reads by himself.
struct OneStream {
    std::unique_ptr<Link> dialer;
    std::unique_ptr<Link> listener;
    Timestamp now = Timestamp::micros(1'000'000'000);
    rpc::LocalHub hub;
    rpc::LocalBus below_a{hub, "ND_a"};
    rpc::LocalBus below_b{hub, "ND_b"};
    LinkedBus a{below_a, "ND_a", 1};
    LinkedBus b{below_b, "ND_b", 2};
    std::shared_ptr<rpc::Stream> at_a;
    std::shared_ptr<rpc::Stream> at_b;
    rpc::Registration served;

    OneStream() {
        served = *b.serve_stream(kRelaySignal, {"ND_b"},
                                 [this](const rpc::Request&, std::shared_ptr<rpc::Stream> stream) {
                                     at_b = std::move(stream);
                                 });
        a.open(now, kRelaySignal, {"ND_b"}, {}, {},
               [this](Result<std::shared_ptr<rpc::Stream>, rpc::Error> stream) {
                   at_a = *std::move(stream);
               });
        turn();
        REQUIRE(at_a);
        REQUIRE(at_b);
    }
    void turn() {
        while (hub.next_deadline() <= now)
            hub.handle_timeout(now);
    }
    // Between the node of the stream, and another that knows the secret.
    void connect(const std::string& dials) {
        if (dialer) a.forget(now, *dialer);
        if (listener) b.forget(now, *listener);
        dialer = std::make_unique<Link>(now, Link::Options{Link::Role::kDialer, dials, "ND_b", "s"},
                                        Link::Nonce{1});
        listener = std::make_unique<Link>(
            now, Link::Options{Link::Role::kListener, "ND_b", "", "s"}, Link::Nonce{2});
        for (int i = 0; i < 3; ++i)
            exchange();
        a.advance(now, *dialer);
        b.advance(now, *listener);
    }
    void exchange() const {
        const std::string there = dialer->take_output();
        listener->received(now, as_bytes(there));
        const std::string back = listener->take_output();
        dialer->received(now, as_bytes(back));
    }
    void say(const std::string& text) {
        at_a->send(now, text, [](const Result<void, rpc::Error>&) {});
        turn();
    }
};

}  // namespace

TEST_CASE(
    "LinkedBus: messages are read in the order of their arrival, by whichever way [NODE-21]") {
    OneStream one;
    one.say("bus");
    one.connect("ND_a");
    one.say("link");
    CHECK(one.a.snapshot().over_link == 1);
    one.exchange();
    one.b.advance(one.now, *one.listener);
    one.dialer->closed();
    one.a.advance(one.now, *one.dialer);
    one.say("bus again");
    CHECK(one.at_b->receive() == "bus");
    CHECK(one.at_b->receive() == "link");
    CHECK(one.at_b->receive() == "link");  // its acknowledgement was lost with the link
    CHECK(one.at_b->receive() == "bus again");
    CHECK(!one.at_b->receive());
}

TEST_CASE("LinkedBus: a link speaks for its own node's streams only") {
    OneStream one;
    one.connect("ND_a");
    one.say("first");
    one.exchange();
    const auto frame = one.listener->poll_frame();  // names the stream
    REQUIRE(frame);
    for (const char* node : {"ND_c", "ND_a"}) {
        one.connect(node);
        one.turn();
        while (one.at_b->receive()) {  // sent again over the bus
        }
        CHECK(one.dialer->send(one.now, *frame));
        one.exchange();
        one.b.advance(one.now, *one.listener);
        CHECK(one.at_b->receive().has_value() == (std::string_view(node) == "ND_a"));
    }
}

TEST_CASE("LinkedBus: what sessions say goes over the link, an outage of the bus is not noticed") {
    World world;
    world.connect();
    const SessionId id = world.join();
    CHECK(world.linked().snapshot().links == 1);
    CHECK(world.linked().snapshot().streams == 1);
    world.faults->cut = true;
    for (int i = 0; i < 20; ++i) {
        check_talks(world, id, i);
        world.pass(Duration::seconds(1));
    }
    CHECK(world.faults->sent == 0);
    CHECK(world.linked().snapshot().over_link == 21);
    // The end, too.
    world.signal.close(id);
    world.turn();
    CHECK(world.signal.snapshot().sessions == 0);
    CHECK(world.media->snapshot().sessions == 0);
    CHECK(world.linked().snapshot().streams == 0);
}

TEST_CASE("LinkedBus: in an outage of the bus what waits goes with the link that comes [NODE-14]") {
    World world;
    const SessionId id = world.join();
    const std::uint64_t sent = world.faults->sent;
    world.faults->cut = true;
    world.signal.handle_outage();
    world.media->handle_outage();
    world.signal.send(id, request(0));
    world.media->respond(world.host->last(), response(1));
    world.pass(Duration::seconds(60));
    CHECK(world.host->only().numbers.empty());
    world.connect();
    CHECK(world.host->only().numbers == numbers_to(1));
    CHECK(world.clients.at(id).numbers == numbers_to(2));
    for (int i = 1; i < 5; ++i)
        check_talks(world, id, i);
    CHECK(world.faults->sent == sent);
}

TEST_CASE("LinkedBus: a refusal passes the link") {
    World world;
    world.connect();
    world.host->refusal = {rpc::Code::kPermissionDenied, "no", {}};
    const SessionId id = world.join();
    REQUIRE(world.clients.at(id).refused);
    CHECK(world.clients.at(id).refused->status == 403);
}

TEST_CASE("LinkedBus: a link that breaks is not missed, and one that comes is used") {
    World world;
    const SessionId id = world.join();
    check_talks(world, id, 0);
    CHECK(world.linked().snapshot().over_link == 0);
    world.connect();
    check_talks(world, id, 1);
    CHECK(world.linked().snapshot().over_link == 1);
    world.disconnect();
    CHECK(world.linked().snapshot().links == 0);
    check_talks(world, id, 2);
    world.connect();
    check_talks(world, id, 3);
    CHECK(world.linked().snapshot().over_link == 2);
}

TEST_CASE("LinkedBus: what was on a link that died goes over the bus, once for who receives it") {
    World world;
    world.connect();
    const SessionId id = world.join();
    world.cut_link = true;
    const Timestamp cut = world.now;
    world.signal.send(id, request(0));
    world.media->respond(world.host->last(), response(1));
    world.pass(Duration::millis(2999));
    CHECK(world.host->only().numbers.empty());
    world.pass(Duration::millis(1));
    CHECK(world.now - cut == Link::kSilence);
    CHECK(world.host->only().numbers == numbers_to(1));
    CHECK(world.clients.at(id).numbers == numbers_to(2));
    CHECK(world.linked().snapshot().sent_again == 3);  // at 0, 0.5 and 1.5 s
    CHECK(!world.clients.at(id).is_over());
}

TEST_CASE("LinkedBus: nodes with another secret use the bus") {
    World world;
    world.connect("one", "two");
    const SessionId id = world.join();
    check_talks(world, id, 0);
    CHECK(world.linked().snapshot().links == 0);
    CHECK(world.linked().snapshot().over_link == 0);
}

TEST_CASE("LinkedBus: a receiver that fetches nothing is not flooded over a link") {
    World world;
    world.connect();
    const SessionId id = world.join();
    world.clients.at(id).reads = false;
    for (int i = 1; i < 500; ++i) {
        world.media->respond(world.host->last(), response(i));
        world.turn();
    }
    // 200 are kept, the session has ended with the next.
    CHECK(world.host->only().closed);
    world.read(id);
    world.turn();
    CHECK(world.clients.at(id).numbers == numbers_to(kMaxReceived + 1));
    CHECK(world.clients.at(id).closed);
}

TEST_CASE("LinkedBus: by chance, links that come and go lose and repeat nothing [NODE-21]") {
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        INFO("seed ", seed);
        World world({}, seed);
        world.faults->repeat = 0.2;
        world.faults->max_delay = Duration::millis(200);
        Rng rng(seed);
        world.connect();
        const SessionId id = world.join();
        world.pass(Duration::seconds(1));
        REQUIRE(world.clients.at(id).started);
        std::int64_t asked = 0;
        std::int64_t answered = 1;
        for (int step = 0; step < 200; ++step) {
            switch (rng.below(12)) {
                case 0:
                    world.disconnect();
                    break;
                case 1:
                    world.cut_link = true;
                    break;
                case 2:
                    world.disconnect();
                    world.connect();
                    break;
                default:
                    world.signal.send(id, request(asked++));
                    world.media->respond(world.host->last(), response(answered++));
            }
            world.pass(Duration::millis(static_cast<std::int64_t>(rng.below(200))));
        }
        world.pass(Duration::seconds(10));
        CHECK(world.host->only().numbers == numbers_to(asked));
        CHECK(world.clients.at(id).numbers == numbers_to(answered));
        CHECK(!world.clients.at(id).is_over());
    }
}

}  // namespace confab::cluster::relay
