// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/serve/network/turn_options.h"

#include <doctest/doctest.h>

namespace confab::app {
namespace {

IpAddress ip(std::string_view text) {
    return *IpAddress::parse(text);
}

config::Config with_turn() {
    config::Config config;
    config.turn.enabled = true;
    config.turn.udp_port = 3478;
    config.turn.relay_range_start = 30000;
    config.turn.relay_range_end = 40000;
    return config;
}

const std::vector<MediaAddress> kPlain = {{ip("10.0.0.5"), ip("10.0.0.5")}};
const std::vector<MediaAddress> kBehindNat = {{ip("10.0.0.5"), ip("8.8.4.4")}};

}  // namespace

TEST_CASE(
    "turn_options: listeners, relayed addresses and limits are those configured [TURN-01] "
    "[TURN-03]") {
    config::Config config = with_turn();
    config.turn.per_user_relay_allocation_limit = 3;
    const auto options = turn_options(config, kBehindNat);
    REQUIRE(options.has_value());
    CHECK(options->udp == std::vector<SocketAddress>{{ip("0.0.0.0"), 3478}});
    CHECK(options->streams.empty());
    CHECK(options->relay_bind_v4 == ip("0.0.0.0"));
    CHECK(options->server.relay_v4 == ip("8.8.4.4"));
    CHECK(options->server.relay_v6.is_none());
    CHECK(options->server.first_port == 30000);
    CHECK(options->server.last_port == 40000);
    CHECK(options->server.allocations_per_user == 3);

    config.turn.bind_addresses = {"0.0.0.0", "::"};
    const auto without_v6 = turn_options(config, kBehindNat);
    REQUIRE_FALSE(without_v6.has_value());
    CHECK(without_v6.error().find("no IPv6 address") != std::string::npos);
    config.turn.bind_addresses = {"nowhere"};
    CHECK_FALSE(turn_options(config, kBehindNat).has_value());
}

TEST_CASE("relay_place: where the TURN server binds its relayed addresses [TURN-03]") {
    config::Config config = with_turn();
    config.turn.bind_addresses = {"10.0.0.5"};
    const auto options = turn_options(config, kBehindNat);
    REQUIRE(options.has_value());
    const worker::RelayPlace place = relay_place(with_turn(), *options);
    CHECK(place.bind_v4 == ip("10.0.0.5"));
    CHECK(place.bind_v6.is_none());
    CHECK(place.told_v4 == options->server.relay_v4);
    CHECK(place.told_v4 != place.bind_v4);  // the node is behind a NAT
    CHECK(place.told_v6.is_none());
    CHECK(place.first_port == 30000);
    CHECK(place.last_port == 40000);
}

TEST_CASE("turn_options: clients are told the addresses that are listened at [TURN-02] [TURN-03]") {
    const std::vector<MediaAddress> two = {{ip("9.0.0.1"), ip("9.0.0.1")},
                                           {ip("9.0.0.2"), ip("9.0.0.2")}};
    const auto told = [&](const std::vector<std::string>& bind) {
        config::Config config = with_turn();
        config.turn.bind_addresses = bind;
        const auto options = turn_options(config, two);
        REQUIRE(options.has_value());
        CHECK(options->server.relay_v4 == ip(bind[0] == "0.0.0.0" ? "9.0.0.1" : bind[0]));
        CHECK(options->relay_bind_v4 == ip(bind[0]));
        return embedded_turn(config, two, options->udp, {}).udp;
    };
    using Addresses = std::vector<SocketAddress>;
    CHECK(told({"0.0.0.0"}) == Addresses{{ip("9.0.0.1"), 3478}});
    CHECK(told({"9.0.0.2"}) == Addresses{{ip("9.0.0.2"), 3478}});
    CHECK(told({"9.0.0.2", "9.0.0.1"}) == Addresses{{ip("9.0.0.2"), 3478}, {ip("9.0.0.1"), 3478}});
}

TEST_CASE("turn_options: TLS needs a certificate, unless a proxy has it [TURN-01]") {
    config::Config config = with_turn();
    config.turn.tls_port = 5349;
    CHECK(turn_options(config, kPlain).error().starts_with("TURN tls cert required"));
    config.turn.external_tls = true;
    const auto proxied = turn_options(config, kPlain);
    REQUIRE(proxied.has_value());
    CHECK(proxied->streams == std::vector<SocketAddress>{{ip("0.0.0.0"), 5349}});
    // All clients have the proxy's address.
    CHECK(proxied->stream.max_connections_per_address == proxied->stream.max_connections);
    config.turn.external_tls = false;
    config.turn.cert_file = "cert.pem";
    config.turn.key_file = "key.pem";
    CHECK(turn_options(config, kPlain));
    // That of the HTTP port is as good.
    config.turn.cert_file = config.turn.key_file = "";
    config.tls.domains = {"meet.test"};
    CHECK(turn_options(config, kPlain));
}

TEST_CASE("turn_options: at ports that media and HTTP have already nothing listens [TURN-18]") {
    config::Config config = with_turn();
    config.port = 443;
    config.tls.domains = {"meet.test"};
    config.turn.udp_port = config.turn.tls_port = 443;
    config.turn.domain = "meet.test";
    config.rtc.udp_port = {443, 443};
    const auto shared = turn_options(config, kPlain);
    REQUIRE(shared.has_value());
    CHECK(shared->udp.empty());
    CHECK(shared->streams.empty());
    CHECK(shared->adopts_streams);
    CHECK(relay_place(config, *shared).shared_udp == 443);
    const auto told = embedded_turn(config, kPlain, {{kPlain[0].local, 443}}, {});
    CHECK(told.tls_domain == "meet.test");
    // Browsers would take media from there for answers of the TURN server.
    CHECK(told.udp.empty());
    CHECK(told.shares_media);
    CHECK(told.tls_port == 443);
    config.port = config.turn.tls_port = 8443;
    CHECK(embedded_turn(config, kPlain, {}, {}).tls_port == 8443);
    config.turn.tls_port = 5349;
    CHECK(embedded_turn(config, kPlain, {}, {}).tls_port == 443);
    config.turn.udp_port = 3478;
    const auto apart = turn_options(config, kPlain);
    REQUIRE(apart.has_value());
    CHECK(apart->udp == std::vector<SocketAddress>{{ip("0.0.0.0"), 3478}});
    CHECK(apart->streams == std::vector<SocketAddress>{{ip("0.0.0.0"), 5349}});
    CHECK_FALSE(apart->adopts_streams);
    CHECK(relay_place(config, *apart).shared_udp == 0);
    CHECK_FALSE(embedded_turn(config, kPlain, {{kPlain[0].local, 3478}}, {}).shares_media);
}

TEST_CASE("turn_options: behind a NAT our media is where it is bound [TURN-03]") {
    CHECK(turn_options(with_turn(), kPlain)->aliases.empty());
    const auto aliases = turn_options(with_turn(), kBehindNat)->aliases;
    REQUIRE(aliases.size() == 1);
    CHECK(aliases[0].told == ip("8.8.4.4"));
    CHECK(aliases[0].bound == ip("10.0.0.5"));
    // One of two addresses has the name of both.
    CHECK(turn_options(with_turn(),
                       {{ip("10.0.0.5"), ip("10.0.0.5")}, {ip("10.0.0.6"), ip("10.0.0.5")}})
              ->aliases.empty());
}

TEST_CASE(
    "turn_peer_rules: our own media ports, told and bound, and the configured blocks [SEC-01]") {
    config::Config config = with_turn();
    config.turn.allow_restricted_peer_cidrs = {"10.9.0.0/16"};
    config.turn.deny_peer_cidrs = {"1.1.1.0/24"};
    const turn::PeerFilter filter(turn_peer_rules(
        config, kBehindNat, {{{{ip("10.0.0.5"), 7882}}, {}}, {{{ip("10.0.0.5"), 7883}}, {}}},
        {{"eth0", ip("10.0.0.5")}, {"eth1", ip("9.9.9.9")}, {"lo", ip("127.0.0.1")}}));
    for (const char* host : {"8.8.4.4", "10.0.0.5"}) {
        CHECK(filter.allows(SocketAddress{ip(host), 7882}));
        CHECK(filter.allows(SocketAddress{ip(host), 7883}));
        CHECK_FALSE(filter.allows(SocketAddress{ip(host), 7880}));
    }
    // Another public address of this host, and its loopback.
    CHECK_FALSE(filter.allows(SocketAddress{ip("9.9.9.9"), 7882}));
    CHECK_FALSE(filter.allows(ip("127.0.0.1")));
    CHECK(filter.allows(SocketAddress{ip("9.9.9.8"), 161}));
    CHECK_FALSE(filter.allows(ip("10.0.0.6")));
    CHECK(filter.allows(ip("10.9.0.6")));
    CHECK_FALSE(filter.allows(ip("1.1.1.1")));
    CHECK(filter.allows(ip("1.1.2.1")));
}

}  // namespace confab::app
