// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A path as fields of exported state (base/state/state.h).
#pragma once

#include "base/state/state.h"
#include "rtc/ice/path.h"

namespace confab::ice {

inline void address_fields(StateWriter& out, const SocketAddress& address) {
    out.field(1, address.ip.is_none() ? BytesView{} : address.ip.bytes());
    out.field(2, address.port);
}
inline void address_fields(StateReader& in, SocketAddress& address) {
    BytesView ip;
    in.field(1, ip);
    in.require(ip.empty() || ip.size() == 4 || ip.size() == 16);
    if (ip.size() == 4) address.ip = IpAddress::v4_bytes(ip);
    if (ip.size() == 16) address.ip = IpAddress::v6_bytes(ip);
    in.field(2, address.port);
}

template <typename Io, typename P>
void path_fields(Io& io, P& path) {
    io.field(1, path.socket);
    io.choice(2, path.protocol, Protocol::kTcp);
    io.field(3, path.tcp_connection);
    io.record(4, [&path](auto& inner) { address_fields(inner, path.local); });
    io.record(5, [&path](auto& inner) { address_fields(inner, path.remote); });
}

}  // namespace confab::ice
