// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/doctor/examine_host.h"

#include <doctest/doctest.h>

#include "config/load.h"

namespace confab::doctor {
namespace {

std::string ports_text(std::string_view yaml) {
    auto loaded = config::parse_yaml(yaml);
    REQUIRE(loaded);
    REQUIRE(config::finish(*loaded, {.require_keys = false}));
    std::string text;
    for (const PortFacts& port : ports_of(loaded->config))
        text += (port.is_udp ? "u" : "t") + std::to_string(port.first) +
                (port.first == port.last ? "" : "-" + std::to_string(port.last)) + " ";
    return text;
}

TEST_CASE("ports_of: what a server binds, each port once") {
    CHECK(ports_text("") == "t7880 t7881 u50000-60000 ");
    CHECK(ports_text("rtc: {udp_port: 7882}\nprometheus: {port: 6789}") ==
          "t7880 t7881 u7882 t6789 ");
    CHECK(ports_text("rtc: {udp_port: 7000-7003, tcp_port: 0}\nturn: {enabled: true, udp_port: "
                     "7002, tls_port: 5349, domain: a.test}") == "t7880 u7000-7003 t5349 ");
    CHECK(ports_text("turn: {udp_port: 3478}") == "t7880 t7881 u50000-60000 ");
}

TEST_CASE("examine_host: this machine has addresses, limits and, with a folder, a disk") {
    auto loaded = config::parse_yaml("port: 1\nrtc: {udp_port: 7882}");
    REQUIRE(config::finish(*loaded, {.require_keys = false}));
    const HostFacts facts = examine_host(loaded->config, "/", true, Deadline(Duration::seconds(5)));
    CHECK_FALSE(facts.addresses.interfaces.empty());
    CHECK(facts.open_files > 0);
    CHECK(facts.receive_buffer.value_or(0) > 0);
    CHECK(facts.disk.tried);
    CHECK(facts.ports.empty());  // our server has them
    CHECK_FALSE(facts.redis.tried);
    CHECK(facts.webhooks.empty());
}

}  // namespace
}  // namespace confab::doctor
