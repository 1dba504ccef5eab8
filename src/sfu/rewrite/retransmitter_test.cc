// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/rewrite/retransmitter.h"

#include <doctest/doctest.h>

#include <array>
#include <utility>
#include <vector>

#include "sfu/layers/video_layer_selector.h"

namespace confab::sfu {
namespace {

constexpr Timestamp at_ms(std::int64_t ms) {
    return Timestamp::micros(ms * 1'000);
}

AddDownTrack config_of(Codec codec, bool with_rtx) {
    AddDownTrack out;
    out.kind = kind_of(codec);
    out.ssrc = Ssrc(0x1111);
    SendCodec send;
    send.codec = codec;
    send.pt = PayloadType(96);
    if (with_rtx) {
        out.rtx_ssrc = Ssrc(0x2222);
        send.rtx_pt = PayloadType(97);
    }
    out.codecs = {send};
    return out;
}

// Number 7 000 and those behind it were sent at 0 ms, all of spatial layer 1.
struct Sent {
    explicit Sent(const AddDownTrack& config, int packets = 10) : retransmitter(config, 0, 0x9000) {
        retransmitter.take_codec(config.codecs[0], config.extensions);
        for (int i = 0; i < packets; ++i) {
            ForwardedPacket packet;
            packet.sequence = 7'000 + i;
            packet.ssrc = 0x1111;
            retransmitter.note_sent(at_ms(0), packet, 100 + i, 0, 1);
        }
        state.ssrc = 0x1111;
        state.newest = 7'000 + packets - 1;
    }
    std::size_t nack(std::vector<std::uint16_t> sequences, std::int64_t ms) {
        return retransmitter.handle_nack(sequences, at_ms(ms), state, stats, out);
    }
    Retransmitter retransmitter;
    Retransmitter::State state;
    DownTrackStats stats;
    std::array<ResendPacket, 4> out;
};

TEST_CASE("Retransmitter: needed where RTX was negotiated or audio can go again [FWD-11]") {
    CHECK(Retransmitter::needed(config_of(Codec::kVp8, true)));
    CHECK_FALSE(Retransmitter::needed(config_of(Codec::kVp8, false)));
    CHECK(Retransmitter::needed(config_of(Codec::kOpus, false)));
    AddDownTrack no_stream = config_of(Codec::kVp8, true);
    no_stream.rtx_ssrc = Ssrc(0);
    CHECK_FALSE(Retransmitter::needed(no_stream));
    AddDownTrack stamped = config_of(Codec::kOpus, false);
    stamped.extensions.abs_send_time = 3;
    CHECK_FALSE(Retransmitter::needed(stamped));
}

TEST_CASE("Retransmitter: pictures can be asked for again for longer than sound [FWD-11]") {
    for (const Codec codec : {Codec::kVp8, Codec::kOpus}) {
        Sent s(config_of(codec, true), 0);
        for (int i = 0; i < 100; ++i) {
            ForwardedPacket packet;
            packet.sequence = s.state.newest = 7'000 + i;
            s.retransmitter.note_sent(at_ms(33 * i), packet, 100 + i, 0, 0);
        }
        CHECK(s.nack({7'099 - 25}, 33 * 99) == 1);
        CHECK(s.nack({7'099 - 45}, 33 * 99) == (codec == Codec::kVp8 ? 1 : 0));
    }
}

TEST_CASE("Retransmitter: copies go on the RTX stream, as many as there is room for [FWD-11]") {
    Sent s(config_of(Codec::kVp8, true));
    REQUIRE(s.nack({7'001, 8'000, 7'002, 7'003, 7'004, 7'005}, 200) == 4);
    CHECK(s.out[0].packet.ssrc == 0x2222);
    CHECK(s.out[0].source_sequence == 101);
    for (const std::size_t i : {0U, 1U, 3U})
        complete_resend(s.out[i], {}, false);
    CHECK(s.out[0].packet.sequence == 0x9000);
    CHECK(s.out[3].packet.sequence == 0x9002);
    // They count as they are sent.
    CHECK(s.stats.resent == 3);
    CHECK(s.stats.repairs == 3);
}

TEST_CASE("Retransmitter: without an RTX stream audio goes again under its number [FWD-11]") {
    Sent s(config_of(Codec::kOpus, false));
    REQUIRE(s.nack({7'003}, 200) == 1);
    CHECK(s.out[0].packet.ssrc == 0x1111);
    CHECK(s.out[0].packet.sequence == 7'003);
    CHECK_FALSE(s.retransmitter.copy_of(7'003));
}

TEST_CASE("Retransmitter: while it is silent nothing goes and nothing is counted [FWD-11]") {
    Sent s(config_of(Codec::kVp8, true));
    s.state.silent = true;
    CHECK(s.nack({7'001}, 200) == 0);
    CHECK(s.nack({7'001}, 400) == 0);
    CHECK(s.stats.nack_repeats == 0);
    s.state.silent = false;
    CHECK(s.nack({7'001}, 600) == 1);
    CHECK(s.stats.nack_repeats == 0);
}

TEST_CASE("Retransmitter: copies of what was sent again before are repeats [BWE-21] [FWD-11]") {
    Sent s(config_of(Codec::kVp8, true));
    s.state.rtt = Duration::millis(40);
    const auto asked_at = [&](std::int64_t ms) {
        const std::size_t count = s.nack({7'001}, ms);
        return std::pair(count, s.stats.nack_repeats);
    };
    using Row = std::pair<std::size_t, std::uint64_t>;
    CHECK(asked_at(200) == Row(1, 0));  // lost once
    CHECK(asked_at(201) == Row(0, 0));  // while its copy may be on its way
    CHECK(asked_at(300) == Row(1, 1));
    CHECK(asked_at(400) == Row(1, 2));
    CHECK(asked_at(500) == Row(0, 2));  // none goes any more
    CHECK(s.nack({7'002, 7'003, 7'999}, 600) == 2);
    CHECK(s.stats.nack_repeats == 2);
}

TEST_CASE("Retransmitter: layers that are about to be left are not repaired [FWD-11]") {
    Sent s(config_of(Codec::kVp8, true));
    VideoLayerSelector selector;
    selector.layers().current = {1, 0};
    selector.layers().target = {0, 0};
    selector.set_deficient(true);
    s.state.layers = &selector;
    CHECK(s.nack({7'001}, 200) == 0);
    selector.set_deficient(false);
    CHECK(s.nack({7'001}, 400) == 1);
}

TEST_CASE(
    "Retransmitter: who asks after all copies were lost is stuck, each two seconds [FWD-11]") {
    Sent s(config_of(Codec::kVp8, true));
    VideoLayerSelector selector;
    s.state.layers = &selector;
    for (const std::int64_t ms : {200, 310, 420})
        REQUIRE(s.nack({7'001}, ms) == 1);
    // The last copy may still come.
    CHECK(s.nack({7'001}, 719) == 0);
    CHECK_FALSE(s.retransmitter.take_stuck(at_ms(719)));
    CHECK(s.nack({7'001}, 720) == 0);
    CHECK(s.retransmitter.take_stuck(at_ms(720)));
    CHECK_FALSE(s.retransmitter.take_stuck(at_ms(3'000)));  // nobody asked since
    CHECK(s.nack({7'001}, 2'719) == 0);
    CHECK_FALSE(s.retransmitter.take_stuck(at_ms(2'719)));
    CHECK(s.nack({7'001}, 2'720) == 0);
    CHECK(s.retransmitter.take_stuck(at_ms(2'720)));
    // What can be had is sent all the same.
    CHECK(s.nack({7'001, 7'002}, 2'800) == 1);
}

TEST_CASE("Retransmitter: sound is never stuck [FWD-11]") {
    Sent s(config_of(Codec::kOpus, true));
    for (const std::int64_t ms : {200, 310, 420})
        REQUIRE(s.nack({7'001}, ms) == 1);
    CHECK(s.nack({7'001}, 2'000) == 0);
    CHECK_FALSE(s.retransmitter.take_stuck(at_ms(2'000)));
}

TEST_CASE("Retransmitter: one NACK makes it look at a bounded list [FWD-11]") {
    for (const std::size_t before : {Retransmitter::kMaxNacked - 1, Retransmitter::kMaxNacked}) {
        Sent s(config_of(Codec::kVp8, true));
        std::vector<std::uint16_t> sequences(before, 20'000);  // never sent
        sequences.push_back(7'001);
        CHECK(s.nack(sequences, 200) == (before < Retransmitter::kMaxNacked ? 1 : 0));
    }
}

TEST_CASE("Retransmitter: copies of a former source's packets are not to be had [DYN-05]") {
    Sent s(config_of(Codec::kVp8, true));
    REQUIRE(s.retransmitter.copy_of(7'001));
    CHECK_FALSE(s.retransmitter.copy_of(6'999));
    s.retransmitter.clear();
    CHECK_FALSE(s.retransmitter.copy_of(7'001));
    CHECK(s.nack({7'001}, 200) == 0);
}

}  // namespace
}  // namespace confab::sfu
