// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/serve/cpu/cpu_files.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <vector>

namespace confab::app {
namespace {

std::vector<std::string_view> split(std::string_view text, char at) {
    std::vector<std::string_view> parts;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(at), text.size());
        if (end > 0) parts.push_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return parts;
}

std::vector<std::string_view> words(std::string_view line) {
    while (line.ends_with('\n'))
        line.remove_suffix(1);
    return split(line, ' ');
}

std::optional<std::int64_t> number(std::string_view text) {
    while (text.ends_with('\n'))
        text.remove_suffix(1);
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

std::optional<double> quota(std::optional<std::int64_t> quota_us,
                            std::optional<std::int64_t> period_us) {
    if (!quota_us || !period_us || *quota_us <= 0 || *period_us <= 0) return std::nullopt;
    return static_cast<double>(*quota_us) / static_cast<double>(*period_us);
}

}  // namespace

std::optional<MachineTimes> machine_times(std::string_view proc_stat) {
    // cpu user nice system idle iowait irq softirq steal guest guest_nice (proc(5)).
    constexpr std::size_t kIdle = 4;
    constexpr std::size_t kIowait = 5;
    constexpr std::size_t kGuest = 9;
    const auto fields =
        words(proc_stat.substr(0, std::min(proc_stat.find('\n'), proc_stat.size())));
    if (fields.size() <= kIdle || fields.front() != "cpu") return std::nullopt;
    MachineTimes times;
    for (std::size_t i = 1; i < std::min(fields.size(), kGuest); ++i) {
        const auto ticks = number(fields[i]);
        if (!ticks || *ticks < 0) return std::nullopt;
        times.total += static_cast<std::uint64_t>(*ticks);
        if (i != kIdle && i != kIowait) times.busy += static_cast<std::uint64_t>(*ticks);
    }
    return times;
}

GroupPaths group_paths(std::string_view proc_self_cgroup) {
    GroupPaths paths;
    for (const std::string_view line : split(proc_self_cgroup, '\n')) {
        // hierarchy:controllers:path, where the path may have colons.
        const std::size_t first = line.find(':');
        const std::size_t second = first == line.npos ? first : line.find(':', first + 1);
        if (second == line.npos) continue;
        const std::string_view controllers = line.substr(first + 1, second - first - 1);
        const std::string_view path = line.substr(second + 1);
        if (path.find("/..") != path.npos) continue;  // outside of what is mounted here
        if (line.starts_with("0::")) paths.v2 = path;
        const auto named = split(controllers, ',');
        if (std::find(named.begin(), named.end(), "cpu") == named.end()) continue;
        paths.v1 = path;
        paths.v1_dir = controllers;
    }
    return paths;
}

std::optional<double> quota_of_v2(std::string_view cpu_max) {
    const auto fields = words(cpu_max);
    if (fields.size() != 2) return std::nullopt;
    return quota(number(fields[0]), number(fields[1]));
}

std::optional<double> quota_of_v1(std::string_view quota_us, std::string_view period_us) {
    return quota(number(quota_us), number(period_us));
}

std::optional<Duration> usage_of_v2(std::string_view cpu_stat) {
    for (const std::string_view line : split(cpu_stat, '\n')) {
        const auto fields = words(line);
        if (fields.size() != 2 || fields[0] != "usage_usec") continue;
        const auto micros = number(fields[1]);
        if (!micros || *micros < 0) return std::nullopt;
        return Duration::micros(*micros);
    }
    return std::nullopt;
}

std::optional<Duration> usage_of_v1(std::string_view usage_ns) {
    const auto nanos = number(usage_ns);
    if (!nanos || *nanos < 0) return std::nullopt;
    return Duration::micros(*nanos / 1'000);
}

}  // namespace confab::app
