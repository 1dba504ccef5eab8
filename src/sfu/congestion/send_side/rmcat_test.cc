// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What must hold of our own estimate in each scenario of RFC 8867 §5 and each profile of 02 §11;
// the bench prints the figures (`./dev bench bwe`). Bounds leave room for other seeds.
#include <doctest/doctest.h>

#include <algorithm>
#include <string_view>

#include "sfu/congestion/send_side/rmcat_scenarios_testing.h"

namespace confab::sfu {
namespace {

using test::Outcome;
using test::Scenario;

const Scenario& find(const std::vector<Scenario>& all, std::string_view id) {
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const Scenario& s) { return s.id == id; });
    REQUIRE(found != all.end());
    return *found;
}

Outcome run(std::string_view id, bool send_side = true) {
    const auto all = id.front() == 'N' ? test::profile_scenarios() : test::rmcat_scenarios();
    return test::run_scenario(find(all, id), send_side, 3);
}

double received(const Outcome& o, std::size_t flow, std::size_t from, std::size_t until) {
    double sum = 0;
    for (std::size_t s = from; s < until; ++s)
        sum += static_cast<double>(o.seconds[flow][s].received);
    return sum / static_cast<double>(until - from);
}

}  // namespace

TEST_CASE("RMCAT 5.1: one flow follows its link up and down [BWE-34]") {
    const Outcome o = run("5.1");
    CHECK(o.utilisation > 0.65);
    CHECK(o.delay_p50_ms < 30);
    CHECK(o.loss < 0.06);
    CHECK(o.audio_loss < 0.01);
    CHECK(received(o, 0, 63, 80) < 600'000);
    CHECK(received(o, 0, 63, 80) > 400'000);
}

TEST_CASE("RMCAT 5.2, 5.4, 5.8: flows of one kind share, and none starves") {
    for (const std::string_view id : {"5.2", "5.4", "5.8"}) {
        CAPTURE(id);
        const Outcome o = run(id);
        CHECK(o.utilisation > 0.75);
        CHECK(o.fairness > 0.55);
        CHECK(o.delay_p50_ms < 100);
        CHECK(o.loss < 0.06);
        CHECK(o.audio_loss < 0.01);
    }
}

TEST_CASE("RMCAT 5.3: seldom feedback makes it slow, not wrong") {
    const Outcome o = run("5.3");
    CHECK(o.utilisation > 0.55);
    CHECK(o.loss < 0.08);
    CHECK(o.audio_loss < 0.02);
}

TEST_CASE("RMCAT 5.5: those far away get a share, too") {
    const Outcome o = run("5.5");
    CHECK(o.utilisation > 0.75);
    CHECK(o.fairness > 0.5);
    for (std::size_t flow = 0; flow < o.seconds.size(); ++flow)
        CHECK(received(o, flow, 100, 150) > 200'000);
}

TEST_CASE("RMCAT 5.6, 5.7: beside TCP neither starves") {
    for (const std::string_view id : {"5.6", "5.7"}) {
        CAPTURE(id);
        const Outcome o = run(id);
        CHECK(o.utilisation > 0.2);
        CHECK(o.tcp_share > 0.3);
        CHECK(o.tcp_share < 0.75);
        CHECK(o.loss < 0.08);
        CHECK(o.audio_loss < 0.02);
    }
}

TEST_CASE("Profiles N1, N2, N3, N6, N7: what is no congestion takes little or nothing [MC-13]") {
    for (const std::string_view id : {"N1", "N2", "N3", "N6", "N7"}) {
        CAPTURE(id);
        const Outcome o = run(id);
        CHECK(o.utilisation > (id == "N2" ? 0.75 : 0.97));
        CHECK(o.changes_per_minute <= (id == "N2" ? 4 : 0));
        CHECK(o.last_usage == 1'700'000);
    }
}

TEST_CASE(
    "Profiles N4, N5: cut, kept and given back; audio whole, less loss and delay than by REMB "
    "[MC-13]") {
    for (const std::string_view id : {"N4", "N5"}) {
        CAPTURE(id);
        const Outcome o = run(id);
        const double rate = id == "N4" ? 600'000 : 150'000;
        CHECK(received(o, 0, 13, 60) < rate);
        CHECK(received(o, 0, 13, 60) > 0.75 * rate);
        CHECK(o.audio_loss < 0.01);
        CHECK(o.converge_s <= 30);
        CHECK(o.last_usage == 1'700'000);
        // Down, up again in steps, and no more than two a minute between.
        CHECK(o.changes_per_minute <= 5);
        const Outcome remb = run(id, false);
        CHECK(o.utilisation > (id == "N4" ? 0.92 : 0.94));
        CHECK(remb.utilisation > (id == "N4" ? 0.93 : 0.87));
        if (id == "N5") CHECK(o.utilisation > remb.utilisation);
        CHECK(o.loss < remb.loss);
        CHECK(o.delay_p95_ms < remb.delay_p95_ms);
    }
}

// A probe after failures is up to 7 s away: how soon all is back depends on when the release
// comes.
TEST_CASE("Profile N5: whenever the link becomes wide again, it is found to be [MC-13]") {
    constexpr std::int64_t kReleases = 16;
    const auto all = test::profile_scenarios();
    double sum = 0;
    for (std::int64_t later = 0; later < kReleases; ++later) {
        Scenario scenario = find(all, "N5");
        scenario.rates.back().ms += later * 1000;
        const Outcome o = test::run_scenario(scenario, true, 3);
        CAPTURE(later);
        CHECK(o.converge_s <= 12);
        CHECK(o.utilisation > 0.78);
        CHECK(o.changes_per_minute <= 5);
        sum += o.utilisation;
    }
    CHECK(sum / kReleases > 0.86);
}

}  // namespace confab::sfu
