// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Connection quality as those in a room hear of it, from what is really lost: 02 §5.4.
#include <doctest/doctest.h>

#include <map>
#include <set>

#include "room/seam/call_seam_testing.h"

namespace confab::room::testing {
namespace {

using R = livekit::SignalResponse;

struct Watched : SeamCall {
    explicit Watched(const CallPlan& plan = {}, bool of_video = true)
        : SeamCall(plan), source(stream(77)), video(of_video) {}
    // Packets of 20 ms; each twentieth is lost where that is said, on either side.
    void play(std::int64_t ms, int up_lost_of_20 = 0, int down_lost_of_20 = 0) {
        for (std::int64_t at = 0; at < ms; at += 20, ++count) {
            const Bytes packet =
                source.packet(video ? vp8_payload(count % 50 == 0, 0, 300) : Bytes(30, 1), video);
            source.timestamp += video ? 1800 : 960;
            if (count % 20 >= up_lost_of_20) send(packet);
            if (count % 50 == 0) report(source);
            if (count % 20 < down_lost_of_20) ++lost_down;
            run(20);
            if (count % 25 == 24 && !heard().empty() && !silent) tell_loss();
        }
    }
    void tell_loss() {
        // What did not reach the server is missing here, too.
        const auto got = heard();
        const auto numbers =
            static_cast<std::uint16_t>(got.back().sequence - got.front().sequence + 1);
        const auto missing =
            static_cast<std::int32_t>(numbers) - static_cast<std::int32_t>(got.size() & 0xFFFF);
        wire::ReportBlock block;
        block.ssrc = down.ssrc.value();
        block.cumulative_lost = lost_down + missing;
        block.highest_sequence = got.back().sequence;
        tell(down.peer, [&](ByteWriter& out) {
            return wire::write_receiver_report(out, 1, std::span(&block, 1));
        });
        // The others lose nothing.
        for (const auto& other : w.room.commands_of<sfu::AddDownTrack>()) {
            if (other.peer == down.peer) continue;
            wire::ReportBlock fine;
            fine.ssrc = other.ssrc.value();
            tell(other.peer, [&](ByteWriter& out) {
                return wire::write_receiver_report(out, 1, std::span(&fine, 1));
            });
        }
    }
    // What a session was told last of somebody, and how often.
    std::optional<livekit::ConnectionQualityInfo> told(SessionId who, const std::string& of) {
        std::optional<livekit::ConnectionQualityInfo> last;
        for (const auto& message : w.room.of(who, R::kConnectionQuality))
            for (const auto& update : message.connection_quality().updates())
                if (update.participant_sid() == sid_of(of)) last = update;
        return last;
    }
    std::string sid_of(const std::string& name) {
        livekit::RoomParticipantIdentity who;
        who.set_room("r");
        who.set_identity(name);
        return w.room.manager.get_participant(who)->sid();
    }
    Stream source;
    bool video;
    bool silent = false;  // the subscriber, of what it gets
    int count = 0;
    std::int32_t lost_down = 0;
};

// 02 CQ-03.
double mos_of(double score) {
    return 1 + 0.035 * score + 7e-6 * score * (score - 60) * (100 - score);
}

}  // namespace

TEST_CASE(
    "Quality: five percent of a picture lost by its subscriber, and none any more "
    "[CQ-01] [CQ-02] [CQ-03] [outside]") {
    Watched c;
    c.play(12'000);
    REQUIRE(c.told(c.bob, "bob"));
    CHECK(c.told(c.bob, "bob")->quality() == livekit::EXCELLENT);
    CHECK(c.told(c.bob, "bob")->score() == doctest::Approx(4.5));
    c.play(20'000, 0, 1);
    // Towards 50: 5 % at 10 each.
    CHECK(c.told(c.bob, "bob")->quality() == livekit::GOOD);
    CHECK(c.told(c.bob, "bob")->score() >= mos_of(50) - 0.05);
    CHECK(c.told(c.bob, "bob")->score() <= mos_of(65));  // as it was when that was told
    CHECK(c.told(c.alice, "alice")->quality() == livekit::EXCELLENT);
    c.play(20'000, 0, 4);
    CHECK(c.told(c.bob, "bob")->quality() == livekit::POOR);
    CHECK(c.told(c.bob, "bob")->score() >= mos_of(30) - 0.05);
    CHECK(c.told(c.bob, "bob")->score() <= mos_of(40));
    // Slower up than down.
    c.play(5'000);
    CHECK(c.told(c.bob, "bob")->quality() != livekit::EXCELLENT);
    c.play(20'000);
    CHECK(c.told(c.bob, "bob")->quality() == livekit::EXCELLENT);
}

TEST_CASE("Quality: the same loss costs sound less, with redundancy still less [CQ-01] [outside]") {
    for (const bool red : {false, true}) {
        CAPTURE(red);
        CallPlan plan;
        plan.video = false;
        plan.announce = [red](livekit::AddTrackRequest& add) { add.set_disable_red(!red); };
        Watched c(plan, false);
        if (red) {
            // A lone primary block.
            c.source.pt = 63;
        }
        for (int i = 0; i < 40; ++i) {
            c.play(500, 0, 1);
        }
        const auto told = c.told(c.bob, "bob");
        REQUIRE(told);
        // 5 % at 5.33 and at 2.67.
        CHECK(told->quality() == (red ? livekit::EXCELLENT : livekit::GOOD));
        CHECK(told->score() >= mos_of(red ? 86 : 73));
        CHECK(told->score() <= mos_of(red ? 100 : 80));
    }
}

TEST_CASE(
    "Quality: of who publishes, from what is missing; lost when nothing comes at all "
    "[CQ-02] [CQ-03] [outside]") {
    CallPlan plan;
    plan.subscriber.client.set_protocol(10);  // does not know LOST
    Watched c(plan);
    const SessionId carol = c.w.room.join_active("r", "carol");
    c.play(12'000);
    c.play(20'000, 4);
    CHECK(c.told(c.alice, "alice")->quality() == livekit::POOR);
    c.play(40'000);
    CHECK(c.told(c.alice, "alice")->quality() == livekit::EXCELLENT);
    c.run(20'000);
    CHECK(c.told(c.alice, "alice")->quality() == livekit::LOST);
    CHECK(c.told(carol, "alice")->quality() == livekit::LOST);
    CHECK(c.told(c.bob, "alice")->quality() == livekit::POOR);
    // What is muted is as it should be.
    c.play(40'000);
    REQUIRE(c.told(c.alice, "alice")->quality() == livekit::EXCELLENT);
    c.mute(true);
    c.run(30'000);
    CHECK(c.told(c.alice, "alice")->quality() == livekit::EXCELLENT);
    CHECK(c.told(carol, "alice")->quality() == livekit::EXCELLENT);
}

TEST_CASE("Quality: what a publisher loses is no loss of those who hear it [CQ-01] [outside]") {
    for (const bool video : {true, false}) {
        CAPTURE(video);
        CallPlan plan;
        plan.video = video;
        Watched c(plan, video);
        c.play(12'000);
        c.play(30'000, 4);
        // With redundancy a fifth less of the sound is not that bad.
        const auto bad = video ? livekit::POOR : livekit::GOOD;
        CHECK(c.told(c.alice, "alice")->quality() == bad);
        CHECK(c.told(c.bob, "alice")->quality() == bad);
        CHECK(c.told(c.bob, "bob")->quality() == livekit::EXCELLENT);
        // Losses of both: only its own count.
        c.play(30'000, 4, 8);
        CHECK(c.told(c.bob, "bob")->quality() == livekit::POOR);
    }
}

TEST_CASE("Quality: who gets nothing as nothing comes is as well off as before [CQ-02] [outside]") {
    Watched c;
    c.play(12'000);
    c.run(20'000);
    CHECK(c.told(c.alice, "alice")->quality() == livekit::LOST);
    CHECK(c.told(c.bob, "alice")->quality() == livekit::LOST);
    CHECK(c.told(c.bob, "bob")->quality() == livekit::EXCELLENT);
}

TEST_CASE("Quality: a bad way is forgotten while the only speaker is muted [CQ-02] [outside]") {
    CallPlan plan;
    plan.video = false;
    Watched c(plan, false);
    c.play(12'000);
    c.play(20'000, 0, 10);
    CHECK(c.told(c.bob, "bob")->quality() == livekit::POOR);
    c.mute(true);
    c.run(12'000);
    CHECK(c.told(c.bob, "bob")->quality() == livekit::EXCELLENT);
}

TEST_CASE(
    "Quality: a picture that the link allows small is a worse one, a pause a poor one "
    "[CQ-02] [outside]") {
    CallPlan plan;
    plan.subscriber.subscriber_allow_pause = true;
    Watched c(plan);
    c.play(12'000);
    c.w.world.command(0, sfu::SetBandwidthLimit{c.down.peer, 10'000});
    c.play(12'000);
    CHECK(c.told(c.bob, "bob")->quality() == livekit::POOR);
    c.w.world.command(0, sfu::SetBandwidthLimit{c.down.peer, 0});
    c.play(40'000);
    CHECK(c.told(c.bob, "bob")->quality() == livekit::EXCELLENT);
}

TEST_CASE("Quality: of what is muted for most of a window nothing is said [CQ-02] [outside]") {
    Watched c;
    c.play(12'000);
    // Half of it is lost, between the mutes.
    for (int i = 0; i < 40; ++i) {
        c.mute(true);
        c.run(900);
        c.mute(false);
        c.play(400, 10);
    }
    CHECK(c.told(c.alice, "alice")->quality() == livekit::EXCELLENT);
    c.play(12'000, 10);
    CHECK(c.told(c.alice, "alice")->quality() != livekit::EXCELLENT);
}

TEST_CASE(
    "Quality: who says nothing of what it is sent for half a minute, hears nothing of it "
    "[CQ-02] [outside]") {
    Watched c;
    c.silent = true;
    c.play(28'000);
    REQUIRE(c.told(c.bob, "bob"));
    CHECK(c.told(c.bob, "bob")->quality() == livekit::EXCELLENT);
    c.play(15'000);
    CHECK(c.told(c.bob, "bob")->quality() == livekit::LOST);
    CHECK(c.told(c.alice, "alice")->quality() == livekit::EXCELLENT);
    c.silent = false;
    c.play(30'000);
    CHECK(c.told(c.bob, "bob")->quality() == livekit::EXCELLENT);
}

TEST_CASE(
    "Quality: told when it changes, to oneself and who subscribes, to nobody else "
    "[CQ-04] [outside]") {
    Watched c;
    const SessionId carol = c.w.room.join_active("r", "carol");
    JoinParams alone = test_join("r", "dave");
    alone.auto_subscribe = false;
    const SessionId dave = c.w.room.join(alone);
    c.play(12'000);
    const auto count = [&](SessionId who) { return c.w.room.count(who, R::kConnectionQuality); };
    const std::size_t before = count(carol);
    c.play(30'000);
    CHECK(count(carol) == before);
    CHECK(c.told(dave, "alice") == std::nullopt);
    CHECK(c.told(c.alice, "bob") == std::nullopt);
    c.play(20'000, 4);
    CHECK(count(carol) > before);
    CHECK(c.told(carol, "alice")->quality() == c.told(c.alice, "alice")->quality());
    CHECK(c.told(dave, "alice") == std::nullopt);
}

}  // namespace confab::room::testing
