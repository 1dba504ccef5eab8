// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sim/net/udp_network.h"

#include <doctest/doctest.h>

#include "netem/models.h"
#include "sim/net/net_testing.h"

namespace confab::sim {
namespace {

using client::Target;
using Texts = std::vector<std::string>;

const SocketAddress kServer{IpAddress::v4(0x0A00'0001), 7000};

// Two clients with links of 10 ms each way.
struct Fixture {
    Fixture() {
        for (ClientId id = 0; id < 2; ++id) {
            net.set_profiles(id, netem::perfect_link(), netem::perfect_link());
            net.attach(id, rng);
            net.open_ports(id);
        }
    }
    SocketAddress port(ClientId id) { return net.address(id, Target::kPublisher); }
    void down(const SocketAddress& to, std::string_view text) {
        net.send_down(kServer, to, as_bytes(text));
    }
    void up(ClientId id, std::string_view text) {
        net.send_up(id, Target::kPublisher, kServer, as_bytes(text));
    }
    Texts after(Duration length) {
        testing::run_for(events, length);
        return ends.take();
    }

    Rng rng{3};
    EventQueue events{kRunStart};
    Report report;
    testing::NotingEnds ends{events};
    UdpNetwork net{2, events, report, ends, ends};
};

constexpr Duration kSoon = Duration::millis(100);

TEST_CASE("UdpNetwork: carries both ways, from and to the ports of its NAT") {
    Fixture f;
    CHECK(f.port(0) != f.port(1));
    CHECK(f.port(0) != f.net.address(0, Target::kSubscriber));
    f.up(0, "up");
    f.down(f.port(1), "down");
    CHECK(f.after(kSoon) == Texts{"10 server up", "10 client 1 down"});
    CHECK(f.ends.last_from == f.port(0));
    CHECK(f.ends.sent == Texts{"1 down"});
}

TEST_CASE("UdpNetwork: a new session has other ports, and hears nothing more at the old ones") {
    Fixture f;
    const SocketAddress old = f.port(0);
    f.down(old, "under way");
    f.net.open_ports(0);
    CHECK(f.port(0) != old);
    f.down(old, "too late");
    f.down(f.port(0), "new");
    CHECK(f.after(kSoon) == Texts{"10 client 0 new"});
    // What comes too late was not sent to this session, either.
    CHECK(f.ends.sent == Texts{"0 under way", "0 new"});
    CHECK(f.report.count() == 0);
}

TEST_CASE(
    "UdpNetwork: what goes to a port that the NAT forgot counts as sent, and is lost [MC-03]") {
    Fixture f;
    const SocketAddress old = f.port(0);
    f.down(old, "under way");
    f.net.rebind(0);
    f.down(old, "lost");
    f.up(0, "up");
    CHECK(f.after(kSoon) == Texts{"10 client 0 under way", "10 server up"});
    CHECK(f.ends.last_from == f.port(0));
    CHECK(f.ends.last_from != old);
    CHECK(f.ends.sent == Texts{"0 under way", "0 lost"});
}

TEST_CASE("UdpNetwork: who has gone hears nothing, the next one under its number neither") {
    Fixture f;
    const SocketAddress old = f.port(0);
    f.down(old, "under way");
    f.net.detach(0);
    f.net.attach(0, f.rng);
    f.net.open_ports(0);
    f.down(old, "too late");
    CHECK(f.after(kSoon) == Texts{});
}

TEST_CASE("UdpNetwork: nobody has an address but for those given; private ones lead nowhere") {
    Fixture f;
    f.down({IpAddress::v4(0xC0A8'0001), 5000}, "private");
    CHECK(f.report.count() == 0);
    f.down({IpAddress::v4(0xC633'6401), 9}, "nobody");
    CHECK(f.report.count() == 1);
    CHECK(f.after(kSoon) == Texts{});
}

TEST_CASE("UdpNetwork: an outage takes one direction or both, and ends") {
    Fixture f;
    f.net.cut(0, {false, true}, kRunStart + Duration::millis(50));
    f.up(0, "up");
    f.down(f.port(0), "down");
    CHECK(f.after(Duration::millis(50)) == Texts{"10 server up"});
    f.down(f.port(0), "again");
    CHECK(f.after(kSoon) == Texts{"60 client 0 again"});
}

TEST_CASE("UdpNetwork: profiles are those of the links there are and of the next ones") {
    Fixture f;
    netem::LinkProfile nothing = netem::perfect_link();
    nothing.loss = 1;
    f.net.set_profiles(0, nothing, netem::perfect_link());
    f.up(0, "lost");
    CHECK(f.after(kSoon) == Texts{});
    f.net.detach(0);
    f.net.attach(0, f.rng);
    f.net.open_ports(0);
    f.up(0, "lost too");
    CHECK(f.after(kSoon) == Texts{});
    // Also by the links that are no more.
    CHECK(f.net.lost() == 2);
}

}  // namespace
}  // namespace confab::sim
