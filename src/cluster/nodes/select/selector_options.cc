// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/nodes/select/selector_options.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <optional>
#include <span>
#include <utility>

namespace confab::cluster::nodes {
namespace {

using Kind = SelectorOptions::Kind;
using SortBy = SelectorOptions::SortBy;
using Algorithm = SelectorOptions::Algorithm;

template <typename T>
using Words = std::span<const std::pair<std::string_view, T>>;

constexpr std::pair<std::string_view, Kind> kKinds[] = {{"any", Kind::kAny},
                                                        {"random", Kind::kAny},
                                                        {"cpuload", Kind::kCpuLoad},
                                                        {"sysload", Kind::kSysLoad},
                                                        {"regionaware", Kind::kRegionAware}};
constexpr std::pair<std::string_view, SortBy> kSorts[] = {
    {"random", SortBy::kRandom},          {"sysload", SortBy::kSysLoad},
    {"cpuload", SortBy::kCpuLoad},        {"rooms", SortBy::kRooms},
    {"clients", SortBy::kClients},        {"tracks", SortBy::kTracks},
    {"bytespersec", SortBy::kBytesPerSec}};
constexpr std::pair<std::string_view, Algorithm> kAlgorithms[] = {
    {"lowest", Algorithm::kLowest}, {"twochoice", Algorithm::kTwoChoice}};

template <typename T>
Result<T, std::string> find_word(std::string_view option, std::string_view word, Words<T> words) {
    std::string known;
    for (const auto& [text, value] : words) {
        if (text == word) return value;
        known += (known.empty() ? "" : ", ") + std::string(text);
    }
    return fail("node_selector." + std::string(option) + ": \"" + std::string(word) +
                "\" is unknown, use one of " + known);
}

std::optional<std::string> check_limit(std::string_view option, double value) {
    if (std::isfinite(value) && value > 0) return std::nullopt;
    return "node_selector." + std::string(option) + ": not above 0, set it to the load of a full " +
           "node, 0.9 for instance";
}

std::optional<std::string> check_regions(const std::vector<Region>& regions) {
    const std::string option = "node_selector.regions: ";
    if (regions.size() > SelectorOptions::kMaxRegions)
        return option + "more than " + std::to_string(SelectorOptions::kMaxRegions) +
               " entries, leave out regions without nodes";
    for (auto it = regions.begin(); it != regions.end(); ++it) {
        if (it->name.empty()) return option + "an entry has no name, give it the region of nodes";
        // Written so that what is not a number fails.
        if (!(std::abs(it->latitude) <= 90) || !(std::abs(it->longitude) <= 180))
            return option + "\"" + it->name + "\": lat is within -90 and 90, lon within -180 and " +
                   "180 degrees";
        const auto same = [it](const Region& other) { return other.name == it->name; };
        if (std::any_of(regions.begin(), it, same))
            return option + "\"" + it->name + "\" is there twice, remove one of them";
    }
    return std::nullopt;
}

std::optional<std::string> check_own_region(const SelectorOptions& options,
                                            std::string_view own_region) {
    if (options.kind != Kind::kRegionAware) return std::nullopt;
    if (own_region.empty())
        return "region: it is blank, node_selector.kind regionaware needs the region of this node";
    const auto is_own = [own_region](const Region& region) { return region.name == own_region; };
    if (options.regions.empty() ||
        std::any_of(options.regions.begin(), options.regions.end(), is_own))
        return std::nullopt;
    return "node_selector.regions: \"" + std::string(own_region) +
           "\", the region of this node, is missing, add it with lat and lon";
}

}  // namespace

double distance(const Region& a, const Region& b) {
    constexpr double kRadius = 6'378'100;
    constexpr double kRadians = std::numbers::pi / 180;
    const double north = std::sin((b.latitude - a.latitude) * kRadians / 2);
    const double east = std::sin((b.longitude - a.longitude) * kRadians / 2);
    const double h = north * north + std::cos(a.latitude * kRadians) *
                                         std::cos(b.latitude * kRadians) * east * east;
    return 2 * kRadius * std::asin(std::sqrt(std::clamp(h, 0.0, 1.0)));
}

Result<SelectorOptions, std::string> check_selector(const SelectorText& text,
                                                    std::string_view own_region) {
    SelectorOptions options;
    CONFAB_TRY(options.kind, find_word<Kind>("kind", text.kind, kKinds));
    CONFAB_TRY(options.sort_by, find_word<SortBy>("sort_by", text.sort_by, kSorts));
    CONFAB_TRY(options.algorithm, find_word<Algorithm>("algorithm", text.algorithm, kAlgorithms));
    options.cpu_load_limit = text.cpu_load_limit;
    options.sysload_limit = text.sysload_limit;
    options.regions = text.regions;
    for (const auto& error : {check_limit("cpu_load_limit", text.cpu_load_limit),
                              check_limit("sysload_limit", text.sysload_limit),
                              check_regions(text.regions), check_own_region(options, own_region)})
        if (error) return fail(*error);
    return options;
}

}  // namespace confab::cluster::nodes
