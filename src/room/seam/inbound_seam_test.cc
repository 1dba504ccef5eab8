// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Streams of a publisher, packet by packet, up to what its subscriber gets: numbers, padding,
// repairs, codecs: 02 §3.1.
#include <doctest/doctest.h>

#include <set>

#include "room/seam/call_seam_testing.h"

namespace confab::room::testing {
namespace {

// Frames of one packet, told apart by their last octet.
Bytes frame(int number) {
    return vp8_payload(number == 0, static_cast<std::uint8_t>(number), 300);
}
int number_of(const ReceivedRtp& packet) {
    return packet.payload.empty() ? -1 : packet.payload.back();
}
std::vector<int> numbers_of(const std::vector<ReceivedRtp>& packets) {
    std::vector<int> result;
    result.reserve(packets.size());
    for (const ReceivedRtp& packet : packets)
        result.push_back(number_of(packet));
    return result;
}
std::vector<int> from_to(int first, int last) {
    std::vector<int> result;
    for (int i = first; i <= last; ++i)
        result.push_back(i);
    return result;
}

struct OneCamera : SeamCall {
    explicit OneCamera(const CallPlan& plan = {}) : SeamCall(plan), camera(stream(77)) {}
    Bytes next() {
        Bytes packet = camera.packet(frame(shown++));
        camera.timestamp += 3000;
        return packet;
    }
    void play(int frames, std::int64_t interval = 33) {
        for (int i = 0; i < frames; ++i)
            send(next(), interval);
    }
    // In RTX: the number that was lost, and what was in its packet.
    Bytes repair(Stream& rtx, std::uint16_t lost, BytesView payload, std::uint32_t timestamp) {
        Bytes body{static_cast<std::uint8_t>(lost >> 8), static_cast<std::uint8_t>(lost)};
        body.insert(body.end(), payload.begin(), payload.end());
        rtx.timestamp = timestamp;
        return rtx.packet(body);
    }
    Stream camera;
    int shown = 0;
};

}  // namespace

TEST_CASE(
    "Inbound: numbers and times run over their bounds, each packet goes on once "
    "[IN-01] [FWD-01] [outside]") {
    OneCamera c;
    c.camera.sequence = 65'500;
    c.camera.timestamp = 0xFFFF'0000;
    const std::uint32_t first_time = c.camera.timestamp;
    c.play(50);
    const Bytes twice = c.next();
    c.send(twice, 10);
    c.send(twice, 23);
    const Bytes early = c.next();
    c.send(c.next(), 5);
    c.send(early, 28);
    c.play(47);
    auto heard = c.heard();
    REQUIRE(heard.size() == 100);
    // The first number as it is, but for one so near to the end that losing it and what follows
    // would look like the end of a cycle to who decrypts (SRTP-04).
    constexpr int kFirst = 65'500 - 0x8000;
    CHECK(heard[0].sequence == kFirst);
    CHECK(heard[0].timestamp == first_time);
    for (const ReceivedRtp& packet : heard) {
        const int n = number_of(packet);
        CHECK(packet.sequence == static_cast<std::uint16_t>(kFirst + n));
        CHECK(packet.timestamp == first_time + static_cast<std::uint32_t>(n) * 3000);
    }
    CHECK(numbers_of({heard.begin() + 49, heard.begin() + 54}) == std::vector{49, 50, 52, 51, 53});

    // Late is what was not seen yet, as long as its place is known; then it is nothing.
    const Bytes late = c.next();
    c.play(10, 1);
    c.send(late, 5);
    CHECK(number_of(c.heard().back()) == 100);
    const Bytes too_late = c.next();
    c.play(1'100, 1);
    const std::size_t before = c.heard().size();
    c.send(too_late, 5);
    CHECK(c.heard().size() == before);
}

TEST_CASE("Inbound: padding leaves no hole, what is late fills its place [IN-02] [outside]") {
    OneCamera c;
    c.play(5);
    for (int i = 0; i < 3; ++i)
        c.send(c.camera.packet({}, false, 255), 5);
    c.play(5);
    auto heard = c.heard();
    CHECK(numbers_of(heard) == from_to(0, 9));
    for (std::size_t i = 1; i < heard.size(); ++i)
        CHECK(heard[i].sequence == static_cast<std::uint16_t>(heard[0].sequence + i));
    // Its place was kept before it was known to be padding.
    const Bytes padding = c.camera.packet({}, false, 255);
    c.play(1);
    c.send(padding, 5);
    c.send(padding, 5);
    c.play(1);
    heard = c.heard();
    REQUIRE(heard.size() == 13);
    CHECK(numbers_of({heard.begin() + 10, heard.end()}) == std::vector{10, -1, 11});
    CHECK(heard[11].sequence == static_cast<std::uint16_t>(heard[10].sequence - 1));
    CHECK(heard[12].sequence == static_cast<std::uint16_t>(heard[10].sequence + 1));
}

TEST_CASE("Inbound: repairs fill holes once, and nothing else [IN-03] [IN-04] [outside]") {
    OneCamera c;
    Stream rtx = c.repair_of(c.camera, 78);
    // Nothing begins with a repair.
    c.send(c.repair(rtx, c.camera.sequence, frame(0), c.camera.timestamp), 20);
    CHECK(c.heard().empty());
    c.play(5);
    REQUIRE(c.heard().size() == 5);

    const std::uint16_t lost = c.camera.sequence;
    const std::uint32_t lost_time = c.camera.timestamp;
    (void)c.next();
    c.play(2);
    // The hole is told with the packet that shows it, once 20 ms have passed.
    const auto asked = told_by(c.publisher(), wire::parse_nack);
    REQUIRE(asked.size() >= 1);
    CHECK(asked[0].value.media_ssrc == c.camera.ssrc);
    CHECK(asked[0].value.sender_ssrc == c.camera.ssrc);
    CHECK(asked[0].value.entry(0).packet_id == lost);

    Stream stranger = rtx;
    stranger.pt = 99;
    stranger.ssrc = 79;
    c.send(c.repair(stranger, lost, frame(5), lost_time), 5);
    CHECK(c.heard().size() == 7);
    c.send(c.repair(rtx, lost, {}, lost_time), 5);  // says a number, and brings nothing
    CHECK(c.heard().size() == 7);
    for (int i = 0; i < 3; ++i)
        c.send(c.repair(rtx, lost, frame(5), lost_time), 5);
    auto heard = c.heard();
    REQUIRE(heard.size() == 8);
    CHECK(number_of(heard.back()) == 5);
    CHECK(heard.back().sequence == static_cast<std::uint16_t>(heard[4].sequence + 1));
    CHECK(heard.back().timestamp == lost_time);
    CHECK(heard.back().pt == heard[0].pt);
    // Of what arrived, a copy is a probe.
    c.send(c.repair(rtx, static_cast<std::uint16_t>(lost + 1), frame(6), lost_time + 3000), 5);
    CHECK(c.heard().size() == 8);
    const std::size_t asked_so_far = told_by(c.publisher(), wire::parse_nack).size();
    c.run(2'000);  // no storm where nothing comes
    CHECK(told_by(c.publisher(), wire::parse_nack).size() <= asked_so_far);
    // A hole that stays one is one for the subscriber too.
    (void)c.next();
    c.play(3);
    heard = c.heard();
    REQUIRE(heard.size() == 11);
    CHECK(heard[8].sequence == static_cast<std::uint16_t>(heard[6].sequence + 2));
}

TEST_CASE("Inbound: a codec that was not the first of the answer is silent [IN-12] [outside]") {
    for (const bool red : {false, true}) {
        CAPTURE(red);
        CallPlan plan;
        plan.video = false;
        plan.announce = [&](livekit::AddTrackRequest& add) { add.set_disable_red(!red); };
        SeamCall c(plan);
        Stream microphone = c.stream(77);
        const std::uint8_t answered = microphone.pt;
        CHECK(answered == (red ? 63 : 111));
        microphone.pt = red ? 111 : 63;
        for (int i = 0; i < 60; ++i) {
            microphone.once = {{microphone.ids.audio_level, Bytes{0x80 | 10}}};
            const Bytes opus{0x78, 1, 2, 3};
            const Bytes in_red{0x6F, 0x78, 1, 2, 3};
            c.send(microphone.packet(red ? opus : in_red, false), 20);
            microphone.timestamp += 960;
        }
        // It counts as speaking all the same.
        const auto speakers = c.w.room.of(c.bob, livekit::SignalResponse::kSpeakersChanged);
        CHECK_FALSE(speakers.empty());
        // Opus of a publisher that was answered RED goes on: differences.md.
        CHECK(c.heard().size() == (red ? 60 : 0));
    }
}

TEST_CASE(
    "Inbound: the first key frame of each layer goes on, with the report before it "
    "[IN-13] [IN-50] [FWD-02] [outside]") {
    CallPlan plan;
    plan.rids = {"q", "h", "f"};
    SeamCall c(plan);
    std::vector<Stream> layers;
    layers.reserve(3);
    for (std::size_t i = 0; i < 3; ++i)
        layers.push_back(c.stream(100 + static_cast<std::uint32_t>(i), plan.rids[i]));
    const auto payload = [](std::size_t layer, int frame) {
        return vp8_payload(frame == 0,
                           static_cast<std::uint8_t>(layer << 6 | static_cast<std::size_t>(frame)),
                           400);
    };
    // The top layer comes 300 ms behind the others, its report at once with its first packet.
    int shown[3] = {0, 0, 0};
    for (int tick = 0; tick < 30; ++tick) {
        for (std::size_t i = 0; i < 3; ++i) {
            Stream& s = layers[i];
            s.timestamp += 3000;
            if (i == 2 && tick < 9) continue;
            if (shown[i] == 0) c.report(s);
            s.named = shown[i] < 10;  // until the first report on it, as Chromium does
            c.send(s.packet(payload(i, shown[i]++)));
        }
        c.run(33);
    }
    const auto heard = c.heard();
    // A frame each time, and one more where a larger layer takes over.
    REQUIRE(heard.size() == 32);
    for (std::size_t i = 1; i < heard.size(); ++i) {
        CHECK(heard[i].sequence == static_cast<std::uint16_t>(heard[0].sequence + i));
        const std::uint32_t step = heard[i].timestamp - heard[i - 1].timestamp;
        CHECK((step == 1 || step == 3000 || step == 2999));
    }
    CHECK(number_of(heard[0]) == 0);
    CHECK(number_of(heard[1]) == 1 << 6);
    // From its first packet on the top layer is shown, without waiting for another key frame.
    for (std::size_t i = 11; i < heard.size(); ++i)
        CHECK(number_of(heard[i]) == (2 << 6 | static_cast<int>(i - 11)));
    CHECK(c.w.world.shards[0]->snapshot().rtp_unknown_ssrc == 0);
}

TEST_CASE("Inbound: repeated packets of probes are no repairs [IN-52] [outside]") {
    CallPlan plan;
    plan.rids = {"q", "h", "f"};
    SeamCall c(plan);
    Stream low = c.stream(100, "q");
    Stream high_probe = c.repair_of(c.stream(102, "f"), 202);
    Stream low_probe = c.repair_of(low, 200);
    // Padding on the RTX stream of a layer that does not send yet.
    high_probe.timestamp = 0;
    c.send(high_probe.packet({}, false, 255), 5);
    for (int i = 0; i < 30; ++i) {
        const Bytes body = frame(i);
        const std::uint16_t number = low.sequence;
        low.timestamp += 3000;
        c.send(low.packet(body), 1);
        for (int copy = 0; copy < 10; ++copy) {
            Bytes again{static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number)};
            again.insert(again.end(), body.begin(), body.end());
            low_probe.timestamp = low.timestamp;
            c.send(low_probe.packet(again));
        }
        c.run(32);
    }
    CHECK(numbers_of(c.heard()) == from_to(0, 29));
    CHECK(told_by(c.publisher(), wire::parse_nack).empty());
    for (const auto& report : told_by(c.publisher(), wire::parse_receiver_report))
        for (std::size_t i = 0; i < report.value.blocks.size(); ++i)
            CHECK(report.value.blocks[i].cumulative_lost == 0);
}

}  // namespace confab::room::testing
