// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A server of its own for a benchmark: starts `confab serve` as a child on free ports of loopback,
// and reads what it cost from /proc (proc(5): smaps_rollup, schedstat).
#pragma once

#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

namespace confab::bench {

struct Ports {
    std::uint16_t http = 0;
    std::uint16_t udp = 0;
    std::uint16_t tcp = 0;  // of media
};

inline std::uint16_t free_port(int type) {
    const int fd = ::socket(AF_INET, type | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    void* const raw = &address;
    if (::bind(fd, static_cast<sockaddr*>(raw), size) != 0 ||
        ::getsockname(fd, static_cast<sockaddr*>(raw), &size) != 0)
        std::abort();
    ::close(fd);
    return ntohs(address.sin_port);
}

// Whether somebody on loopback does.
inline bool accepts_connections(std::uint16_t port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    void* const raw = &address;
    const bool up = ::connect(fd, static_cast<sockaddr*>(raw), sizeof address) == 0;
    ::close(fd);
    return up;
}

// In the child: what it prints goes to the file.
inline void redirect_output(const std::string& log) {
    const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
    (void)::dup2(out, STDOUT_FILENO);
    (void)::dup2(out, STDERR_FILENO);
}

class ServerProcess {
  public:
    static constexpr const char* kKey = "benchkey";
    static constexpr const char* kSecret = "a-secret-of-at-least-thirty-two-characters";

    // `log` receives the server's output.
    ServerProcess(const std::string& binary, const std::string& log)
        : ports{free_port(SOCK_STREAM), free_port(SOCK_DGRAM)} {
        const std::string config =
            "{port: " + std::to_string(ports.http) + ", bind_addresses: [127.0.0.1], keys: {" +
            kKey + ": " + kSecret + "}, rtc: {udp_port: " + std::to_string(ports.udp) +
            ", tcp_port: 0, node_ip: 127.0.0.1}, confab: {workers: 1, metrics_enabled: true}}";
        pid_ = ::fork();
        if (pid_ == 0) {
            (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
            redirect_output(log);
            ::execl(binary.c_str(), binary.c_str(), "serve", "--config-body", config.c_str(),
                    nullptr);
            std::_Exit(127);
        }
    }
    ~ServerProcess() {
        if (pid_ <= 0) return;
        ::kill(pid_, SIGKILL);
        (void)::waitpid(pid_, nullptr, 0);
    }
    ServerProcess(const ServerProcess&) = delete;
    ServerProcess& operator=(const ServerProcess&) = delete;

    pid_t pid() const { return pid_; }
    bool running() { return ::waitpid(pid_, nullptr, WNOHANG) == 0; }
    // Until it accepts connections; false if it ended before, or takes half a minute.
    bool wait_until_up() {
        for (int tries = 0; tries < 15'000 && running(); ++tries, ::usleep(2000))
            if (accepts_connections(ports.http)) return true;
        return false;
    }

    // User and system time of all threads, in seconds (the first number of schedstat, in ns).
    double cpu() const {
        return cpu_of([](const std::string&) { return true; });
    }
    // Of those that are no media worker.
    double control_cpu() const {
        return cpu_of([](const std::string& name) { return !name.starts_with("media"); });
    }
    // Resident memory in KiB.
    double rss() const {
        std::ifstream file("/proc/" + std::to_string(pid_) + "/smaps_rollup");
        for (std::string line; std::getline(file, line);)
            if (line.starts_with("Rss:")) return std::strtod(line.c_str() + 4, nullptr);
        return 0;
    }

    const Ports ports;

  private:
    template <typename Wanted>
    double cpu_of(Wanted wanted) const {
        double sum = 0;
        std::error_code error;
        const std::string tasks = "/proc/" + std::to_string(pid_) + "/task";
        for (const auto& task : std::filesystem::directory_iterator(tasks, error)) {
            std::ifstream names(task.path() / "comm");
            std::string name;
            if (!std::getline(names, name) || !wanted(name)) continue;
            std::ifstream file(task.path() / "schedstat");
            double time = 0;
            if (file >> time) sum += time;
        }
        return sum / 1e9;
    }

    pid_t pid_ = -1;
};

}  // namespace confab::bench
