// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/participant/ended_news.h"

#include <doctest/doctest.h>

#include <string>

namespace confab::room {
namespace {

constexpr Timestamp at(std::int64_t seconds) {
    return Timestamp() + Duration::seconds(seconds);
}
livekit::DataTrackInfo data_track(const std::string& sid) {
    livekit::DataTrackInfo info;
    info.set_sid(sid);
    return info;
}

}  // namespace

TEST_CASE("EndedNews: what was surely heard is forgotten, the rest told again [SIG-44] [SIG-160]") {
    EndedNews news;
    news.track_ended(at(10), "TR_1");
    news.track_ended(at(20), "TR_2");
    news.data_track_ended(at(10), data_track("DTR_1"));
    news.data_track_ended(at(20), data_track("DTR_2"));
    EndedNews::Ended ended = news.repeat(at(30), at(20));
    CHECK(ended.tracks == std::vector<std::string>{"TR_2"});
    REQUIRE(ended.data_tracks.size() == 1);
    CHECK(ended.data_tracks[0].sid() == "DTR_2");
    CHECK_FALSE(news.has_track("TR_1"));
    CHECK_FALSE(news.has_data_track("DTR_1"));
    CHECK(news.has_track("TR_2"));
    CHECK(news.has_data_track("DTR_2"));
    // Nor may that have been heard.
    ended = news.repeat(at(40), at(30));
    CHECK(ended.tracks.size() == 1);
    CHECK(ended.data_tracks.size() == 1);
    ended = news.repeat(at(50), at(41));
    CHECK(ended.tracks.empty());
    CHECK(ended.data_tracks.empty());
}

TEST_CASE("EndedNews: kMaxTracks of each kind, the oldest one gives way [SIG-44] [IMM-15]") {
    EndedNews news;
    for (std::size_t i = 0; i < EndedNews::kMaxTracks; ++i) {
        const auto now = at(static_cast<std::int64_t>(100 - (i == 7 ? 1 : 0)));
        news.track_ended(now, "TR_" + std::to_string(i));
        news.data_track_ended(now, data_track("DTR_" + std::to_string(i)));
    }
    CHECK(news.has_track("TR_7"));
    news.track_ended(at(100), "TR_more");
    news.data_track_ended(at(100), data_track("DTR_more"));
    CHECK_FALSE(news.has_track("TR_7"));
    CHECK_FALSE(news.has_data_track("DTR_7"));
    const EndedNews::Ended ended = news.repeat(at(100), at(0));
    CHECK(ended.tracks.size() == EndedNews::kMaxTracks);
    CHECK(ended.data_tracks.size() == EndedNews::kMaxTracks);
}

}  // namespace confab::room
