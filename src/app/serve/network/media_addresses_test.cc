// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Which addresses are bound and what is advertised in their place (02 ICE-01, ICE-10, ICE-11).
#include "app/serve/network/media_addresses.h"

#include <doctest/doctest.h>

namespace confab::app {
namespace {

const IpAddress kLan4 = IpAddress::parse("192.168.1.5").value();
const IpAddress kDocker4 = IpAddress::parse("172.17.0.1").value();
const IpAddress kLan6 = IpAddress::parse("2001:db8::5").value();
const IpAddress kLoopback4 = IpAddress::parse("127.0.0.1").value();
const std::vector<worker::LocalAddress> kHost{
    {"lo", kLoopback4}, {"eth0", kLan4}, {"docker0", kDocker4}, {"eth0", kLan6}};

std::vector<MediaAddress> addresses(const config::Config& config) {
    return media_addresses(config, kHost).value();
}
std::string advertised(const std::vector<MediaAddress>& list) {
    std::string text;
    for (const MediaAddress& media : list)
        text += media.local.to_string() + ">" + media.advertised.to_string() + " ";
    return text;
}

TEST_CASE("media_addresses: every address of the host but loopback, as it is [ICE-01][ICE-10]") {
    CHECK(advertised(addresses({})) ==
          "192.168.1.5>192.168.1.5 172.17.0.1>172.17.0.1 2001:db8::5>2001:db8::5 ");
}

TEST_CASE("media_addresses: node_ip stands for all addresses of its family only [ICE-10]") {
    config::Config config;
    config.rtc.node_ip = "203.0.113.9";
    CHECK(advertised(addresses(config)) ==
          "192.168.1.5>203.0.113.9 172.17.0.1>203.0.113.9 2001:db8::5>2001:db8::5 ");
    config.rtc.node_ip = "2001:db8::99";
    CHECK(advertised(addresses(config)) ==
          "192.168.1.5>192.168.1.5 172.17.0.1>172.17.0.1 2001:db8::5>2001:db8::99 ");
    config.rtc.node_ip = "203.0.113.9, 2001:db8::99";
    CHECK(advertised(addresses(config)) ==
          "192.168.1.5>203.0.113.9 172.17.0.1>203.0.113.9 2001:db8::5>2001:db8::99 ");
    config.rtc.node_ip = "example.com";
    const auto wrong = media_addresses(config, kHost);
    REQUIRE_FALSE(wrong.has_value());
    CHECK(wrong.error().find("rtc.node_ip") != std::string::npos);
}

TEST_CASE("media_addresses: filters count before the rewrite [ICE-10][ICE-11]") {
    config::Config config;
    config.rtc.node_ip = "203.0.113.9";
    config.rtc.interfaces.excludes = {"docker0"};
    config.rtc.ips.excludes = {"2001:db8::/32"};
    CHECK(advertised(addresses(config)) == "192.168.1.5>203.0.113.9 ");
    config.rtc.interfaces.includes = {"docker0"};  // the excludes do not count then
    CHECK(advertised(addresses(config)) == "172.17.0.1>203.0.113.9 ");
}

TEST_CASE("media_addresses: filters that leave nothing are an error that names them [ICE-11]") {
    config::Config config;
    config.rtc.ips.includes = {"198.51.100.0/24"};
    const auto none = media_addresses(config, kHost);
    REQUIRE_FALSE(none.has_value());
    CHECK(none.error().find("rtc.ips and rtc.interfaces") != std::string::npos);
    config.rtc.ips.includes.clear();
    config.rtc.interfaces.includes = {"wlan7"};
    CHECK_FALSE(media_addresses(config, kHost).has_value());
    // A machine without a network starts all the same.
    config.rtc.interfaces.includes.clear();
    CHECK(media_addresses(config, {}).value().empty());
}

TEST_CASE("limit_addresses: the first 64, of both families some [ICE-01][ICE-08][ICE-11]") {
    const auto many = [](int v4, int v6) {
        std::vector<MediaAddress> list;
        for (int i = 0; i < v4 + v6; ++i) {
            const std::string text = (i < v4 ? "10.0.0." : "2001:db8::") + std::to_string(i % 250);
            const IpAddress ip = *IpAddress::parse(text);
            list.push_back({ip, ip});
        }
        return list;
    };
    struct Row {
        int v4, v6;
        std::size_t left_out;
        std::ptrdiff_t v4_after;
    };
    const Row rows[] = {{63, 0, 0, 63}, {64, 0, 0, 64}, {65, 0, 1, 64},    {63, 1, 0, 63},
                        {63, 2, 1, 62}, {2, 70, 8, 2},  {200, 4, 140, 60}, {60, 60, 56, 32}};
    for (const Row& row : rows) {
        auto list = many(row.v4, row.v6);
        const auto before = list;
        CHECK(limit_addresses(list) == row.left_out);
        CHECK(std::count_if(list.begin(), list.end(), [](const MediaAddress& media) {
                  return media.local.is_v4();
              }) == row.v4_after);
        CHECK(list.front().local == before.front().local);
    }
}

TEST_CASE("media_addresses: a loopback node_ip binds loopback and nothing else [ICE-10]") {
    config::Config config;
    config.rtc.node_ip = "127.0.0.1";
    CHECK(advertised(addresses(config)) == "127.0.0.1>127.0.0.1 ");
    config.rtc.node_ip.clear();
    config.rtc.enable_loopback_candidate = true;
    CHECK(addresses(config).size() == 4);
    config.rtc.node_ip = "203.0.113.9";  // loopback comes on top of what is advertised
    CHECK(addresses(config).size() == 4);
}

TEST_CASE("with_external: each address as its own public one, the others as themselves [ICE-09]") {
    const IpAddress one = IpAddress::parse("203.0.113.1").value();
    config::Config config;
    config.rtc.node_ip = "203.0.113.9";
    const std::vector<MediaAddress> all = addresses(config);
    CHECK(advertised(with_external(all, {{kLan4, one}}, false)) ==
          "192.168.1.5>203.0.113.1 172.17.0.1>172.17.0.1 2001:db8::5>2001:db8::5 ");
    CHECK(advertised(with_external(all, {{kLan4, one}}, true)) ==
          "192.168.1.5>203.0.113.1 2001:db8::5>2001:db8::5 ");
    for (const bool only : {false, true})
        CHECK(advertised(with_external(all, {}, only)) == advertised(all));
}

TEST_CASE("candidate_addresses: each address once, its own behind the public one [ICE-09]") {
    config::Config config;
    config.rtc.node_ip = "203.0.113.9";
    const std::vector<MediaAddress> all = addresses(config);
    std::vector<SocketAddress> bound;
    bound.reserve(all.size());
    for (const MediaAddress& media : all)
        bound.push_back({media.local, 7882});
    const auto text = [&](bool internal_too) {
        std::string result;
        for (const SocketAddress& address : candidate_addresses(all, bound, internal_too))
            result += address.to_string() + " ";
        return result;
    };
    CHECK(text(false) == "203.0.113.9:7882 [2001:db8::5]:7882 ");
    CHECK(text(true) == "203.0.113.9:7882 192.168.1.5:7882 172.17.0.1:7882 [2001:db8::5]:7882 ");
}

}  // namespace
TEST_CASE("refused_by_browsers: low ports, and those of the web at private addresses [TURN-18]") {
    const auto refused = [](const char* ip, std::uint16_t port) {
        const SocketAddress address{*IpAddress::parse(ip), port};
        const auto found = refused_by_browsers({{*IpAddress::parse("8.8.8.8"), 7882}, address});
        if (found) CHECK(*found == address);
        return found.has_value();
    };
    for (const char* ip : {"8.8.8.8", "2001:4860::1"}) {
        CHECK_FALSE(refused(ip, 443));
        CHECK_FALSE(refused(ip, 80));
        CHECK(refused(ip, 1023));
        CHECK_FALSE(refused(ip, 1024));
    }
    for (const char* ip : {"10.1.2.3", "172.31.0.1", "192.168.1.1", "127.0.0.1", "169.254.1.1",
                           "100.64.0.1", "fd00::1", "fe80::1", "::1"}) {
        CHECK(refused(ip, 443));
        CHECK_FALSE(refused(ip, 1024));
    }
    CHECK_FALSE(refused_by_browsers({}));
}

}  // namespace confab::app
