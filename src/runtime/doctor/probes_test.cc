// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Against sockets of this process; whole servers are in tests/cli/run_doctor.
#include <doctest/doctest.h>
#include <sys/socket.h>

#include <filesystem>

#include "runtime/doctor/candidate_probe.h"
#include "runtime/doctor/host_probe.h"
#include "runtime/doctor/http_probe.h"
#include "runtime/doctor/port_probe.h"
#include "runtime/doctor/server_probe.h"
#include "runtime/doctor/turn_probe.h"
#include "runtime/worker/socket/socket_address.h"

namespace confab::doctor {
namespace {

const IpAddress kLoopback = IpAddress::v4(0x7F00'0001);

// A socket at a free port of loopback.
struct Bound {
    worker::FileDescriptor fd;
    std::uint16_t port = 0;
    explicit Bound(int kind) : fd(::socket(AF_INET, kind | SOCK_CLOEXEC, 0)) {
        worker::KernelAddress at = worker::to_kernel({kLoopback, 0});
        REQUIRE(::bind(fd.get(), at.get(), at.size) == 0);
        if (kind == SOCK_STREAM) REQUIRE(::listen(fd.get(), 4) == 0);
        REQUIRE(::getsockname(fd.get(), at.get(), &at.size) == 0);
        port = worker::from_kernel(at.storage).port;
    }
};

TEST_CASE("resolve: addresses are themselves, names are asked for, IPv4 first") {
    const Deadline deadline(Duration::seconds(5));
    CHECK(resolve("192.0.2.7", deadline).addresses == std::vector{*IpAddress::parse("192.0.2.7")});
    const NameFacts local = resolve("localhost", deadline);
    REQUIRE_FALSE(local.addresses.empty());
    CHECK(local.addresses.front() == kLoopback);
    const NameFacts none = resolve("no such name", deadline);
    CHECK(none.addresses.empty());
    CHECK_FALSE(none.error.empty());
}

TEST_CASE("connect_tcp: somebody listens, or nobody") {
    std::uint16_t port = 0;
    const Deadline deadline(Duration::seconds(5));
    {
        const Bound listener(SOCK_STREAM);
        port = listener.port;
        CHECK(connect_tcp({kLoopback, port}, deadline).reach == Reach::kAnswered);
    }
    CHECK(connect_tcp({kLoopback, port}, deadline).reach == Reach::kRefused);
}

TEST_CASE("split_host_port: names, both kinds of address, and what is none") {
    std::string host;
    std::uint16_t port = 0;
    REQUIRE(split_host_port("redis.example:6379", host, port));
    CHECK(host == "redis.example");
    CHECK(port == 6379);
    REQUIRE(split_host_port("[2001:db8::1]:1", host, port));
    CHECK(host == "2001:db8::1");
    for (const char* bad : {"", "host", "host:", "host:0", "host:65536", ":1", "a:b:1", "[::1]"})
        CHECK_FALSE(split_host_port(bad, host, port));
}

TEST_CASE("parse_http_date: the form of today's servers alone") {
    CHECK(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT") == UnixTime::seconds(784'111'777));
    for (const char* bad : {"", "yesterday", "Sun, 06 Nov 1994 08:49:37", "784111777"})
        CHECK_FALSE(parse_http_date(bad));
}

TEST_CASE("parse_turn_url: RFC 7065") {
    const auto udp = parse_turn_url("turn:203.0.113.5:3478?transport=udp");
    REQUIRE(udp);
    CHECK(udp->host == "203.0.113.5");
    CHECK(udp->port == 3478);
    CHECK(udp->is_udp);
    const auto tls = parse_turn_url("turns:turn.example.org:443?transport=tcp");
    REQUIRE(tls);
    CHECK(tls->is_tls);
    CHECK_FALSE(tls->is_udp);
    CHECK(parse_turn_url("turns:turn.example.org")->port == 5349);
    CHECK(parse_turn_url("turn:turn.example.org?transport=tcp")->port == 3478);
    CHECK_FALSE(parse_turn_url("turn:turn.example.org?transport=tcp")->is_udp);
    for (const char* bad : {"stun:a.example:3478", "turn:", "turn:a:b", "http://a", ""})
        CHECK_FALSE(parse_turn_url(bad));
}

TEST_CASE("probe_ports: free, taken, and by whom") {
    const Bound udp(SOCK_DGRAM);
    const Bound tcp(SOCK_STREAM);
    const auto probe = [](std::uint16_t port, bool is_udp) {
        PortFacts facts;
        facts.first = facts.last = port;
        facts.is_udp = is_udp;
        probe_ports(facts, {kLoopback});
        return facts;
    };
    const PortFacts taken = probe(udp.port, true);
    CHECK(taken.taken == std::vector{udp.port});
    CHECK(taken.taken_count == 1);
    CHECK(taken.owner.find("pid " + std::to_string(::getpid())) != std::string::npos);
    CHECK(probe(tcp.port, false).taken_count == 1);
    std::uint16_t free = 0;
    {
        const Bound gone(SOCK_STREAM);
        free = gone.port;
    }
    CHECK(probe(free, false).taken_count == 0);
}

TEST_CASE("socket_inode: of the table of the kernel") {
    constexpr std::string_view kTable =
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  "
        "timeout "
        "inode\n"
        "   0: 0100007F:1F90 0100007F:A000 01 00000000:00000000 00:00000000 00000000  0  0 11 1\n"
        "   1: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  0  0 12 1\n"
        "cut off\n";
    CHECK(socket_inode(kTable, 8080, false) == "12");
    CHECK(socket_inode(kTable, 8080, true) == "11");
    CHECK(socket_inode(kTable, 8081, false).empty());
    CHECK(socket_inode("", 1, true).empty());
}

TEST_CASE("probe_disk: where a file can be made, and where not") {
    const DiskFacts good = probe_disk(std::filesystem::temp_directory_path().string());
    CHECK(good.error.empty());
    CHECK(good.free_bytes > 0);
    CHECK_FALSE(probe_disk("/no such folder").error.empty());
}

TEST_CASE("probe_candidates: one that answers, one that is silent, one that refuses") {
    ice::CredentialPair credentials{{"here", "password-of-this-end-here"},
                                    {"there", "password-of-the-other-end"}};
    const Bound silent(SOCK_DGRAM);
    const Bound closing(SOCK_STREAM);
    std::vector<CandidateFacts> candidates{{{kLoopback, silent.port}, false},
                                           {{kLoopback, 1}, true}};
    probe_candidates(candidates, credentials, Deadline(Duration::millis(300)));
    CHECK(candidates[0].reach == Reach::kSilent);
    CHECK(candidates[1].reach == Reach::kRefused);
}

TEST_CASE("make_check: as large as wanted, and what answers it") {
    const ice::CredentialPair credentials{{"here", "password-of-this-end-here"},
                                          {"there", "password-of-the-other-end"}};
    const ice::CredentialPair server{credentials.remote, credentials.local};
    for (const std::size_t size : std::initializer_list<std::size_t>{0, 400, 1200}) {
        const Check check = make_check(credentials, size);
        if (size > 0) CHECK(check.bytes.size() == size);
        const auto message = wire::StunMessage::parse(check.bytes);
        REQUIRE(message);
        CHECK(ice::is_authentic_request(*message, server));
        const Bytes answer = ice::build_success(check.id, {kLoopback, 1}, credentials.remote.pwd);
        CHECK(answers(check, answer));
        CHECK_FALSE(answers(make_check(credentials), answer));
        CHECK_FALSE(answers(check, check.bytes));
    }
}

TEST_CASE("probe_server: what is no address of one") {
    for (const char* url : {"", "ftp://a", "https://", "https://a:99999"}) {
        CAPTURE(url);
        CHECK_FALSE(
            probe_server({url, "", "", {}}, Deadline(Duration::seconds(2))).url_error.empty());
    }
}

TEST_CASE("probe_server: stops at what fails") {
    std::uint16_t port = 0;
    {
        const Bound gone(SOCK_STREAM);
        port = gone.port;
    }
    const ServerFacts facts = probe_server({"ws://127.0.0.1:" + std::to_string(port), "k", "s", {}},
                                           Deadline(Duration::seconds(5)));
    CHECK(facts.tcp == Reach::kRefused);
    CHECK_FALSE(facts.http.tried);
    CHECK_FALSE(facts.signal.tried);
}

}  // namespace
}  // namespace confab::doctor
