// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/worker/relay/route_source.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>

#include "runtime/worker/socket/file_descriptor.h"
#include "runtime/worker/socket/socket_address.h"

namespace confab::worker {
namespace {

constexpr std::uint16_t kDiscard = 9;  // nothing is sent there

}  // namespace

IpAddress route_source(const IpAddress& bound, const IpAddress& to) {
    if (bound.is_none() || bound.family() != to.family()) return {};
    if (!bound.is_unspecified()) return bound;
    const int family = to.is_v6() ? AF_INET6 : AF_INET;
    const FileDescriptor fd(::socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const KernelAddress peer = to_kernel({to, kDiscard});
    if (!fd || ::connect(fd.get(), peer.get(), peer.size) != 0) return {};
    KernelAddress chosen;
    chosen.size = sizeof chosen.storage;
    if (::getsockname(fd.get(), chosen.get(), &chosen.size) != 0) return {};
    return from_kernel(chosen.storage).ip;
}

IpAddress route_source(const IpAddress& to) {
    constexpr std::array<std::uint8_t, 16> kAny{};
    return route_source(to.is_v6() ? IpAddress::v6_bytes(kAny) : IpAddress::v4(0), to);
}

}  // namespace confab::worker
