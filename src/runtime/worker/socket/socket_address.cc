// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/worker/socket/socket_address.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include <cstring>

namespace confab::worker {

const sockaddr* KernelAddress::get() const {
    return reinterpret_cast<const sockaddr*>(&storage);
}
sockaddr* KernelAddress::get() {
    return reinterpret_cast<sockaddr*>(&storage);
}

void write_kernel(const SocketAddress& address, KernelAddress& result) {
    if (address.ip.is_v6()) {
        sockaddr_in6 v6{};
        v6.sin6_family = AF_INET6;
        v6.sin6_port = htons(address.port);
        std::memcpy(&v6.sin6_addr, address.ip.bytes().data(), 16);
        std::memcpy(&result.storage, &v6, sizeof v6);
        result.size = sizeof v6;
    } else {
        sockaddr_in v4{};
        v4.sin_family = AF_INET;
        v4.sin_port = htons(address.port);
        v4.sin_addr.s_addr = htonl(address.ip.to_v4());
        std::memcpy(&result.storage, &v4, sizeof v4);
        result.size = sizeof v4;
    }
}

KernelAddress to_kernel(const SocketAddress& address) {
    KernelAddress result;
    write_kernel(address, result);
    return result;
}

SocketAddress from_kernel(const sockaddr_storage& storage) {
    if (storage.ss_family == AF_INET6) {
        sockaddr_in6 v6;
        std::memcpy(&v6, &storage, sizeof v6);
        std::array<std::uint8_t, 16> bytes;
        std::memcpy(bytes.data(), &v6.sin6_addr, 16);
        return {IpAddress::v6_bytes(bytes), ntohs(v6.sin6_port)};
    }
    sockaddr_in v4;
    std::memcpy(&v4, &storage, sizeof v4);
    return {IpAddress::v4(ntohl(v4.sin_addr.s_addr)), ntohs(v4.sin_port)};
}

std::vector<LocalAddress> local_addresses() {
    std::vector<LocalAddress> result;
    ifaddrs* list = nullptr;
    if (getifaddrs(&list) != 0) return result;
    for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
        if (entry->ifa_addr == nullptr || (entry->ifa_flags & IFF_UP) == 0) continue;
        const int family = entry->ifa_addr->sa_family;
        if (family != AF_INET && family != AF_INET6) continue;
        sockaddr_storage storage{};
        std::memcpy(&storage, entry->ifa_addr,
                    family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6));
        const IpAddress ip = from_kernel(storage).ip;
        if (ip.is_v6() && ip.is_link_local()) continue;
        result.push_back({entry->ifa_name, ip});
    }
    freeifaddrs(list);
    return result;
}

}  // namespace confab::worker
