// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/tracks/speakers.h"

#include <doctest/doctest.h>

#include "sfu/inbound/inbound_testing.h"

namespace confab::sfu {
namespace {

using inbound_test::at_ms;
using inbound_test::build;

AddReceiver microphone_in(std::uint64_t room, std::uint64_t id) {
    AddReceiver config;
    config.receiver = ReceiverId(id);
    config.room = RoomId(room);
    config.kind = MediaKind::kAudio;
    config.codecs = {{Codec::kOpus, PayloadType(111), std::nullopt, 48'000, false}};
    config.extensions.audio_level = 1;
    config.microphone = true;
    return config;
}

struct Microphone {
    Microphone(std::uint64_t room, std::uint64_t id) : receiver(microphone_in(room, id)) {
        stream = receiver.attach("", Ssrc(static_cast<std::uint32_t>(id)));
    }
    void speak(std::int64_t ms, std::uint8_t level) {
        Bytes bytes = build({sequence,
                             sequence * 960U,
                             111,
                             static_cast<std::uint32_t>(receiver.id().value()),
                             {1, 2, 3},
                             0,
                             level});
        ++sequence;
        CHECK(stream->receive(at_ms(ms), wire::parse_rtp(bytes).value()));
    }
    Receiver receiver;
    InboundStream* stream = nullptr;
    std::uint16_t sequence = 1;
};

// Speakers have timers of their own: nothing of a connection is due here.
struct NoConnections final : DueTimers {
    void peer_due(Timestamp, ShardPeer&) override { FAIL("a peer"); }
    void quality_due(Timestamp, ShardPeer&) override { FAIL("quality"); }
    void down_track_due(Timestamp, OutboundTrack&) override { FAIL("a down-track"); }
    void receiver_due(Timestamp, ReceiverEntry&) override { FAIL("a receiver"); }
};

struct Stage {
    // The reports until then, with their times.
    std::vector<std::pair<std::int64_t, SpeakerLevels>> run(std::int64_t until) {
        std::vector<std::pair<std::int64_t, SpeakerLevels>> reports;
        for (; now_ms < until; ++now_ms) {
            if (now_ms % 20 == 0)
                for (Microphone* one : loud)
                    one->speak(now_ms, 12);
            while (TimerNode* node = wheel.pop_due(at_ms(now_ms)))
                static_cast<Timed*>(node->owner())->on_timer(none, at_ms(now_ms));
            while (auto event = events.poll())
                reports.emplace_back(now_ms, std::get<SpeakerLevels>(*event));
        }
        return reports;
    }
    std::int64_t now_ms = 1'010;
    NoConnections none;
    EventOutlets events{1};
    TimerWheel wheel{at_ms(1'010)};
    Speakers speakers{events, wheel};
    std::vector<Microphone*> loud;
};

TEST_CASE("Speakers: a room is reported at multiples of its interval, silence once [IN-31]") {
    Stage stage;
    Microphone one(1, 5);
    Microphone quiet(1, 6);
    stage.speakers.add(at_ms(stage.now_ms), one.receiver);
    stage.speakers.add(at_ms(stage.now_ms), quiet.receiver);
    CHECK(stage.run(1'500).empty());
    stage.loud = {&one};
    const auto spoke = stage.run(3'000);
    REQUIRE(spoke.size() >= 2);
    for (const auto& [ms, levels] : spoke) {
        CHECK(ms % 400 <= 1);  // the wheel is late by a millisecond at most
        CHECK(levels.room == RoomId(1));
        REQUIRE(levels.levels.size() == 1);
        CHECK(levels.levels.front().receiver == ReceiverId(5));
        CHECK(levels.levels.front().active);
    }
    stage.loud.clear();
    one.receiver.set_muted(Timestamp(), true);
    const auto silent = stage.run(5'000);
    REQUIRE(silent.size() == 1);
    CHECK_FALSE(silent.front().second.levels.front().active);
}

TEST_CASE("Speakers: rooms are reported apart, and no more once nobody could speak [IN-31]") {
    Stage stage;
    Microphone here(1, 5);
    Microphone there(2, 6);
    stage.speakers.add(at_ms(stage.now_ms), here.receiver);
    stage.speakers.add(at_ms(stage.now_ms), there.receiver);
    CHECK(stage.speakers.rooms() == 2);
    stage.loud = {&here, &there};
    bool both[2] = {};
    for (const auto& [ms, levels] : stage.run(3'000)) {
        REQUIRE(levels.levels.size() == 1);
        const bool first = levels.room == RoomId(1);
        CHECK(levels.levels.front().receiver == (first ? ReceiverId(5) : ReceiverId(6)));
        both[first ? 0 : 1] = true;
    }
    CHECK(both[0]);
    CHECK(both[1]);
    stage.speakers.remove(here.receiver);
    stage.speakers.remove(here.receiver);
    CHECK(stage.speakers.rooms() == 1);
    stage.speakers.remove(there.receiver);
    CHECK(stage.run(4'000).empty());
    CHECK(stage.wheel.next_deadline().is_never());
}

TEST_CASE("Speakers: an interval is never shorter than 50 ms [IN-30]") {
    for (const auto& [wanted, expected] :
         {std::pair{49, 50}, std::pair{50, 50}, std::pair{51, 51}, std::pair{0, 50}}) {
        Stage stage;
        AddReceiver config = microphone_in(1, 5);
        config.audio_level.update_interval = Duration::millis(wanted);
        Receiver receiver(config);
        stage.speakers.add(at_ms(stage.now_ms), receiver);
        const Timestamp tick = Speakers::next_tick(at_ms(stage.now_ms), Duration::millis(expected));
        CHECK(stage.wheel.next_deadline() <= tick);
        CHECK(stage.wheel.next_deadline() > at_ms(stage.now_ms));
        while (stage.wheel.pop_due(at_ms(stage.now_ms)) == nullptr)
            ++stage.now_ms;
        CHECK(at_ms(stage.now_ms) >= tick);
        CHECK(at_ms(stage.now_ms) <= tick + Duration::millis(1));
    }
    CHECK(Speakers::next_tick(at_ms(400), Duration::millis(400)) == at_ms(800));
    CHECK(Speakers::next_tick(at_ms(399), Duration::millis(400)) == at_ms(400));
}

}  // namespace
}  // namespace confab::sfu
