// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/publish/codec_lists.h"

#include <doctest/doctest.h>

namespace confab::room {

TEST_CASE("Codecs: publish order, replacement of what is not enabled [SIG-103] [SIG-104]") {
    sdp::ClientTraits client;
    client.disabled_publish_codecs = {"video/h264"};
    const auto codecs = publish_codecs(default_codecs(), client);
    CHECK(codecs.front().mime() == "video/VP8");
    for (const auto& codec : codecs) {
        CHECK(codec.mime() != "video/rtx");
        CHECK(codec.mime() != "video/H264");
    }
    CHECK(codecs.back().mime() == "audio/red");
    CHECK(resolve_codec(default_codecs(), "vp9", livekit::VIDEO) == "video/vp9");
    CHECK(resolve_codec(default_codecs(), "theora", livekit::VIDEO) == "video/vp8");
    CHECK(resolve_codec(default_codecs(), "", livekit::AUDIO).empty());
    CHECK(codec_of("VIDEO/av1") == sfu::Codec::kAv1);
    CHECK(short_name("video/H264") == "h264");
}

}  // namespace confab::room
