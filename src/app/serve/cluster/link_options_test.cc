// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/serve/cluster/link_options.h"

#include <doctest/doctest.h>

namespace confab::app {
namespace {

std::string address_of(const config::Config& config) {
    const auto address = link_address(config);
    if (!address) return address.error();
    return *address ? (*address)->to_string() : "none";
}

}  // namespace

TEST_CASE("link_address: the network of Redis, any port, unless others are named") {
    config::Config config;
    config.redis.address = "127.0.0.1:6379";
    CHECK(address_of(config) == "127.0.0.1:0");
    config.own.node_link_port = 7001;
    CHECK(address_of(config) == "127.0.0.1:7001");
    config.redis.address = "[::1]:6379";
    CHECK(address_of(config) == "[::1]:7001");
    config.redis.sentinel_addresses = {"not an address", "no-such-host.invalid:1",
                                       "127.0.0.2:26379"};
    CHECK(address_of(config) == "127.0.0.1:7001");
    config.redis.sentinel_addresses.clear();
    config.redis.cluster_addresses = {"127.0.0.3"};
    CHECK(address_of(config) == "127.0.0.1:7001");
    config.own.node_link_ip = "10.1.2.3";
    CHECK(address_of(config) == "10.1.2.3:7001");
    config.own.node_links = false;
    CHECK(address_of(config) == "none");
}

TEST_CASE("link_address: what nobody can dial is refused with the option's name") {
    config::Config config;
    config.redis.address = "no-such-host.invalid:6379";
    CHECK(address_of(config) == "none");
    for (const char* wrong : {"node-1", "0.0.0.0", "::", "10.0.0.1:7000"}) {
        config.own.node_link_ip = wrong;
        CHECK(address_of(config).starts_with("confab.node_link_ip "));
    }
}

}  // namespace confab::app
