// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// How many processors this node has and how busy they are (03 NODE-03): where a control group
// limits it, that many and what of them is taken, whatever else the machine does; otherwise the
// machine.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "app/serve/cpu/cpu_files.h"
#include "base/time.h"

namespace confab::app {

class CpuGauge {
  public:
    static constexpr Duration kWindow = Duration::seconds(1);  // the shortest that is measured

    // nullopt: there is no such file, or it may not be read.
    using ReadFile = std::function<std::optional<std::string>(const std::string& path)>;
    // `machine_cpus`: at least 1.
    CpuGauge(ReadFile read, unsigned machine_cpus)
        : read_(std::move(read)), machine_cpus_(machine_cpus) {}

    struct Reading {
        double cpus = 1;  // 0.5: half the time of one
        double load = 0;  // of them, 0 … 1, since the last measurement; 0 with the first
        bool is_limited = false;
    };
    Reading read(Timestamp now);

  private:
    // A group that is limited, and what it has used.
    struct Limited {
        std::string group;
        double cpus = 0;
        Duration used;
    };
    std::optional<Limited> limited() const;
    std::optional<Limited> limited_v2(const std::string& path) const;
    std::optional<Limited> limited_v1(const std::string& dir, const std::string& path) const;
    // Fractions of a processor that were busy since the last measurement, all together.
    std::optional<double> busy(Timestamp now, const std::optional<Limited>& limit);

    ReadFile read_;
    double machine_cpus_;
    Timestamp at_ = Timestamp::never();  // of the last measurement
    std::string group_;                  // that it was of; empty: the machine
    Duration used_;
    MachineTimes times_;
    double busy_ = 0;
};

// What stands in a file of the system, up to 64 KiB.
std::optional<std::string> read_system_file(const std::string& path);

}  // namespace confab::app
