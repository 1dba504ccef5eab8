// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The other server of the call benchmark: a command that starts it with ports and key of ours, its
// processes (proc(5)) and what those have cost; and the servers as the clients know them.
#pragma once

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bench/call_machine.h"
#include "bench/call_options.h"
#include "bench/call_shared.h"
#include "bench/load_client.h"
#include "bench/server_process.h"

namespace confab::bench {

// A server as its clients know it.
struct CallServer {
    Way way = Way::kServer;
    Ports ports;
    bool single = true;  // its clients have one connection each

    // What is published has no need of what others publish.
    ClientOptions client(std::string identity, bool subscribes) const {
        return {.room = "call",
                .identity = std::move(identity),
                .single = single,
                .auto_subscribe = subscribes,
                .own_server = way == Way::kServer};
    }
};

// `command` with its placeholders replaced.
inline std::string fill_in(std::string command, const Ports& ports) {
    const std::vector<std::pair<std::string, std::string>> values = {
        {"{http}", std::to_string(ports.http)}, {"{udp}", std::to_string(ports.udp)},
        {"{tcp}", std::to_string(ports.tcp)},   {"{key}", ServerProcess::kKey},
        {"{secret}", ServerProcess::kSecret},
    };
    for (const auto& [name, value] : values)
        for (std::size_t at = 0; (at = command.find(name, at)) != std::string::npos;)
            command.replace(at, name.size(), value);
    return command;
}

// The process and its descendants that still have their parents.
inline std::vector<pid_t> family_of(pid_t pid) {
    std::multimap<pid_t, pid_t> children;
    std::error_code error;
    for (const auto& process : std::filesystem::directory_iterator("/proc", error)) {
        const std::string name = process.path().filename();
        std::ifstream file(process.path() / "stat");
        std::string line;
        if (std::atoi(name.c_str()) <= 0 || !std::getline(file, line)) continue;
        // The name in brackets may have any letters; behind it are the state and the parent.
        const std::size_t end = line.rfind(')');
        if (end == std::string::npos || line.size() < end + 5) continue;
        children.emplace(std::atoi(line.c_str() + end + 4), std::atoi(name.c_str()));
    }
    std::vector<pid_t> family = {pid};
    for (std::size_t i = 0; i < family.size(); ++i) {
        const auto [first, last] = children.equal_range(family[i]);
        for (auto child = first; child != last; ++child)
            family.push_back(child->second);
    }
    return family;
}

class PeerProcess {
  public:
    explicit PeerProcess(const CallOptions& options)
        : ports{free_port(SOCK_STREAM), free_port(SOCK_DGRAM), free_port(SOCK_STREAM)},
          counted_(options.peer_process) {
        const std::string command = "exec " + fill_in(options.peer, ports);
        pid_ = ::fork();
        if (pid_ != 0) return;
        (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
        pin(::getpid(), true);  // before it counts the cores it may use
        redirect_output(options.peer_log);
        ::execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
        std::_Exit(127);
    }
    ~PeerProcess() {
        if (pid_ <= 0) return;
        for (const pid_t one : family_of(pid_))
            ::kill(one, SIGKILL);
        (void)::waitpid(pid_, nullptr, 0);
    }
    PeerProcess(const PeerProcess&) = delete;
    PeerProcess& operator=(const PeerProcess&) = delete;

    pid_t pid() const { return pid_; }
    bool running() const { return ::waitpid(pid_, nullptr, WNOHANG) == 0; }
    // Until it accepts connections; false if it ended before, or takes a minute.
    bool wait_until_up() const {
        for (int tries = 0; tries < 6000 && running(); ++tries, ::usleep(10'000))
            if (accepts_connections(ports.http)) return true;
        return false;
    }
    // Of all its processes that count, those of threads that have ended included. All of its
    // threads are workers: nobody knows which of them forward.
    ProcessCost cost() const {
        ProcessCost sum;
        for (const pid_t one : family_of(pid_)) {
            clockid_t clock = 0;
            timespec used{};
            if (!counts(one) || ::clock_getcpuclockid(one, &clock) != 0 ||
                ::clock_gettime(clock, &used) != 0)
                continue;
            sum.worker_ns +=
                static_cast<double>(used.tv_sec) * 1e9 + static_cast<double>(used.tv_nsec);
            sum.worker_sleeps += cost_of(one, "").worker_sleeps;
        }
        return sum;
    }
    // Whether any of its processes counts.
    bool counts_any() const {
        for (const pid_t one : family_of(pid_))
            if (counts(one)) return true;
        return false;
    }

    const Ports ports;

  private:
    bool counts(pid_t pid) const {
        std::error_code error;
        const auto file =
            std::filesystem::read_symlink("/proc/" + std::to_string(pid) + "/exe", error);
        return counted_.empty() || file.filename().string().starts_with(counted_);
    }

    std::string counted_;
    pid_t pid_ = -1;
};

}  // namespace confab::bench
