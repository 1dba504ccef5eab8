// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/serve/cpu/cpu_gauge.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <vector>

namespace confab::app {
namespace {

constexpr const char* kMount = "/sys/fs/cgroup";

// The group and those above it, from the inside; in a container the path may be one of the
// machine's, of which only the root is to be seen.
std::vector<std::string> upwards(std::string path) {
    std::vector<std::string> all;
    while (path.size() > 1) {
        all.push_back(path);
        path.resize(path.rfind('/') == std::string::npos ? 0 : path.rfind('/'));
    }
    all.emplace_back();
    return all;
}

}  // namespace

// Of the groups one is in, the tightest limits all of them.
std::optional<CpuGauge::Limited> CpuGauge::limited_v2(const std::string& path) const {
    std::optional<Limited> tightest;
    for (const std::string& group : upwards(path)) {
        const std::string dir = kMount + group;
        const auto max = read_(dir + "/cpu.max");
        const auto cpus = max ? quota_of_v2(*max) : std::nullopt;
        if (!cpus || (tightest && tightest->cpus <= *cpus)) continue;
        const auto stat = read_(dir + "/cpu.stat");
        if (const auto used = stat ? usage_of_v2(*stat) : std::nullopt)
            tightest = Limited{dir, *cpus, *used};
    }
    return tightest;
}

std::optional<CpuGauge::Limited> CpuGauge::limited_v1(const std::string& dir,
                                                      const std::string& path) const {
    std::optional<Limited> tightest;
    for (const std::string& group : upwards(path)) {
        const std::string at = std::string(kMount).append("/").append(dir).append(group);
        const auto quota = read_(at + "/cpu.cfs_quota_us");
        const auto period = read_(at + "/cpu.cfs_period_us");
        const auto cpus = quota && period ? quota_of_v1(*quota, *period) : std::nullopt;
        if (!cpus || (tightest && tightest->cpus <= *cpus)) continue;
        auto usage = read_(at + "/cpuacct.usage");
        if (!usage) usage = read_(std::string(kMount) + "/cpuacct" + group + "/cpuacct.usage");
        if (const auto used = usage ? usage_of_v1(*usage) : std::nullopt)
            tightest = Limited{at, *cpus, *used};
    }
    return tightest;
}

// More than the machine has is no limit.
std::optional<CpuGauge::Limited> CpuGauge::limited() const {
    const auto groups = read_("/proc/self/cgroup");
    if (!groups) return std::nullopt;
    const GroupPaths paths = group_paths(*groups);
    std::optional<Limited> limit;
    if (!paths.v1_dir.empty()) limit = limited_v1(paths.v1_dir, paths.v1);
    if (!limit && !paths.v2.empty()) limit = limited_v2(paths.v2);
    if (limit && limit->cpus >= machine_cpus_) limit.reset();
    return limit;
}

std::optional<double> CpuGauge::busy(Timestamp now, const std::optional<Limited>& limit) {
    const std::string group = limit ? limit->group : std::string();
    const bool is_next = !at_.is_never() && group == group_;
    const auto elapsed = static_cast<double>(is_next ? (now - at_).us() : 0);
    std::optional<double> result;
    if (limit) {
        if (is_next && elapsed > 0 && limit->used >= used_)
            result = static_cast<double>((limit->used - used_).us()) / elapsed;
        used_ = limit->used;
    } else {
        const auto stat = read_("/proc/stat");
        const MachineTimes times = (stat ? machine_times(*stat) : std::nullopt).value_or(times_);
        const std::uint64_t total = times.total - std::min(times.total, times_.total);
        const std::uint64_t used = times.busy - std::min(times.busy, times_.busy);
        if (is_next && total > 0)
            result = static_cast<double>(used) / static_cast<double>(total) * machine_cpus_;
        times_ = times;
    }
    at_ = now;
    group_ = group;
    return result;
}

CpuGauge::Reading CpuGauge::read(Timestamp now) {
    const auto limit = limited();
    if (at_.is_never() || now - at_ >= kWindow) busy_ = busy(now, limit).value_or(busy_);
    Reading reading;
    reading.is_limited = limit.has_value();
    reading.cpus = limit ? limit->cpus : machine_cpus_;
    reading.load = std::clamp(busy_ / reading.cpus, 0.0, 1.0);
    return reading;
}

std::optional<std::string> read_system_file(const std::string& path) {
    constexpr std::size_t kMost = 64 * 1024;
    std::ifstream file(path, std::ios::binary);
    if (!file) return std::nullopt;
    std::string text(kMost, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file.gcount()));
    if (file.bad()) return std::nullopt;
    return text;
}

}  // namespace confab::app
