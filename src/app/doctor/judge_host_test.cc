// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include <doctest/doctest.h>

#include "app/doctor/judge_testing.h"

namespace confab::doctor {
namespace {

using namespace testing;

TEST_CASE("judge_host: nothing on a healthy machine") {
    Diagnosis out;
    judge_host(good_host(), out);
    CHECK(codes(out).empty());
    CHECK(out.skipped.empty());
    CHECK(out.seen.size() >= 8);
}

TEST_CASE("judge_host: buffers, files and disk, below and at their limits") {
    HostFacts facts = good_host();
    facts.receive_buffer = 5'000'000;
    CHECK(host_codes(facts).empty());
    facts.receive_buffer = 4'999'999;
    CHECK(host_codes(facts) == "udp-buffers");
    facts.receive_buffer.reset();  // not known
    CHECK(host_codes(facts).empty());
    facts.send_buffer = 212'992;
    CHECK(host_codes(facts) == "udp-buffers");
    facts = good_host();
    facts.open_files = 16'384;
    CHECK(host_codes(facts).empty());
    facts.open_files = 16'383;
    CHECK(host_codes(facts) == "open-files");
    facts = good_host();
    facts.disk.free_bytes = (64U << 20) - 1;
    CHECK(host_codes(facts) == "disk-full");
    facts.disk.error = "permission denied";
    CHECK(host_codes(facts) == "data-dir");
    facts.disk = {};
    CHECK(host_codes(facts).empty());
}

TEST_CASE("judge_host: ports that are taken or forbidden") {
    HostFacts facts = good_host();
    PortFacts& port = facts.ports[0];
    port.taken = {7880};
    port.taken_count = 1;
    port.owner = "nginx (pid 12)";
    Diagnosis out;
    judge_host(facts, out);
    CHECK(codes(out) == "port-in-use");
    CHECK(out.findings[0].detail == "TCP 7880 (port), by nginx (pid 12)");
    port = {"turn.tls_port", 443, 443, false, {}, 0, true, {}};
    CHECK(host_codes(facts) == "port-forbidden");
    // Of a range some ports, and all.
    port = {"rtc.port_range_start", 50000, 50009, true, {50003}, 1, false, {}};
    CHECK(host_codes(facts) == "udp-ports-taken");
    port.taken_count = 10;
    CHECK(host_codes(facts) == "port-in-use");
    // So few are one each for a worker.
    port = {"rtc.udp_port", 7882, 7883, true, {7883}, 1, false, {}};
    CHECK(host_codes(facts) == "port-in-use");
}

TEST_CASE("judge_host: files of a certificate") {
    const auto found = [](auto change) {
        HostFacts facts = good_host();
        change(facts.certificates[0]);
        return host_codes(facts);
    };
    CHECK(found([](PemFacts& pem) { pem.error = "turn.pem: no such file"; }) ==
          "certificate-unreadable");
    CHECK(found([](PemFacts& pem) { pem.key_fits = false; }) == "certificate-key-mismatch");
    CHECK(found([](PemFacts& pem) { pem.key_mode = 0644; }) == "certificate-key-mode");
    CHECK(found([](PemFacts& pem) { pem.has_name = false; }) == "certificate-name");
    CHECK(found([](PemFacts& pem) { pem.not_after = kNow - Duration::seconds(1); }) ==
          "certificate-expired");
    CHECK(found([](PemFacts& pem) { pem.not_before = kNow + Duration::seconds(1); }) ==
          "certificate-expired");
    CHECK(found([](PemFacts& pem) { pem.not_after = kNow + kDay * 14; }).empty());
    CHECK(found([](PemFacts& pem) { pem.not_after = kNow + kDay * 13; }) ==
          "certificate-expires-soon");
}

TEST_CASE("judge_host: Redis by what it said") {
    const auto found = [](RedisFacts redis) {
        HostFacts facts = good_host();
        redis.tried = true;
        facts.redis = redis;
        return host_codes(facts);
    };
    CHECK(found({.is_up = true}).empty());
    CHECK(found({.refused_login = true}) == "redis-auth");
    CHECK(found({.tcp = Reach::kRefused}) == "redis-unreachable");
    CHECK(found({.uses_tls = true, .tcp = Reach::kRefused}) == "redis-unreachable");
    CHECK(found({.uses_tls = true, .tcp = Reach::kAnswered}) == "redis-tls");
}

TEST_CASE("judge_host: receivers of webhooks, each by itself") {
    HostFacts facts = good_host();
    WebhookFacts& hook = facts.webhooks[0];
    hook.tcp = Reach::kRefused;
    CHECK(host_codes(facts) == "webhook-unreachable");
    hook.tcp = Reach::kAnswered;
    hook.tls.faults = {TlsFault::kUnknownIssuer};
    CHECK(host_codes(facts) == "webhook-tls");
    hook.name = {{}, "no such host"};
    facts.webhooks.push_back(hook);
    CHECK(host_codes(facts) == "webhook-unreachable webhook-unreachable");
}

TEST_CASE("judge_host: turn.domain leads nowhere, elsewhere, or nobody knows") {
    HostFacts facts = good_host();
    facts.turn_name = {{}, "no such host"};
    CHECK(host_codes(facts) == "turn-domain-dns");
    facts.turn_name = {{ip("198.51.100.9")}, {}};
    Diagnosis unknown;
    judge_host(facts, unknown);
    CHECK(codes(unknown).empty());
    CHECK(unknown.skipped.size() == 1);
    facts.addresses.external = ip("203.0.113.10");
    CHECK(host_codes(facts) == "turn-domain-dns");
    facts.addresses.external = ip("198.51.100.9");
    CHECK(host_codes(facts).empty());
}

// ---------------------------------------------------------------- addresses

std::string address_codes(const AddressFacts& facts) {
    Diagnosis out;
    judge_addresses(facts, out);
    return codes(out);
}

AddressFacts offered(const std::vector<const char*>& addresses) {
    AddressFacts facts = good_addresses();
    facts.media.clear();
    for (const char* text : addresses)
        facts.media.push_back({ip(text), ip(text)});
    return facts;
}

TEST_CASE("judge_addresses: what no client, or only some, can reach") {
    CHECK(address_codes(offered({})) == "candidates-none");
    CHECK(address_codes(offered({"127.0.0.1", "::1"})) == "candidates-loopback");
    CHECK(address_codes(offered({"10.0.0.5"})) == "candidates-private");
    CHECK(address_codes(offered({"100.64.0.5", "fd00::1"})) == "candidates-private");
    CHECK(address_codes(offered({"10.0.0.5", "203.0.113.10"})).empty());
    CHECK(address_codes(offered({"2001:db8::5"})) == "candidates-ipv6-only");
    CHECK(address_codes(offered({"2001:db8::5", "203.0.113.10"})).empty());
}

TEST_CASE("judge_addresses: bridges of containers, and small packets") {
    AddressFacts facts = offered({"203.0.113.10", "172.17.0.1"});
    CHECK(address_codes(facts).empty());
    facts.interfaces.push_back({"docker0", ip("172.17.0.1"), 1500});
    CHECK(address_codes(facts) == "candidates-docker");
    facts = good_addresses();
    facts.interfaces[1].mtu = 1280;
    CHECK(address_codes(facts).empty());
    facts.interfaces[1].mtu = 1279;
    CHECK(address_codes(facts) == "interface-mtu");
}

TEST_CASE("judge_addresses: rtc.node_ip of this machine, of its NAT, or of neither") {
    AddressFacts facts = good_addresses();
    facts.node_ip = "203.0.113.10";
    CHECK(address_codes(facts).empty());
    facts.node_ip = "10.9.9.9";
    facts.media = {{ip("203.0.113.10"), ip("10.9.9.9")}};
    CHECK(address_codes(facts) == "node-ip-foreign");
    // Behind NAT only somebody outside knows.
    facts.node_ip = "198.51.100.20";
    facts.media = {{ip("203.0.113.10"), ip("198.51.100.20")}};
    Diagnosis unknown;
    judge_addresses(facts, unknown);
    CHECK(codes(unknown).empty());
    CHECK(unknown.skipped.size() == 1);
    facts.external = ip("198.51.100.20");
    CHECK(address_codes(facts).empty());
    facts.external = ip("198.51.100.21");
    CHECK(address_codes(facts) == "node-ip-foreign");
}

TEST_CASE("judge_addresses: use_external_ip without an answer hides what follows from it") {
    AddressFacts facts = offered({"10.0.0.5"});
    facts.use_external_ip = true;
    facts.external_error = "no STUN server answered";
    CHECK(address_codes(facts) == "external-ip-unknown");
}

TEST_CASE("is_private: own networks, not those of documentation") {
    for (const char* text : {"10.1.2.3", "172.31.0.1", "192.168.1.1", "100.127.0.1", "169.254.1.1",
                             "127.0.0.1", "::1", "fd12::1", "fe80::1"})
        CHECK(is_private(ip(text)));
    for (const char* text : {"172.32.0.1", "100.128.0.1", "8.8.8.8", "203.0.113.1", "2001:db8::1"})
        CHECK_FALSE(is_private(ip(text)));
}

}  // namespace
}  // namespace confab::doctor
