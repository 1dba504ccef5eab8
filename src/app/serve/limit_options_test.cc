// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/serve/limit_options.h"

#include <doctest/doctest.h>

#include "base/limits/sources.h"

namespace confab::app {
namespace {

bool trusts(const std::vector<Cidr>& blocks, const char* address) {
    return is_listed(blocks, *IpAddress::parse(address));
}

}  // namespace

TEST_CASE("limits: what one address may where nothing is configured; private ones all [OPS-05]") {
    const config::Config config;
    const control::GateOptions gate = gate_options(config);
    CHECK(gate.limits.connections == Rate{20, 200});
    CHECK(gate.limits.requests == Rate{20, 200});
    CHECK(gate.limits.web_sockets == 1000);
    CHECK(gate.limits.bad_tokens == Rate{1, 10});
    CHECK(gate.limits.joins_of_identity == Rate{1, 10});
    CHECK(gate.limits.joins_of_room == Rate{50, 500});
    CHECK(gate.limits.joins_of_key == Rate{200, 2000});
    CHECK(gate.limits.join_load == 0);
    CHECK(gate.limits.calls_of_key == Rate{100, 1000});
    CHECK(gate.limits.calls_of_method == Rate{100, 1000});
    CHECK(gate.limits.signals == Rate{50, 500});
    CHECK(stranger_limits(config).rate == Rate{50, 500});
    CHECK(allocation_limits(config).rate == Rate{20, 200});
    CHECK(data_rates(config).packets.is_off());
    CHECK(data_rates(config).bytes.is_off());
    for (const char* own : {"127.0.0.1", "::1", "10.9.9.9", "172.17.0.1", "192.168.1.1",
                            "169.254.1.1", "100.64.0.1", "fd00::1", "fe80::1"}) {
        CAPTURE(own);
        CHECK(trusts(gate.limits.trusted, own));
        CHECK(trusts(stranger_limits(config).trusted, own));
        CHECK(trusts(allocation_limits(config).trusted, own));
    }
    for (const char* other : {"203.0.113.1", "172.32.0.1", "2001:db8::1", "8.8.8.8"}) {
        CAPTURE(other);
        CHECK_FALSE(trusts(gate.limits.trusted, other));
    }
}

TEST_CASE("limits: who is believed to say for whom it asks [SEC-07]") {
    config::Config config;
    // Whoever is not limited, for limits alone.
    CHECK_FALSE(gate_options(config).proxies_name_clients);
    CHECK(trusts(gate_options(config).proxies, "127.0.0.1"));
    CHECK_FALSE(trusts(gate_options(config).proxies, "203.0.113.1"));
    // Those that are named and nobody else, for all purposes.
    config.own.trusted_proxies = {"203.0.113.0/24"};
    CHECK(gate_options(config).proxies_name_clients);
    CHECK(trusts(gate_options(config).proxies, "203.0.113.1"));
    CHECK_FALSE(trusts(gate_options(config).proxies, "127.0.0.1"));
    config.own.trusted_proxies = {};
    config.own.limits.trusted = {};
    CHECK(gate_options(config).proxies.empty());
    CHECK(gate_options(config).limits.trusted.empty());
}

TEST_CASE("limits: 0 is no limit [OPS-05]") {
    config::Config config;
    config.own.limits.data_packets = 7;
    config.own.limits.data_bytes = 9'000;
    CHECK(data_rates(config).packets == Rate{7, 70});
    CHECK(data_rates(config).bytes == Rate{9'000, 90'000});
    config.own.limits.connections = 0;
    config.own.limits.signals = 0;
    config.own.limits.stun = 0;
    config.own.limits.turn_allocations = 0;
    CHECK(gate_options(config).limits.connections.is_off());
    CHECK(gate_options(config).limits.signals.is_off());
    CHECK_FALSE(gate_options(config).limits.requests.is_off());
    CHECK(stranger_limits(config).rate.is_off());
    CHECK(allocation_limits(config).rate.is_off());
}

}  // namespace confab::app
