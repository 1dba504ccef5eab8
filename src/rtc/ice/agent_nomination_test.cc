// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Who nominates what and when (02 ICE-06), and role conflicts (RFC 8445 §7.3.1.1).
#include <doctest/doctest.h>

#include <algorithm>

#include "rtc/ice/agent.h"
#include "rtc/ice/test_net.h"

using namespace confab;
using namespace confab::ice;
using namespace confab::ice::test;

namespace {

const Path kWifi{0, Protocol::kUdp, 0, addr("198.51.100.1:7882"), addr("198.51.100.2:5000")};
const Path kLte{0, Protocol::kUdp, 0, addr("198.51.100.1:7882"), addr("203.0.113.5:6000")};
const Path kThird{0, Protocol::kUdp, 0, addr("198.51.100.1:7882"), addr("203.0.113.6:6001")};

// An agent and a peer whose every packet the test decides.
struct Scripted {
    AgentConfig config;
    Agent agent;
    Timestamp now = Timestamp::micros(5'000'000);
    std::vector<Transmit> out;
    std::vector<Event> events;
    std::uint8_t next_id = 1;
    CredentialPair names{credentials("alice"), credentials("bobby")};

    Scripted(Role role, bool lite, AcceptanceWaits waits = {})
        : config(make(role, lite, waits)), agent(config, Rng(9)) {
        agent.set_remote_credentials(now, credentials("bobby"));
        drain();
    }
    static AgentConfig make(Role role, bool lite, AcceptanceWaits waits) {
        AgentConfig c = Couple::config("alice", role, lite, {udp("198.51.100.1:7882")});
        c.acceptance_waits = waits;
        return c;
    }
    void may_move() {
        if (HandOvers::due(3))
            hand_over(agent, Agent(config, Rng(static_cast<std::uint64_t>(now.us()))), now);
    }
    void drain() {
        may_move();
        while (auto t = agent.poll_transmit())
            out.push_back(*t);
        while (auto e = agent.poll_event())
            events.push_back(*e);
    }
    void advance(Duration length) {
        const Timestamp end = now + length;
        while (agent.next_deadline() <= end) {
            may_move();
            now = std::max(now, agent.next_deadline());
            agent.handle_timeout(now);
            drain();
        }
        now = end;
    }
    void check_from(const Path& path, bool use_candidate, Role role = Role::kControlling) {
        check_as(names, path, use_candidate, role);
    }
    void check_as(const CredentialPair& who, const Path& path, bool use_candidate,
                  Role role = Role::kControlling) {
        agent.handle_packet(
            now, path, Couple::check(who.remote, who.local, role, use_candidate, 7, next_id++));
        drain();
    }
    // Whether the agent answers this check.
    bool answers(const CredentialPair& who, const Path& path) {
        const std::size_t before = out.size();
        check_as(who, path, false);
        return std::any_of(
            out.begin() + static_cast<std::ptrdiff_t>(before), out.end(), [&](const Transmit& t) {
                return t.path == path && wire::StunMessage::parse(t.bytes())->message_class() ==
                                             wire::StunClass::kSuccess;
            });
    }
    bool asked(const Path& path) const {
        return std::any_of(out.begin(), out.end(), [&](const Transmit& t) {
            return t.path == path && wire::StunMessage::parse(t.bytes())->message_class() ==
                                         wire::StunClass::kRequest;
        });
    }
    // Ours; the peer's part of it is meet().
    void restart(bool tcp_only, std::optional<Duration> limit = std::nullopt) {
        names.local = credentials("again");
        agent.restart(now, {names.local, tcp_only, limit});
        drain();
    }
    void meet() {
        names.remote = credentials("bagain");
        agent.set_remote_credentials(now, names.remote);
        drain();
    }
    // Answers the requests sent so far on this path; returns how many carried USE-CANDIDATE.
    int answer(const Path& path) {
        int nominations = 0;
        const auto sent = std::move(out);
        out.clear();
        for (const Transmit& t : sent) {
            const auto message = wire::StunMessage::parse(t.bytes());
            REQUIRE(message);
            if (message->message_class() != wire::StunClass::kRequest) continue;
            if (t.path != path) {
                out.push_back(t);
                continue;
            }
            nominations += message->has(wire::StunAttr::kUseCandidate) ? 1 : 0;
            agent.handle_packet(
                now, path, build_success(message->transaction_id(), path.local, names.remote.pwd));
            drain();
        }
        return nominations;
    }
    int unanswered_nominations(const Path& path) const {
        int count = 0;
        for (const Transmit& t : out) {
            const auto message = wire::StunMessage::parse(t.bytes());
            if (t.path == path && message->message_class() == wire::StunClass::kRequest &&
                message->has(wire::StunAttr::kUseCandidate))
                ++count;
        }
        return count;
    }
};

RemoteCandidate candidate(const Path& path, CandidateType type) {
    RemoteCandidate c;
    c.address = path.remote;
    c.type = type;
    c.priority = wire::candidate_priority(
        wire::type_preference(type, wire::CandidateTransport::kUdp), 65535);
    return c;
}

}  // namespace

TEST_CASE_HANDED_OVER(
    "Agent: controlling, a host pair is nominated with its first answer [ICE-06]") {
    Scripted s(Role::kControlling, false);
    s.agent.add_remote_candidate(s.now, candidate(kWifi, CandidateType::kHost));
    s.drain();
    s.advance(Duration::millis(30));
    CHECK(s.answer(kWifi) == 0);
    CHECK(s.unanswered_nominations(kWifi) == 1);
    CHECK_FALSE(s.agent.selected());
    s.advance(Duration::millis(450));  // repeated until a success
    CHECK(s.unanswered_nominations(kWifi) == 3);
    CHECK(s.answer(kWifi) == 3);
    CHECK(s.agent.selected() == kWifi);
    CHECK(s.agent.state() == State::kConnected);
    s.advance(Duration::seconds(5));  // never again: keepalives only
    CHECK(s.unanswered_nominations(kWifi) == 0);
}

TEST_CASE_HANDED_OVER("Agent: controlling, waiting times of the candidate types [ICE-06]") {
    struct Row {
        CandidateType type;
        AcceptanceWaits waits;
        std::int64_t ms;
    };
    const Row rows[] = {{CandidateType::kServerReflexive, AcceptanceWaits::upstream(), 500},
                        {CandidateType::kPeerReflexive, AcceptanceWaits::upstream(), 1000},
                        {CandidateType::kRelay, AcceptanceWaits::upstream(), 2000},
                        {CandidateType::kServerReflexive, {}, 500},
                        {CandidateType::kRelay, {}, 2000}};
    for (const Row& row : rows) {
        Scripted s(Role::kControlling, false, row.waits);
        s.agent.add_remote_candidate(s.now, candidate(kWifi, row.type));
        s.drain();
        s.answer(kWifi);
        s.advance(Duration::millis(row.ms - 1));
        CHECK(s.unanswered_nominations(kWifi) == 0);
        s.advance(Duration::millis(1));
        CHECK(s.unanswered_nominations(kWifi) == 1);
        s.answer(kWifi);
        CHECK(s.agent.selected() == kWifi);
    }
}

TEST_CASE_HANDED_OVER(
    "Agent: controlling, a prflx client is nominated at once, as upstream after 1 s [ICE-06]") {
    for (const bool upstream : {false, true}) {
        Scripted s(Role::kControlling, false,
                   upstream ? AcceptanceWaits::upstream() : AcceptanceWaits{});
        s.check_from(kLte, false, Role::kControlled);
        s.answer(kLte);
        CHECK(s.unanswered_nominations(kLte) == (upstream ? 0 : 1));
        s.advance(Duration::seconds(1));
        CHECK(s.unanswered_nominations(kLte) > 0);
    }
    // A signalled srflx whose check arrived is as good.
    Scripted s(Role::kControlling, false);
    s.agent.add_remote_candidate(s.now, candidate(kLte, CandidateType::kServerReflexive));
    s.drain();
    s.answer(kLte);
    CHECK(s.unanswered_nominations(kLte) == 0);
    s.check_from(kLte, false, Role::kControlled);
    CHECK(s.unanswered_nominations(kLte) == 1);
}

TEST_CASE_HANDED_OVER("Agent: controlling, improves its choice for 2 s and never after [ICE-06]") {
    for (const bool late : {false, true}) {
        Scripted s(Role::kControlling, false);
        s.check_from(kLte, false, Role::kControlled);
        s.answer(kLte);
        s.answer(kLte);
        CHECK(s.agent.selected() == kLte);
        s.advance(late ? Duration::millis(2100) : Duration::millis(100));
        s.agent.add_remote_candidate(s.now, candidate(kWifi, CandidateType::kHost));
        s.check_from(kWifi, false, Role::kControlled);
        s.answer(kWifi);
        s.answer(kWifi);
        CHECK(s.agent.selected() == (late ? kLte : kWifi));
    }
    // Never to a worse one, not even within the window.
    Scripted s(Role::kControlling, false);
    s.agent.add_remote_candidate(s.now, candidate(kWifi, CandidateType::kHost));
    s.drain();
    s.answer(kWifi);
    s.answer(kWifi);
    s.check_from(kLte, false, Role::kControlled);
    s.answer(kLte);
    CHECK(s.unanswered_nominations(kLte) == 0);
    CHECK(s.agent.selected() == kWifi);
}

TEST_CASE_HANDED_OVER(
    "Agent: the round-trip time is of the selected path, or not known yet [ICE-04]") {
    Scripted s(Role::kControlled, false);
    s.check_from(kLte, true);
    s.advance(Duration::millis(10));
    s.answer(kLte);
    REQUIRE(s.agent.selected() == kLte);
    CHECK(s.agent.path_facts().rtt == Duration::millis(10));
    s.check_from(kWifi, false);
    s.answer(kWifi);
    CHECK(s.agent.path_facts().rtt == Duration::millis(10));
    s.check_from(kWifi, true);
    REQUIRE(s.agent.selected() == kWifi);
    CHECK(s.agent.path_facts().rtt == Duration::zero());
}

TEST_CASE_HANDED_OVER(
    "Agent: controlling, a nominated pair that goes dead is given up for the next [ICE-06]") {
    Scripted s(Role::kControlling, false);
    s.agent.add_remote_candidate(s.now, candidate(kWifi, CandidateType::kHost));
    s.check_from(kLte, false, Role::kControlled);
    s.answer(kWifi);  // then silence
    CHECK(s.unanswered_nominations(kWifi) == 1);
    s.answer(kLte);
    CHECK(s.unanswered_nominations(kLte) == 0);
    s.advance(Duration::millis(1700));
    CHECK(s.unanswered_nominations(kLte) == 1);
    s.answer(kLte);
    CHECK(s.agent.selected() == kLte);
}

TEST_CASE_HANDED_OVER(
    "Agent: controlling, another pair takes over when the selected one is silent") {
    Scripted s(Role::kControlling, false);
    s.agent.add_remote_candidate(s.now, candidate(kWifi, CandidateType::kHost));
    s.drain();
    s.answer(kWifi);
    s.answer(kWifi);
    s.check_from(kLte, false, Role::kControlled);
    s.answer(kLte);
    CHECK(s.agent.selected() == kWifi);
    s.advance(Duration::millis(10'050));
    CHECK(s.agent.state() == State::kDisconnected);
    s.answer(kLte);
    CHECK(s.unanswered_nominations(kLte) == 1);
    s.answer(kLte);
    CHECK(s.agent.selected() == kLte);
    CHECK(s.agent.state() == State::kConnected);
}

TEST_CASE_HANDED_OVER("Agent: controlled, selects only what its own check has proven [ICE-06]") {
    Scripted s(Role::kControlled, false);
    s.check_from(kWifi, true);
    CHECK_FALSE(s.agent.selected());
    CHECK(s.agent.is_valid_path(kWifi));  // the peer is there already
    CHECK(s.out.size() == 2);             // the answer and a triggered check, at once
    s.answer(kWifi);
    CHECK(s.agent.selected() == kWifi);
    CHECK(std::get<Selected>(s.events[s.events.size() - 2]).path == kWifi);
    CHECK(std::get<StateChanged>(s.events.back()).state == State::kConnected);
}

TEST_CASE_HANDED_OVER(
    "Agent: controlled, follows a nomination to a lower pair within one packet [ICE-06][MC-03]") {
    Scripted s(Role::kControlled, false);
    s.agent.add_remote_candidate(s.now, candidate(kWifi, CandidateType::kHost));
    s.check_from(kWifi, true);
    s.answer(kWifi);
    CHECK(s.agent.selected() == kWifi);
    s.advance(Duration::seconds(8));
    s.answer(kWifi);
    s.check_from(kLte, false);  // proven, not nominated
    s.answer(kLte);
    CHECK(s.agent.selected() == kWifi);
    s.check_from(kLte, true);
    CHECK(s.agent.selected() == kLte);
    CHECK(std::get<Selected>(s.events.back()).path == kLte);
    CHECK(s.agent.state() == State::kConnected);
    s.check_from(kWifi, true);  // and back
    CHECK(s.agent.selected() == kWifi);
}

TEST_CASE_HANDED_OVER(
    "Agent: follows a peer that has moved though nobody nominates [ICE-06][MC-03]") {
    for (const Role role : {Role::kControlled, Role::kControlling})
        for (const bool lite : {false, true}) {
            if (lite && role == Role::kControlling) continue;
            const Role peer = role == Role::kControlled ? Role::kControlling : Role::kControlled;
            Scripted s(role, lite);
            s.check_from(kWifi, role == Role::kControlled, peer);
            s.answer(kWifi);
            s.answer(kWifi);
            REQUIRE(s.agent.selected() == kWifi);
            s.advance(Duration::seconds(5));
            s.answer(kWifi);
            s.check_from(kWifi, false, peer);
            s.check_from(kLte, false, peer);  // from here on nothing comes over the old pair
            s.answer(kLte);
            s.advance(Duration::millis(2999));
            CHECK(s.agent.selected() == kWifi);
            s.advance(Duration::millis(1));
            s.answer(kLte);
            CHECK(s.agent.selected() == kLte);
            CHECK(s.agent.state() == State::kConnected);
        }
}

TEST_CASE_HANDED_OVER(
    "Agent: controlled, a peer that moved behind its nomination is followed [ICE-06][MC-03]") {
    Scripted s(Role::kControlled, false);
    s.check_from(kWifi, true);  // answered, so that it is not repeated
    s.check_from(kLte, false);  // the same socket of the peer behind another port of its NAT
    s.answer(kLte);             // ours to the old one is lost
    REQUIRE_FALSE(s.agent.selected());
    s.advance(Duration::millis(2999));
    s.check_from(kLte, false);
    CHECK_FALSE(s.agent.selected());  // the answer may be under way
    s.advance(Duration::millis(1));
    s.check_from(kLte, false);
    CHECK(s.agent.selected() == kLte);
    CHECK(s.agent.state() == State::kConnected);
    s.answer(kWifi);  // at last: that nomination is followed already
    CHECK(s.agent.selected() == kLte);
    s.check_from(kWifi, true);
    CHECK(s.agent.selected() == kWifi);
}

TEST_CASE_HANDED_OVER(
    "Agent: controlled, with media a peer that moved behind its nomination is followed within 1 s "
    "[ICE-06][MC-03]") {
    Scripted s(Role::kControlled, false);
    s.check_from(kWifi, true);
    s.answer(kWifi);
    REQUIRE(s.agent.selected() == kWifi);
    s.agent.restart(s.now, {credentials("alice"), false, std::nullopt});
    s.agent.set_remote_credentials(s.now, credentials("bobby"));
    s.check_from(kWifi, true);
    s.check_from(kLte, false);
    s.answer(kLte);
    s.advance(Duration::millis(999));
    CHECK_FALSE(s.agent.note_activity(s.now, kLte));
    CHECK(s.agent.selected() == kWifi);  // of the generation before
    s.advance(Duration::millis(1));
    CHECK_FALSE(s.agent.note_activity(s.now, kLte));  // news of the agent are to be fetched
    CHECK(s.agent.selected() == kLte);
    CHECK(s.agent.state() == State::kConnected);
    CHECK(s.agent.note_activity(s.now, kLte));
}

TEST_CASE_HANDED_OVER(
    "Agent: controlled, media over the nominated pair keep it, whatever else is checked [ICE-06]") {
    Scripted s(Role::kControlled, false);
    s.check_from(kWifi, true);
    s.check_from(kLte, false);
    s.answer(kLte);
    for (int i = 0; i < 10; ++i) {
        s.advance(Duration::millis(500));
        CHECK_FALSE(s.agent.note_activity(s.now, kWifi));
        s.check_from(kLte, false);
        s.answer(kLte);
        CHECK_FALSE(s.agent.selected());
    }
    for (int i = 0; i < 6; ++i) {
        CHECK_FALSE(s.agent.selected());
        s.advance(Duration::millis(500));
        s.check_from(kLte, false);
        s.answer(kLte);
    }
    CHECK(s.agent.selected() == kLte);
}

TEST_CASE_HANDED_OVER(
    "Agent: controlled, the latest nomination is the one that is taken over [ICE-06][MC-03]") {
    Scripted s(Role::kControlled, false);
    s.check_from(kWifi, true);
    s.advance(Duration::seconds(2));
    s.check_from(kThird, true);
    s.check_from(kLte, false);
    s.answer(kLte);
    s.advance(Duration::millis(1500));
    s.check_from(kLte, false);
    CHECK_FALSE(s.agent.selected());  // the first one is silent for long, the latest is not
    s.advance(Duration::millis(1500));
    s.check_from(kLte, false);
    CHECK(s.agent.selected() == kLte);
    s.answer(kWifi);  // of an earlier nomination
    CHECK(s.agent.selected() == kLte);
}

TEST_CASE_HANDED_OVER(
    "Agent: controlled, a selected pair is left to nobody who inherits [ICE-06]") {
    Scripted s(Role::kControlled, false);
    s.check_from(kWifi, true);
    s.answer(kWifi);
    REQUIRE(s.agent.selected() == kWifi);
    s.check_from(kThird, true);  // awaited, and silent from here on
    s.check_from(kLte, false);
    s.answer(kLte);
    for (int i = 0; i < 5; ++i) {
        s.advance(Duration::seconds(1));
        s.check_from(kWifi, false);
        s.answer(kWifi);
        s.check_from(kLte, false);
        s.answer(kLte);
        CHECK_FALSE(s.agent.note_activity(s.now, kLte));
        CHECK(s.agent.note_activity(s.now, kWifi));
    }
    CHECK(s.agent.selected() == kWifi);
}

TEST_CASE_HANDED_OVER("Agent: a nomination outlives its pair [ICE-06][ICE-14]") {
    const Path tcp_path{9, Protocol::kTcp, 4, addr("198.51.100.1:7882"), addr("203.0.113.6:6001")};
    AgentConfig config = Scripted::make(Role::kControlled, false, {});
    config.candidates.push_back(tcp("198.51.100.1:7882"));
    Scripted s(Role::kControlled, false);
    s.config = config;
    s.agent = Agent(config, Rng(9));
    s.agent.set_remote_credentials(s.now, credentials("bobby"));
    s.check_from(tcp_path, true);
    s.check_from(kLte, false);
    s.answer(kLte);
    s.agent.remove_tcp_connection(s.now, 4);
    CHECK_FALSE(s.agent.selected());
    s.check_from(kLte, false);
    CHECK(s.agent.selected() == kLte);
}

TEST_CASE_HANDED_OVER("Agent: controlled, media and checks alone nominate nothing [ICE-06]") {
    Scripted s(Role::kControlled, false);
    for (int i = 0; i < 10; ++i) {
        s.check_from(kLte, false);
        s.answer(kLte);
        CHECK_FALSE(s.agent.note_activity(s.now, kLte));
        s.advance(Duration::seconds(1));
    }
    CHECK_FALSE(s.agent.selected());
    // Nor does the silence of a pair that has not answered us.
    s.check_from(kWifi, true);
    s.out.clear();
    s.advance(Duration::seconds(4));
    s.check_from(kWifi, false);
    CHECK_FALSE(s.agent.selected());
    s.answer(kWifi);
    CHECK(s.agent.selected() == kWifi);
}

TEST_CASE_HANDED_OVER(
    "Agent: after a long silence a peer that moved is followed within 1 s [ICE-06][MC-03]") {
    Scripted s(Role::kControlled, false);
    s.check_from(kWifi, true);
    s.answer(kWifi);
    s.advance(Duration::seconds(5));
    REQUIRE(s.agent.selected() == kWifi);
    s.check_from(kLte, false);
    s.answer(kLte);
    s.advance(Duration::millis(999));
    CHECK(s.agent.selected() == kWifi);  // it is asked once more
    s.advance(Duration::millis(1));
    CHECK(s.agent.selected() == kLte);
}

TEST_CASE_HANDED_OVER(
    "Agent: a peer that moved just before an outage is followed behind it [ICE-06][MC-03]") {
    Scripted s(Role::kControlled, false);
    s.check_from(kWifi, true);
    s.answer(kWifi);
    REQUIRE(s.agent.selected() == kWifi);
    s.advance(Duration::seconds(5));
    s.answer(kWifi);
    s.check_from(kLte, false);
    s.out.clear();  // our check is lost, and all those that follow
    s.advance(Duration::seconds(4));
    CHECK(s.agent.selected() == kWifi);
    s.out.clear();
    s.check_from(kLte, false);
    s.answer(kLte);
    CHECK(s.agent.selected() == kLte);
}

TEST_CASE_HANDED_OVER(
    "Agent: media from a new port are followed with the first answered check [MC-03][TRAP-16]") {
    for (const Role role : {Role::kControlled, Role::kControlling})
        for (const bool lite : {false, true}) {
            if (lite && role == Role::kControlling) continue;
            CAPTURE(lite);
            const Role peer = role == Role::kControlled ? Role::kControlling : Role::kControlled;
            Scripted s(role, lite);
            s.check_from(kWifi, role == Role::kControlled, peer);
            s.answer(kWifi);
            s.answer(kWifi);
            REQUIRE(s.agent.selected() == kWifi);
            s.advance(Duration::seconds(5));
            s.answer(kWifi);
            s.check_from(kWifi, false, peer);
            s.out.clear();
            s.advance(Duration::millis(100));
            s.agent.note_stray(s.now, kLte, true);
            s.drain();
            CHECK_FALSE(s.agent.is_valid_path(kLte));
            CHECK(s.agent.selected() == kWifi);
            CHECK(s.out.size() == 1);
            s.answer(kLte);
            if (role == Role::kControlling) CHECK(s.answer(kLte) == 1);
            CHECK(s.agent.selected() == kLte);
            CHECK(s.agent.state() == State::kConnected);
        }
}

// The choice of the first seconds is between paths that were checked; this one is a moved one.
TEST_CASE_HANDED_OVER(
    "Agent: media from a new port are followed in the first seconds too [MC-03]") {
    for (const bool lite : {false, true}) {
        CAPTURE(lite);
        Scripted s(Role::kControlled, lite);
        s.check_from(kWifi, true);
        s.answer(kWifi);
        REQUIRE(s.agent.selected() == kWifi);
        s.advance(Duration::millis(500));
        s.answer(kWifi);
        CHECK(s.agent.note_activity(s.now, kWifi));
        s.out.clear();
        s.advance(Duration::millis(60));
        s.agent.note_stray(s.now, kLte, true);
        s.drain();
        s.answer(kLte);
        CHECK(s.agent.selected() == kWifi);
        s.advance(Duration::millis(39));
        CHECK(s.agent.selected() == kWifi);
        s.advance(Duration::millis(1));
        CHECK(s.agent.selected() == kLte);
    }
}

TEST_CASE_HANDED_OVER(
    "Agent: a stray is asked every 200 ms while its media come, and not at once again [TRAP-16]") {
    for (const bool lite : {false, true}) {
        CAPTURE(lite);
        Scripted s(Role::kControlled, lite);
        s.check_from(kWifi, true);
        s.answer(kWifi);
        REQUIRE(s.agent.selected() == kWifi);
        s.advance(Duration::seconds(5));
        s.out.clear();
        const auto asked = [&s] {
            return std::count_if(s.out.begin(), s.out.end(),
                                 [](const Transmit& t) { return t.path == kLte; });
        };
        s.agent.note_stray(s.now, kLte, true);
        for (int i = 0; i < 99; ++i) {
            s.drain();
            s.advance(Duration::millis(10));
            s.agent.note_stray(s.now, kLte, !lite);
        }
        s.drain();
        CHECK(asked() == 5);
        CHECK(s.agent.selected() == kWifi);
    }
}

TEST_CASE_HANDED_OVER(
    "Agent: what nobody authenticated makes no lite agent ask [TRAP-16][ICE-03]") {
    Scripted s(Role::kControlled, true);
    s.check_from(kWifi, true);
    s.out.clear();
    s.agent.note_stray(s.now, kLte, false);
    s.drain();
    CHECK(s.out.empty());
}

TEST_CASE_HANDED_OVER(
    "Agent: media over another pair that works move it once the selected one is silent [MC-03]") {
    for (const bool lite : {false, true}) {
        CAPTURE(lite);
        Scripted s(Role::kControlled, lite);
        s.check_from(kWifi, true);
        s.answer(kWifi);
        s.check_from(kLte, false);
        s.answer(kLte);
        REQUIRE(s.agent.selected() == kWifi);
        CHECK_FALSE(s.agent.note_activity(s.now, kLte));
        s.drain();
        s.advance(Duration::millis(1900));
        CHECK(s.agent.selected() == kWifi);  // the choice is still being made
        CHECK(s.agent.note_activity(s.now, kWifi));
        s.advance(Duration::seconds(1));
        CHECK(s.agent.note_activity(s.now, kWifi));
        CHECK_FALSE(s.agent.note_activity(s.now, kLte));
        s.advance(Duration::millis(99));
        CHECK(s.agent.selected() == kWifi);
        CHECK(s.agent.note_activity(s.now, kWifi));  // it is not silent
        CHECK_FALSE(s.agent.note_activity(s.now, kLte));
        s.advance(Duration::millis(99));
        CHECK(s.agent.selected() == kWifi);
        s.advance(Duration::millis(1));
        CHECK(s.agent.selected() == kLte);
    }
}

TEST_CASE_HANDED_OVER(
    "Agent: checks of another pair change nothing while the selected one is heard [ICE-06]") {
    for (const Role role : {Role::kControlled, Role::kControlling}) {
        const Role peer = role == Role::kControlled ? Role::kControlling : Role::kControlled;
        Scripted s(role, false);
        s.check_from(kWifi, role == Role::kControlled, peer);
        s.answer(kWifi);
        s.answer(kWifi);
        REQUIRE(s.agent.selected() == kWifi);
        for (int i = 0; i < 20; ++i) {
            s.advance(Duration::seconds(1));
            s.answer(kWifi);
            s.check_from(kLte, false, peer);
            s.answer(kLte);
            CHECK(s.answer(kWifi) == 0);  // asked at once: it answers
            CHECK(s.agent.selected() == kWifi);
        }
    }
}

TEST_CASE_HANDED_OVER("Agent: controlled, of many early nominations the best pair stays [ICE-06]") {
    Scripted s(Role::kControlled, false);
    s.agent.add_remote_candidate(s.now, candidate(kWifi, CandidateType::kHost));
    s.check_from(kLte, true);
    s.answer(kLte);
    CHECK(s.agent.selected() == kLte);
    s.check_from(kWifi, true);
    s.answer(kWifi);
    CHECK(s.agent.selected() == kWifi);
    s.check_from(kLte, true);
    CHECK(s.agent.selected() == kWifi);
}

TEST_CASE_HANDED_OVER("Agent: controlled, an older nomination does not undo a newer one [ICE-06]") {
    Scripted s(Role::kControlled, false);
    s.advance(Duration::seconds(3));
    s.check_from(kWifi, true);  // its triggered check is answered late
    s.check_from(kLte, true);
    s.answer(kLte);
    CHECK(s.agent.selected() == kLte);
    s.answer(kWifi);
    CHECK(s.agent.selected() == kLte);
}

TEST_CASE_HANDED_OVER(
    "Agent: lite follows every nomination at once and asks nothing [ICE-03][ICE-06]") {
    Scripted s(Role::kControlled, true);
    s.check_from(kWifi, false);
    CHECK_FALSE(s.agent.selected());
    CHECK(s.agent.is_valid_path(kWifi));
    s.check_from(kWifi, true);
    CHECK(s.agent.selected() == kWifi);
    s.check_from(kLte, true);
    CHECK(s.agent.selected() == kLte);
    s.check_from(kWifi, false);
    CHECK(s.agent.selected() == kLte);
    s.advance(Duration::seconds(9));
    CHECK(s.agent.snapshot().counters.requests_sent == 0);
    CHECK(s.out.size() == 4);
}

// ---------------------------------------------------------------- restarts of both sides

// Chromium stays on the old pair as long as it is answered there, where its new one has a lower
// priority.
TEST_CASE_HANDED_OVER(
    "Agent: after a new nomination the old path is answered no more, but heard [ICE-14]") {
    Scripted s(Role::kControlled, false);
    const CredentialPair before = s.names;
    s.check_from(kWifi, true);
    s.answer(kWifi);
    s.advance(Duration::seconds(3));
    REQUIRE(s.agent.selected() == kWifi);
    s.restart(false);
    CHECK(s.answers(before, kWifi));
    s.meet();
    CHECK(s.answers(before, kWifi));
    s.check_from(kLte, true);
    s.answer(kLte);
    REQUIRE(s.agent.selected() == kLte);
    CHECK_FALSE(s.answers(before, kWifi));
    s.advance(Duration::millis(4999));
    CHECK(s.agent.is_valid_path(kWifi));
    s.advance(Duration::millis(1));
    CHECK_FALSE(s.agent.is_valid_path(kWifi));
}

TEST_CASE_HANDED_OVER(
    "Agent: the path before a restart is taken from as long as media come there [ICE-14]") {
    Scripted s(Role::kControlled, false);
    s.check_from(kWifi, true);
    s.answer(kWifi);
    s.restart(false);
    s.meet();
    s.check_from(kLte, true);
    s.answer(kLte);
    REQUIRE(s.agent.selected() == kLte);
    for (int i = 0; i < 4; ++i) {
        s.advance(Duration::seconds(4));
        REQUIRE(s.agent.is_valid_path(kWifi));
        CHECK_FALSE(s.agent.note_activity(s.now, kWifi));
        s.check_from(kLte, false);
    }
    s.advance(Duration::millis(4999));
    CHECK(s.agent.is_valid_path(kWifi));
    s.advance(Duration::millis(1));
    CHECK_FALSE(s.agent.is_valid_path(kWifi));
    CHECK(s.agent.selected() == kLte);
}

// Chromium nominates no pair of TCP as long as its one of UDP works, however badly.
TEST_CASE_HANDED_OVER(
    "Agent: a peer that is to go over to TCP is not kept on UDP [ICE-15][ICE-16][ICE-17]") {
    const Path tcp_path{9, Protocol::kTcp, 4, addr("198.51.100.1:7881"), addr("203.0.113.6:6001")};
    for (const bool moves : {true, false}) {
        Scripted s(Role::kControlled, false);
        s.config.candidates.push_back(tcp("198.51.100.1:7881"));
        s.agent = Agent(s.config, Rng(9));
        s.agent.set_remote_credentials(s.now, credentials("bobby"));
        const CredentialPair before = s.names;
        s.check_from(kWifi, true);
        s.answer(kWifi);
        s.advance(Duration::seconds(3));
        REQUIRE(s.agent.selected() == kWifi);
        s.restart(true, Duration::seconds(5));
        s.advance(Duration::seconds(4));
        CHECK(s.answers(before, kWifi));  // it may not know of the restart yet
        CHECK(s.asked(kWifi));
        s.meet();
        s.out.clear();
        s.check_from(tcp_path, false);
        s.answer(tcp_path);
        for (int i = 0; i < 9; ++i) {
            s.advance(Duration::seconds(1));
            s.answer(tcp_path);
            CHECK_FALSE(s.answers(before, kWifi));
            CHECK(s.agent.note_activity(s.now, kWifi));  // media of the peer
            REQUIRE(s.agent.state() == State::kChecking);
            REQUIRE(s.agent.selected() == kWifi);
        }
        CHECK_FALSE(s.asked(kWifi));
        if (moves) s.check_from(tcp_path, true);
        s.advance(Duration::seconds(1));
        CHECK(s.agent.state() == (moves ? State::kConnected : State::kFailed));
        CHECK(s.agent.selected() == (moves ? std::optional(tcp_path) : std::nullopt));
    }
}

TEST_CASE_HANDED_OVER(
    "Agent: an old path that is silent gives a restart no more time [ICE-14][ICE-17]") {
    Scripted s(Role::kControlled, false);
    s.check_from(kWifi, true);
    s.answer(kWifi);
    s.advance(Duration::seconds(3));
    s.restart(true, Duration::seconds(6));
    s.meet();
    CHECK(s.agent.note_activity(s.now, kWifi));
    s.advance(Duration::millis(5999));
    CHECK(s.agent.state() == State::kChecking);
    s.advance(Duration::millis(1));
    CHECK(s.agent.state() == State::kFailed);
}

// A pair of a relay has the lowest priority of all.
TEST_CASE_HANDED_OVER(
    "Agent: a peer whose new pair works is not kept on the old one after 2 s [ICE-14][ICE-15]") {
    for (const bool lite : {false, true}) {
        CAPTURE(lite);
        for (const bool late : {false, true}) {
            Scripted s(Role::kControlled, lite);
            const CredentialPair before = s.names;
            s.check_from(kWifi, true);
            s.answer(kWifi);
            s.restart(false);
            s.meet();
            s.advance(late ? Duration::seconds(3) : Duration::zero());
            CHECK(s.answers(before, kWifi));  // there is nothing else yet
            s.check_from(kLte, false);
            s.answer(kLte);
            CHECK(s.answers(before, kWifi) == !late);
            s.advance(Duration::seconds(2));
            CHECK(s.answers(before, kWifi) == !late);  // it makes its choice
            s.advance(Duration::millis(1));
            CHECK_FALSE(s.answers(before, kWifi));
        }
    }
}

TEST_CASE_HANDED_OVER("Agent: role conflict, the larger tie-breaker controls [ICE-04]") {
    for (const Role role : {Role::kControlling, Role::kControlled})
        for (const bool theirs_larger : {false, true}) {
            Scripted s(role, false);
            s.agent.handle_packet(s.now, kWifi,
                                  Couple::check(credentials("bobby"), credentials("alice"), role,
                                                false, theirs_larger ? ~0ULL : 0ULL));
            s.drain();
            REQUIRE_FALSE(s.out.empty());
            const auto reply = wire::StunMessage::parse(s.out[0].bytes());
            const bool we_control = !theirs_larger;
            CHECK(s.agent.role() == (we_control ? Role::kControlling : Role::kControlled));
            const bool refused = we_control == (role == Role::kControlling);
            CHECK((reply->message_class() == wire::StunClass::kError) == refused);
            if (refused) {
                CHECK(reply->error_code()->code == 487);
                CHECK(s.agent.snapshot().pairs == 0);
            }
        }
}

TEST_CASE_HANDED_OVER("Agent: on 487 it changes its role once and asks again [ICE-04]") {
    Scripted s(Role::kControlling, false);
    s.agent.add_remote_candidate(s.now, candidate(kWifi, CandidateType::kHost));
    s.agent.add_remote_candidate(s.now, candidate(kLte, CandidateType::kHost));
    s.drain();
    const auto requests = std::move(s.out);
    s.out.clear();
    REQUIRE(requests.size() == 2);
    const auto tie_of = [](const Transmit& t, wire::StunAttr role) {
        return wire::StunMessage::parse(t.bytes())->u64(role);
    };
    const auto first_tie = tie_of(requests[0], wire::StunAttr::kIceControlling);
    REQUIRE(first_tie);
    for (const Transmit& t : requests) {
        const auto message = wire::StunMessage::parse(t.bytes());
        s.agent.handle_packet(
            s.now, t.path,
            build_error(message->transaction_id(), 487, "Role Conflict", credentials("bobby").pwd));
        s.drain();
        CHECK(s.agent.role() == Role::kControlled);
    }
    s.advance(Duration::millis(60));
    REQUIRE(s.out.size() == 2);
    const auto second_tie = tie_of(s.out[0], wire::StunAttr::kIceControlled);
    REQUIRE(second_tie);
    CHECK(second_tie != first_tie);
}

TEST_CASE_HANDED_OVER("Agent: lite refuses to control [ICE-03]") {
    Scripted s(Role::kControlling, true);  // the role is ignored
    CHECK(s.agent.role() == Role::kControlled);
    s.check_from(kWifi, false, Role::kControlled);
    CHECK(s.agent.role() == Role::kControlled);
    REQUIRE(s.out.size() == 1);
    CHECK(wire::StunMessage::parse(s.out[0].bytes())->error_code()->code == 487);
    s.agent.set_role(s.now, Role::kControlling);
    CHECK(s.agent.role() == Role::kControlled);
}

TEST_CASE_HANDED_OVER(
    "Agent: type of the selected remote, prflx at a relay's address is relay [ICE-18]") {
    Scripted s(Role::kControlling, false);
    CHECK_FALSE(s.agent.snapshot().selected_type);
    s.check_from(kLte, false, Role::kControlled);
    s.answer(kLte);
    s.answer(kLte);
    CHECK(s.agent.snapshot().selected_type == CandidateType::kPeerReflexive);
    RemoteCandidate relay = candidate(kLte, CandidateType::kRelay);
    relay.address.port = 3478;
    s.agent.add_remote_candidate(s.now, relay);
    CHECK(s.agent.snapshot().selected_type == CandidateType::kRelay);
}
