// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Between our address values and the kernel's.
#pragma once

#include <sys/socket.h>

#include <optional>
#include <string>
#include <vector>

#include "base/net_address.h"

namespace confab::worker {

struct KernelAddress {
    sockaddr_storage storage{};
    socklen_t size = 0;
    const sockaddr* get() const;
    sockaddr* get();
};
KernelAddress to_kernel(const SocketAddress& address);
// The same into what is there, of which only the bytes of the family are written.
void write_kernel(const SocketAddress& address, KernelAddress& out);
SocketAddress from_kernel(const sockaddr_storage& storage);

struct LocalAddress {
    std::string interface_name;
    IpAddress ip;
};
// The addresses of all interfaces that are up, in the kernel's order; without IPv6 link-local ones
// (02 ICE-11).
std::vector<LocalAddress> local_addresses();

}  // namespace confab::worker
