// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Sound from a microphone to who hears it: redundancy, levels, pauses of the encoder, silence of
// our own: 02 §3.3, FWD-15, FWD-16.
#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "room/seam/call_seam_testing.h"
#include "wire/rtp/red.h"

namespace confab::room::testing {
namespace {

using R = livekit::SignalResponse;

CallPlan sound(bool red, bool red_taken = true) {
    CallPlan plan;
    plan.video = false;
    plan.announce = [red](livekit::AddTrackRequest& add) { add.set_disable_red(!red); };
    if (!red_taken) plan.refused = {"red"};
    return plan;
}

struct Microphone : SeamCall {
    explicit Microphone(const CallPlan& plan) : SeamCall(plan), voice(stream(77)) {}
    static Bytes opus(int of) { return Bytes(20, static_cast<std::uint8_t>(of)); }
    // A packet of 20 ms; in RED the one before goes with it.
    Bytes next(std::uint8_t level = 20) {
        const Bytes primary = opus(number);
        Bytes payload(100);
        ByteWriter out(payload);
        if (voice.pt == 63) {
            const Bytes before = opus(number - 1);
            const wire::RedBlock block{111, 960, before};
            REQUIRE(wire::write_red(out, std::span(&block, number > 0 ? 1 : 0), 111, primary));
        } else {
            out.bytes(primary);
        }
        payload.resize(out.size());
        voice.once = {{voice.ids.audio_level, Bytes{static_cast<std::uint8_t>(0x80 | level)}}};
        Bytes packet = voice.packet(payload, number == 0);
        voice.timestamp += 960;
        ++number;
        return packet;
    }
    void play(int packets, std::uint8_t level = 20) {
        for (int i = 0; i < packets; ++i)
            send(next(level), 20);
    }
    Stream voice;
    int number = 0;
};

}  // namespace

TEST_CASE(
    "Audio: RED goes on as it is, or as the Opus in it with its holes filled "
    "[IN-32] [IN-34] [outside]") {
    for (const bool taken : {true, false}) {
        CAPTURE(taken);
        Microphone c(sound(true, taken));
        REQUIRE(c.voice.pt == 63);
        std::vector<Bytes> sent;
        for (int i = 0; i < 50; ++i) {
            const Bytes packet = c.next();
            sent.push_back(packet);
            if (i != 20 && i != 30 && i != 31) c.send(packet);
            c.run(20);
        }
        const auto heard = c.heard();
        for (const ReceivedRtp& packet : heard)
            CHECK_FALSE(packet.marker);  // the publisher's first one had it
        if (taken) {
            REQUIRE(heard.size() == 47);
            CHECK(heard[5].pt == 63);
            CHECK(heard[5].payload == to_vector(wire::parse_rtp(sent[5]).value().payload));
            continue;
        }
        // Two of three that were lost were in the packet behind them.
        REQUIRE(heard.size() == 49);
        std::set<int> numbers;
        for (const ReceivedRtp& packet : heard) {
            CHECK(packet.pt == 111);
            CHECK(packet.payload.size() == 20);
            const int number = packet.payload[0];
            numbers.insert(number);
            CHECK(packet.sequence == static_cast<std::uint16_t>(heard[0].sequence + number));
            CHECK(packet.timestamp ==
                  heard[0].timestamp + 960 * static_cast<std::uint32_t>(number));
        }
        CHECK(numbers.contains(20));
        CHECK(numbers.contains(31));
        CHECK_FALSE(numbers.contains(30));
    }
}

TEST_CASE("Audio: Opus without redundancy stays Opus [IN-32] [outside]") {
    // Redundancy is never made for who could take it: livekit-server 1.13 does not either.
    Microphone c(sound(false));
    c.play(50);
    const auto heard = c.heard();
    REQUIRE(heard.size() == 50);
    for (const ReceivedRtp& packet : heard) {
        CHECK(packet.pt == 111);
        CHECK(packet.payload.size() == 20);
    }
}

TEST_CASE(
    "Audio: who is loud for long enough speaks, in steps of an eighth [IN-30] [IN-31] [outside]") {
    struct Case {
        std::uint8_t level;
        int loud;  // of 20 packets
        bool speaks;
    };
    // Level 35 counts, 36 does not; 8 of 20 packets are the 40 % it takes, 7 are not.
    for (const Case& one :
         {Case{20, 20, true}, Case{36, 20, false}, Case{20, 7, false}, Case{10, 9, true}}) {
        CAPTURE(int{one.level});
        CAPTURE(one.loud);
        Microphone c(sound(false));
        const std::int64_t start = c.w.world.now_ms;
        std::int64_t told_ms = 0;
        for (int i = 0; i < 200; ++i) {
            c.play(1, i % 20 < one.loud ? one.level : 127);
            if (told_ms == 0 && c.w.room.count(c.bob, R::kSpeakersChanged) > 0)
                told_ms = c.w.world.now_ms;
        }
        const auto told = c.w.room.of(c.bob, R::kSpeakersChanged);
        REQUIRE(told.empty() != one.speaks);
        if (!one.speaks) continue;
        CHECK(told_ms - start <= 820);
        const auto& speaker = told.back().speakers_changed().speakers(0);
        CHECK(speaker.active());
        CHECK(speaker.level() > 0);
        CHECK(speaker.level() * 8 == static_cast<float>(static_cast<int>(speaker.level() * 8)));
        // Silence: told once, at the level 0.
        const std::size_t before = told.size();
        c.play(100, 127);
        const auto after = c.w.room.of(c.bob, R::kSpeakersChanged);
        REQUIRE(after.size() > before);
        CHECK_FALSE(after.back().speakers_changed().speakers(0).active());
        CHECK(after.back().speakers_changed().speakers(0).level() == 0);
        // Loud again, and then nothing comes at all.
        c.play(100, one.level);
        REQUIRE(
            c.w.room.of(c.bob, R::kSpeakersChanged).back().speakers_changed().speakers(0).active());
        c.run(1'300);
        CHECK_FALSE(
            c.w.room.of(c.bob, R::kSpeakersChanged).back().speakers_changed().speakers(0).active());
    }
}

TEST_CASE(
    "Audio: what the encoder leaves out of silence is no loss, its quality stays "
    "[IN-33] [CQ-02] [outside]") {
    Microphone c(sound(false));
    c.play(150);
    // Two packets each 420 ms; numbers run on, the time jumps.
    for (int i = 0; i < 60; ++i) {
        c.send(c.next(127), 20);
        c.send(c.next(127), 400);
        c.voice.timestamp += 19 * 960;
    }
    CHECK(told_by(c.publisher(), wire::parse_nack).empty());
    for (const SessionId session : {c.alice, c.bob})
        for (const auto& told : c.w.room.of(session, R::kConnectionQuality))
            for (const auto& update : told.connection_quality().updates())
                CHECK(update.quality() == livekit::EXCELLENT);
    CHECK(c.heard().size() == 270);
}

TEST_CASE(
    "Audio: a mute is followed by a second of silence, an unmute ends it [FWD-15] [outside]") {
    for (const bool by_publisher : {true, false}) {
        CAPTURE(by_publisher);
        Microphone c(sound(false));
        const auto mute = [&](bool on) {
            if (by_publisher)
                c.mute(on);
            else
                c.wish([&](livekit::UpdateTrackSettings& settings) { settings.set_disabled(on); });
        };
        c.play(50);
        const std::size_t before = c.heard().size();
        mute(true);
        for (int i = 0; i < 100; ++i) {
            c.voice.timestamp += 960;
            c.run(20);
        }
        auto heard = c.heard();
        REQUIRE(heard.size() == before + 51);
        CHECK(heard[before].timestamp == heard[before - 1].timestamp);
        for (std::size_t i = before; i < heard.size(); ++i) {
            CHECK(heard[i].sequence == static_cast<std::uint16_t>(heard[i - 1].sequence + 1));
            CHECK(heard[i].marker);
            CHECK_FALSE(wire::parse_rtp(heard[i].packet).value().header.has_extension);
            REQUIRE(heard[i].payload.size() == 80);
            CHECK(heard[i].payload[0] == 0xF8);
            CHECK(heard[i].payload[1] == 0xFF);
            CHECK(heard[i].payload[2] == 0xFE);
            if (i > before + 3) CHECK(heard[i].timestamp - heard[i - 1].timestamp == 961);
        }
        mute(false);
        c.play(20);
        heard = c.heard();
        REQUIRE(heard.size() == before + 51 + 20);
        const auto step =
            static_cast<std::int32_t>(heard[before + 51].timestamp - heard[before + 50].timestamp);
        CHECK(step > 0);
        CHECK(heard[before + 51].sequence ==
              static_cast<std::uint16_t>(heard[before + 50].sequence + 1));
        // Cut short.
        mute(true);
        c.run(200);
        mute(false);
        c.play(10);
        heard = c.heard();
        const auto own =
            std::count_if(heard.begin() + static_cast<std::ptrdiff_t>(before + 71), heard.end(),
                          [](const ReceivedRtp& p) { return p.payload.size() == 80; });
        CHECK(own >= (by_publisher ? 9 : 4));  // a wish to disable waits 100 ms
        CHECK(own <= 13);
    }
}

TEST_CASE(
    "Audio: silence of our own in an encrypted track ends as its clients were told "
    "[IN-43] [FWD-15] [outside]") {
    CallPlan plan = sound(false);
    plan.announce = [](livekit::AddTrackRequest& add) {
        add.set_disable_red(true);
        add.set_encryption(livekit::Encryption::GCM);
    };
    Microphone c(plan);
    c.play(20);
    const auto join = c.w.room.of(c.bob, R::kJoin);
    REQUIRE(join.size() == 1);
    const std::string trailer = join[0].join().sif_trailer();
    REQUIRE(trailer.size() >= 32);
    const std::size_t before = c.heard().size();
    c.mute(true);
    c.run(300);
    const auto heard = c.heard();
    REQUIRE(heard.size() > before + 10);
    for (std::size_t i = 0; i < heard.size(); ++i) {
        const std::string payload(as_text(heard[i].payload));
        CHECK(payload.ends_with(trailer) == (i >= before));
        CHECK(payload.size() == (i >= before ? 80 + trailer.size() : 20));
    }
}

TEST_CASE("Tracks: their end is blank frames, of sound silence [FWD-15] [outside]") {
    for (const bool video : {true, false}) {
        CAPTURE(video);
        CallPlan plan = sound(false);
        plan.video = video;
        SeamCall c(plan);
        Stream source = c.stream(77);
        for (int i = 0; i < 30; ++i) {
            c.send(source.packet(video ? vp8_payload(i == 0, 0, 300) : Bytes(20, 1)), 20);
            source.timestamp += video ? 1800 : 960;
        }
        const std::size_t before = c.heard().size();
        livekit::SignalRequest end;
        end.mutable_subscription()->add_track_sids(c.sid);
        end.mutable_subscription()->set_subscribe(false);
        c.w.room.send(c.bob, end);
        for (int i = 0; i < 60; ++i) {
            c.send(source.packet(video ? vp8_payload(false, 0, 300) : Bytes(20, 1)), 20);
            source.timestamp += video ? 1800 : 960;
        }
        const auto heard = c.heard();
        REQUIRE(heard.size() == before + (video ? 6 : 11));
        for (std::size_t i = before; i < heard.size(); ++i) {
            CHECK(heard[i].sequence == static_cast<std::uint16_t>(heard[i - 1].sequence + 1));
            CHECK(heard[i].ms - heard[before - 1].ms <= 260);
            CHECK(heard[i].payload.size() <= 80);
            if (video) CHECK((heard[i].payload[1] & 1) == 0);  // a key frame
        }
    }
}

TEST_CASE(
    "Tracks: clients that show a track with its first packet get some of a muted one "
    "[FWD-16] [FWD-14] [outside]") {
    for (const bool video : {true, false}) {
        for (const bool go : {true, false}) {
            CAPTURE(video);
            CAPTURE(go);
            CallPlan plan = sound(false);
            plan.video = video;
            if (go) plan.subscriber.client.set_sdk(livekit::ClientInfo::GO);
            plan.announce = [](livekit::AddTrackRequest& add) {
                add.set_muted(true);
                add.set_disable_red(true);
            };
            SeamCall c(plan);
            c.run(6'000);
            auto heard = c.heard();
            if (!go) {
                CHECK(heard.empty());
                continue;
            }
            REQUIRE(heard.size() >= 45);
            CHECK(heard.size() <= 51);
            for (std::size_t i = 0; i < heard.size(); ++i) {
                const auto view = wire::parse_rtp(heard[i].packet).value();
                CHECK(view.header.padding_size == (video ? 255 : 0));
                CHECK(heard[i].payload.size() == (video ? 0 : 80));
                if (i == 0) {
                    // From the third quarter of the space.
                    CHECK(heard[i].sequence >= 0x8000);
                    CHECK(heard[i].sequence <= 0xBFFF);
                    continue;
                }
                CHECK(heard[i].sequence == static_cast<std::uint16_t>(heard[i - 1].sequence + 1));
            }
            CHECK(heard.back().ms - heard.front().ms <= 5'000);
            c.mute(false);
            Stream source = c.stream(77);
            for (int i = 0; i < 20; ++i) {
                c.send(source.packet(video ? vp8_payload(i == 0, 0, 300) : Bytes(20, 1)), 20);
                source.timestamp += video ? 1800 : 960;
            }
            const std::size_t own = heard.size();
            heard = c.heard();
            REQUIRE(heard.size() == own + 20);
            CHECK(heard[own].sequence == static_cast<std::uint16_t>(heard[own - 1].sequence + 1));
            CHECK(static_cast<std::int32_t>(heard[own].timestamp - heard[own - 1].timestamp) > 0);
        }
    }
}

}  // namespace confab::room::testing
