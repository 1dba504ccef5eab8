// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/shard/peer_routes.h"

#include <doctest/doctest.h>

#include <array>

#include "sfu/peer/peer_pair_testing.h"
#include "wire/ice/stun.h"

namespace confab::sfu {
namespace {

Timestamp at_ms(std::int64_t ms) {
    return Timestamp::micros(ms * 1'000);
}

ice::Path from_port(std::uint16_t port) {
    ice::Path path;
    path.local = {IpAddress::v4(0x7F000001), 7000};
    path.remote = {IpAddress::v4(0x7F000002), port};
    return path;
}

Bytes named(wire::StunClass message_class, const std::string& username) {
    std::array<std::uint8_t, 128> buffer;
    wire::StunBuilder builder(buffer, message_class, wire::StunMethod::kBinding, {});
    builder.text(wire::StunAttr::kUsername, username);
    return to_vector(builder.finish());
}
// A check for the peer of that name.
Bytes check_for(std::string_view ufrag) {
    return named(wire::StunClass::kRequest, std::string(ufrag) + ":theirs");
}

// The first of three workers, and two connections on it.
struct Worker {
    std::unique_ptr<ShardPeer> make_peer(std::uint64_t id) {
        peer::TransportConfig config;
        config.ice.local = {"unused_ufrag", "unused_password_1234567890"};
        config.profiles = {srtp::Profile::kAes128CmSha1_80};
        return std::make_unique<ShardPeer>(PeerId(id), peer::SharedCrypto{&engine, nullptr, true},
                                           config, make_bandwidth({}), rng);
    }
    ShardPeer* peer_of(const ice::Path& path, BytesView datagram) {
        return routes.find(at_ms(0), path, datagram).peer;
    }
    Rng rng{7};
    srtp::Engine engine;
    PeerRoutes routes{0, 3, {}};
    std::unique_ptr<ShardPeer> one = make_peer(1);
    std::unique_ptr<ShardPeer> two = make_peer(2);
    Bytes media = Bytes(40, 0x80);
};

TEST_CASE("PeerRoutes: a check names its peer, or the worker that has it [DES-03][ICE-02]") {
    Worker worker;
    worker.routes.add_ufrag(*worker.one, "aone");
    CHECK(worker.peer_of(from_port(1), check_for("aone")) == worker.one.get());
    const auto foreign = worker.routes.find(at_ms(0), from_port(2), check_for("cother"));
    CHECK(foreign.peer == nullptr);
    CHECK(foreign.owner == WorkerIndex(2));
    // What follows over that path is for the same worker, until it closes.
    CHECK(worker.routes.find(at_ms(0), from_port(2), worker.media).owner == WorkerIndex(2));
    CHECK(worker.routes.forget(from_port(2)) == nullptr);
    CHECK_FALSE(worker.routes.find(at_ms(0), from_port(2), worker.media).owner);
    // There is no fourth worker, and nobody of ours has that name.
    for (const std::string_view name : {"dother", "anobody", "-", ""}) {
        const auto nobody = worker.routes.find(at_ms(0), from_port(3), check_for(name));
        CHECK(nobody.peer == nullptr);
        CHECK_FALSE(nobody.owner);
    }
}

TEST_CASE("PeerRoutes: names that nobody has lead nowhere, or too many elsewhere [OPS-05]") {
    Worker worker;
    worker.routes.add_ufrag(*worker.one, "aone");
    worker.routes.apply(at_ms(0), {{1, 5}, {*Cidr::parse("10.0.0.0/8")}});
    const auto passed = [&](const ice::Path& path, std::string_view name, int tries) {
        int count = 0;
        for (int i = 0; i < tries; ++i)
            count += worker.routes.find(at_ms(0), path, check_for(name)).owner ? 1 : 0;
        return count;
    };
    CHECK(passed(from_port(1), "cother", 3) == 3);
    CHECK(passed(from_port(1), "anobody", 2) == 0);  // counted as well
    CHECK(passed(from_port(2), "cother", 10) == 0);  // another port of the same address
    CHECK(worker.routes.strangers().dropped() == 10);
    CHECK_FALSE(worker.routes.foreign_owner(from_port(2)));  // nothing is kept of it
    // Who is known here is found, and who was proved elsewhere is passed on.
    CHECK(worker.peer_of(from_port(3), check_for("aone")) == worker.one.get());
    worker.routes.prove(at_ms(0), from_port(4), 2);
    CHECK(passed(from_port(4), "cother", 10) == 10);
    ice::Path other = from_port(1);
    other.remote.ip = IpAddress::v4(0x7F000003);
    CHECK(passed(other, "cother", 10) == 5);
    other.remote.ip = IpAddress::v4(0x0A000001);
    CHECK(passed(other, "cother", 10) == 10);
    worker.routes.apply(at_ms(0), {});
    CHECK(passed(from_port(1), "cother", 10) == 10);
}

TEST_CASE(
    "PeerRoutes: an answer that repeats our request's name is for who has the path [ICE-02]") {
    Worker worker;
    worker.routes.add_ufrag(*worker.one, "aone");
    worker.routes.remember(*worker.one, from_port(1), false);
    const Bytes check = check_for("cother");  // on its way to another worker
    CHECK(worker.routes.find(at_ms(0), from_port(2), check).owner == WorkerIndex(2));
    for (const std::string_view theirs : {"theirs", "a", "b", "c", "zz"}) {
        const Bytes answer = named(wire::StunClass::kSuccess, std::string(theirs) + ":aone");
        CHECK(worker.peer_of(from_port(1), answer) == worker.one.get());
        CHECK(worker.routes.find(at_ms(0), from_port(2), answer).owner == WorkerIndex(2));
        const Bytes error = named(wire::StunClass::kError, std::string(theirs) + ":aone");
        CHECK(worker.peer_of(from_port(1), error) == worker.one.get());
    }
}

TEST_CASE("PeerRoutes: a name that is forgotten leads to who has the path [ICE-14]") {
    Worker worker;
    for (std::size_t i = 0; i <= ShardPeer::kMaxUfrags; ++i)
        worker.routes.add_ufrag(*worker.one, "a" + std::to_string(i));
    CHECK(worker.routes.known_ufrags() == ShardPeer::kMaxUfrags);
    CHECK_FALSE(worker.routes.has_ufrag("a0"));
    CHECK(worker.peer_of(from_port(1), check_for("a1")) == worker.one.get());
    CHECK(worker.peer_of(from_port(1), check_for("a0")) == nullptr);
    worker.routes.remember(*worker.one, from_port(1), true);
    CHECK(worker.peer_of(from_port(1), check_for("a0")) == worker.one.get());
    // A name that is known decides alone.
    worker.routes.add_ufrag(*worker.two, "atwo");
    CHECK(worker.peer_of(from_port(1), check_for("atwo")) == worker.two.get());
}

TEST_CASE("PeerRoutes: a path is for the one who proved it [ICE-02]") {
    Worker worker;
    worker.routes.remember(*worker.one, from_port(1), false);
    CHECK(worker.peer_of(from_port(1), worker.media) == worker.one.get());
    worker.routes.remember(*worker.two, from_port(1), false);
    CHECK(worker.peer_of(from_port(1), worker.media) == worker.one.get());
    CHECK(worker.two->paths.empty());
    worker.routes.remember(*worker.two, from_port(1), true);
    CHECK(worker.peer_of(from_port(1), worker.media) == worker.two.get());
    CHECK(worker.one->paths.empty());
    CHECK(worker.two->paths.size() == 1);
}

TEST_CASE(
    "PeerRoutes: who only sends checks to another worker's client gets nothing of it [IMM-1]") {
    Worker worker;
    // Proved elsewhere before, or after.
    worker.routes.prove(at_ms(0), from_port(1), 2);
    worker.routes.remember(*worker.one, from_port(1), false);
    worker.routes.remember(*worker.one, from_port(2), false);
    CHECK(worker.peer_of(from_port(2), worker.media) == worker.one.get());
    worker.routes.prove(at_ms(0), from_port(2), 2);
    for (const std::uint16_t port : {std::uint16_t{1}, std::uint16_t{2}}) {
        CHECK(worker.peer_of(from_port(port), worker.media) == nullptr);
        CHECK(worker.routes.find(at_ms(0), from_port(port), worker.media).owner == WorkerIndex(2));
    }
    // Its own check from there is another thing.
    worker.routes.remember(*worker.one, from_port(1), true);
    CHECK(worker.peer_of(from_port(1), worker.media) == worker.one.get());
}

TEST_CASE("PeerRoutes: the oldest path of a peer gives way [ICE-02]") {
    Worker worker;
    const auto remember = [&](std::size_t count) {
        for (std::uint16_t port = 1; port <= count; ++port)
            worker.routes.remember(*worker.one, from_port(port), true);
    };
    remember(ShardPeer::kMaxPaths);
    CHECK(worker.one->paths.size() == ShardPeer::kMaxPaths);
    CHECK(worker.routes.contains(from_port(1)));
    remember(ShardPeer::kMaxPaths + 1);
    CHECK(worker.one->paths.size() == ShardPeer::kMaxPaths);
    CHECK_FALSE(worker.routes.contains(from_port(1)));
    CHECK(worker.routes.contains(from_port(ShardPeer::kMaxPaths + 1)));
}

TEST_CASE("PeerRoutes: the path in use stays, however many others are proved [ICE-02]") {
    test::PeerPair pair;
    PeerRoutes routes{0, 1, {}};
    const ice::Path used = pair.local->transport().path().value();
    routes.remember(*pair.local, used, true);
    for (std::uint16_t port = 1; port <= 2 * ShardPeer::kMaxPaths; ++port)
        routes.remember(*pair.local, from_port(port), true);
    CHECK(pair.local->paths.size() == ShardPeer::kMaxPaths);
    CHECK(routes.contains(used));
    CHECK_FALSE(routes.contains(from_port(1)));
    CHECK(routes.contains(from_port(2 * ShardPeer::kMaxPaths)));
}

TEST_CASE("PeerRoutes: media from an address that gave way finds nobody who is gone [IMM-15]") {
    Worker worker;
    const auto from_host = [](std::uint32_t host) {
        ice::Path path = from_port(1);
        path.remote.ip = IpAddress::v4(0x0A000000 + host);
        return path;
    };
    for (std::uint32_t host = 0; host <= ShardPeer::kMaxPaths; ++host)
        worker.routes.remember(*worker.one, from_host(host), true);
    worker.routes.forget(*worker.one);
    worker.one.reset();
    for (std::uint32_t host = 0; host <= ShardPeer::kMaxPaths; ++host)
        CHECK(worker.routes.find_stray(at_ms(0), from_host(host), worker.media).peer == nullptr);
}

TEST_CASE("PeerRoutes: nothing leads to a peer that is gone [IMM-15]") {
    Worker worker;
    worker.routes.add_ufrag(*worker.one, "aone");
    worker.routes.add_ufrag(*worker.two, "atwo");
    worker.routes.remember(*worker.one, from_port(1), true);
    worker.routes.remember(*worker.one, from_port(2), true);
    worker.routes.remember(*worker.two, from_port(3), true);
    CHECK(worker.routes.forget(from_port(2)) == worker.one.get());
    CHECK(worker.one->paths.size() == 1);
    worker.routes.forget(*worker.one);
    CHECK(worker.routes.known_ufrags() == 1);
    CHECK_FALSE(worker.routes.contains(from_port(1)));
    CHECK(worker.peer_of(from_port(1), check_for("aone")) == nullptr);
    CHECK(worker.peer_of(from_port(3), worker.media) == worker.two.get());
}

}  // namespace
}  // namespace confab::sfu
