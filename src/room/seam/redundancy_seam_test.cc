// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Opus that came without redundancy, and what is made of it where the configuration says so:
// 02 IN-32.
#include <doctest/doctest.h>

#include <algorithm>

#include "room/seam/call_seam_testing.h"
#include "wire/rtp/red.h"

namespace confab::room::testing {
namespace {

struct RedundancyPlan : CallPlan {
    RedundancyPlan() {
        video = false;
        red = false;
        config.active_red_encoding = true;
    }
};

// Frames of 20 ms; each octet of one says which it is.
struct Voice : SeamCall {
    explicit Voice(const CallPlan& plan) : SeamCall(plan), voice(stream(77)) {}
    Bytes next(std::size_t size = 20) {
        Bytes packet = voice.packet(Bytes(size, static_cast<std::uint8_t>(number++)));
        voice.timestamp += 960;
        return packet;
    }
    void play(int packets) {
        for (int i = 0; i < packets; ++i)
            send(next(), 20);
    }
    Stream voice;
    int number = 0;
};

wire::RedPayload red_of(const ReceivedRtp& packet) {
    REQUIRE(packet.pt == 63);
    const auto red = wire::parse_red(packet.payload);
    REQUIRE(red);
    return *red;
}

void check_block(const wire::RedBlock& block, int number, int offset) {
    CHECK(block.payload_type == 111);
    CHECK(block.timestamp_offset == offset);
    CHECK(to_vector(block.data) == Bytes(20, static_cast<std::uint8_t>(number)));
}

}  // namespace

TEST_CASE("Redundancy: with each frame go the two before it [IN-32] [outside]") {
    Voice c{RedundancyPlan{}};
    REQUIRE(c.voice.pt == 111);
    c.play(10);
    const auto heard = c.heard();
    REQUIRE(heard.size() == 10);
    for (int i = 0; i < 10; ++i) {
        const ReceivedRtp& packet = heard[static_cast<std::size_t>(i)];
        CHECK(packet.sequence == static_cast<std::uint16_t>(heard[0].sequence + i));
        CHECK(packet.timestamp == heard[0].timestamp + 960 * static_cast<std::uint32_t>(i));
        const wire::RedPayload red = red_of(packet);
        check_block(red.primary(), i, 0);
        REQUIRE(red.count == std::min(i, 2) + 1);
        if (i > 0) check_block(red.blocks[red.count - 2U], i - 1, 960);
        if (i > 1) check_block(red.blocks[red.count - 3U], i - 2, 1'920);
    }
}

TEST_CASE("Redundancy: what never came is not in it, nor what is too long ago [IN-32] [outside]") {
    Voice c{RedundancyPlan{}};
    c.play(5);
    (void)c.next();  // lost
    c.send(c.next(), 20);
    auto heard = c.heard();
    REQUIRE(heard.size() == 6);
    wire::RedPayload red = red_of(heard.back());
    REQUIRE(red.count == 2);
    check_block(red.blocks[0], 4, 1'920);
    // The encoder paused: a number goes on, the time jumps by more than a block can say.
    c.voice.timestamp += 20 * 960;
    c.send(c.next(), 20);
    heard = c.heard();
    red = red_of(heard.back());
    REQUIRE(red.count == 1);
    check_block(red.primary(), 7, 0);
    // Frames so large that a packet takes but one more, or none.
    c.send(c.next(600), 20);
    c.send(c.next(530), 20);
    c.send(c.next(1'000), 20);
    heard = c.heard();
    REQUIRE(heard.size() == 10);
    CHECK(red_of(heard[8]).count == 2);
    CHECK(red_of(heard[9]).count == 1);
    CHECK(heard[9].payload.size() == 1'001);
}

TEST_CASE("Redundancy: reports count it [IN-32] [FWD-10] [outside]") {
    Voice c{RedundancyPlan{}};
    c.play(100);
    c.report(c.voice);
    c.play(200);
    const auto reports = told_by(c.ears(), wire::parse_sender_report);
    REQUIRE(!reports.empty());
    // What left in the same millisecond did so before the report or behind it.
    std::uint32_t before = 0, with = 0;
    for (const ReceivedRtp& packet : c.heard()) {
        const auto size = static_cast<std::uint32_t>(packet.packet.size());
        if (packet.ms < reports.back().ms) before += size;
        if (packet.ms <= reports.back().ms) with += size;
    }
    const std::uint32_t told = reports.back().value.octet_count;
    CHECK((told == before || told == with));
}

TEST_CASE(
    "Redundancy: nothing of it goes again, so that no number has two contents "
    "[IN-32] [TRAP-14] [outside]") {
    Voice c{RedundancyPlan{}};
    c.play(20);
    const auto heard = c.heard();
    c.ask_again({heard[10].sequence, heard[11].sequence});
    c.run(200);
    CHECK(c.heard().size() == heard.size());
    CHECK(c.copies().empty());
}

TEST_CASE("Redundancy: the silence of a mute has a head as well [IN-32] [FWD-15] [outside]") {
    Voice c{RedundancyPlan{}};
    c.play(20);
    c.mute(true);
    c.run(1'200);
    const auto heard = c.heard();
    REQUIRE(heard.size() == 20 + 51);
    const wire::RedPayload red = red_of(heard.back());
    CHECK(red.count == 1);
    CHECK(red.primary().payload_type == 111);
    CHECK(red.primary().data.size() == 80);
}

TEST_CASE(
    "Redundancy: not where it is off, not taken, not wanted or encrypted "
    "[IN-32] [IN-43] [outside]") {
    enum class Case { kOff, kNotTaken, kUnwanted, kEncrypted };
    for (const Case one : {Case::kOff, Case::kNotTaken, Case::kUnwanted, Case::kEncrypted}) {
        CAPTURE(static_cast<int>(one));
        RedundancyPlan plan;
        if (one == Case::kOff) plan.config.active_red_encoding = false;
        if (one == Case::kNotTaken) plan.refused = {"red"};
        if (one == Case::kUnwanted)
            plan.announce = [](livekit::AddTrackRequest& add) { add.set_disable_red(true); };
        if (one == Case::kEncrypted)
            plan.announce = [](livekit::AddTrackRequest& add) {
                add.set_encryption(livekit::Encryption::GCM);
            };
        Voice c(plan);
        c.play(5);
        const auto heard = c.heard();
        REQUIRE(heard.size() == 5);
        for (const ReceivedRtp& packet : heard) {
            CHECK(packet.pt == 111);
            CHECK(packet.payload.size() == 20);
        }
    }
}

}  // namespace confab::room::testing
