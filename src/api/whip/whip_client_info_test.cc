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

TEST_CASE("X-LiveKit-ClientInfo: address and tracks; nothing and null say nothing [CON-62]") {
    const auto info = read_whip_client_info(
        R"({"clientIp":"203.0.113.9","subscribedParticipantTrackNames":{"b":["cam","mic"],"a":["x"],"c":[]}})");
    REQUIRE(info);
    CHECK(info->client_address == "203.0.113.9");
    CHECK(info->awaited == std::vector<WhipTrackName>{{"b", "cam"}, {"b", "mic"}, {"a", "x"}});
    for (const std::string_view nothing :
         {"", "{}", R"({"clientIp":null,"subscribedParticipantTrackNames":null})",
          R"({"clientIp":"no address"})", R"({"subscribedParticipantTrackNames":{}})"}) {
        const auto none = read_whip_client_info(nothing);
        REQUIRE_MESSAGE(none, nothing);
        CHECK(none->client_address.empty());
        CHECK(none->awaited.empty());
    }
}

TEST_CASE("X-LiveKit-ClientInfo: what is malformed is refused, and too many tracks are [CON-62]") {
    for (const std::string_view bad :
         {"x", "[]", "{", R"({"clientIp":1})", R"({"subscribedParticipantTrackNames":[]})",
          R"({"subscribedParticipantTrackNames":{"a":"x"}})",
          R"({"subscribedParticipantTrackNames":{"a":[1]}})"}) {
        const auto info = read_whip_client_info(bad);
        REQUIRE_MESSAGE(!info, bad);
        CHECK(info.error().status == 400);
        CHECK(info.error().text.starts_with("malformed json in client info header: "));
    }
    for (const std::size_t count : {kMaxAwaitedTracks - 1, kMaxAwaitedTracks})
        CHECK(read_whip_client_info(tracks(count))->awaited.size() == count);
    CHECK(!read_whip_client_info(tracks(kMaxAwaitedTracks + 1)));
}

}  // namespace confab::api
