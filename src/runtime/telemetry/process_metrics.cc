// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The process_* metrics, from Linux' /proc and getrusage.
#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>

#include "runtime/telemetry/metrics.h"

namespace confab::telemetry {

namespace {

double to_seconds(const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

double count_open_fds() {
    DIR* const directory = opendir("/proc/self/fd");
    if (directory == nullptr) return 0;
    double count = 0;
    while (const dirent* entry = readdir(directory))
        if (entry->d_name[0] != '.') ++count;
    closedir(directory);
    return count - 1;  // without the directory itself
}

// Field 22 of /proc/self/stat: ticks between boot and our start; the name in field 2 may hold
// blanks.
double start_time_seconds() {
    std::ifstream stat("/proc/self/stat");
    std::string text;
    std::getline(stat, text);
    const std::size_t name_end = text.rfind(')');
    if (name_end == std::string::npos) return 0;
    std::istringstream fields(text.substr(name_end + 1));
    std::string skipped;
    for (int i = 3; i < 22; ++i)
        fields >> skipped;
    double ticks = 0;
    fields >> ticks;
    std::ifstream system("/proc/stat");
    double boot = 0;
    for (std::string line; std::getline(system, line);)
        if (line.starts_with("btime ")) boot = std::stod(line.substr(6));
    return boot + ticks / static_cast<double>(sysconf(_SC_CLK_TCK));
}

}  // namespace

void Metrics::collect_process() {
    rusage usage{};
    if (getrusage(RUSAGE_SELF, &usage) == 0)
        set(Metric::kProcessCpuSeconds, to_seconds(usage.ru_utime) + to_seconds(usage.ru_stime));
    rlimit files{};
    if (getrlimit(RLIMIT_NOFILE, &files) == 0)
        set(Metric::kProcessMaxFds, static_cast<double>(files.rlim_cur));
    set(Metric::kProcessOpenFds, count_open_fds());
    double virtual_pages = 0;
    double resident_pages = 0;
    std::ifstream("/proc/self/statm") >> virtual_pages >> resident_pages;
    const auto page = static_cast<double>(sysconf(_SC_PAGESIZE));
    set(Metric::kProcessVirtualMemory, virtual_pages * page);
    set(Metric::kProcessResidentMemory, resident_pages * page);
    static const double start = start_time_seconds();
    set(Metric::kProcessStartTime, start);
    const NetworkPackets now = read_network_packets();
    // An interface that went away takes its numbers along.
    const auto since = [](std::uint64_t value, std::uint64_t before) {
        return static_cast<double>(value > before ? value - before : 0);
    };
    set(Metric::kNodePacketTotal, {"out"}, since(now.sent, network_before_.sent));
    set(Metric::kNodePacketTotal, {"dropped"}, since(now.dropped, network_before_.dropped));
}

}  // namespace confab::telemetry
