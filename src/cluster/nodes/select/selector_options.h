// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The option node_selector (03 NODE-05), checked at start so that no join finds out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace confab::cluster::nodes {

// A point on the earth, degrees.
struct Region {
    std::string name;
    double latitude = 0;
    double longitude = 0;
};
// Metres along a great circle of a sphere of 6378.1 km.
double distance(const Region& a, const Region& b);

// As in the configuration.
struct SelectorText {
    std::string kind = "any";  // any|cpuload|sysload|regionaware; "random" is an old word for any
    std::string sort_by = "random";
    std::string algorithm = "lowest";
    double cpu_load_limit = 0.9;
    double sysload_limit = 0.9;
    std::vector<Region> regions;
};

struct SelectorOptions {
    enum class Kind : std::uint8_t { kAny, kCpuLoad, kSysLoad, kRegionAware };
    enum class SortBy : std::uint8_t {
        kRandom,
        kSysLoad,
        kCpuLoad,
        kRooms,
        kClients,
        kTracks,
        kBytesPerSec
    };
    enum class Algorithm : std::uint8_t { kLowest, kTwoChoice };

    Kind kind = Kind::kAny;
    SortBy sort_by = SortBy::kRandom;
    Algorithm algorithm = Algorithm::kLowest;
    double cpu_load_limit = 0.9;
    double sysload_limit = 0.9;
    std::vector<Region> regions;

    static constexpr std::size_t kMaxRegions = 1000;
};

// The error names the option and the remedy. Unlike upstream, which finds an unknown sort_by or
// algorithm when the first room is placed.
Result<SelectorOptions, std::string> check_selector(const SelectorText& text,
                                                    std::string_view own_region);

}  // namespace confab::cluster::nodes
