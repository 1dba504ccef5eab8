// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/doctor/port_probe.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/text.h"
#include "runtime/worker/socket/file_descriptor.h"
#include "runtime/worker/socket/socket_address.h"

namespace confab::doctor {
namespace {

constexpr std::size_t kMaxListed = 8;
constexpr std::size_t kMaxProcesses = 20'000;
constexpr std::string_view kListening = "0A";

// 0, or why the port cannot be bound there.
int try_bind(const SocketAddress& at, bool is_udp) {
    const int family = at.ip.is_v6() ? AF_INET6 : AF_INET;
    const int kind = is_udp ? SOCK_DGRAM : SOCK_STREAM;
    const worker::FileDescriptor fd(::socket(family, kind | SOCK_CLOEXEC, 0));
    if (!fd) return 0;  // a family that this host has not got
    const int on = 1;
    // Connections that have just ended do not count; UDP has none.
    if (!is_udp) (void)::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    const worker::KernelAddress address = worker::to_kernel(at);
    if (::bind(fd.get(), address.get(), address.size) != 0) return errno;
    if (!is_udp && ::listen(fd.get(), 1) != 0) return errno;
    return 0;
}

std::string read_all(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return std::move(text).str();
}

namespace fs = std::filesystem;

// Processes come and go while they are looked at: nothing in here throws.
bool has_socket(const fs::path& process, const std::string& wanted) {
    std::error_code error;
    for (fs::directory_iterator fd(process / "fd", error), end; !error && fd != end;
         fd.increment(error))
        if (std::error_code gone; fs::read_symlink(fd->path(), gone) == wanted) return true;
    return false;
}

// "nginx (pid 12)", among the processes that we may look at.
std::string process_of(const std::string& inode) {
    const std::string wanted = "socket:[" + inode + "]";
    std::error_code error;
    std::size_t seen = 0;
    for (fs::directory_iterator process("/proc", error), end;
         !error && process != end && seen < kMaxProcesses; process.increment(error)) {
        const std::string pid = process->path().filename().string();
        if (!parse_decimal<std::uint32_t>(pid)) continue;
        ++seen;
        if (!has_socket(process->path(), wanted)) continue;
        std::string text(trim(read_all("/proc/" + pid + "/comm")));
        return text.append(" (pid ").append(pid).append(")");
    }
    return {};
}

std::string owner_of(std::uint16_t port, bool is_udp) {
    for (const char* family : {"", "6"}) {
        const std::string file = std::string("/proc/net/") + (is_udp ? "udp" : "tcp") + family;
        const std::string inode = socket_inode(read_all(file), port, is_udp);
        if (!inode.empty()) return process_of(inode);
    }
    return {};
}

}  // namespace

std::string socket_inode(std::string_view table, std::uint16_t port, bool is_udp) {
    (void)next_token(table, '\n');  // the heading
    while (!table.empty()) {
        std::istringstream line{std::string(next_token(table, '\n'))};
        std::vector<std::string> words;
        for (std::string word; line >> word && words.size() < 10;)
            words.push_back(word);
        if (words.size() < 10 || (!is_udp && words[3] != kListening)) continue;
        const std::string_view local = words[1];
        const std::string_view digits =
            local.substr(std::min(local.find(':'), local.size() - 1) + 1);
        std::uint16_t number = 0;
        std::from_chars(digits.data(), digits.data() + digits.size(), number, 16);
        if (number == port) return words[9];
    }
    return {};
}

void probe_ports(PortFacts& ports, const std::vector<IpAddress>& addresses) {
    const std::vector<IpAddress> any{IpAddress::v4(0)};
    for (std::uint32_t port = ports.first; port <= ports.last && port != 0; ++port) {
        bool taken = false;
        for (const IpAddress& ip : addresses.empty() ? any : addresses) {
            const int error = try_bind({ip, static_cast<std::uint16_t>(port)}, ports.is_udp);
            taken = taken || error == EADDRINUSE;
            ports.forbidden = ports.forbidden || error == EACCES || error == EPERM;
        }
        if (!taken) continue;
        ++ports.taken_count;
        if (ports.taken.size() < kMaxListed)
            ports.taken.push_back(static_cast<std::uint16_t>(port));
    }
    if (!ports.taken.empty()) ports.owner = owner_of(ports.taken.front(), ports.is_udp);
}

}  // namespace confab::doctor
