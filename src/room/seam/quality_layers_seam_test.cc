// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Connection quality of who publishes in several layers, some of which do not come: 02 §5.4.
#include <doctest/doctest.h>

#include "room/seam/simulcast_seam_testing.h"

namespace confab::room::testing {
namespace {

using R = livekit::SignalResponse;

struct Layered : Watched {
    // The publisher's own quality as it was told last.
    livekit::ConnectionQuality own() {
        const auto messages = w.room.of(alice, R::kConnectionQuality);
        REQUIRE_FALSE(messages.empty());
        return messages.back().connection_quality().updates(0).quality();
    }
    // The worst that it was told since the last call.
    livekit::ConnectionQuality worst() {
        livekit::ConnectionQuality lowest = livekit::EXCELLENT;
        const auto messages = w.room.of(alice, R::kConnectionQuality);
        for (; seen < messages.size(); ++seen) {
            const auto quality = messages[seen].connection_quality().updates(0).quality();
            const bool lost = quality == livekit::LOST;
            if (lost || (lowest != livekit::LOST && quality < lowest)) lowest = quality;
        }
        return lowest;
    }
    std::size_t seen = 0;
};

}  // namespace

TEST_CASE(
    "Quality: layers that the publisher was asked to stop are missed by nobody "
    "[CQ-01] [CQ-02] [DYN-01] [outside]") {
    Layered c;
    c.play(15'000);
    REQUIRE(c.own() == livekit::EXCELLENT);
    c.size(320, 180);
    c.play(7'000);
    c.camera.enabled = {0};
    c.play(40'000);
    CHECK(c.worst() == livekit::EXCELLENT);
    // Nobody looks at all.
    c.wish([](livekit::UpdateTrackSettings& settings) { settings.set_disabled(true); });
    c.play(7'000);
    c.camera.enabled = {};
    c.play(40'000);
    CHECK(c.worst() == livekit::EXCELLENT);
    // It is wanted again, and nothing comes.
    c.size(320, 180);
    c.play(30'000);
    CHECK(c.worst() == livekit::LOST);
}

TEST_CASE(
    "Quality: a layer that is wanted and does not come makes it worse, not bad "
    "[CQ-02] [outside]") {
    Layered c;
    c.play(15'000);
    REQUIRE(c.own() == livekit::EXCELLENT);
    c.camera.enabled = {0, 1};
    c.play(40'000);
    CHECK(c.worst() == livekit::GOOD);
    CHECK(c.own() == livekit::GOOD);
    c.camera.enabled = {0, 1, 2};
    c.camera.key = {2};
    c.play(60'000);
    CHECK(c.own() == livekit::EXCELLENT);
}

TEST_CASE(
    "Quality: losses of the layers of a camera are those of one track "
    "[CQ-01] [outside]") {
    Layered c;
    c.play(15'000);
    // Every fifth packet of one layer of three: some 7 % of all.
    for (int i = 0; i < 300; ++i) {
        if (i % 5 == 0) ++c.camera.streams[2].sequence;
        c.play(33);
    }
    CHECK(c.worst() == livekit::GOOD);
}

}  // namespace confab::room::testing
