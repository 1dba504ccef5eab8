// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Who speaks, from the packets of a microphone to the message at a listener: 02 IN-30, IN-31.
#include <doctest/doctest.h>

#include "room/seam/media_seam_testing.h"

namespace confab::room::testing {
namespace {

using R = livekit::SignalResponse;

struct Call {
    Call() : alice(w.room.join_active("r", "alice")), bob(w.room.join_active("r", "bob")) {
        w.room.publish(alice, "mic", false);
        w.run(Duration::seconds(1));
        microphone = w.receiver(0);
        source = std::make_unique<Stream>(microphone, 77);
    }
    // The speaker talks (`level` in -dBov) or sends nothing.
    void run(std::int64_t ms, std::optional<std::uint8_t> level) {
        static const Bytes kFrame(30, 0x55);
        for (std::int64_t at = 0; at < ms; at += 20) {
            if (level) w.send(microphone.peer, source->at_level(*level).packet(kFrame, false));
            source->timestamp += 960;
            w.run(Duration::millis(20));
        }
    }
    bool bob_hears_alice() {
        bool active = false;
        for (const auto& message : w.room.of(bob, R::kSpeakersChanged))
            for (const auto& speaker : message.speakers_changed().speakers())
                if (speaker.sid() == alice_sid()) active = speaker.active();
        return active;
    }
    std::string alice_sid() {
        return w.room.of(alice, R::kJoin).front().join().participant().sid();
    }
    // Milliseconds until alice is not listed any more, at most `limit`.
    std::int64_t until_silent(std::int64_t limit, std::optional<std::uint8_t> level) {
        for (std::int64_t ms = 0; ms < limit; ms += 20) {
            if (!bob_hears_alice()) return ms;
            run(20, level);
        }
        return limit;
    }

    RoomAndShard w;
    SessionId alice;
    SessionId bob;
    sfu::AddReceiver microphone;
    std::unique_ptr<Stream> source;
};

constexpr std::uint8_t kLoud = 10;
constexpr std::uint8_t kQuiet = 90;
constexpr std::int64_t kNever = 5'000;

livekit::SignalRequest mute(const std::string& sid) {
    livekit::SignalRequest request;
    request.mutable_mute()->set_sid(sid);
    request.mutable_mute()->set_muted(true);
    return request;
}

}  // namespace

TEST_CASE("Speakers: silence ends it, with or without packets [IN-31] [SIG-134] [outside]") {
    for (const auto silence :
         {std::optional<std::uint8_t>(kQuiet), std::optional<std::uint8_t>()}) {
        Call c;
        c.run(1'200, kLoud);
        REQUIRE(c.bob_hears_alice());
        CHECK(c.until_silent(kNever, silence) <= 1'600);
        // Once only, and again when there is something to hear.
        const std::size_t told = c.w.room.count(c.bob, R::kSpeakersChanged);
        c.run(1'600, silence);
        CHECK(c.w.room.count(c.bob, R::kSpeakersChanged) == told);
        c.run(1'200, kLoud);
        CHECK(c.bob_hears_alice());
    }
}

TEST_CASE("Speakers: a mute ends it [IN-31] [outside]") {
    Call c;
    c.run(1'200, kLoud);
    REQUIRE(c.bob_hears_alice());
    const std::string sid =
        c.w.room.of(c.alice, R::kTrackPublished)[0].track_published().track().sid();
    c.w.room.send(c.alice, mute(sid));
    CHECK(c.until_silent(kNever, kLoud) <= 420);
}

TEST_CASE("Speakers: the end of the track ends it [IN-31] [outside]") {
    Call c;
    c.run(1'200, kLoud);
    REQUIRE(c.bob_hears_alice());
    c.w.room.offer(c.alice, make_offer({}, 1), 2);  // its section sends no more
    REQUIRE(c.w.room.commands_of<sfu::RemoveReceiver>().size() == 1);
    CHECK(c.until_silent(kNever, kLoud) <= 420);
}

TEST_CASE("Speakers: leaving ends it [IN-31] [outside]") {
    Call c;
    c.run(1'200, kLoud);
    REQUIRE(c.bob_hears_alice());
    livekit::SignalRequest leave;
    leave.mutable_leave()->set_reason(livekit::CLIENT_INITIATED);
    c.w.room.send(c.alice, leave);
    CHECK(c.until_silent(kNever, kLoud) <= 420);
}

TEST_CASE(
    "Speakers: who does not subscribe any more is shown no speaker, who begins to is "
    "[IN-31] [SIG-134] [outside]") {
    Call c;
    c.run(1'200, kLoud);
    REQUIRE(c.bob_hears_alice());
    const std::string sid =
        c.w.room.of(c.alice, R::kTrackPublished)[0].track_published().track().sid();
    const auto subscribe = [&](bool on) {
        livekit::SignalRequest request;
        request.mutable_subscription()->add_track_sids(sid);
        request.mutable_subscription()->set_subscribe(on);
        c.w.room.send(c.bob, request);
    };
    subscribe(false);
    CHECK_FALSE(c.bob_hears_alice());
    c.run(1'200, kLoud);  // she talks on, as loud as before
    CHECK_FALSE(c.bob_hears_alice());
    subscribe(true);
    CHECK(c.bob_hears_alice());
    c.run(400, kLoud);
    // The same when she lets nobody have it.
    livekit::SignalRequest nobody;
    nobody.mutable_subscription_permission();
    c.w.room.send(c.alice, nobody);
    CHECK_FALSE(c.bob_hears_alice());
    // Of who is silent nothing is said.
    c.run(3'000, kQuiet);
    const std::size_t told = c.w.room.count(c.bob, R::kSpeakersChanged);
    nobody.mutable_subscription_permission()->set_all_participants(true);
    c.w.room.send(c.alice, nobody);
    subscribe(false);
    CHECK(c.w.room.count(c.bob, R::kSpeakersChanged) == told);
}

// Whoever was away when somebody fell silent would see it speak for ever.
TEST_CASE("Speakers: who resumes is told what it missed [IN-31] [SIG-134] [SIG-160] [outside]") {
    for (const bool noticed : {true, false}) {
        Call c;
        c.run(1'200, kLoud);
        REQUIRE(c.bob_hears_alice());
        if (noticed) c.w.room.close(c.bob);
        c.run(2'000, kQuiet);
        JoinParams again = test_join("r", "bob");
        again.reconnect = true;
        c.bob = c.w.room.join(again);
        const auto told = c.w.room.of(c.bob, R::kSpeakersChanged);
        REQUIRE(told.size() == 1);
        REQUIRE(told[0].speakers_changed().speakers_size() == 1);
        CHECK(told[0].speakers_changed().speakers(0).sid() == c.alice_sid());
        CHECK_FALSE(told[0].speakers_changed().speakers(0).active());

        c.w.room.close(c.bob);
        c.run(1'200, kLoud);
        c.bob = c.w.room.join(again);
        CHECK(c.bob_hears_alice());
        c.run(2'000, kQuiet);
        CHECK_FALSE(c.bob_hears_alice());
    }
}

}  // namespace confab::room::testing
