// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/participant/move_news.h"

#include <doctest/doctest.h>

#include <algorithm>

namespace confab::room {
namespace {

constexpr Timestamp at(std::int64_t seconds) {
    return Timestamp() + Duration::seconds(seconds);
}
livekit::ParticipantInfo person(const std::string& identity, const std::string& sid = {}) {
    livekit::ParticipantInfo info;
    info.set_identity(identity);
    info.set_sid(sid);
    return info;
}

}  // namespace

TEST_CASE("MoveNews: who was in the rooms that were left, each name once [API-12]") {
    MoveNews news;
    CHECK_FALSE(news.moved_since(at(0)));
    CHECK(news.gone().empty());
    news.left(at(10), {person("bob", "PA_1"), person("bob", "PA_0")});
    CHECK(news.moved_since(at(10)));
    CHECK_FALSE(news.moved_since(at(11)));
    REQUIRE(news.gone().size() == 1);
    CHECK(news.gone()[0].sid() == "PA_1");
    news.left(at(20), {person("bob", "PA_2"), person("carol")});
    CHECK(news.moved_since(at(20)));
    REQUIRE(news.gone().size() == 2);
    CHECK(news.gone()[0].sid() == "PA_2");
    CHECK(news.gone()[1].identity() == "carol");
}

TEST_CASE("MoveNews: of rooms that were left long ago nobody is named [API-12]") {
    MoveNews news;
    news.left(at(0), {person("bob")});
    news.left(at(90), {person("carol")});
    CHECK(news.gone().size() == 2);
    news.left(at(181), {person("dave")});
    REQUIRE(news.gone().size() == 1);
    CHECK(news.gone()[0].identity() == "dave");
}

TEST_CASE("MoveNews: so many are kept, who is known stays known [API-12]") {
    const auto crowd = [](std::size_t count) {
        std::vector<livekit::ParticipantInfo> all;
        all.reserve(count);
        for (std::size_t i = 0; i < count; ++i)
            all.push_back(person("p" + std::to_string(i)));
        return all;
    };
    for (const int more : {-1, 0, 1}) {
        MoveNews news;
        news.left(at(0), crowd(MoveNews::kMaxGone + static_cast<std::size_t>(more)));
        CHECK(news.gone().size() ==
              std::min(MoveNews::kMaxGone + static_cast<std::size_t>(more), MoveNews::kMaxGone));
    }
    MoveNews news;
    news.left(at(0), crowd(MoveNews::kMaxGone));
    news.left(at(1), {person("late"), person("p7", "PA_new")});
    REQUIRE(news.gone().size() == MoveNews::kMaxGone);
    std::size_t changed = 0;
    for (const livekit::ParticipantInfo& info : news.gone())
        if (info.sid() == "PA_new") ++changed;
    CHECK(changed == 1);
}

}  // namespace confab::room
