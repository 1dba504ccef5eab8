// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/serve/cluster/link_options.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <vector>

#include "redis/address.h"

namespace confab::app {
namespace {

std::vector<std::string> places_of(const config::Redis& redis) {
    if (!redis.sentinel_addresses.empty()) return redis.sentinel_addresses;
    if (!redis.cluster_addresses.empty()) return redis.cluster_addresses;
    return {redis.address};
}

IpAddress ip_of(const sockaddr_storage& storage) {
    const void* const any = &storage;
    if (storage.ss_family == AF_INET)
        return IpAddress::v4(ntohl(static_cast<const sockaddr_in*>(any)->sin_addr.s_addr));
    if (storage.ss_family != AF_INET6) return {};
    const auto& bytes = static_cast<const sockaddr_in6*>(any)->sin6_addr.s6_addr;
    return IpAddress::v6_bytes(BytesView(bytes, sizeof(bytes)));
}

// The address from which the system would send there; it sends nothing for that.
IpAddress source_towards(const addrinfo& to) {
    const int fd = ::socket(to.ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return {};
    sockaddr_storage own{};
    socklen_t size = sizeof(own);
    const bool known =
        ::connect(fd, to.ai_addr, to.ai_addrlen) == 0 &&
        ::getsockname(fd, static_cast<sockaddr*>(static_cast<void*>(&own)), &size) == 0;
    ::close(fd);
    return known ? ip_of(own) : IpAddress();
}

IpAddress source_towards(const redis::Address& server) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_DGRAM;
    addrinfo* found = nullptr;
    const std::string port = std::to_string(server.port);
    if (::getaddrinfo(server.host.c_str(), port.c_str(), &hints, &found) != 0) return {};
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> all(found, ::freeaddrinfo);
    for (const addrinfo* one = found; one != nullptr; one = one->ai_next)
        if (const IpAddress source = source_towards(*one); !source.is_none()) return source;
    return {};
}

}  // namespace

Result<std::optional<SocketAddress>, std::string> link_address(const config::Config& config) {
    const config::Own& own = config.own;
    if (!own.node_links) return std::nullopt;
    if (!own.node_link_ip.empty()) {
        const auto ip = IpAddress::parse(own.node_link_ip);
        if (!ip || ip->is_unspecified())
            return fail("confab.node_link_ip is no address of this machine: " + own.node_link_ip +
                        "; other nodes dial it");
        return SocketAddress{*ip, own.node_link_port};
    }
    for (const std::string& place : places_of(config.redis)) {
        const auto server = redis::parse_address(place);
        if (!server) continue;
        if (const IpAddress ip = source_towards(*server); !ip.is_none())
            return SocketAddress{ip, own.node_link_port};
    }
    return std::nullopt;
}

}  // namespace confab::app
