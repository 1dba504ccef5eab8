// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The machine under the call benchmark: what a process has cost (proc(5): schedstat and status of
// its threads), on which cores it may run, and a loopback of our own whose receiving half may be
// given to another core.
#pragma once

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

#include "bench/call_shared.h"

namespace confab::bench {

// Of the threads that forward, and of all others of the process.
struct ProcessCost {
    double worker_ns = 0;  // user and system
    double other_ns = 0;
    std::uint64_t worker_sleeps = 0;  // voluntary context switches: each ends with a wake-up
    std::uint64_t other_sleeps = 0;
};

template <typename Visit>
void for_each_thread(pid_t pid, Visit visit) {
    std::error_code error;
    const std::string tasks = "/proc/" + std::to_string(pid) + "/task";
    for (const auto& task : std::filesystem::directory_iterator(tasks, error))
        visit(task.path());
}

// `worker`: how the names of the threads that forward begin.
inline ProcessCost cost_of(pid_t pid, const std::string& worker) {
    ProcessCost cost;
    for_each_thread(pid, [&](const std::filesystem::path& task) {
        std::string name;
        std::ifstream names(task / "comm");
        double cpu = 0;
        std::ifstream times(task / "schedstat");
        if (!std::getline(names, name) || !(times >> cpu)) return;
        std::uint64_t sleeps = 0;
        std::ifstream status(task / "status");
        const std::string key = "voluntary_ctxt_switches:";
        for (std::string line; std::getline(status, line);)
            if (line.starts_with(key))
                sleeps = std::strtoull(line.c_str() + key.size(), nullptr, 10);
        const bool forwards = name.starts_with(worker);
        (forwards ? cost.worker_ns : cost.other_ns) += cpu;
        (forwards ? cost.worker_sleeps : cost.other_sleeps) += sleeps;
    });
    return cost;
}

// The server and the floor have the first core, the clients all others; on a single core everybody
// has that one.
inline bool has_two_cores() {
    return ::sysconf(_SC_NPROCESSORS_ONLN) > 1;
}
inline void pin(pid_t pid, bool first_core) {
    if (!has_two_cores()) return;
    cpu_set_t set;
    CPU_ZERO(&set);
    if (first_core) CPU_SET(0, &set);
    for (long i = 1; !first_core && i < ::sysconf(_SC_NPROCESSORS_ONLN); ++i)
        CPU_SET(static_cast<std::size_t>(i), &set);
    for_each_thread(pid, [&](const std::filesystem::path& task) {
        const std::string id = task.filename();
        (void)::sched_setaffinity(std::atoi(id.c_str()), sizeof set, &set);
    });
}

// A network namespace of this process and its children, with a loopback that nobody else uses and
// that is gone with them. Without root there is none, and everything runs on the host's loopback,
// which stays as it is.
class OwnLoopback {
  public:
    OwnLoopback() {
        if (::unshare(CLONE_NEWNET) != 0) return;
        const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        ifreq request{};
        std::strncpy(request.ifr_name, "lo", sizeof request.ifr_name - 1);
        request.ifr_flags = IFF_UP | IFF_RUNNING;
        if (::ioctl(fd, SIOCSIFFLAGS, &request) != 0) give_up("no loopback of our own");
        ::close(fd);
        open_steering();
    }
    ~OwnLoopback() {
        if (rps_ >= 0) ::close(rps_);
    }
    OwnLoopback(const OwnLoopback&) = delete;
    OwnLoopback& operator=(const OwnLoopback&) = delete;

    bool can_move() const { return rps_ >= 0 && has_two_cores(); }
    // Receiving is done by the second core, or by the one that sends (receive packet steering).
    bool move_receiving(bool to_second_core) const {
        const char* const mask = to_second_core ? "2" : "0";
        return ::pwrite(rps_, mask, 1, 0) == 1;
    }

  private:
    // By the sysfs of the new namespace, which is mounted nowhere.
    void open_steering() {
        const int context = ::fsopen("sysfs", FSOPEN_CLOEXEC);
        if (context < 0) return;
        if (::fsconfig(context, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) == 0)
            if (const int root = ::fsmount(context, FSMOUNT_CLOEXEC, 0); root >= 0) {
                rps_ = ::openat(root, "class/net/lo/queues/rx-0/rps_cpus", O_WRONLY | O_CLOEXEC);
                ::close(root);
            }
        ::close(context);
    }

    int rps_ = -1;
};

}  // namespace confab::bench
