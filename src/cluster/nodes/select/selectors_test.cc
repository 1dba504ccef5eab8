// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/nodes/select/selectors.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <string>

namespace confab::cluster::nodes {
namespace {

struct Shape {
    std::string id;
    float cpu = 0;
    float load = 0;  // of a minute, on two CPUs
    int rooms = 0;
    int clients = 0;
    int tracks = 0;
    float bytes = 0;
    std::string region{};
};
struct Field {
    NodeRecord& add(const Shape& shape) {
        NodeRecord& record = records.emplace_back();
        record.id = shape.id;
        record.region = shape.region;
        record.num_cpus = 2;
        NodeFigures& figures = record.stats.emplace().figures;
        figures.cpu_load = shape.cpu;
        figures.load_avg_1min = shape.load;
        figures.num_rooms = shape.rooms;
        figures.num_clients = shape.clients;
        figures.num_tracks_in = shape.tracks / 2;
        figures.num_tracks_out = shape.tracks - shape.tracks / 2;
        record.stats->rates.emplace_back()[Counter::kBytesIn] = shape.bytes;
        views.push_back({&record, true});
        return record;
    }
    // Who is chosen in 200 tries: "a" or "a b".
    std::string chosen(const SelectorText& text, const std::string& region = "eu",
                       NodeLimits limits = {}) {
        const SelectorOptions options = *check_selector(text, region);
        std::map<std::string, int> times;
        Rng rng(7);
        for (int i = 0; i < 200; ++i) {
            const auto one = select(views, {options, region, limits}, rng);
            if (!one) return one.error() == NoNode::kAllFull ? "full" : "none";
            ++times[(*one)->id];
        }
        std::string all;
        for (const auto& [id, count] : times)
            all += (all.empty() ? "" : " ") + id;
        return all;
    }
    std::deque<NodeRecord> records;
    std::vector<NodeView> views;
};

SelectorText text_of(const std::string& kind, const std::string& sort_by,
                     const std::string& algorithm = "lowest") {
    SelectorText text;
    text.kind = kind;
    text.sort_by = sort_by;
    text.algorithm = algorithm;
    text.regions = {{"eu", 50, 8}, {"us", 40, -74}, {"asia", 35, 139}};
    return text;
}

// Each figure has its lowest elsewhere; c is above the limits of CPU and load.
Field varied() {
    Field field;
    field.add({"a", 0.2F, 1.7F, 9, 8, 7, 900, "us"});
    field.add({"b", 0.8F, 0.2F, 8, 9, 1, 800, "us"});
    field.add({"c", 0.95F, 1.9F, 1, 7, 9, 100, "eu"});
    field.add({"d", 0.5F, 1.0F, 7, 1, 8, 700, "asia"});
    return field;
}

}  // namespace

TEST_CASE("Selectors: every kind with every order, lowest [NODE-05]") {
    struct Row {
        const char* kind;
        const char* sort_by;
        const char* chosen;
    };
    static constexpr Row kRows[] = {
        {"any", "random", "a b c d"},
        {"any", "cpuload", "a"},
        {"any", "sysload", "b"},
        {"any", "rooms", "c"},
        {"any", "clients", "d"},
        {"any", "tracks", "b"},
        {"any", "bytespersec", "c"},
        {"random", "rooms", "c"},
        {"cpuload", "random", "a b d"},
        {"cpuload", "cpuload", "a"},
        {"cpuload", "sysload", "b"},
        {"cpuload", "rooms", "d"},
        {"cpuload", "clients", "d"},
        {"cpuload", "tracks", "b"},
        {"cpuload", "bytespersec", "d"},
        {"sysload", "random", "a b d"},
        {"sysload", "cpuload", "a"},
        {"sysload", "sysload", "b"},
        {"sysload", "rooms", "d"},
        {"sysload", "clients", "d"},
        {"sysload", "tracks", "b"},
        {"sysload", "bytespersec", "d"},
        // c, the only one in eu, is over the limit of load: the next region is us.
        {"regionaware", "random", "a b"},
        {"regionaware", "cpuload", "a"},
        {"regionaware", "sysload", "b"},
        {"regionaware", "rooms", "b"},
        {"regionaware", "clients", "a"},
        {"regionaware", "tracks", "b"},
        {"regionaware", "bytespersec", "b"},
    };
    Field field = varied();
    for (const Row& row : kRows) {
        CAPTURE(row.kind);
        CAPTURE(row.sort_by);
        CHECK(field.chosen(text_of(row.kind, row.sort_by)) == row.chosen);
    }
}

TEST_CASE("Selectors: twochoice takes the lower of two [NODE-05]") {
    Field field = varied();
    // The highest of all is never the lower one of two.
    CHECK(field.chosen(text_of("any", "rooms", "twochoice")) == "b c d");
    CHECK(field.chosen(text_of("any", "cpuload", "twochoice")) == "a b d");
    CHECK(field.chosen(text_of("any", "random", "twochoice")) == "a b c d");
    CHECK(field.chosen(text_of("regionaware", "cpuload", "twochoice")) == "a");
    CHECK(field.chosen(text_of("cpuload", "rooms", "twochoice")) == "b d");
    field.views.resize(1);
    CHECK(field.chosen(text_of("any", "rooms", "twochoice")) == "a");
}

TEST_CASE("Selectors: where all are above a limit, all stay [NODE-05]") {
    Field field;
    field.add({"a", 0.95F, 1.9F, 2});
    field.add({"b", 0.9F, 1.8F, 1});  // at the limit is above it
    CHECK(field.chosen(text_of("cpuload", "rooms")) == "b");
    CHECK(field.chosen(text_of("sysload", "rooms")) == "b");
    CHECK(field.chosen(text_of("sysload", "random")) == "a b");
    field.add({"c", 0.89F, 1.79F, 9});
    CHECK(field.chosen(text_of("cpuload", "rooms")) == "c");
    CHECK(field.chosen(text_of("sysload", "rooms")) == "c");
    SelectorText text = text_of("cpuload", "rooms");
    text.cpu_load_limit = 0.5;
    CHECK(field.chosen(text) == "b");
}

TEST_CASE("Selectors: regions [NODE-05]") {
    Field field;
    field.add({"x", 0, 0, 0, 0, 0, 0, "moon"});
    field.add({"y", 0, 0, 0, 0, 0, 0, ""});
    // None is listed: any.
    CHECK(field.chosen(text_of("regionaware", "random")) == "x y");
    field.add({"p", 0, 0, 5, 0, 0, 0, "asia"});
    CHECK(field.chosen(text_of("regionaware", "random")) == "p");
    field.add({"q", 0, 0, 5, 0, 0, 0, "us"});
    CHECK(field.chosen(text_of("regionaware", "random")) == "q");
    CHECK(field.chosen(text_of("regionaware", "random"), "asia") == "p");
    field.add({"r", 0, 0, 5, 0, 0, 0, "eu"});
    field.add({"s", 0, 0, 5, 0, 0, 0, "eu"});
    CHECK(field.chosen(text_of("regionaware", "rooms")) == "r s");
    SelectorText without = text_of("regionaware", "random");
    without.regions.clear();
    CHECK(field.chosen(without, "nowhere") == "p q r s x y");
    // Two names of one place are equally near.
    SelectorText twice = text_of("regionaware", "random");
    twice.regions = {{"eu", 50, 8}, {"us", 40, -74}, {"asia", 40, -74}};
    field.records[4].region = field.records[5].region = "";
    CHECK(field.chosen(twice) == "p q");
}

TEST_CASE("Selectors: who does not serve, is silent or no server takes nothing [NODE-04]") {
    Field field;
    field.add({"a"}).state = NodeState::kShuttingDown;
    field.add({"b"}).state = NodeState::kStartingUp;
    field.add({"c"}).state = NodeState::kSuspended;
    field.add({"d"}).is_server = false;
    field.add({"e"});
    field.views.back().is_alive = false;
    CHECK(field.chosen(text_of("any", "random")) == "none");
    CHECK(
        explain(field.views, {}) ==
        "could not find any available nodes: a SHUTTING_DOWN, b STARTING_UP, c SUSPENDED, d is no "
        "server, e sends no figures");
    field.add({"f", 0.99F, 9, 100});
    CHECK(field.chosen(text_of("cpuload", "rooms")) == "f");
    field.views.clear();
    CHECK(field.chosen(text_of("any", "random")) == "none");
    CHECK(explain(field.views, {}) == "could not find any available nodes: none is registered");
    for (int i = 0; i < 20; ++i)
        field.add({"n" + std::to_string(i)}).state = NodeState::kStartingUp;
    CHECK(explain(field.views, {}).ends_with("n7 STARTING_UP, and 12 more"));
}

TEST_CASE("Selectors: who is full takes nothing [NODE-12]") {
    Field field = varied();
    CHECK(field.chosen(text_of("any", "tracks"), "eu", {9, 0}) == "b");
    CHECK(field.chosen(text_of("any", "random"), "eu", {8, 0}) == "a b");
    CHECK(field.chosen(text_of("any", "random"), "eu", {1, 0}) == "full");
    CHECK(
        explain(field.views, {1, 0}) ==
        "could not find any available nodes: a at its limit, b at its limit, c at its limit, d at "
        "its limit");
    CHECK(field.chosen(text_of("any", "random"), "eu", {0, 701}) == "c d");
    field.records[2].limits = NodeLimits{1, 0};  // c's own
    CHECK(field.chosen(text_of("any", "random"), "eu", {0, 701}) == "d");
    field.records[0].limits = NodeLimits{};
    CHECK(field.chosen(text_of("any", "random"), "eu", {1, 0}) == "a");
}

TEST_CASE("Selectors: without figures a node is taken last, and not for overloaded [NODE-04]") {
    Field field;
    field.add({"a", 0.5F, 0.5F, 100, 100, 100, 100}).num_cpus = 0;
    field.add({"b"}).stats.reset();
    for (const char* sort : {"cpuload", "rooms", "clients", "tracks", "bytespersec"})
        CHECK(field.chosen(text_of("any", sort)) == "a");
    CHECK(field.chosen(text_of("any", "sysload")) == "a b");  // a has no CPUs
    CHECK(field.chosen(text_of("cpuload", "rooms")) == "a");
    field.records[0].stats->figures.cpu_load = 0.95F;
    CHECK(field.chosen(text_of("cpuload", "random")) == "b");
}

TEST_CASE("Selectors: ties are broken at random, fairly [NODE-05]") {
    Field field;
    for (int i = 0; i < 5; ++i)
        field.add({std::string(1, static_cast<char>('a' + i)), 0, 0, i == 4 ? 9 : 3});
    const SelectorOptions options = *check_selector(text_of("any", "rooms"), "");
    std::map<std::string, int> times;
    Rng rng(3);
    for (int i = 0; i < 4000; ++i)
        ++times[(*select(field.views, {options, "", {}}, rng))->id];
    CHECK(times.size() == 4);
    for (const auto& [id, count] : times)
        CHECK(count == doctest::Approx(1000).epsilon(0.15));
}

TEST_CASE("Selectors: offers have the lowest and others, in rooms [NODE-05]") {
    Field field;
    for (int i = 0; i < 100; ++i)
        field.add({"n" + std::to_string(i), 0.001F * static_cast<float>(50 + (i + 37) % 100), 0, 10,
                   20, 30, 4000});
    Rng rng(5);
    const SelectorOptions by_cpu = *check_selector(text_of("any", "cpuload"), "");
    std::map<std::string, int> seen;
    for (int i = 0; i < 100; ++i) {
        const auto all = offers(field.views, {by_cpu, "", {}}, rng);
        REQUIRE(all);
        CHECK(all->size() == kMaxOffers);
        const auto is_lowest = [](const Offer& offer) { return offer.record->id == "n63"; };
        CHECK(std::count_if(all->begin(), all->end(), is_lowest) == 1);
        for (const Offer& offer : *all)
            ++seen[offer.record->id];
    }
    CHECK(seen.size() > 95);
    // 9.95 of CPU on 1000 rooms.
    std::vector<const NodeRecord*> records;
    records.reserve(field.records.size());
    for (const NodeRecord& record : field.records)
        records.push_back(&record);
    using SortBy = SelectorOptions::SortBy;
    CHECK(room_cost(records, SortBy::kCpuLoad) == doctest::Approx(0.00995));
    CHECK(room_cost(records, SortBy::kRooms) == 1);
    CHECK(room_cost(records, SortBy::kClients) == 2);
    CHECK(room_cost(records, SortBy::kTracks) == 3);
    CHECK(room_cost(records, SortBy::kSysLoad) == 0.001);     // the least that is believed
    CHECK(room_cost(records, SortBy::kBytesPerSec) == 1000);  // too
    CHECK(room_cost({}, SortBy::kCpuLoad) == 0.01);
    const SelectorOptions two = *check_selector(text_of("any", "cpuload", "twochoice"), "");
    CHECK(offers(field.views, {two, "", {}}, rng)->size() == 2);
}

}  // namespace confab::cluster::nodes
