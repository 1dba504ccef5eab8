// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/relay/link/link_peers.h"

#include <doctest/doctest.h>

using namespace confab;
using namespace confab::cluster::relay;

namespace {

constexpr Timestamp kStart = Timestamp::micros(1'000'000'000);
const SocketAddress kOne{IpAddress::v4(0x0A000001), 7001};
const SocketAddress kTwo{IpAddress::v4(0x0A000002), 7002};

struct Node {
    Timestamp now = kStart;
    LinkPeers peers;

    explicit Node(const std::string& id) : peers(id, 1) {}
    std::string dialled() {
        std::string all;
        while (const auto dial = peers.poll_dial(now))
            all += dial->node + "@" + dial->to.to_string() + " ";
        return all;
    }
    void pass(Duration time) { now = now + time; }
};

}  // namespace

TEST_CASE("LinkPeers: of two nodes the one with the smaller id dials, once") {
    Node a("ND_a");
    a.peers.set(a.now, {{"ND_a", kOne}, {"ND_b", kTwo}});
    CHECK(a.peers.size() == 1);
    CHECK(a.peers.next_deadline() == a.now);
    CHECK(a.dialled() == "ND_b@10.0.0.2:7002 ");
    CHECK(a.dialled().empty());
    CHECK(a.peers.next_deadline().is_never());
    a.peers.up("ND_b");
    a.peers.set(a.now, {{"ND_b", kTwo}});
    a.pass(Duration::seconds(100));
    CHECK(a.dialled().empty());

    Node b("ND_b");
    b.peers.set(b.now, {{"ND_a", kOne}});
    CHECK(b.dialled().empty());
    CHECK(b.peers.next_deadline().is_never());
}

TEST_CASE("LinkPeers: who cannot be reached is dialled less and less often, and is not dead") {
    Node a("ND_a");
    a.peers.set(a.now, {{"ND_b", kTwo}});
    Duration before = Duration::zero();
    for (int i = 0; i < 10; ++i) {
        REQUIRE(a.dialled() == "ND_b@10.0.0.2:7002 ");
        a.peers.failed(a.now, "ND_b", true);
        CHECK(a.dialled().empty());
        const Duration wait = a.peers.next_deadline() - a.now;
        CHECK(wait <= LinkPeers::kMaxRetry);
        CHECK(wait >= before / 2);
        before = wait;
        a.pass(wait);
    }
    CHECK(before > Duration::seconds(20));
    CHECK_FALSE(a.peers.poll_dead());
    // After a link it begins anew.
    CHECK(a.dialled() == "ND_b@10.0.0.2:7002 ");
    a.peers.up("ND_b");
    a.peers.ended(a.now, "ND_b");
    CHECK(a.dialled() == "ND_b@10.0.0.2:7002 ");
    a.peers.failed(a.now, "ND_b", false);
    CHECK(a.peers.next_deadline() - a.now <= LinkPeers::kFirstRetry);
}

TEST_CASE("LinkPeers: a link ends and nobody listens there: the process has ended [NODE-24]") {
    for (const std::string own : {"ND_a", "ND_c"}) {  // who dials, and who does not
        Node node(own);
        node.peers.set(node.now, {{"ND_b", kTwo}});
        node.peers.up("ND_b");
        node.dialled();
        node.peers.ended(node.now, "ND_b");
        CHECK(node.peers.next_deadline() == node.now);
        CHECK(node.dialled() == "ND_b@10.0.0.2:7002 ");
        node.peers.failed(node.now, "ND_b", true);
        CHECK(node.peers.next_deadline() <= node.now);
        CHECK(node.peers.poll_dead() == "ND_b");
        CHECK_FALSE(node.peers.poll_dead());
        CHECK(node.peers.size() == 0);
        CHECK(node.peers.next_deadline().is_never());
    }
}

// Its sockets are closed one by one, and the one that listens may be the last.
TEST_CASE(
    "LinkPeers: a system that takes connections of a process that ends is asked again [NODE-24]") {
    for (const std::string own : {"ND_a", "ND_c"}) {
        Node node(own);
        node.peers.set(node.now, {{"ND_b", kTwo}});
        node.peers.up("ND_b");
        node.dialled();
        node.peers.ended(node.now, "ND_b");
        for (int i = 0; i < 3; ++i) {
            CHECK(node.dialled() == "ND_b@10.0.0.2:7002 ");
            node.peers.failed(node.now, "ND_b", false);
            CHECK(node.dialled().empty());
            CHECK(node.peers.next_deadline() == node.now + LinkPeers::kProofRetry);
            node.pass(LinkPeers::kProofRetry);
        }
        CHECK(node.dialled() == "ND_b@10.0.0.2:7002 ");
        node.peers.failed(node.now, "ND_b", true);
        CHECK(node.peers.poll_dead() == "ND_b");
    }
}

TEST_CASE(
    "LinkPeers: who is linked is not dialled again because of what its record says [NODE-01]") {
    Node a("ND_a");
    a.peers.set(a.now, {{"ND_b", kTwo}});
    CHECK(a.dialled() == "ND_b@10.0.0.2:7002 ");
    a.peers.up("ND_b");
    // Two write this record by turns, one of them without an address or with another.
    for (int i = 0; i < 3; ++i) {
        a.peers.set(a.now, {});
        a.peers.set(a.now, {{"ND_b", kOne}});
        a.peers.set(a.now, {{"ND_b", kTwo}});
        CHECK(a.dialled().empty());
    }
    SUBCASE("its process has ended: it was linked where nobody listens any more") {
        a.peers.set(a.now, {{"ND_b", kOne}});
        a.peers.ended(a.now, "ND_b");
        CHECK(a.dialled() == "ND_b@10.0.0.2:7002 ");
        a.peers.failed(a.now, "ND_b", true);
        CHECK(a.peers.poll_dead() == "ND_b");
    }
    SUBCASE("it has another address since its link ended, which proves nothing") {
        a.peers.ended(a.now, "ND_b");
        a.peers.set(a.now, {{"ND_b", kOne}});
        CHECK(a.dialled() == "ND_b@10.0.0.1:7001 ");
        a.peers.failed(a.now, "ND_b", true);
        CHECK_FALSE(a.peers.poll_dead());
    }
    SUBCASE("its record has gone with it") {
        a.peers.set(a.now, {});
        a.peers.ended(a.now, "ND_b");
        a.peers.set(a.now, {});
        CHECK(a.peers.size() == 0);
        CHECK(a.dialled().empty());
    }
}

TEST_CASE("LinkPeers: silence, and what is refused later, prove nothing [NODE-24]") {
    Node a("ND_a");
    a.peers.set(a.now, {{"ND_b", kTwo}});
    a.dialled();
    a.peers.up("ND_b");
    a.peers.ended(a.now, "ND_b");
    a.dialled();
    a.pass(LinkPeers::kProofTime);
    a.peers.failed(a.now, "ND_b", false);
    a.pass(Duration::seconds(1));
    CHECK(a.dialled() == "ND_b@10.0.0.2:7002 ");
    a.peers.failed(a.now, "ND_b", true);
    CHECK_FALSE(a.peers.poll_dead());

    Node c("ND_c");  // does not dial by itself
    c.peers.set(c.now, {{"ND_b", kTwo}});
    c.peers.up("ND_b");
    c.peers.ended(c.now, "ND_b");
    c.dialled();
    c.pass(LinkPeers::kProofTime);
    c.peers.failed(c.now, "ND_b", false);
    CHECK(c.peers.next_deadline().is_never());

    // Somebody else has the address by now.
    Node d("ND_a");
    d.peers.set(d.now, {{"ND_b", kTwo}});
    d.dialled();
    d.peers.up("ND_b");
    d.peers.ended(d.now, "ND_b");
    CHECK(d.dialled() == "ND_b@10.0.0.2:7002 ");
    d.peers.set(d.now, {{"ND_b", kOne}});
    d.peers.failed(d.now, "ND_b", true);
    CHECK_FALSE(d.peers.poll_dead());
}

TEST_CASE("LinkPeers: the other one's link comes while ours fails") {
    Node a("ND_a");
    a.peers.set(a.now, {{"ND_b", kTwo}});
    a.dialled();
    a.peers.up("ND_b");
    a.peers.ended(a.now, "ND_b");
    a.dialled();
    a.peers.up("ND_b");
    a.peers.failed(a.now, "ND_b", true);
    CHECK_FALSE(a.peers.poll_dead());
    CHECK(a.peers.next_deadline().is_never());
}

TEST_CASE("LinkPeers: who is no more is not dialled, and there is an end of them") {
    Node a("ND_a");
    a.peers.set(a.now, {{"ND_b", kTwo}});
    a.peers.set(a.now, {});
    CHECK(a.dialled().empty());
    a.peers.up("ND_b");
    a.peers.ended(a.now, "ND_b");
    a.peers.failed(a.now, "ND_b", true);
    CHECK_FALSE(a.peers.poll_dead());
    LinkPeers::Addresses many;
    for (std::size_t i = 0; i < LinkPeers::kMaxPeers + 5; ++i)
        many.emplace("ND_z" + std::to_string(i), kOne);
    a.peers.set(a.now, many);
    CHECK(a.peers.size() == LinkPeers::kMaxPeers);
}
