// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What Linux says of processors, as numbers: /proc/stat, and the files of control groups, version 1
// and 2 (cgroups(7); Documentation/admin-guide/cgroup-v2.rst, "CPU Interface Files").
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace confab::app {

// Of all processors since the start of the machine, in ticks.
struct MachineTimes {
    std::uint64_t busy = 0;
    std::uint64_t total = 0;
};
// The first line of /proc/stat. Waiting for a disk is idle; a guest's time is its user time, too.
std::optional<MachineTimes> machine_times(std::string_view proc_stat);

// Where this process is, by /proc/self/cgroup; empty where that hierarchy is not there.
struct GroupPaths {
    std::string v2;      // "/system.slice/confab.service"
    std::string v1;      // of the controller `cpu`
    std::string v1_dir;  // how the controller is mounted: "cpu,cpuacct"
};
GroupPaths group_paths(std::string_view proc_self_cgroup);

// How many processors' worth of time a group may take; nullopt: no limit, or nothing that is one.
std::optional<double> quota_of_v2(std::string_view cpu_max);  // "50000 100000", "max 100000"
std::optional<double> quota_of_v1(std::string_view quota_us, std::string_view period_us);

// Processor time that a group has taken.
std::optional<Duration> usage_of_v2(std::string_view cpu_stat);  // its line usage_usec
std::optional<Duration> usage_of_v1(std::string_view usage_ns);  // of cpuacct.usage

}  // namespace confab::app
