// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/forward/send_codecs.h"

#include <doctest/doctest.h>

namespace confab::sfu {
namespace {

SendCodec codec_of(Codec codec, std::uint8_t pt) {
    SendCodec out;
    out.codec = codec;
    out.pt = PayloadType(pt);
    return out;
}

TEST_CASE("SendCodecs: what is taken goes on as it is, RED as opus where only that is [IN-32]") {
    const SendCodecs both({codec_of(Codec::kRed, 63), codec_of(Codec::kOpus, 111)}, false);
    REQUIRE(both.choose(Codec::kRed).codec != nullptr);
    CHECK(both.choose(Codec::kRed).codec->pt == PayloadType(63));
    CHECK_FALSE(both.choose(Codec::kRed).down_convert);

    const SendCodecs plain({codec_of(Codec::kOpus, 111)}, false);
    REQUIRE(plain.choose(Codec::kRed).codec != nullptr);
    CHECK(plain.choose(Codec::kRed).codec->pt == PayloadType(111));
    CHECK(plain.choose(Codec::kRed).down_convert);
    CHECK_FALSE(plain.choose(Codec::kOpus).down_convert);
}

TEST_CASE("SendCodecs: what is not taken, and encrypted RED, goes to nobody [IN-09] [IN-43]") {
    const SendCodecs plain({codec_of(Codec::kOpus, 111)}, false);
    CHECK(plain.choose(Codec::kVp8).codec == nullptr);
    const SendCodecs video({codec_of(Codec::kVp8, 96)}, false);
    CHECK(video.choose(Codec::kRed).codec == nullptr);
    const SendCodecs encrypted({codec_of(Codec::kOpus, 111)}, true);
    CHECK(encrypted.choose(Codec::kRed).codec == nullptr);
    CHECK(encrypted.choose(Codec::kOpus).codec != nullptr);
}

}  // namespace
}  // namespace confab::sfu
