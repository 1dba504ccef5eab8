// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "api/whip/whip_client_info.h"

#include <doctest/doctest.h>

namespace confab::api {
namespace {

std::string tracks(std::size_t count) {
    std::string names;
    for (std::size_t i = 0; i < count; ++i)
        names += (i > 0 ? ",\"" : "\"") + std::to_string(i) + "\"";
    return R"({"subscribedParticipantTrackNames":{"a":[)" + names + "]}}";
}

}  // namespace

TEST_CASE("X-LiveKit-ClientInfo: tracks, each once; nothing and null name none [CON-62]") {
    const auto names =
        read_whip_client_info(R"({"clientIp":"203.0.113.9","subscribedParticipantTrackNames":)"
                              R"({"b":["cam","mic","cam"],"a":["x"],"c":[],"d":null},"more":[1]})");
    REQUIRE(names);
    CHECK(*names == std::vector<WhipTrackName>{{"b", "cam"}, {"b", "mic"}, {"a", "x"}});
    for (const std::string_view nothing :
         {"", "{}", R"({"clientIp":null,"subscribedParticipantTrackNames":null})",
          R"({"subscribedParticipantTrackNames":{}})"}) {
        const auto none = read_whip_client_info(nothing);
        REQUIRE_MESSAGE(none, nothing);
        CHECK(none->empty());
    }
}

TEST_CASE("X-LiveKit-ClientInfo: what is malformed is refused [CON-62]") {
    for (const std::string_view bad :
         {"x", "[]", "{", "null", R"({"clientIp":1})", R"({"subscribedParticipantTrackNames":[]})",
          R"({"subscribedParticipantTrackNames":{"a":"x"}})",
          R"({"subscribedParticipantTrackNames":{"a":[1]}})"}) {
        const auto info = read_whip_client_info(bad);
        REQUIRE_MESSAGE(!info, bad);
        CHECK(info.error().status == 400);
        CHECK(info.error().text.starts_with("malformed json in client info header: "));
    }
}

TEST_CASE("X-LiveKit-ClientInfo: too many tracks are refused, and too long a text is [CON-62]") {
    for (const std::size_t count : {kMaxAwaitedTracks - 1, kMaxAwaitedTracks}) {
        const auto names = read_whip_client_info(tracks(count));
        REQUIRE(names);
        CHECK(names->size() == count);
    }
    CHECK(!read_whip_client_info(tracks(kMaxAwaitedTracks + 1)));
    std::string text = "{}";
    text.resize(kMaxWhipClientInfo - 1, ' ');
    CHECK(read_whip_client_info(text));
    CHECK(read_whip_client_info(text += ' '));
    CHECK(!read_whip_client_info(text += ' '));
}

}  // namespace confab::api
