// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/rewrite/rtx_stream.h"

#include <doctest/doctest.h>

namespace confab::sfu {
namespace {

SendCodec codec_of(Codec codec, std::optional<PayloadType> rtx, bool nack = true) {
    SendCodec send;
    send.codec = codec;
    send.pt = PayloadType(96);
    send.rtx_pt = rtx;
    send.nack = nack;
    return send;
}

TEST_CASE("RtxStream: answers with a type and an SSRC of its own, or audio as it was [FWD-11]") {
    const SendExtensions plain;
    SendExtensions stamped;
    stamped.transport_cc = 3;
    const auto of = [](std::uint32_t ssrc, const SendCodec& codec, const SendExtensions& ids) {
        RtxStream rtx(ssrc, 0);
        rtx.take_codec(codec, ids);
        return rtx;
    };
    const SendCodec video = codec_of(Codec::kVp8, PayloadType(97));
    CHECK(of(7, video, stamped).negotiated());
    CHECK_FALSE(of(0, video, stamped).answers());
    CHECK_FALSE(of(7, codec_of(Codec::kVp8, std::nullopt), plain).answers());
    const RtxStream audio = of(0, codec_of(Codec::kOpus, std::nullopt), plain);
    CHECK(audio.answers());
    CHECK_FALSE(audio.negotiated());
    CHECK_FALSE(of(0, codec_of(Codec::kOpus, std::nullopt), stamped).answers());
    CHECK_FALSE(of(0, codec_of(Codec::kOpus, std::nullopt, false), plain).answers());
}

TEST_CASE("RtxStream: a copy has the original number before its descriptor [FWD-11]") {
    RtxStream rtx(7, 0x8000);
    rtx.take_codec(codec_of(Codec::kVp8, PayloadType(97)), {});
    Sequencer::Found found;
    found.source_sequence = 1'234;
    found.stream = 2;
    found.packet.prefix_size = 2;
    found.packet.prefix = {0xAA, 0xBB};
    ResendPacket copy = rtx.copy_of(found, 0x0102);
    CHECK(copy.packet.rtx);
    CHECK(copy.packet.ssrc == 7);
    CHECK(copy.packet.payload_type == 97);
    CHECK(copy.packet.prefix_size == 4);
    CHECK(copy.packet.prefix == std::array<std::uint8_t, 8>{1, 2, 0xAA, 0xBB});
    CHECK(copy.source_sequence == 1'234);
    CHECK(copy.stream == 2);
    // What is never sent uses up no number.
    ResendPacket another = rtx.copy_of(found, 0x0102);
    complete_resend(another, {}, false);
    complete_resend(copy, {}, false);
    CHECK(another.packet.sequence == 0x8000);
    CHECK(copy.packet.sequence == 0x8001);
}

TEST_CASE("RtxStream: the same again has its own number, beyond a wrap too [FWD-11] [TRAP-14]") {
    const Sequencer::Found found;
    const std::int64_t newest = 0x2'0003;
    CHECK(RtxStream::same_again(found, 0x0003, 9, newest).packet.sequence == newest);
    CHECK(RtxStream::same_again(found, 0xFFFE, 9, newest).packet.sequence == newest - 5);
    CHECK(RtxStream::same_again(found, 0xFFFE, 9, newest).packet.ssrc == 9);
}

}  // namespace
}  // namespace confab::sfu
