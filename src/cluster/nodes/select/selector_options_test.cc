// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/nodes/select/selector_options.h"

#include <doctest/doctest.h>

#include <limits>
#include <string>

namespace confab::cluster::nodes {
namespace {

std::string error_of(const SelectorText& text, std::string_view region = "") {
    const auto options = check_selector(text, region);
    return options ? "" : options.error();
}
SelectorText with(void (*change)(SelectorText&)) {
    SelectorText text;
    text.regions = {{"eu", 50, 8}, {"us", 40, -74}};
    change(text);
    return text;
}

}  // namespace

TEST_CASE("node_selector: every word, and the defaults [NODE-05]") {
    const auto options = check_selector({}, "");
    REQUIRE(options);
    CHECK(options->kind == SelectorOptions::Kind::kAny);
    CHECK(options->sort_by == SelectorOptions::SortBy::kRandom);
    CHECK(options->algorithm == SelectorOptions::Algorithm::kLowest);
    CHECK(options->cpu_load_limit == 0.9);
    for (const char* kind : {"any", "random", "cpuload", "sysload", "regionaware"})
        for (const char* sort :
             {"random", "sysload", "cpuload", "rooms", "clients", "tracks", "bytespersec"})
            for (const char* algorithm : {"lowest", "twochoice"}) {
                SelectorText text;
                text.kind = kind;
                text.sort_by = sort;
                text.algorithm = algorithm;
                CHECK(error_of(text, "eu") == "");
            }
}

TEST_CASE("node_selector: what is wrong is said at start, with a remedy [NODE-05]") {
    CHECK(error_of(with([](SelectorText& t) { t.kind = "fastest"; })) ==
          "node_selector.kind: \"fastest\" is unknown, use one of any, random, cpuload, sysload, "
          "regionaware");
    CHECK(error_of(with([](SelectorText& t) { t.kind = ""; })) != "");
    CHECK(error_of(with([](SelectorText& t) {
              t.sort_by = "";
          })).starts_with("node_selector.sort_by"));
    CHECK(error_of(with([](SelectorText& t) { t.algorithm = "Lowest"; })) ==
          "node_selector.algorithm: \"Lowest\" is unknown, use one of lowest, twochoice");
    CHECK(error_of(with([](SelectorText& t) {
              t.cpu_load_limit = 0;
          })).starts_with("node_selector.cpu_load_limit"));
    CHECK(error_of(with([](SelectorText& t) {
              t.sysload_limit = std::numeric_limits<double>::quiet_NaN();
          })).starts_with("node_selector.sysload_limit"));
}

TEST_CASE("node_selector: regions [NODE-05]") {
    const auto aware = [](SelectorText& t) { t.kind = "regionaware"; };
    CHECK(error_of(with(aware), "eu") == "");
    CHECK(error_of(with(aware), "").starts_with("region: it is blank"));
    CHECK(error_of(with(aware), "asia").find("\"asia\"") != std::string::npos);
    CHECK(error_of(with([](SelectorText& t) { t.kind = "any"; }), "asia") == "");
    SelectorText none = with(aware);
    none.regions.clear();  // no distance step
    CHECK(error_of(none, "asia") == "");
    CHECK(error_of(none, "") != "");

    const auto bad = [](const Region& region) {
        SelectorText text;
        text.regions = {{"eu", 50, 8}, region};
        return error_of(text) != "";
    };
    CHECK_FALSE(bad({"us", 90, -180}));
    CHECK(bad({"eu", 1, 1}));
    CHECK(bad({"", 1, 1}));
    CHECK(bad({"us", 90.5, 1}));
    CHECK(bad({"us", 1, -180.5}));
    CHECK(bad({"us", std::numeric_limits<double>::quiet_NaN(), 1}));
    CHECK(bad({"us", 1, std::numeric_limits<double>::infinity()}));
    SelectorText many;
    for (std::size_t i = 0; i <= SelectorOptions::kMaxRegions; ++i)
        many.regions.push_back({"r" + std::to_string(i), 0, 0});
    CHECK(error_of(many) != "");
    many.regions.pop_back();
    CHECK(error_of(many) == "");
}

TEST_CASE("node_selector: distances on the globe [NODE-05]") {
    const Region paris{"", 48.8566, 2.3522};
    const Region new_york{"", 40.7128, -74.006};
    CHECK(distance(paris, new_york) == doctest::Approx(5'843'000).epsilon(0.001));
    CHECK(distance(paris, new_york) == distance(new_york, paris));
    CHECK(distance(paris, paris) == 0);
    // Half of the circle, and across the line where the days change.
    CHECK(distance({"", 0, 0}, {"", 0, 180}) == doctest::Approx(3.14159265 * 6'378'100));
    CHECK(distance({"", 0, 179}, {"", 0, -179}) == doctest::Approx(222'634).epsilon(0.001));
    CHECK(distance({"", 90, 0}, {"", -90, 77}) == doctest::Approx(3.14159265 * 6'378'100));
}

}  // namespace confab::cluster::nodes
