// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/serve/cpu/cpu_gauge.h"

#include <doctest/doctest.h>

#include <map>

#include "app/serve/cpu/cpu_files.h"

namespace confab::app {
namespace {

// The files of a system, and its time.
struct Machine {
    explicit Machine(unsigned cpus = 8) : gauge(reader(), cpus) {}
    CpuGauge::ReadFile reader() {
        return [this](const std::string& path) -> std::optional<std::string> {
            const auto at = files.find(path);
            if (at == files.end()) return std::nullopt;
            return at->second;
        };
    }
    CpuGauge::Reading after(Duration time) {
        now = now + time;
        return gauge.read(now);
    }
    void set_times(std::uint64_t user, std::uint64_t idle) {
        files["/proc/stat"] = "cpu  " + std::to_string(user) + " 0 0 " + std::to_string(idle) +
                              " 0 0 0 0 0 0\ncpu0 1 2 3 4\n";
    }
    void set_used(const std::string& group, std::int64_t micros) {
        files["/sys/fs/cgroup" + group + "/cpu.stat"] =
            "usage_usec " + std::to_string(micros) + "\nuser_usec 1\n";
    }

    std::map<std::string, std::string> files;
    Timestamp now = Timestamp::micros(5'000'000);
    CpuGauge gauge;
};

}  // namespace

TEST_CASE("machine_times: what is idle, what waits for a disk, and guests once [NODE-03]") {
    const auto times = machine_times("cpu  10 1 5 100 20 2 3 4 7 0\ncpu0 1 2 3 4\n");
    REQUIRE(times);
    CHECK(times->busy == 25);
    CHECK(times->total == 145);
    CHECK(machine_times("cpu 1 2 3 4")->total == 10);
    for (const char* none : {"", "cpu", "cpu 1 2 3", "cpu0 1 2 3 4", "cpu 1 2 3 x", "cpu 1 2 3 -4",
                             "cpu 1 2 3 99999999999999999999"})
        CHECK_MESSAGE(!machine_times(none), none);
}

TEST_CASE("group_paths: of both versions, and of neither what is not mounted [NODE-03]") {
    const GroupPaths both = group_paths(
        "12:cpuset:/x\n4:cpu,cpuacct:/a:b/c\n1:name=systemd:/s\n0::/system.slice/confab.service\n");
    CHECK(both.v2 == "/system.slice/confab.service");
    CHECK(both.v1 == "/a:b/c");
    CHECK(both.v1_dir == "cpu,cpuacct");
    CHECK(group_paths("0::/\n").v2 == "/");
    CHECK(group_paths("0::/../../other\n").v2.empty());
    CHECK(group_paths("nonsense\n1:\n").v2.empty());
    CHECK(group_paths("3:cpuset:/x\n").v1_dir.empty());
}

TEST_CASE("quotas and usage: as the files of both versions say them [NODE-03]") {
    CHECK(quota_of_v2("50000 100000\n") == 0.5);
    CHECK(quota_of_v2("250000 100000\n") == 2.5);
    for (const char* none : {"max 100000\n", "", "1", "0 100000", "5 0", "-1 100000", "1 2 3"})
        CHECK_MESSAGE(!quota_of_v2(none), none);
    CHECK(quota_of_v1("150000\n", "100000\n") == 1.5);
    CHECK_FALSE(quota_of_v1("-1\n", "100000\n"));
    CHECK(usage_of_v2("usage_usec 1234\nuser_usec 1\n") == Duration::micros(1'234));
    CHECK_FALSE(usage_of_v2("user_usec 1\n"));
    CHECK_FALSE(usage_of_v2("usage_usec -1\n"));
    CHECK(usage_of_v1("5000999\n") == Duration::micros(5'000));
    CHECK_FALSE(usage_of_v1("x"));
}

TEST_CASE("CpuGauge: without a limit how busy the machine is [NODE-03]") {
    Machine machine(4);
    machine.set_times(1'000, 9'000);
    CHECK(machine.after(Duration::zero()).load == 0);
    machine.set_times(1'300, 9'100);  // 300 of 400 ticks
    CpuGauge::Reading reading = machine.after(Duration::seconds(1));
    CHECK(reading.load == doctest::Approx(0.75));
    CHECK(reading.cpus == 4);
    CHECK_FALSE(reading.is_limited);
    machine.set_times(1'400, 9'100);  // within the window: as before
    CHECK(machine.after(Duration::millis(999)).load == doctest::Approx(0.75));
    machine.set_times(1'400, 9'500);
    CHECK(machine.after(Duration::millis(1)).load == doctest::Approx(0.2));
    machine.files.clear();  // nothing can be read any more: it stays
    CHECK(machine.after(Duration::seconds(2)).load == doctest::Approx(0.2));
}

TEST_CASE(
    "CpuGauge: of a limit of version 2 what is taken of it, whatever the machine does [NODE-03]") {
    Machine machine;
    machine.set_times(0, 1'000);
    machine.files["/proc/self/cgroup"] = "0::/pod/box\n";
    machine.files["/sys/fs/cgroup/pod/box/cpu.max"] = "max 100000\n";
    machine.files["/sys/fs/cgroup/pod/cpu.max"] =
        "200000 100000\n";  // of all in it: the tighter one
    machine.files["/sys/fs/cgroup/cpu.max"] = "400000 100000\n";
    machine.set_used("/pod/box", 77);
    machine.set_used("/pod", 1'000'000);
    machine.set_used("", 5);
    CHECK(machine.after(Duration::zero()).load == 0);
    machine.set_used("/pod", 2'000'000);
    machine.set_times(8'000, 1'000);
    CpuGauge::Reading reading = machine.after(Duration::seconds(1));
    CHECK(reading.load == doctest::Approx(0.5));  // one of two
    CHECK(reading.cpus == 2);
    CHECK(reading.is_limited);
    machine.set_used("/pod", 7'000'000);  // a burst is all of it
    CHECK(machine.after(Duration::seconds(1)).load == 1);
    // What is not this process's, as in a container that sees its own root alone.
    machine.files.erase("/sys/fs/cgroup/pod/cpu.max");
    machine.set_used("", 5);
    (void)machine.after(Duration::seconds(1));
    machine.set_used("", 1'000'005);
    reading = machine.after(Duration::seconds(1));
    CHECK(reading.cpus == 4);
    CHECK(reading.load == doctest::Approx(0.25));
    // More than the machine has is none.
    machine.files["/sys/fs/cgroup/cpu.max"] = "800000 100000\n";
    CHECK_FALSE(machine.after(Duration::seconds(1)).is_limited);
}

TEST_CASE("CpuGauge: of a limit of version 1, with its usage beside it or of its own [NODE-03]") {
    Machine machine;
    machine.files["/proc/self/cgroup"] = "4:cpu,cpuacct:/box\n0::/\n";
    const std::string dir = "/sys/fs/cgroup/cpu,cpuacct/box/";
    machine.files[dir + "cpu.cfs_quota_us"] = "50000\n";
    machine.files[dir + "cpu.cfs_period_us"] = "100000\n";
    machine.files[dir + "cpuacct.usage"] = "1000000000\n";
    (void)machine.after(Duration::zero());
    machine.files[dir + "cpuacct.usage"] = "1250000000\n";
    CpuGauge::Reading reading = machine.after(Duration::seconds(1));
    CHECK(reading.cpus == 0.5);
    CHECK(reading.load == doctest::Approx(0.5));
    machine.files.erase(dir + "cpuacct.usage");
    machine.files["/sys/fs/cgroup/cpuacct/box/cpuacct.usage"] = "1500000000\n";
    CHECK(machine.after(Duration::seconds(1)).load == doctest::Approx(0.5));
    machine.files[dir + "cpu.cfs_quota_us"] = "-1\n";
    reading = machine.after(Duration::seconds(1));
    CHECK_FALSE(reading.is_limited);
    CHECK(reading.cpus == 8);
}

TEST_CASE("CpuGauge: the files of this system [NODE-03]") {
    CHECK(machine_times(read_system_file("/proc/stat").value_or("")));
    CHECK_FALSE(read_system_file("/proc/no/such/file"));
    CpuGauge gauge(read_system_file, 1'000);
    const CpuGauge::Reading reading = gauge.read(Timestamp::micros(1));
    CHECK(reading.cpus > 0);
    CHECK(reading.load == 0);
}

}  // namespace confab::app
