// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Who gets an allocation, and for how long.
#include "base/machine.h"
#include "turn/server_testing.h"

using namespace confab;
using namespace confab::turn;
using namespace confab::turn::testing;

static_assert(SansIoMachine<Server>);

TEST_CASE(
    "Server: a stranger is told realm and nonce, in few bytes, and leaves nothing [TURN-11]") {
    TurnWorld world;
    TurnClient client(world, "9.8.7.6:1000");
    const Answer answer = client.request(StunMethod::kAllocate);
    CHECK(answer.error == 401);
    CHECK(answer.realm == "livekit");
    CHECK(answer.nonce.size() == kNonceSize);
    CHECK_FALSE(answer.integrity);
    CHECK(answer.size <= 68);  // 08 IMM-3
    CHECK(world.server.allocations() == 0);
    CHECK(world.ports.tries == 0);
}

TEST_CASE("Server: an allocation says address, life and where the client is seen [TURN-12]") {
    TurnWorld world;
    TurnClient client(world, "9.8.7.6:1000");
    const Answer answer = client.allocate();
    REQUIRE(answer.ok());
    CHECK(answer.integrity);
    CHECK(answer.lifetime == 600);
    CHECK(answer.mapped == address("9.8.7.6:1000"));
    REQUIRE(answer.relayed.has_value());
    CHECK(answer.relayed->ip == ip("1.2.3.4"));
    CHECK(answer.relayed->port >= 30000);
    CHECK(answer.relayed->port <= 40000);
    REQUIRE(world.ports.opened.size() == 1);
    CHECK(world.ports.opened.begin()->second == *answer.relayed);
    CHECK(world.server.has_allocation(client.path));
}

TEST_CASE(
    "Server: credentials that are wrong or over get 400, and nothing else [TURN-11, TURN-04]") {
    TurnWorld world;
    const auto refused = [&](const std::function<void(TurnClient&)>& spoil) {
        TurnClient client(world, "9.8.7.6:1000");
        spoil(client);
        const Answer answer = client.allocate();
        return answer.any && !answer.integrity ? answer.error : 0;
    };
    CHECK(refused([](TurnClient& c) { c.password = "wrong"; }) == 400);
    CHECK(refused([](TurnClient& c) { c.user.api_key = "APInobody"; }) == 400);
    CHECK(refused([](TurnClient& c) {  // another's password
              c.password = make_password(c.user, TurnWorld::kSecret);
              c.user.participant_sid = "PA_two";
          }) == 400);
    CHECK(refused([](TurnClient& c) {  // a longer life than was given
              c.password = make_password(c.user, TurnWorld::kSecret);
              c.user.expires_at += 1;
          }) == 400);
    TurnClient late(world, "9.8.7.6:1000");
    world.pass(Duration::seconds(301));
    CHECK(late.allocate().error == 400);
    CHECK(world.server.allocations() == 0);
    CHECK(world.server.counters().unauthorized == 5);
}

TEST_CASE(
    "Server: a request without name, realm or nonce is malformed, a bad nonce is stale [TURN-11]") {
    TurnWorld world;
    TurnClient client(world, "9.8.7.6:1000");
    client.learn_nonce();
    // Integrity alone.
    Bytes buffer(200);
    StunBuilder builder(buffer, StunClass::kRequest, StunMethod::kAllocate, {});
    builder.add_integrity(crypto::hmac_sha1(Bytes{1}, builder.integrity_input()));
    const Output output = client.handle(builder.finish());
    REQUIRE(output.to == Output::To::kClient);
    CHECK(StunMessage::parse(output.bytes)->error_code()->code == 400);

    const std::string good = client.nonce;
    for (const std::string& bad : {std::string("x"), std::string(16, 'A'), good + "A"}) {
        client.nonce = bad;
        const Answer answer = client.request(StunMethod::kAllocate);
        CHECK(answer.error == 438);
        CHECK(answer.realm == "livekit");
        CHECK(answer.nonce == good);
    }
    // Of another address, and an hour later.
    TurnClient other(world, "9.8.7.5:1000");
    other.nonce = good;
    CHECK(other.request(StunMethod::kAllocate).error == 438);
    client.nonce = good;
    world.pass(kNonceLifetime + Duration::seconds(60));
    CHECK(client.request(StunMethod::kAllocate).error == 438);
}

TEST_CASE("Server: what is asked for is checked in the row's order [TURN-12]") {
    TurnWorld world([](ServerOptions& options) { options.relay_v6 = {}; });
    TurnClient client(world, "9.8.7.6:1000");
    client.learn_nonce();
    const auto asked = [&](const TurnClient::Attributes& attributes) {
        return client.request(StunMethod::kAllocate, attributes);
    };
    CHECK(asked({}).error == 400);  // no transport
    CHECK(asked([](StunBuilder& b) { b.text(StunAttr::kRequestedTransport, "x"); }).error == 400);
    CHECK(asked([](StunBuilder& b) { b.u32(StunAttr::kRequestedTransport, 6U << 24); }).error ==
          442);
    const Answer unknown = asked([](StunBuilder& b) {
        b.u32(StunAttr::kRequestedTransport, 17U << 24).flag(StunAttr::kDontFragment);
    });
    CHECK(unknown.error == 420);
    CHECK(unknown.integrity);
    CHECK(unknown.unknown == std::vector<std::uint16_t>{0x001A});
    CHECK(asked([](StunBuilder& b) {
              b.u32(StunAttr::kRequestedTransport, 17U << 24).text(StunAttr::kEvenPort, "\x80");
          }).error == 508);  // the next port is not reserved
    CHECK(asked([](StunBuilder& b) {
              b.u32(StunAttr::kRequestedTransport, 17U << 24).flag(StunAttr::kEvenPort);
          }).error == 400);
    const auto family = [&](std::uint32_t number) {
        return asked([&](StunBuilder& b) {
                   b.u32(StunAttr::kRequestedTransport, 17U << 24)
                       .u32(StunAttr::kRequestedAddressFamily, number << 24);
               })
            .error;
    };
    CHECK(family(3) == 440);
    CHECK(family(2) == 508);  // we have no such address
    // Transport, DONT-FRAGMENT, ports, family.
    const auto wrong = [&](std::uint32_t protocol, bool fragments, bool pair) {
        return asked([&](StunBuilder& b) {
                   if (protocol != 0) b.u32(StunAttr::kRequestedTransport, protocol << 24);
                   if (!fragments) b.flag(StunAttr::kDontFragment);
                   if (pair) b.text(StunAttr::kEvenPort, "\x80");
                   b.u32(StunAttr::kRequestedAddressFamily, 3U << 24);
               })
            .error;
    };
    CHECK(wrong(0, false, true) == 400);
    CHECK(wrong(6, false, true) == 442);
    CHECK(wrong(17, false, true) == 420);
    CHECK(wrong(17, true, true) == 508);
    CHECK(wrong(17, true, false) == 440);
    CHECK(world.server.allocations() == 0);
    CHECK(family(1) == 0);
    CHECK(world.server.allocations() == 1);
    // The 5-tuple before them all; of other requests nothing.
    CHECK(wrong(0, false, true) == 437);
    CHECK(
        client
            .request(StunMethod::kRefresh, [](StunBuilder& b) { b.flag(StunAttr::kDontFragment); })
            .error == 420);
}

TEST_CASE("Server: the family is that of the listener unless it is asked for [TURN-12]") {
    TurnWorld world;
    TurnClient client(world, "[2600::5]:1000");
    client.path.local = address("[2600::1]:3478");
    CHECK(client.allocate().relayed->ip == ip("2600::1"));
    TurnClient four(world, "[2600::6]:1000");
    four.path.local = client.path.local;
    CHECK(four.allocate([](StunBuilder& b) { b.u32(StunAttr::kRequestedAddressFamily, 1U << 24); })
              .relayed->ip == ip("1.2.3.4"));
}

TEST_CASE("Server: an even port where it is asked for [TURN-12]") {
    TurnWorld world([](ServerOptions& options) { options.allocations_per_user = 0; });
    for (int i = 1; i <= 50; ++i) {
        const Answer answer =
            TurnClient(world, "9.8.7.6:" + std::to_string(i)).allocate([](StunBuilder& b) {
                b.bytes(StunAttr::kEvenPort, Bytes{0});
            });
        REQUIRE(answer.ok());
        CHECK(answer.relayed->port % 2 == 0);
    }
}

TEST_CASE("Server: a repeated Allocate gets the same answer, another one 437 [TURN-12]") {
    TurnWorld world;
    TurnClient client(world, "9.8.7.6:1000");
    const Answer first = client.allocate();
    REQUIRE(first.ok());
    const auto again = [&] {
        return client.request(StunMethod::kAllocate, [](StunBuilder& b) {
            b.u32(StunAttr::kRequestedTransport, 17U << 24);
        });
    };
    client.new_transaction = false;
    const Answer repeated = again();
    CHECK(repeated.ok());
    CHECK(repeated.relayed == first.relayed);
    client.new_transaction = true;
    CHECK(again().error == 437);
    CHECK(world.server.allocations() == 1);
    CHECK(world.server.counters().allocations == 1);
}

TEST_CASE(
    "Server: as many allocations as a participant may have, ended ones do not count [TURN-05]") {
    TurnWorld world;
    const auto remote = [](int i) { return "9.8.7.6:" + std::to_string(2000 + i); };
    for (int i = 0; i < 12; ++i)
        CHECK(TurnClient(world, remote(i)).allocate().ok());
    CHECK(TurnClient(world, remote(12)).allocate().error == 486);
    CHECK(TurnClient(world, remote(13), "PA_two").allocate().ok());
    TurnClient first(world, remote(0));
    first.learn_nonce();
    CHECK(first.refresh(0).ok());
    CHECK(TurnClient(world, remote(12)).allocate().ok());
    CHECK(world.server.counters().over_quota == 1);
}

TEST_CASE("Server: without a free port 508 after fifty tries, and nothing is left [TURN-03]") {
    TurnWorld world([](ServerOptions& options) {
        options.first_port = 30000;
        options.last_port = 30002;
        options.allocations_per_user = 0;
    });
    for (int i = 0; i < 3; ++i)
        while (!TurnClient(world, "9.8.7.6:" + std::to_string(2000 + i)).allocate().ok()) {
        }
    world.ports.tries = 0;
    CHECK(TurnClient(world, "9.8.7.6:3000").allocate().error == 508);
    CHECK(world.ports.tries == 50);
    CHECK(world.server.allocations() == 3);
    CHECK(world.server.counters().without_port >= 1);
}

TEST_CASE("Server: an allocation lives as long as asked, below an hour [TURN-13]") {
    TurnWorld world;
    const auto life = [&](std::uint32_t seconds, int port) {
        return TurnClient(world, "9.8.7.6:" + std::to_string(port))
            .allocate([&](StunBuilder& b) { b.u32(StunAttr::kLifetime, seconds); })
            .lifetime;
    };
    CHECK(life(777, 1) == 777);
    CHECK(life(3599, 2) == 3599);
    CHECK(life(3600, 3) == 600);
    CHECK(life(0xFFFF'FFFF, 4) == 600);
    CHECK(life(0, 5) == 600);
    world.pass(Duration::seconds(601));
    CHECK(world.server.allocations() == 2);
    CHECK(world.ports.opened.size() == 2);
}

TEST_CASE("Server: Refresh prolongs beyond the credentials, 0 ends [TURN-04, TURN-13]") {
    TurnWorld world;
    TurnClient client(world, "9.8.7.6:1000");
    REQUIRE(client.allocate().ok());
    for (int i = 0; i < 4; ++i) {  // 2 000 s, the credentials live 300
        world.pass(Duration::seconds(500));
        const Answer answer = client.refresh(600);
        REQUIRE(answer.ok());
        CHECK(answer.lifetime == 600);
    }
    CHECK(client.permit("5.5.5.5:1").ok());
    const Answer ended = client.refresh(0);
    CHECK(ended.ok());
    CHECK(ended.lifetime == 0);
    CHECK(world.server.allocations() == 0);
    CHECK(world.ports.opened.empty());
    CHECK(world.server.next_deadline().is_never());
    CHECK(client.refresh(600).error == 437);
}

TEST_CASE("Server: requests without an allocation get 437, for another's 441 [TURN-13, TURN-04]") {
    TurnWorld world;
    TurnClient client(world, "9.8.7.6:1000");
    client.learn_nonce();
    CHECK(client.refresh(600).error == 437);
    CHECK(client.permit("5.5.5.5:1").error == 437);
    CHECK(client.bind(0x4000, "5.5.5.5:1").error == 437);
    REQUIRE(client.allocate().ok());
    client.user.participant_sid = "PA_two";
    CHECK(client.refresh(0).error == 441);
    CHECK(world.server.allocations() == 1);
}

TEST_CASE("Server: a closed connection takes its allocation along, no other [TURN-16]") {
    TurnWorld world;
    TurnClient one(world, "9.8.7.6:1000");
    TurnClient two(world, "9.8.7.6:1000");
    one.path.stream = 1;
    two.path.stream = 2;
    REQUIRE(one.allocate().ok());
    REQUIRE(two.allocate().ok());
    world.server.close_client(one.path);
    CHECK_FALSE(world.server.has_allocation(one.path));
    CHECK(world.server.has_allocation(two.path));
    world.server.close_client(one.path);
    CHECK(world.ports.opened.size() == 1);
}

TEST_CASE("Server: a user's allocations follow its participant, no others [TURN-17]") {
    TurnWorld world;
    TurnClient first(world, "9.8.7.6:1");
    TurnClient second(world, "9.8.7.6:2");
    TurnClient other(world, "9.8.7.6:3", "PA_two");
    for (TurnClient* const one : {&first, &second, &other})
        REQUIRE(one->allocate().ok());
    world.server.end_user(world.now, "PA_nobody");
    world.server.end_user(world.now, "PA_one");
    world.pass(Duration::seconds(10));
    CHECK(first.refresh(600).lifetime == 20);  // not longer, however often it asks
    CHECK(other.refresh(600).lifetime == 600);
    world.pass(Duration::millis(19'990));
    CHECK(world.server.allocations() == 3);
    world.pass(Duration::millis(20));
    CHECK(world.server.allocations() == 1);
    CHECK(world.server.has_allocation(other.path));
    CHECK(first.allocate().error == 400);
    CHECK(world.server.allocations() == 1);
}

TEST_CASE("Server: what is made after the participant's end ends with the rest [TURN-17]") {
    TurnWorld world;
    world.server.end_user(world.now, "PA_one");
    world.pass(Duration::seconds(10));
    TurnClient late(world, "9.8.7.6:1");
    CHECK(late.allocate().lifetime == 20);
    CHECK(late.refresh(600).lifetime == 20);
    world.pass(Duration::millis(20'010));
    CHECK(world.server.allocations() == 0);
    CHECK(TurnClient(world, "9.8.7.6:2").allocate().error == 400);
    CHECK(TurnClient(world, "9.8.7.6:3", "PA_two").allocate().ok());
}

TEST_CASE(
    "Server: an allocation that ends sooner than its participant's time is over then [TURN-17]") {
    TurnWorld world;
    TurnClient client(world, "9.8.7.6:1");
    REQUIRE(client.allocate().ok());
    CHECK(client.refresh(5).lifetime == 5);
    world.server.end_user(world.now, "PA_one");
    world.pass(Duration::millis(5'010));
    CHECK(world.server.allocations() == 0);
}

TEST_CASE(
    "Server: with its key an allocation goes at once, be it gone or another secret [TURN-17]") {
    std::map<std::string, std::string, std::less<>> keys{
        {"APIkey", std::string(TurnWorld::kSecret)}, {"another", std::string(TurnWorld::kSecret)}};
    TurnWorld world([&](ServerOptions& options) {
        options.find_secret = [&](std::string_view key) -> std::optional<std::string> {
            const auto found = keys.find(key);
            if (found == keys.end()) return std::nullopt;
            return found->second;
        };
    });
    TurnClient one(world, "9.8.7.6:1");
    TurnClient two(world, "9.8.7.6:2");
    two.user.api_key = "another";
    REQUIRE(one.allocate().ok());
    REQUIRE(two.allocate().ok());
    world.server.handle_new_keys();
    CHECK(world.server.allocations() == 2);
    keys["another"] = "another secret";
    world.server.handle_new_keys();
    CHECK(world.server.has_allocation(one.path));
    CHECK_FALSE(world.server.has_allocation(two.path));
    keys.erase("APIkey");
    world.server.handle_new_keys();
    CHECK(world.server.allocations() == 0);
    CHECK(world.ports.opened.empty());
}

TEST_CASE("Server: STUN Binding says where the client is seen [TURN-01]") {
    TurnWorld world;
    TurnClient client(world, "9.8.7.6:1000");
    const Answer answer = client.request(StunMethod::kBinding);
    CHECK(answer.ok());
    CHECK(answer.mapped == address("9.8.7.6:1000"));
}

TEST_CASE("Server: strangers of one address get so many answers, others theirs [TURN-11]") {
    TurnWorld world;
    TurnClient client(world, "9.8.7.6:1000");
    int answers = 0;
    for (int i = 0; i < 10'000; ++i) {
        client.path.remote.port = static_cast<std::uint16_t>(i + 1);
        answers += client.request(StunMethod::kAllocate).any ? 1 : 0;
    }
    CHECK(answers == Server::kStrangers.burst);
    CHECK(world.server.counters().limited ==
          static_cast<std::uint64_t>(10'000 - Server::kStrangers.burst));
    CHECK(TurnClient(world, "9.8.7.5:1").request(StunMethod::kAllocate).any);
    client.path.stream = 3;  // a connection is no forgery
    CHECK(client.request(StunMethod::kAllocate).any);
    client.path.stream = 0;
    world.pass(Duration::seconds(1));
    CHECK(client.request(StunMethod::kAllocate).any);
}

TEST_CASE("Server: an address makes so many allocations, whoever asks [OPS-05] [SEC-03]") {
    const auto made = [](TurnWorld& world, const char* from, int tries) {
        int count = 0;
        for (int i = 0; i < tries; ++i) {
            TurnClient client(world, std::string(from) + ":" + std::to_string(1000 + i),
                              "PA_" + std::to_string(i));
            const Answer answer = client.allocate();
            count += answer.ok() ? 1 : 0;
            if (!answer.ok()) CHECK(answer.error == 486);
        }
        return count;
    };
    TurnWorld world(
        [](ServerOptions& options) { options.limits = {{2, 5}, {*Cidr::parse("10.0.0.0/8")}}; });
    CHECK(made(world, "9.8.7.6", 20) == 5);
    CHECK(world.server.counters().over_rate == 15);
    CHECK(world.server.counters().over_quota == 0);
    CHECK(made(world, "9.8.7.5", 20) == 5);
    CHECK(made(world, "10.0.0.1", 20) == 20);
    world.pass(Duration::seconds(1));
    CHECK(made(world, "9.8.7.4", 20) == 5);
    world.server.set_limits({});
    CHECK(made(world, "9.8.7.3", 20) == 20);
}

TEST_CASE("Server: what is no request of TURN is not answered [TURN-10]") {
    TurnWorld world;
    TurnClient client(world, "9.8.7.6:1000");
    CHECK(client.handle({}).to == Output::To::kNobody);
    CHECK(client.handle(Bytes(100, 0xFF)).to == Output::To::kNobody);
    CHECK(client.handle(Bytes(100, 0x40)).to == Output::To::kNobody);
    CHECK(client.handle(Bytes(100, 0x00)).to == Output::To::kNobody);
    CHECK_FALSE(client.request(static_cast<StunMethod>(0x00A)).any);  // Connect, RFC 6062
}
