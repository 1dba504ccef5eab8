// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/scope/room_codecs.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

namespace confab::room {
namespace {

std::string names(const CodecList& codecs) {
    std::string result;
    for (const sdp::EnabledCodec& codec : codecs)
        result += codec.mime + ' ' + codec.fmtp + ';';
    return result;
}

std::string names(const RoomCodecs::Shown& codecs) {
    std::string result;
    for (const livekit::Codec& codec : codecs)
        result += codec.mime() + ' ' + codec.fmtp_line() + ';';
    return result;
}

TEST_CASE("a room without configured codecs has the default ones [ROOM-08]") {
    constexpr std::string_view kDefault =
        "audio/PCMU ;audio/PCMA ;audio/opus ;audio/red ;video/VP8 ;video/H264 ;video/VP9 ;"
        "video/AV1 ;video/H265 ;video/rtx ;";
    RoomCodecs codecs;
    CHECK(names(codecs.current()) == kDefault);
    codecs.use({{"audio/opus", ""}});
    codecs.use({});
    CHECK(names(codecs.current()) == kDefault);
}

TEST_CASE("configured codecs stay as they are, and video/rtx is among them once [ROOM-08]") {
    RoomCodecs codecs;
    codecs.use({{"audio/opus", ""}, {"video/H264", "a=b"}});
    CHECK(names(codecs.current()) == "audio/opus ;video/H264 a=b;video/rtx ;");
    CHECK(names(codecs.shown()) == names(codecs.current()));
    codecs.use({{"video/rtx", "x"}, {"video/VP8", ""}});
    CHECK(names(codecs.current()) == "video/rtx x;video/VP8 ;");
}

TEST_CASE("a room's codecs stay what they were, however often the configuration changes") {
    RoomCodecs codecs;
    const CodecList& first = codecs.current();
    const RoomCodecs::Shown& shown = codecs.shown();
    const std::string before = names(first);
    for (int i = 0; i < 100; ++i)
        codecs.use({{"audio/opus", std::to_string(i)}});
    CHECK(names(first) == before);
    CHECK(names(shown) == before);
    CHECK(names(codecs.shown()) == names(codecs.current()));
    codecs.use({});
    CHECK(&codecs.current() == &first);  // the same again is not kept twice
    CHECK(&codecs.shown() == &shown);
}

}  // namespace
}  // namespace confab::room
