// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a subscriber's link takes, and who gets how much of it: real rooms, a real shard and a
// client that reports by REMB: 02 §5.1, §5.2.
#include <doctest/doctest.h>

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "room/seam/simulcast_seam_testing.h"

namespace confab::room::testing {
namespace {

using R = livekit::SignalResponse;

// A client that says five times a second what its link takes: a little more than what came, and no
// more than the link has.
struct Narrow : Watched {
    explicit Narrow(const CallPlan& plan = simulcast()) : Watched(plan) {}
    void play(std::int64_t ms) {
        for (std::int64_t at = 0; at < ms; at += 198) {
            Watched::play(198);
            tell_estimate();
        }
    }
    void tell_estimate() {
        std::uint64_t came = 0;
        const auto& rtp = ears().rtp;
        for (auto packet = rtp.rbegin(); packet != rtp.rend(); ++packet) {
            if (w.world.now_ms - packet->ms > 500) break;
            came += packet->packet.size();
        }
        // Downwards in steps, as delays are noticed, and below what it takes while more comes.
        over = came * 16 > link ? std::min(over + 1, 5) : 0;
        const std::uint64_t takes =
            std::max(link - link * static_cast<std::uint64_t>(over) / 20, said - said / 10);
        said = std::min(takes, came * 8 * 2 * 3 / 2 + 50'000);
        wire::ReportBlock block;
        block.ssrc = down.ssrc.value();
        if (!heard().empty()) block.highest_sequence = heard().back().sequence;
        tell(down.peer, [&](ByteWriter& out) {
            return wire::write_receiver_report(out, 1, std::span(&block, 1)) &&
                   wire::write_remb(out, 1, said, {});
        });
    }
    // When copies that nobody asked for began to come, in ms.
    std::vector<std::int64_t> probes() {
        std::vector<std::int64_t> result;
        std::int64_t last = -10'000;
        for (const ReceivedRtp& copy : copies()) {
            if (copy.ms - last > 900) result.push_back(copy.ms);
            last = copy.ms;
        }
        return result;
    }
    std::uint64_t link = 10'000'000;
    std::uint64_t said = 10'000'000;
    int over = 0;  // reports in a row with more than that
};

double mos_of(double score) {
    return 1 + 0.035 * score + 7e-6 * score * (score - 60) * (100 - score);
}

}  // namespace

TEST_CASE(
    "Bandwidth: what a client says it takes is obeyed within seconds, and tried again by probes "
    "[BWE-06] [BWE-08] [BWE-20] [BWE-22] [BWE-23] [outside]") {
    Narrow c;
    c.play(10'000);
    REQUIRE(c.shown() == 2);
    REQUIRE(c.probes().empty());
    c.link = 120'000;
    c.play(5'000);
    CHECK(c.shown() == 1);
    c.link = 10'000'000;
    c.play(30'000);
    CHECK(c.shown() == 2);
    const auto probes = c.probes();
    CHECK_FALSE(probes.empty());
    // With all that is wanted there is nothing to try.
    c.play(20'000);
    CHECK(c.probes().size() == probes.size());
}

TEST_CASE(
    "Bandwidth: what was tried in vain is tried later each time "
    "[BWE-07] [BWE-11] [outside]") {
    Narrow c;
    c.play(10'000);
    REQUIRE(c.shown() == 2);
    c.link = 120'000;
    c.play(60'000);
    CHECK(c.shown() == 1);
    const auto probes = c.probes();
    REQUIRE(probes.size() >= 4);
    CHECK(probes.size() <= 9);
    for (std::size_t i = 1; i < probes.size(); ++i)
        CHECK(probes[i] - probes[i - 1] >= 3'000);
    CHECK(probes.back() - probes[probes.size() - 2] > 2 * (probes[1] - probes[0]));
}

TEST_CASE(
    "Bandwidth: a limit set from outside holds as it is, nothing is tried [BWE-10] [outside]") {
    Narrow c;
    c.play(10'000);
    c.limit(120'000);
    c.play(30'000);
    CHECK(c.shown() == 1);
    CHECK(c.probes().empty());
}

TEST_CASE(
    "Bandwidth: of two pictures both get the next layer before one gets two [BWE-04] [outside]") {
    for (const bool pause : {false, true}) {
        CAPTURE(pause);
        CallPlan plan = simulcast();
        plan.subscriber.subscriber_allow_pause = pause;
        Narrow c(plan);
        const sfu::AddDownTrack other = c.add_publisher("carol");
        c.play(10'000);
        REQUIRE(c.shown() == 2);
        REQUIRE(c.shown(other) == 2);
        const auto both = [&](std::uint64_t bits) {
            c.limit(bits);
            c.play(6'000);
            const int one = c.shown(), two = c.shown(other);
            return std::pair(std::min(one, two), std::max(one, two));
        };
        CHECK(both(345'000) == std::pair(1, 2));
        CHECK(both(180'000) == std::pair(1, 1));
        CHECK(both(125'000) == std::pair(0, 1));
        CHECK(both(75'000) == std::pair(0, 0));
        // The smallest layers go on where they may not be paused.
        CHECK(both(40'000) == (pause ? std::pair(-1, 0) : std::pair(0, 0)));
        CHECK(both(5'000) == (pause ? std::pair(-1, -1) : std::pair(0, 0)));
    }
}

TEST_CASE(
    "Bandwidth: what one gives back the others get, who comes takes no more than need be "
    "[BWE-03] [BWE-05] [outside]") {
    Narrow c;
    const sfu::AddDownTrack other = c.add_publisher("carol");
    const std::string other_sid = c.sid_of("carol");
    const auto disable = [&](bool on) {
        livekit::SignalRequest request;
        request.mutable_track_setting()->add_track_sids(other_sid);
        request.mutable_track_setting()->set_quality(livekit::HIGH);
        request.mutable_track_setting()->set_disabled(on);
        c.w.room.send(c.bob, request);
        c.play(6'000);
    };
    c.play(10'000);
    c.limit(290'000);
    c.play(6'000);
    REQUIRE(c.shown() == 1);
    REQUIRE(c.shown(other) == 1);
    disable(true);
    CHECK(c.shown() == 2);
    CHECK(c.shown(other) == -1);
    disable(false);  // room for its smallest layer beside the other's largest
    CHECK(c.shown(other) >= 0);
    CHECK(c.shown() + c.shown(other) == 2);
    // And where there is none, the other has to give.
    disable(true);
    c.limit(250'000);
    c.play(6'000);
    REQUIRE(c.shown() == 2);
    disable(false);
    CHECK(c.shown(other) >= 0);
    CHECK(c.shown() == 1);
}

TEST_CASE(
    "Bandwidth: what a picture that ends gives back is used at once [BWE-03] [FWD-15] [outside]") {
    Narrow c;
    const sfu::AddDownTrack other = c.add_publisher("carol");
    c.play(10'000);
    c.limit(290'000);
    c.play(6'000);
    REQUIRE(c.shown() == 1);
    REQUIRE(c.shown(other) == 1);
    const auto asked = [&] { return told_by(c.publisher(), wire::parse_pli).size(); };
    const std::size_t before = asked();
    c.subscribe(c.sid_of("carol"), false);
    // Less than the time until the next report, which would be a reason by itself.
    c.run(20);
    CHECK(asked() == before + 1);
    c.play(1'000);
    CHECK(c.shown() == 2);
}

TEST_CASE(
    "Bandwidth: who moves to another worker keeps its layers, and gets more when there is room "
    "[MC-20] [FWD-18] [BWE-08] [outside]") {
    CallPlan plan = simulcast();
    plan.config = test_config(2);
    Narrow c(plan);
    const sfu::AddDownTrack other = c.add_publisher("carol");
    c.play(10'000);
    REQUIRE(c.shown() == 2);
    REQUIRE(c.shown(other) == 2);
    c.link = 200'000;
    c.play(10'000);
    REQUIRE(c.shown() == 1);
    REQUIRE(c.shown(other) == 1);
    WorkerMoves& moves = c.w.room.manager.relocations(c.w.room.clock()).workers();
    sfu::WorkerIndex at = 0;
    for (int i = 0; i < 4; ++i) {
        CAPTURE(i);
        at = 1 - at;
        REQUIRE(moves.begin("r", "bob", at));
        c.w.room.drain();
        const std::size_t before = c.ears().rtp.size();
        c.play(600);
        REQUIRE_FALSE(moves.busy());
        const auto& rtp = c.ears().rtp;
        CHECK(rtp.size() > before + 20);
        for (std::size_t k = before; k < rtp.size(); ++k)
            if (rtp[k].payload.size() >= 80) CHECK(rtp[k].payload.back() == 1);
    }
    c.link = 10'000'000;
    c.play(40'000);
    CHECK(c.shown() == 2);
    CHECK(c.shown(other) == 2);
}

TEST_CASE(
    "Bandwidth: the quality of a picture is by how many layers it lacks "
    "[BWE-02] [CQ-02] [outside]") {
    // Told as it changes: the score of one layer less is 65, of two 30.
    for (const auto& [bits, quality, least, most] :
         {std::tuple{120'000, livekit::GOOD, 65., 80.}, {45'000, livekit::POOR, 30., 40.}}) {
        CAPTURE(bits);
        Narrow c;
        c.play(12'000);
        c.limit(static_cast<std::uint64_t>(bits));
        c.play(40'000);
        std::optional<livekit::ConnectionQualityInfo> last;
        for (const auto& message : c.w.room.of(c.bob, R::kConnectionQuality))
            for (const auto& update : message.connection_quality().updates())
                if (update.quality() != livekit::EXCELLENT) last = update;
        REQUIRE(last);
        CHECK(last->quality() == quality);
        CHECK(last->score() >= mos_of(least) - 0.02);
        CHECK(last->score() <= mos_of(most));
    }
}

}  // namespace confab::room::testing
