// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// When a client is sent over another transport before its connection fails, or sooner than it
// would: 02 ICE-15, ICE-16, ICE-17.
#include <set>
#include <vector>

#include "crypto/certificate.h"
#include "room/seam/call_seam_testing.h"
#include "room/seam/outage_seam_testing.h"

namespace confab::room {
namespace {

using R = livekit::SignalResponse;

// ---------------------------------------------------------------- ICE over TCP

// From the resume that begins over TCP alone to the next one, where that finds no path either.
Duration time_for_tcp(bool single, std::optional<std::int64_t> ping_ms) {
    outage::TwoInCall call(single, true);
    call.alice.ping_ms = ping_ms;
    call.udp_cut = call.tcp_cut = true;
    for (int i = 0; i < 400 && call.alice.resumes.size() < 2; ++i)
        call.run(Duration::millis(100));
    REQUIRE(call.alice.resumes.size() == 2);
    call.run(Duration::millis(100));
    // Once over TCP alone, the next time over anything again.
    const std::set<std::optional<sfu::PeerId>> hers{call.alice.up.peer, call.alice.down.peer};
    std::vector<bool> tcp_only;
    for (const sfu::RestartIce& one : call.h.commands_of<sfu::RestartIce>())
        if (hers.contains(one.peer)) tcp_only.push_back(one.tcp_only);
    CHECK(tcp_only == (single ? std::vector{true, false} : std::vector{true, true, false, false}));
    return call.alice.resumes[1] - call.alice.resumes[0];
}

bool is_about(Duration took, Duration wanted) {
    return took >= wanted && took < wanted + Duration::millis(200);
}

}  // namespace

TEST_CASE(
    "Fallback: TCP that finds no path is left after eight round trips of signalling, within 5 and "
    "12 s [ICE-15] [ICE-17] [outside]") {
    for (const bool single : {true, false}) {
        CAPTURE(single);
        CHECK(is_about(time_for_tcp(single, 100), Duration::seconds(5)));
        CHECK(is_about(time_for_tcp(single, 900), Duration::millis(7'200)));
    }
}

TEST_CASE(
    "Fallback: TCP of a client whose signalling is slow, or not measured, has the usual 15 s "
    "[ICE-17] [outside]") {
    CHECK(is_about(time_for_tcp(true, 1'000), Duration::seconds(15)));
    CHECK(is_about(time_for_tcp(true, 0), Duration::seconds(15)));
}

TEST_CASE(
    "Fallback: who found TCP by itself and loses it is not sent to TCP alone "
    "[ICE-15] [SIG-67] [outside]") {
    outage::Call call(true);
    call.udp_cut = true;
    outage::Client& alice = call.join("alice", true);
    call.run(Duration::seconds(5));
    REQUIRE(alice.resumes.empty());
    call.tcp_cut = true;
    for (int i = 0; i < 300 && alice.resumes.empty(); ++i)
        call.run(Duration::millis(100));
    REQUIRE(alice.resumes.size() == 1);
    call.run(Duration::millis(100));
    const auto restarts = call.h.commands_of<sfu::RestartIce>();
    REQUIRE(restarts.size() == 1);
    CHECK_FALSE(restarts[0].tcp_only);
}

// ---------------------------------------------------------------- DTLS

TEST_CASE(
    "Fallback: DTLS that does not follow ICE over TCP is left after 10 s [ICE-17] [outside]") {
    const auto certificate =
        crypto::Certificate::generate(UnixTime::seconds(1'700'000'000)).value();
    const auto context = dtls::Context::create(certificate).value();
    outage::Call call(true, &context);
    call.udp_cut = true;
    outage::Client& alice = call.join("alice", true);
    alice.ping_ms = 100;
    const Timestamp begin = call.h.now;
    call.run(Duration::millis(9'900));
    CHECK(alice.resumes.empty());
    call.run(Duration::millis(600));
    REQUIRE(alice.resumes.size() == 1);
    CHECK(is_about(alice.resumes[0] - begin, Duration::seconds(10)));
    const auto restarts = call.h.commands_of<sfu::RestartIce>();
    REQUIRE(restarts.size() == 1);
    CHECK(restarts[0].tcp_only);
    // It counted as failed, so the next one is another transport.
    call.run(Duration::seconds(10));
    CHECK(call.h.commands_of<sfu::RestartIce>().size() <= 2);
}

// ---------------------------------------------------------------- UDP that loses much

namespace testing {
namespace {

constexpr std::uint8_t kThirty = 77;  // % of 256
constexpr std::uint8_t kTwenty = 51;

CallPlan unstable_plan() {
    CallPlan plan;
    plan.config.tcp_fallback_rtt = Duration::millis(200);
    plan.config.allow_udp_unstable_fallback = true;
    return plan;
}

// A picture, and each second a report of who looks on; its path takes 100 ms there and back.
struct Lossy : SeamCall {
    explicit Lossy(const CallPlan& plan = unstable_plan()) : SeamCall(plan), source(stream(77)) {
        ping();
        play(4'000);  // reports of the publisher become ours
    }
    void play(std::int64_t ms) {
        for (std::int64_t at = 0; at < ms; at += 20, ++count) {
            if (count % 50 == 0) report(source);
            source.timestamp += 1800;
            send(source.packet(vp8_payload(count % 50 == 0, 0, 300)), 20);
        }
    }
    void ping() {
        livekit::SignalRequest request;
        request.mutable_ping_req()->set_rtt(signal_ms);
        w.room.send(bob, request);
    }
    void reports(int many, std::uint8_t loss) {
        for (int i = 0; i < many; ++i) {
            if (!silent) ping();
            play(1'000);
            tell_loss(loss);
        }
    }
    void tell_loss(std::uint8_t loss) {
        const auto told = told_by(ears(), wire::parse_sender_report);
        REQUIRE(!told.empty());
        const Duration waited = Duration::millis(w.world.now_ms - told.back().ms) - path_rtt;
        wire::ReportBlock block;
        block.ssrc = down.ssrc.value();
        block.fraction_lost = loss;
        block.highest_sequence = heard().back().sequence;
        if (waited > Duration::zero()) {
            block.last_sr = told.back().value.ntp.compact();
            block.delay_since_last_sr =
                static_cast<std::uint32_t>(waited.us() * 65'536 / 1'000'000);
        }
        tell(down.peer, [&](ByteWriter& out) {
            return wire::write_receiver_report(out, 1, std::span(&block, 1));
        });
    }
    bool left() {
        const auto leaves = w.room.of(bob, R::kLeave);
        return !leaves.empty() && leaves.back().leave().action() == livekit::LeaveRequest::RESUME;
    }
    Stream source;
    int count = 0;
    bool silent = false;
    std::int64_t signal_ms = 50;
    Duration path_rtt = Duration::millis(100);
};

// Whether twenty-five bad reports are enough.
bool leaves(const CallPlan& plan, std::int64_t signal_ms = 50, bool silent = false) {
    Lossy c(plan);
    c.signal_ms = signal_ms;
    c.silent = silent;
    if (!silent) c.ping();
    c.reports(25, kThirty);
    c.play(6'000);
    return c.left();
}

}  // namespace

TEST_CASE(
    "Fallback: with the 20th report of a lossy path its client is sent over TCP [ICE-16] "
    "[outside]") {
    Lossy c;
    c.reports(19, kThirty);
    c.play(6'000);
    CHECK_FALSE(c.left());
    c.reports(1, kThirty);
    c.play(5'000);
    REQUIRE(c.left());
    const auto before = c.w.room.commands_of<sfu::RestartIce>().size();
    JoinParams again = test_join("r", "bob");
    again.reconnect = true;
    c.bob = c.w.room.join(again);
    c.w.run(Duration::millis(100));
    const auto restarts = c.w.room.commands_of<sfu::RestartIce>();
    REQUIRE(restarts.size() == before + 1);
    CHECK(restarts.back().peer == c.down.peer);
    CHECK(restarts.back().tcp_only);
    // Its next session begins there.
    const SessionId next = c.w.room.join(test_join("r", "bob"));
    (void)next;
    CHECK(c.w.room.commands_of<sfu::CreatePeer>().back().tcp_only);
}

TEST_CASE("Fallback: a path that loses a fifth is kept, or little of the time [ICE-16] [outside]") {
    Lossy c;
    c.reports(40, kTwenty);
    CHECK_FALSE(c.left());
    // 19 of any 32.
    for (int i = 0; i < 3; ++i) {
        c.reports(19, kThirty);
        c.reports(13, 0);
    }
    c.play(6'000);
    CHECK_FALSE(c.left());
}

TEST_CASE("Fallback: a lossy path is kept unless both keys say so [ICE-16] [outside]") {
    CHECK(leaves(unstable_plan()));
    CallPlan plan = unstable_plan();
    plan.config.allow_udp_unstable_fallback = false;
    CHECK_FALSE(leaves(plan));
    plan = unstable_plan();
    plan.config.tcp_fallback_rtt = Duration::zero();
    CHECK_FALSE(leaves(plan));
    plan = unstable_plan();
    plan.config.allow_tcp_fallback = false;
    CHECK_FALSE(leaves(plan));
}

TEST_CASE(
    "Fallback: a lossy path is kept where TCP would be slower, is not there, or nobody is heard "
    "[ICE-16] [outside]") {
    CHECK(leaves(unstable_plan(), 125));
    CHECK_FALSE(leaves(unstable_plan(), 132));
    CHECK_FALSE(leaves(unstable_plan(), 50, true));
    CallPlan plan = unstable_plan();
    plan.config.tcp_fallback_rtt = Duration::millis(50);
    CHECK_FALSE(leaves(plan));
    plan = unstable_plan();
    plan.config.media.workers.at(0).tcp.clear();
    CHECK_FALSE(leaves(plan));
}

}  // namespace testing
}  // namespace confab::room
