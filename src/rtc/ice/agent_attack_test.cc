// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Wrong credentials, forged sources, floods: nothing answers, nothing grows, nothing moves.
#include <doctest/doctest.h>

#include "crypto/hmac.h"
#include "rtc/ice/agent.h"
#include "rtc/ice/test_net.h"

using namespace confab;
using namespace confab::ice;
using namespace confab::ice::test;
using wire::StunAttr;
using wire::StunBuilder;
using wire::StunClass;
using wire::StunMethod;

namespace {

const Path kPath{0, Protocol::kUdp, 0, addr("198.51.100.1:7882"), addr("198.51.100.2:5000")};

Path path_from(std::uint32_t n) {
    Path path = kPath;
    path.remote = SocketAddress{IpAddress::v4(0xCB007100 + (n >> 14)),
                                static_cast<std::uint16_t>(1024 + (n & 0x3FFF))};
    return path;
}

Agent agent_with_peer(Role role = Role::kControlled, bool lite = false) {
    Agent agent(Couple::config("alice", role, lite, {udp("198.51.100.1:7882")}), Rng(5));
    agent.set_remote_credentials(Timestamp::micros(0), credentials("bobby"));
    while (agent.poll_event()) {
    }
    return agent;
}

bool is_silent(Agent& agent) {
    return !agent.poll_transmit() && !agent.poll_event();
}

}  // namespace

TEST_CASE_HANDED_OVER("Agent: wrong credentials get no answer, whichever part is wrong [ICE-05]") {
    for (const bool lite : {false, true}) {
        Agent agent = agent_with_peer(Role::kControlled, lite);
        const Timestamp now = Timestamp::micros(1000);
        const Credentials alice = credentials("alice"), bobby = credentials("bobby");
        std::vector<Bytes> wrong;
        wrong.push_back(Couple::check(bobby, {alice.ufrag, "guess"}, Role::kControlling, true));
        wrong.push_back(Couple::check(bobby, {"aliceUfraX", alice.pwd}, Role::kControlling, true));
        wrong.push_back(Couple::check({"bobbyUfraX", ""}, alice, Role::kControlling, true));
        wrong.push_back(Couple::check({"", ""}, alice, Role::kControlling, true));
        std::array<std::uint8_t, 256> buffer;
        StunBuilder no_user(buffer, StunClass::kRequest, StunMethod::kBinding, {});
        no_user.flag(StunAttr::kUseCandidate);
        no_user.add_integrity(crypto::hmac_sha1(as_bytes(alice.pwd), no_user.integrity_input()));
        wrong.push_back(to_vector(no_user.finish()));
        StunBuilder no_mac(buffer, StunClass::kRequest, StunMethod::kBinding, {});
        no_mac.text(StunAttr::kUsername, "aliceUfrag:bobbyUfrag").flag(StunAttr::kUseCandidate);
        wrong.push_back(to_vector(no_mac.finish()));
        for (const Bytes& packet : wrong) {
            agent.handle_packet(now, kPath, packet);
            CHECK(is_silent(agent));
        }
        CHECK(agent.snapshot().counters.bad_credentials == wrong.size());
        CHECK(agent.snapshot().pairs == 0);
        CHECK_FALSE(agent.is_valid_path(kPath));
        // The same with everything right.
        agent.handle_packet(now, kPath, Couple::check(bobby, alice, Role::kControlling, true));
        CHECK(agent.poll_transmit());
        CHECK(agent.is_valid_path(kPath));
    }
}

TEST_CASE_HANDED_OVER(
    "Agent: neither FINGERPRINT nor PRIORITY nor a role attribute is required [ICE-05]") {
    Agent agent = agent_with_peer();
    std::array<std::uint8_t, 256> buffer;
    StunBuilder plain(buffer, StunClass::kRequest, StunMethod::kBinding, {});
    plain.text(StunAttr::kUsername, "aliceUfrag:bobbyUfrag");
    plain.add_integrity(
        crypto::hmac_sha1(as_bytes(credentials("alice").pwd), plain.integrity_input()));
    agent.handle_packet(Timestamp::micros(5), kPath, plain.finish());
    const auto reply = agent.poll_transmit();
    REQUIRE(reply);
    const auto message = wire::StunMessage::parse(reply->bytes());
    CHECK(message->message_class() == StunClass::kSuccess);
    CHECK(message->xor_address(StunAttr::kXorMappedAddress) == kPath.remote);
    CHECK(message->fingerprint() == wire::StunFingerprint::kValid);
    CHECK(has_integrity(*message, credentials("alice").pwd));
}

TEST_CASE_HANDED_OVER(
    "Agent: a path is valid only after STUN with the credentials came over it [IMM-1][TRAP-16]") {
    Couple couple;
    couple.start();
    CHECK_FALSE(couple.a.agent.is_valid_path(kPath));  // signalled is not proven
    REQUIRE(couple.connect());
    CHECK(couple.a.agent.is_valid_path(kPath));
    for (std::uint32_t i = 0; i < 100; ++i) {
        couple.a.agent.note_activity(couple.net.now, path_from(i));
        CHECK_FALSE(couple.a.agent.is_valid_path(path_from(i)));
    }
    Path other_socket = kPath;
    other_socket.socket = 1;
    CHECK_FALSE(couple.a.agent.is_valid_path(other_socket));
    CHECK(couple.a.agent.selected() == kPath);
}

TEST_CASE_HANDED_OVER(
    "Agent: ten thousand forged packets during the connect change nothing [IMM-1]") {
    Couple couple;
    Rng rng(4);
    const auto forge = [&] {
        for (std::uint32_t i = 0; i < 200; ++i) {
            Bytes packet = Couple::check(credentials("bobby"), {"aliceUfrag", "unknown"},
                                         Role::kControlling, true, 7, static_cast<std::uint8_t>(i));
            if (i % 3 == 0) packet[1] = 0x01, packet[0] = 0x01;  // an answer
            if (i % 5 == 0) packet.resize(rng.below(packet.size()));
            couple.a.agent.handle_packet(couple.net.now, i % 2 == 0 ? kPath : path_from(i), packet);
        }
    };
    couple.start();
    for (int i = 0; i < 50; ++i) {
        forge();
        couple.net.run_for(Duration::millis(10));
    }
    CHECK(couple.both_connected());
    const auto s = couple.a.agent.snapshot();
    CHECK(s.pairs == 1);
    CHECK(s.counters.bad_credentials + s.counters.unknown_transactions + s.counters.malformed ==
          10'000);
    CHECK(s.counters.outputs_dropped == 0);
}

TEST_CASE_HANDED_OVER(
    "Agent: an answer from another address or with a wrong MAC is ignored [ICE-05]") {
    Agent agent(Couple::config("alice", Role::kControlling, false, {udp("198.51.100.1:7882")}),
                Rng(5));
    const Timestamp now = Timestamp::micros(0);
    agent.set_remote_credentials(now, credentials("bobby"));
    agent.add_remote_candidate(now, remote("198.51.100.2:5000"));
    const auto request = agent.poll_transmit();
    REQUIRE(request);
    const auto id = wire::StunMessage::parse(request->bytes())->transaction_id();
    const Bytes answer = build_success(id, kPath.local, credentials("bobby").pwd);
    agent.handle_packet(now, path_from(1), answer);
    CHECK(agent.snapshot().counters.wrong_paths == 1);
    agent.handle_packet(now, kPath, build_success(id, kPath.local, "guess"));
    CHECK(agent.snapshot().counters.bad_credentials == 1);
    CHECK(agent.snapshot().valid_pairs == 0);
    agent.handle_packet(now, kPath, answer);
    CHECK(agent.snapshot().valid_pairs == 1);
    agent.handle_packet(now, kPath, answer);  // twice
    CHECK(agent.snapshot().counters.unknown_transactions == 1);
}

TEST_CASE_HANDED_OVER("Agent: an answer after 4 s is not believed") {
    Agent agent(Couple::config("alice", Role::kControlling, false, {udp("198.51.100.1:7882")}),
                Rng(5));
    agent.set_remote_credentials(Timestamp::micros(0), credentials("bobby"));
    agent.add_remote_candidate(Timestamp::micros(0), remote("198.51.100.2:5000"));
    const auto id = wire::StunMessage::parse(agent.poll_transmit()->bytes())->transaction_id();
    agent.handle_packet(Timestamp::micros(4'000'001), kPath,
                        build_success(id, kPath.local, credentials("bobby").pwd));
    CHECK(agent.snapshot().valid_pairs == 0);
    CHECK(agent.snapshot().counters.unknown_transactions == 1);
}

TEST_CASE_HANDED_OVER(
    "Agent: a flood of remote candidates is bounded and cannot be used to shoot others") {
    Agent agent = agent_with_peer(Role::kControlling);
    const Timestamp now = Timestamp::micros(0);
    std::size_t sent = 0;
    for (std::uint32_t i = 0; i < 100'000; ++i) {
        RemoteCandidate c;
        c.address = path_from(i).remote;
        c.priority = i;
        agent.add_remote_candidate(now, c);
        while (agent.poll_transmit())
            ++sent;
    }
    const auto s = agent.snapshot();
    CHECK(s.remote_candidates == kMaxRemoteCandidates);
    CHECK(s.pairs == kMaxRemoteCandidates);
    CHECK(s.counters.candidates_ignored == 100'000 - kMaxRemoteCandidates);
    while (!agent.next_deadline().is_never()) {
        agent.handle_timeout(agent.next_deadline());
        while (agent.poll_transmit())
            ++sent;
    }
    // Eight quick ones and one a second for the rest of the 15 s.
    CHECK(sent == (8 + 13) * kMaxRemoteCandidates);
    CHECK(agent.snapshot().bytes_held < 100'000);
}

TEST_CASE_HANDED_OVER("Agent: useless remote candidates make no pair") {
    Agent agent = agent_with_peer(Role::kControlling);
    for (const char* text : {"0.0.0.0:5", "198.51.100.2:0", "224.0.0.1:5", "255.255.255.255:5",
                             "[::]:5", "[ff02::1]:5", "127.0.0.1:5", "[2001:db8::1]:5"})
        agent.add_remote_candidate(Timestamp::micros(0), remote(text));
    RemoteCandidate stream = remote("198.51.100.2:5");
    stream.protocol = Protocol::kTcp;
    agent.add_remote_candidate(Timestamp::micros(0), stream);
    CHECK(agent.snapshot().pairs == 0);
    CHECK_FALSE(agent.poll_transmit());
    agent.add_remote_candidate(Timestamp::micros(0), remote("198.51.100.2:5000"));
    agent.add_remote_candidate(Timestamp::micros(0), remote("198.51.100.2:5000"));
    CHECK(agent.snapshot().pairs == 1);
}

TEST_CASE_HANDED_OVER(
    "Agent: a client that checks from thousands of ports keeps its selected path") {
    for (const bool lite : {false, true}) {
        Agent agent = agent_with_peer(Role::kControlled, lite);
        const Timestamp now = Timestamp::micros(0);
        const auto check = [&](const Path& path, bool use) {
            agent.handle_packet(
                now, path,
                Couple::check(credentials("bobby"), credentials("alice"), Role::kControlling, use));
            while (const auto out = agent.poll_transmit()) {
                const auto message = wire::StunMessage::parse(out->bytes());
                if (path != kPath || message->message_class() != StunClass::kRequest) continue;
                agent.handle_packet(
                    now, path,
                    build_success(message->transaction_id(), path.local, credentials("bobby").pwd));
            }
        };
        check(kPath, true);
        REQUIRE(agent.selected() == kPath);
        for (std::uint32_t i = 0; i < 5000; ++i)
            check(path_from(i), false);
        CHECK(agent.selected() == kPath);
        CHECK(agent.is_valid_path(kPath));
        const auto s = agent.snapshot();
        CHECK(s.pairs == kMaxPairs);
        CHECK(s.pending_transactions <= kMaxPendingTransactions);
        CHECK(s.bytes_held < 150'000);
    }
}

TEST_CASE_HANDED_OVER(
    "Agent: triggered checks are at least 50 ms apart, however fast the peer asks") {
    Agent agent = agent_with_peer();
    for (int ms = 0; ms < 1000; ++ms) {
        const Timestamp now = Timestamp::micros(ms * 1000);
        agent.handle_packet(
            now, kPath,
            Couple::check(credentials("bobby"), credentials("alice"), Role::kControlling));
        agent.handle_timeout(now);
        while (agent.poll_transmit()) {
        }
    }
    CHECK(agent.snapshot().counters.requests_sent <= 21);
    CHECK(agent.snapshot().counters.requests_sent >= 8);
}

TEST_CASE_HANDED_OVER("Agent: outputs that nobody polls are dropped, not piled up") {
    Agent agent = agent_with_peer();
    for (std::uint32_t i = 0; i < 10'000; ++i)
        agent.handle_packet(
            Timestamp::micros(i), path_from(i % 7),
            Couple::check(credentials("bobby"), credentials("alice"), Role::kControlling, true));
    CHECK(agent.snapshot().counters.outputs_dropped > 9000);
    std::size_t count = 0;
    while (agent.poll_transmit())
        ++count;
    CHECK(count == kMaxQueuedTransmits);
}

TEST_CASE_HANDED_OVER("Agent: unusable remote credentials are refused") {
    Agent agent(Couple::config("alice", Role::kControlled, false, {udp("198.51.100.1:7882")}),
                Rng(5));
    const Timestamp now = Timestamp::micros(0);
    CHECK_FALSE(agent.set_remote_credentials(now, {"", "password"}));
    CHECK_FALSE(agent.set_remote_credentials(now, {"ufrag", ""}));
    CHECK_FALSE(agent.set_remote_credentials(now, {std::string(kMaxUfrag + 1, 'u'), "password"}));
    CHECK(agent.state() == State::kNew);
    CHECK(agent.set_remote_credentials(now, {"ufrag", "password"}));
    CHECK(agent.state() == State::kChecking);
}
