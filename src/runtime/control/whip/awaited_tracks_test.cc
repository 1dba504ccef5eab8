// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/whip/awaited_tracks.h"

#include <doctest/doctest.h>

#include <map>

namespace confab::control {
namespace {

using Sids = std::vector<std::string>;

struct Bench {
    std::map<std::string, room::NamedTracks> there;  // by identity/track
    AwaitedTracks awaited{{{"a", "cam"}, {"b", "mic"}}};
    AwaitedTracks::Find find = [this](const api::WhipTrackName& name) {
        const auto found = there.find(name.identity + "/" + name.track);
        return found == there.end() ? room::NamedTracks{} : found->second;
    };
};

}  // namespace

TEST_CASE("AwaitedTracks: what is published is asked for until it is subscribed to [CON-62]") {
    Bench bench;
    CHECK(bench.awaited.look(bench.find).empty());
    CHECK(!bench.awaited.subscribed());
    CHECK(bench.awaited.missing() == "a/cam, b/mic");
    bench.there["a/cam"] = {{"TR_1", "TR_2"}, false, false};
    for (int i = 0; i < 2; ++i)
        CHECK(bench.awaited.look(bench.find) == Sids{"TR_1"});
    bench.there["a/cam"].subscribed = true;
    bench.there["a/mic"] = bench.there["b/cam"] = {{"TR_3"}, true, true};
    CHECK(bench.awaited.look(bench.find).empty());
    CHECK(bench.awaited.missing() == "b/mic");
    CHECK(!bench.awaited.subscribed());
    bench.there["b/mic"] = {{"TR_4"}, true, false};
    CHECK(bench.awaited.look(bench.find).empty());
    CHECK(bench.awaited.subscribed());
    CHECK(bench.awaited.missing().empty());
}

TEST_CASE("AwaitedTracks: what has gone again is missing [CON-62]") {
    Bench bench;
    bench.there["a/cam"] = {{"TR_1"}, true, false};
    (void)bench.awaited.look(bench.find);
    CHECK(bench.awaited.missing() == "b/mic");
    bench.there.erase("a/cam");
    bench.there["b/mic"] = {{"TR_4"}, true, false};
    (void)bench.awaited.look(bench.find);
    CHECK(bench.awaited.missing() == "a/cam");
}

TEST_CASE("AwaitedTracks: what is subscribed to may still lack a section [CON-62]") {
    Bench bench;
    bench.there["a/cam"] = {{"TR_1"}, true, true};
    bench.there["b/mic"] = {{"TR_4"}, true, false};
    CHECK(!bench.awaited.bound(bench.find));
    CHECK(bench.awaited.missing() == "b/mic");
    bench.there["b/mic"].bound = true;
    CHECK(bench.awaited.bound(bench.find));
}

}  // namespace confab::control
