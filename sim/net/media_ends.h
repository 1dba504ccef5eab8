// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Who is at the two ends of the paths of media, UDP's (udp_network.h) and TCP's (tcp_streams.h).
#pragma once

#include <cstddef>

#include "base/bytes.h"
#include "base/net_address.h"
#include "client/connection/connections.h"
#include "rtc/ice/path.h"
#include "sim/ids.h"

namespace confab::sim {

class ClientEnd {
  public:
    virtual ~ClientEnd() = default;
    // A datagram, or a frame, left a server for the client; it may still get lost.
    virtual void media_sent(ClientId to, BytesView bytes) = 0;
    // The path as the client sees it; what a datagram lacks of it is the client's own address.
    virtual void media_arrived(ClientId at, client::Target target, const ice::Path& path,
                               BytesSpan bytes) = 0;
    virtual void stream_opened(ClientId by, client::Target target, const ice::Path& path) = 0;
};

// The server's end of a stream; the path as the server sees it.
struct ServerStream {
    NodeId node = 0;
    std::size_t shard = 0;
    ice::Path path;
};

class ServerEnd {
  public:
    virtual ~ServerEnd() = default;
    virtual void datagram_arrived(const SocketAddress& from, const SocketAddress& to,
                                  BytesView bytes) = 0;
    virtual void frame_arrived(const ServerStream& stream, BytesView bytes) = 0;
    virtual void stream_closed(const ServerStream& stream) = 0;
};

}  // namespace confab::sim
