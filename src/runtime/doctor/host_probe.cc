// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/doctor/host_probe.h"

#include <fcntl.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "runtime/doctor/tls_connection.h"
#include "runtime/net/http/http_client.h"
#include "runtime/worker/socket/socket_address.h"

namespace confab::doctor {
namespace {

constexpr int kLargeBuffer = 1 << 30;
constexpr std::uint64_t kNoLimit = 1'048'576;

std::uint32_t mtu_of(const worker::FileDescriptor& socket, const std::string& name) {
    ifreq request{};
    if (name.size() >= sizeof request.ifr_name) return 0;
    std::memcpy(request.ifr_name, name.data(), name.size());
    if (::ioctl(socket.get(), SIOCGIFMTU, &request) != 0) return 0;
    return static_cast<std::uint32_t>(request.ifr_mtu);
}

// Linux gives twice what it lets have (socket(7)).
std::optional<std::uint64_t> buffer_of_a_socket(bool receive) {
    const worker::FileDescriptor fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const int option = receive ? SO_RCVBUF : SO_SNDBUF;
    int size = kLargeBuffer;
    socklen_t length = sizeof size;
    if (!fd || ::setsockopt(fd.get(), SOL_SOCKET, option, &size, sizeof size) != 0 ||
        ::getsockopt(fd.get(), SOL_SOCKET, option, &size, &length) != 0)
        return std::nullopt;
    return static_cast<std::uint64_t>(size) / 2;
}

// With a query, which may be a password, left out.
std::string without_query(const std::string& url) {
    return url.substr(0, url.find_first_of("?#"));
}

}  // namespace

std::vector<InterfaceFacts> probe_interfaces() {
    const worker::FileDescriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    std::vector<InterfaceFacts> all;
    for (const worker::LocalAddress& address : worker::local_addresses())
        all.push_back({address.interface_name, address.ip, mtu_of(socket, address.interface_name)});
    return all;
}

std::optional<std::uint64_t> socket_buffer_limit(bool receive) {
    std::ifstream file(receive ? "/proc/sys/net/core/rmem_max" : "/proc/sys/net/core/wmem_max");
    std::uint64_t bytes = 0;
    if (file >> bytes) return bytes;
    return buffer_of_a_socket(receive);
}

std::uint64_t open_files_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return kNoLimit;
    return limit.rlim_max == RLIM_INFINITY ? kNoLimit : limit.rlim_max;
}

DiskFacts probe_disk(const std::string& folder) {
    DiskFacts facts{.tried = true, .folder = folder, .error = {}};
    struct statvfs space{};
    if (::statvfs(folder.c_str(), &space) != 0) {
        facts.error = std::strerror(errno);
        return facts;
    }
    facts.free_bytes = static_cast<std::uint64_t>(space.f_bavail) * space.f_frsize;
    // A file without a name: nothing is left, whatever happens.
    const worker::FileDescriptor file(
        ::open(folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600));
    if (!file && errno != EOPNOTSUPP && errno != EISDIR) facts.error = std::strerror(errno);
    return facts;
}

WebhookFacts probe_webhook(const std::string& url, const Deadline& deadline) {
    WebhookFacts facts;
    facts.url = without_query(url);
    const auto place = net::parse_http_url(url);
    if (!place) return facts;
    facts.is_tls = place->tls;
    facts.host = place->host;
    facts.name = resolve(place->host, deadline);
    if (facts.name.addresses.empty()) return facts;
    const SocketAddress to{facts.name.addresses.front(), place->port};
    const Connected connected = connect_tcp(to, deadline);
    facts.tcp = connected.reach;
    if (connected.reach == Reach::kAnswered && facts.is_tls)
        facts.tls = TlsConnection(connected.fd.get(), place->host).shake_hands(deadline);
    return facts;
}

}  // namespace confab::doctor
