// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "api/limits/client_hop.h"

#include <doctest/doctest.h>

#include <string>

namespace confab::api {
namespace {

const std::vector<Cidr> kProxies{*Cidr::parse("127.0.0.0/8"), *Cidr::parse("10.0.0.0/8"),
                                 *Cidr::parse("2001:db8:ff::/48")};

std::string hop(const char* socket, std::string_view forwarded, std::string_view real_ip = "") {
    return client_hop(*IpAddress::parse(socket), forwarded, real_ip, kProxies).to_string();
}

}  // namespace

TEST_CASE("client_hop: the right-most address that is no trusted proxy's [SEC-07]") {
    CHECK(hop("10.0.0.1", "203.0.113.7") == "203.0.113.7");
    // Whoever asked the first trusted proxy may have made up all that stands left.
    CHECK(hop("10.0.0.1", "192.0.2.66, 203.0.113.7") == "203.0.113.7");
    CHECK(hop("10.0.0.1", "10.9.9.9, 203.0.113.7,10.0.0.2 ,\t127.0.0.1") == "203.0.113.7");
    CHECK(hop("2001:db8:ff::1", "2001:db8::7, 10.0.0.2") == "2001:db8::7");
    // Trusted all the way: the one farthest off.
    CHECK(hop("10.0.0.1", "10.1.1.1, 10.0.0.2") == "10.1.1.1");
}

TEST_CASE("client_hop: nobody but a trusted proxy says for whom it asks [SEC-07]") {
    CHECK(hop("203.0.113.7", "192.0.2.1", "192.0.2.2") == "203.0.113.7");
    CHECK(hop("11.0.0.1", "192.0.2.1") == "11.0.0.1");
    CHECK(client_hop(*IpAddress::parse("10.0.0.1"), "192.0.2.1", "", {}).to_string() == "10.0.0.1");
}

TEST_CASE("client_hop: X-Real-IP where there is no chain, else the connection's own [SEC-07]") {
    CHECK(hop("10.0.0.1", "", "203.0.113.7") == "203.0.113.7");
    CHECK(hop("10.0.0.1", " ", "203.0.113.7") == "203.0.113.7");
    CHECK(hop("10.0.0.1", "192.0.2.1", "203.0.113.7") == "192.0.2.1");
    CHECK(hop("10.0.0.1", "", "no address") == "10.0.0.1");
    CHECK(hop("10.0.0.1", "") == "10.0.0.1");
}

TEST_CASE(
    "client_hop: each form that proxies write; what can not be read ends the chain [SEC-07]") {
    CHECK(hop("10.0.0.1", "203.0.113.7:5000") == "203.0.113.7");
    CHECK(hop("10.0.0.1", "[2001:db8::7]:5000") == "2001:db8::7");
    CHECK(hop("10.0.0.1", "[2001:db8::7]") == "2001:db8::7");
    CHECK(hop("10.0.0.1", "192.0.2.1, unknown, 10.0.0.2") == "10.0.0.2");
    CHECK(hop("10.0.0.1", "192.0.2.1, unknown") == "10.0.0.1");
    CHECK(hop("10.0.0.1", "192.0.2.1,") == "10.0.0.1");
    CHECK(hop("10.0.0.1", "[]") == "10.0.0.1");
}

TEST_CASE("client_hop: of an endless chain the last ones are read [SEC-07] [IMM-13]") {
    std::string chain = "203.0.113.7";
    for (int i = 1; i < kMaxHops; ++i)
        chain += ", 10.0.0.2";
    CHECK(hop("10.0.0.1", chain) == "203.0.113.7");
    chain += ", 10.0.0.2";
    CHECK(hop("10.0.0.1", chain) == "10.0.0.2");
}

}  // namespace confab::api
