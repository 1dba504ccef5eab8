// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "load/layout.h"

#include <doctest/doctest.h>

namespace confab::load {
namespace {

std::vector<OfferedTrack> videos(std::size_t count) {
    std::vector<OfferedTrack> tracks;
    tracks.reserve(count);
    for (std::size_t i = 0; i < count; ++i)
        tracks.push_back({"TR_" + std::to_string(i), "PA_" + std::to_string(i), true});
    return tracks;
}
constexpr Size kHigh{1280, 720};
constexpr Size kMedium{640, 360};
constexpr Size kLow{320, 180};

TEST_CASE("Watching: each layout has its places and its size [LKC-30]") {
    for (const auto& [layout, places, size] :
         {std::tuple{Layout::k3x3, 9U, kMedium}, std::tuple{Layout::k4x4, 16U, kLow},
          std::tuple{Layout::k5x5, 25U, kLow}}) {
        Watching watching(layout);
        const auto changes = watching.offered(videos(30));
        CHECK(changes.subscribe.size() == places);
        CHECK(changes.sizes.size() == places);
        CHECK(changes.sizes.at("TR_0") == size);
    }
}

TEST_CASE("Watching: sound takes no place [LKC-30]") {
    Watching watching(Layout::k3x3);
    auto tracks = videos(10);
    for (int i = 0; i < 5; ++i)
        tracks.push_back({"TA_" + std::to_string(i), "PA_0", false});
    CHECK(watching.offered(tracks).subscribe.size() == 14);
    CHECK(watching.wanted() == 14);
}

TEST_CASE("Watching: who has a place keeps it, and one that leaves makes room [LKC-30]") {
    Watching watching(Layout::k3x3);
    auto tracks = videos(9);
    (void)watching.offered(tracks);
    tracks.insert(tracks.begin(), {"TR_new", "PA_new", true});
    CHECK(watching.offered(tracks).empty());
    tracks.erase(tracks.begin() + 1);
    const auto changes = watching.offered(tracks);
    CHECK(changes.subscribe == std::vector<std::string>{"TR_new"});
    CHECK(changes.sizes.at("TR_new") == kMedium);
}

TEST_CASE("Watching: in the speaker layout the picture of who speaks is large [LKC-30]") {
    Watching watching(Layout::kSpeaker);
    auto changes = watching.offered(videos(8));
    CHECK(changes.subscribe.size() == 6);
    CHECK(changes.sizes.at("TR_0") == kHigh);
    CHECK(changes.sizes.at("TR_5") == kLow);
    changes = watching.speaks("PA_3");
    CHECK(changes.sizes == std::map<std::string, Size>{{"TR_0", kLow}, {"TR_3", kHigh}});
    CHECK(watching.size_of("TR_3") == kHigh);
    // One without a picture of its own here leaves things as they are.
    CHECK(watching.speaks("PA_7").empty());
}

}  // namespace
}  // namespace confab::load
