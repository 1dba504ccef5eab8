// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The whole loop in virtual time: allocator, bottleneck, receiver (02 §5.1, §5.2, MC-13). A camera
// of 1.7 Mbit/s in three layers on a link that is narrow from 5 s to 60 s.
#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "sfu/congestion/link_model_testing.h"

namespace confab::sfu {
namespace {

using test::at_ms;
using test::camera;
using test::LinkModel;
using test::wish;

constexpr std::int64_t kNarrow = 5000;
constexpr std::int64_t kWide = 60'000;

// Changes of the first track within [from, until).
std::vector<LinkModel::Change> changes_in(const LinkModel& m, std::int64_t from,
                                          std::int64_t until) {
    std::vector<LinkModel::Change> out;
    for (const LinkModel::Change& change : m.changes())
        if (change.ms >= from && change.ms < until) out.push_back(change);
    return out;
}

void start(LinkModel& m, const SourceState& source) {
    m.tracks().add(wish(source));
    m.allocate();
    m.run_until(kNarrow);
}

}  // namespace

TEST_CASE(
    "closed loop: 600 kbit/s takes layers within 4 s, no pause, and gives them back [BWE-04] "
    "[BWE-06] [BWE-22] [BWE-23]") {
    const SourceState source = camera();
    for (const double queue_ms : {50.0, 100.0, 300.0, 1000.0, 2000.0}) {
        CAPTURE(queue_ms);
        LinkModel m;
        start(m, source);
        m.link() = {600'000, queue_ms};
        m.run_until(kWide);
        const auto cuts = changes_in(m, kNarrow, kWide);
        REQUIRE_FALSE(cuts.empty());
        CHECK(cuts.front().ms >= kNarrow + 1000);
        CHECK(cuts.front().ms <= kNarrow + 4000);
        CHECK(cuts.size() <= 2);  // and stays there
        CHECK(cuts.back().sent == Layer{1, 2});
        for (const LinkModel::Change& cut : cuts)
            CHECK_FALSE(cut.paused);
        m.link() = {};
        m.run_until(kWide + 30'000);
        CHECK(m.changes().back().sent == Layer{2, 2});
        CHECK_FALSE(m.bandwidth().deficient());
    }
}

TEST_CASE("closed loop: probes into a full link fail and come ever more seldom [BWE-06] [BWE-11]") {
    const SourceState source = camera();
    LinkModel m;
    start(m, source);
    m.link() = {600'000, 300};
    m.run_until(kWide);
    const auto& probes = m.probes();
    REQUIRE(probes.size() >= 7);
    std::vector<std::int64_t> waits;
    for (std::size_t i = 1; i < probes.size(); ++i)
        waits.push_back((probes[i] - probes[i - 1]) / 1000);
    // Two are too short to fill the queue.
    const std::vector<std::int64_t> expected{1, 1, 4, 6, 9, 13};
    CHECK(std::vector(waits.begin(), waits.begin() + 6) == expected);
    // The one that is due next goes well, and from there on they come each second.
    m.link() = {};
    m.run_until(kWide + 30'000);
    const auto later = std::find_if(probes.begin(), probes.end(), [](auto p) { return p > kWide; });
    REQUIRE(probes.end() - later >= 3);
    CHECK(later[1] - later[0] == 1000);
    CHECK(later[2] - later[1] == 1000);
}

TEST_CASE("closed loop: the link is used well while it is narrow [BWE-22]") {
    const SourceState source = camera();
    LinkModel m;
    start(m, source);
    m.link() = {600'000, 300};
    m.run_until(15'000);
    const std::uint64_t before = m.bytes_arrived();
    m.run_until(55'000);
    const double rate = static_cast<double>(m.bytes_arrived() - before) * 8 / 40;
    CHECK(rate > 0.8 * 500'000);  // what the best layer that fits takes
    CHECK(rate <= 600'000);
}

TEST_CASE("closed loop: too narrow for anything [BWE-04] [BWE-08] [BWE-09]") {
    const SourceState source = camera();
    BandwidthOptions options;
    SUBCASE("without pauses the lowest layer stays") {
        LinkModel m(options);
        start(m, source);
        m.link() = {60'000, 300};
        m.run_until(kWide);
        for (const LinkModel::Change& change : m.changes())
            CHECK_FALSE(change.paused);
        CHECK(m.changes().back().sent == Layer{0, 0});
        m.link() = {};
        m.run_until(kWide + 120'000);
        CHECK_FALSE(m.bandwidth().deficient());
    }
    SUBCASE("else it pauses, and returns by a probe") {
        options.allow_pause = true;
        LinkModel m(options);
        start(m, source);
        m.link() = {60'000, 300};
        m.run_until(kWide);
        const auto cuts = changes_in(m, kNarrow, 30'000);
        REQUIRE_FALSE(cuts.empty());
        bool paused = false;
        for (const LinkModel::Change& change : cuts)
            paused |= change.paused;
        CHECK(paused);
        m.link() = {};
        m.run_until(kWide + 200'000);
        CHECK_FALSE(m.changes().back().paused);
        CHECK_FALSE(m.bandwidth().deficient());
    }
}

TEST_CASE("closed loop: many tracks on one link stay within it [BWE-03] [BWE-04]") {
    std::vector<SourceState> sources(9, camera());
    LinkModel m;
    for (const SourceState& source : sources)
        m.tracks().add(wish(source, {1, 3}));
    m.allocate();
    m.run_until(kNarrow);
    CHECK(m.tracks().usage() == 9 * 500'000);
    m.link() = {2'000'000, 300};
    m.run_until(30'000);
    CHECK(m.tracks().usage() <= 2'000'000);
    CHECK(m.tracks().usage() >= 9 * 150'000);
    // One leaves, one is enlarged: still within.
    m.tracks().remove(8);
    m.allocate();
    m.tracks().demands[0].max = kTopLayer;
    m.allocate();
    m.run_until(50'000);
    CHECK(m.tracks().usage() <= 2'000'000);
    m.link() = {};
    m.run_until(150'000);
    CHECK_FALSE(m.bandwidth().deficient());
}

TEST_CASE("closed loop: the same run gives the same decisions [SIO-06]") {
    const SourceState source = camera();
    std::vector<std::vector<std::int64_t>> runs;
    for (int i = 0; i < 2; ++i) {
        LinkModel m;
        start(m, source);
        m.link() = {700'000, 200};
        m.run_until(40'000);
        runs.push_back(m.probes());
        for (const LinkModel::Change& change : m.changes())
            runs.back().push_back(change.ms);
    }
    CHECK(runs[0] == runs[1]);
}

}  // namespace confab::sfu
