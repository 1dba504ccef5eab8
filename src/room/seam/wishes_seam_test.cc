// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What subscribers wish of a picture, and what the link and the publisher's layers leave of it:
// 02 §4.3, IN-22, IN-24, BWE-01.
#include <doctest/doctest.h>

#include "room/seam/simulcast_seam_testing.h"

namespace confab::room::testing {

using R = livekit::SignalResponse;

TEST_CASE("Wishes: a size becomes the layer that fills nine tenths of it [SUB-02] [outside]") {
    for (const bool declared : {true, false}) {
        CAPTURE(declared);
        CallPlan plan = simulcast();
        if (!declared) plan.announce = [](livekit::AddTrackRequest& add) { add.clear_layers(); };
        Watched c(plan);
        c.play(2'000);
        for (const auto& [height, layer] :
             {std::pair{100U, 0}, {200U, 0}, {201U, 1}, {400U, 1}, {401U, 2}, {4'000U, 2}}) {
            CAPTURE(height);
            c.size(height * 16 / 9, height);
            c.play(1'200);
            CHECK(c.shown() == layer);
        }
    }
}

TEST_CASE(
    "Wishes: sizes that nobody announced are those of the first key frames, and what was wished "
    "before follows them [SUB-02] [outside]") {
    for (const bool lost : {false, true}) {
        CAPTURE(lost);
        CallPlan plan = simulcast();
        plan.announce = [](livekit::AddTrackRequest& add) {
            add.clear_width();
            add.clear_height();
            for (livekit::VideoLayer& layer : *add.mutable_layers()) {
                layer.clear_width();
                layer.clear_height();
            }
        };
        Watched c(plan);
        c.size(640, 360);
        c.run(200);
        CHECK(c.w.room.commands_of<sfu::UpdateDownTrack>().empty());
        // What begins without its key frame has a size when the next one comes.
        if (lost) c.camera.key = {};
        c.camera.answers = false;
        c.play(1'000);
        if (lost) CHECK(c.w.room.commands_of<sfu::UpdateDownTrack>().empty());
        c.camera.answers = true;
        c.camera.key = {0, 1, 2};
        c.play(2'000);
        CHECK(c.shown() == 1);
        livekit::ParticipantInfo told;
        for (const auto& message : c.w.room.of(c.bob, R::kUpdate))
            for (const livekit::ParticipantInfo& who : message.update().participants())
                if (who.identity() == "alice") told = who;
        REQUIRE(told.tracks_size() == 1);
        REQUIRE(told.tracks(0).layers_size() == 3);
        CHECK(told.tracks(0).layers(0).height() == 180);
        CHECK(told.tracks(0).layers(2).height() == 720);
        CHECK(told.tracks(0).width() == 1280);
        CHECK(told.tracks(0).height() == 720);
    }
}

TEST_CASE(
    "Wishes: applied a moment later, an end of disabling at once; the same again is nothing "
    "[SUB-01] [FWD-17] [outside]") {
    Watched c;
    c.play(2'000);
    const auto commands = [&] { return c.w.room.commands_of<sfu::UpdateDownTrack>().size(); };
    const auto set = [&](bool disabled, livekit::VideoQuality quality) {
        c.wish([&](livekit::UpdateTrackSettings& settings) {
            settings.set_disabled(disabled);
            settings.set_quality(quality);
        });
    };
    const std::size_t before = commands();
    set(false, livekit::MEDIUM);
    set(false, livekit::LOW);
    c.run(90);
    CHECK(commands() == before);
    c.play(1'000);
    CHECK(commands() == before + 1);
    CHECK(c.shown() == 0);
    set(false, livekit::LOW);
    c.run(200);
    CHECK(commands() == before + 1);
    set(true, livekit::LOW);
    c.play(1'500);
    CHECK(c.shown() == -1);
    set(false, livekit::LOW);
    CHECK(commands() >= before + 3);
    c.play(500);
    CHECK(c.shown() == 0);  // the layer it left
}

TEST_CASE(
    "Wishes: adaptive clients begin small; a disabled track shows again with the next "
    "subscription of theirs [SUB-04] [outside]") {
    for (const bool adaptive : {true, false}) {
        CAPTURE(adaptive);
        CallPlan plan = simulcast();
        plan.subscriber.adaptive_stream = adaptive;
        Watched c(plan);
        c.play(2'000);
        CHECK(c.shown() == (adaptive ? 0 : 2));
        c.wish([](livekit::UpdateTrackSettings& settings) {
            settings.set_disabled(true);
            settings.set_quality(livekit::MEDIUM);
        });
        c.play(1'500);
        CHECK(c.shown() == -1);
        c.subscribe(c.sid, false);
        c.play(1'500);
        c.subscribe(c.sid, true);
        c.play(2'500);
        const auto down = c.w.room.commands_of<sfu::AddDownTrack>().back();
        CHECK(down.down_track != c.down.down_track);
        // Its settings are kept, of an adaptive client all but `disabled`.
        CHECK(c.shown(down) == (adaptive ? 1 : -1));
    }
}

TEST_CASE(
    "Wishes: who disables what the link had paused gets it back all the same "
    "[SUB-05] [BWE-09] [outside]") {
    CallPlan plan = simulcast();
    plan.subscriber.subscriber_allow_pause = true;
    Watched c(plan);
    c.play(10'000);
    REQUIRE(c.shown() == 2);
    c.limit(10'000);
    c.play(3'000);
    REQUIRE(c.states().back() == livekit::PAUSED);
    const auto set = [&](bool disabled) {
        c.wish([&](livekit::UpdateTrackSettings& settings) {
            settings.set_disabled(disabled);
            settings.set_quality(livekit::HIGH);
        });
    };
    set(true);
    c.play(2'000);
    c.limit(0);
    c.play(3'000);
    set(false);
    c.play(3'000);
    CHECK(c.shown() == 2);
    CHECK(c.states().back() == livekit::ACTIVE);
    // Of nobody's wish nothing is sent (dynacast).
    set(true);
    c.play(7'000);
    const auto told = c.w.room.of(c.alice, R::kSubscribedQualityUpdate);
    REQUIRE(!told.empty());
    for (const auto& quality :
         told.back().subscribed_quality_update().subscribed_codecs(0).qualities())
        CHECK_FALSE(quality.enabled());
}

TEST_CASE("Wishes: of two pictures on a narrow link the urgent one is large [SUB-06] [outside]") {
    Watched c;
    const sfu::AddDownTrack other = c.add_publisher("carol");
    const std::string other_sid = c.sid_of("carol");
    c.play(10'000);
    REQUIRE(c.shown() == 2);
    REQUIRE(c.shown(other) == 2);
    c.limit(345'000);  // a large one and a middle one
    for (const bool first : {true, false, true}) {
        CAPTURE(first);
        for (const bool of_first : {true, false}) {
            livekit::SignalRequest request;
            auto& settings = *request.mutable_track_setting();
            settings.add_track_sids(of_first ? c.sid : other_sid);
            settings.set_quality(livekit::HIGH);
            settings.set_priority(of_first == first ? 1 : 50);  // 1 is the highest
            c.w.room.send(c.bob, request);
        }
        c.play(8'000);
        CHECK(c.shown() == (first ? 2 : 1));
        CHECK(c.shown(other) == (first ? 1 : 2));
    }
}

TEST_CASE(
    "Layers: what flows and what it costs decide what a narrow link shows "
    "[IN-22] [IN-55] [BWE-01] [outside]") {
    Watched c;
    c.play(10'000);
    REQUIRE(c.shown() == 2);
    c.limit(120'000);
    c.play(3'000);
    CHECK(c.shown() == 1);
    c.limit(40'000);
    c.play(3'000);
    CHECK(c.shown() == 0);
    c.limit(120'000);
    c.camera.enabled = {0, 2};  // what would fit is not sent
    c.play(4'000);
    CHECK(c.shown() == 0);
    c.limit(0);
    c.play(12'000);
    CHECK(c.shown() == 2);
    c.camera.enabled = {0};
    c.play(3'000);
    CHECK(c.shown() == 0);
}

TEST_CASE(
    "Layers: while nothing is shown the first key frame of any layer within the wish is taken "
    "[BWE-01] [FWD-05] [outside]") {
    for (const std::size_t first : {0U, 1U, 2U}) {
        for (const auto wish : {livekit::LOW, livekit::MEDIUM, livekit::HIGH}) {
            CAPTURE(first);
            CAPTURE(wish);
            Watched c;
            c.wish([&](livekit::UpdateTrackSettings& settings) { settings.set_quality(wish); });
            c.run(200);
            c.camera.answers = false;
            c.camera.key = {first};
            c.play(1'500);
            // No layer above what was asked for, though it be the only one that could be shown.
            CHECK(c.shown() ==
                  (first <= static_cast<std::size_t>(wish) ? static_cast<int>(first) : -1));
            c.camera.answers = true;
            c.play(3'000);
            CHECK(c.shown() == static_cast<int>(wish));
        }
    }
}

TEST_CASE(
    "Layers: a smaller one wished for is reached, whatever key frames below it come first "
    "[FWD-05] [SUB-01] [outside]") {
    Watched c;
    c.play(2'000);
    REQUIRE(c.shown() == 2);
    c.wish([](livekit::UpdateTrackSettings& settings) { settings.set_quality(livekit::MEDIUM); });
    c.run(200);
    c.camera.answers = false;
    c.camera.key = {0};
    c.play(500);
    CHECK(c.shown() == 0);
    c.camera.key = {1};
    c.play(500);
    CHECK(c.shown() == 1);
}

TEST_CASE(
    "Layers: all begin while another is wished for, none is taken for stopped [IN-24] [outside]") {
    for (const std::int64_t at : {0, 1, 5, 33, 66, 200}) {
        CAPTURE(at);
        CallPlan plan = simulcast();
        plan.subscriber.adaptive_stream = true;
        Watched c(plan);
        if (at > 0) c.play(at);
        c.wish(
            [](livekit::UpdateTrackSettings& settings) { settings.set_quality(livekit::MEDIUM); });
        c.play(2'500);
        CHECK(c.shown() == 1);
    }
}

TEST_CASE(
    "Layers: one request brings key frames on all, and whoever waits for another layer takes its "
    "own [IN-53] [IN-08] [outside]") {
    Watched c;
    const SessionId carol = c.w.room.join_active("r", "carol");
    c.run(1'000);
    const auto tracks = c.w.room.commands_of<sfu::AddDownTrack>();
    REQUIRE(tracks.size() == 2);
    for (const auto& [session, quality] :
         {std::pair{c.bob, livekit::LOW}, {carol, livekit::MEDIUM}}) {
        livekit::SignalRequest request;
        request.mutable_track_setting()->add_track_sids(c.sid);
        request.mutable_track_setting()->set_quality(quality);
        c.w.room.send(session, request);
    }
    c.run(200);
    c.camera.key = {};
    while (told_by(c.publisher(), wire::parse_pli).empty())
        c.play(33);
    c.play(33);
    c.camera.answers = false;  // no other one is made
    c.play(2'000);
    CHECK(c.shown() == 0);
    CHECK(c.shown(tracks[1]) == 1);
}

TEST_CASE(
    "Wishes: limits of subscriptions, tracks that are not there, and sections that never come "
    "[SUB-07] [SUB-08] [outside]") {
    CallPlan plan = simulcast();
    plan.config.limits.subscriptions_video = 1;
    Watched c(plan);
    const SessionId carol = c.w.room.join_active("r", "carol");
    c.w.room.publish(carol, "cam", true);
    c.play(3'000);
    const std::string second = c.sid_of("carol");
    const auto tracks = [&] {
        std::size_t count = 0;
        for (const auto& track : c.w.room.commands_of<sfu::AddDownTrack>())
            count += track.peer == c.down.peer ? 1U : 0U;
        return count;
    };
    CHECK(tracks() == 1);
    c.subscribe("TR_nobody", true);
    c.subscribe(c.sid, false);
    c.play(4'000);
    CHECK(tracks() == 2);
    c.play(54'000);
    CHECK(c.w.room.count(c.bob, R::kSubscriptionResponse) == 0);
    c.play(6'000);
    auto errors = c.w.room.of(c.bob, R::kSubscriptionResponse);
    REQUIRE(errors.size() == 1);
    CHECK(errors[0].subscription_response().err() == livekit::SE_TRACK_NOTFOUND);
    CHECK(errors[0].subscription_response().track_sid() == "TR_nobody");
    // A client that no longer answers offers.
    c.subscribe(second, false);
    c.play(2'000);
    c.w.room.auto_answer = false;
    c.subscribe(c.sid, true);
    c.play(13'000);
    CHECK(c.w.room.count(c.bob, R::kSubscriptionResponse) == 1);
    c.play(5'000);
    errors = c.w.room.of(c.bob, R::kSubscriptionResponse);
    REQUIRE(errors.size() == 2);
    CHECK(errors[1].subscription_response().track_sid() == c.sid);
}

TEST_CASE(
    "Dynacast: all qualities are said, in both forms, and again with an unmute "
    "[DYN-02] [outside]") {
    Watched c;
    c.play(3'000);
    const auto told = [&] { return c.w.room.of(c.alice, R::kSubscribedQualityUpdate); };
    const auto check = [&](const livekit::SignalResponse& one, std::size_t on) {
        const auto& update = one.subscribed_quality_update();
        CHECK(update.track_sid() == c.sid);
        REQUIRE(update.subscribed_codecs_size() == 1);
        CHECK(update.subscribed_codecs(0).codec() == "vp8");
        REQUIRE(update.subscribed_codecs(0).qualities_size() == 3);
        REQUIRE(update.subscribed_qualities_size() == 3);
        for (int i = 0; i < 3; ++i) {
            const auto& quality = update.subscribed_codecs(0).qualities(i);
            CHECK(quality.quality() == static_cast<livekit::VideoQuality>(i));
            CHECK(quality.enabled() == (static_cast<std::size_t>(i) < on));
            CHECK(update.subscribed_qualities(i).quality() == quality.quality());
            CHECK(update.subscribed_qualities(i).enabled() == quality.enabled());
        }
    };
    REQUIRE(told().size() == 1);
    check(told()[0], 3);
    c.wish([](livekit::UpdateTrackSettings& settings) { settings.set_quality(livekit::MEDIUM); });
    c.play(7'000);
    REQUIRE(told().size() == 2);
    check(told()[1], 2);
    // Not of a muted track; an unmute says what is wanted.
    c.mute(true);
    c.wish([](livekit::UpdateTrackSettings& settings) { settings.set_quality(livekit::LOW); });
    c.run(8'000);
    CHECK(told().size() == 2);
    c.mute(false);
    c.run(500);
    REQUIRE(told().size() == 3);
    check(told()[2], 1);
}

}  // namespace confab::room::testing
