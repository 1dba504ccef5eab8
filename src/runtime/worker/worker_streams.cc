// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/worker/worker_streams.h"

#include <utility>

#include "sfu/shard/shard.h"

namespace confab::worker {
namespace {

struct Joint {
    TcpConnections& streams;
    sfu::Shard& shard;
    WorkerLinks& links;
    const Timestamp& now;

    TcpConnections::Verdict handle_frame(const ice::Path& path, BytesSpan frame) const {
        if (shard.handle_frame(now, path, frame)) return TcpConnections::Verdict::kHandOver;
        if (shard.routes().contains(path)) streams.claim(path.tcp_connection);
        return TcpConnections::Verdict::kKeep;
    }
    void hand_over(TcpHandOver stream) const {
        const ice::Path path = stream.path;
        if (const auto owner = shard.routes().foreign_owner(path))
            (void)links.push_stream(*owner, std::move(stream));
        // Nothing of it comes here any more, not even its end.
        shard.handle_tcp_closed(now, path);
    }
};

}  // namespace

void join_streams(TcpConnections& streams, sfu::Shard& shard, WorkerLinks& links,
                  const Timestamp& now) {
    const Joint joint{streams, shard, links, now};
    streams.set_handlers(
        [joint](const ice::Path& path, BytesSpan frame) { return joint.handle_frame(path, frame); },
        [joint](TcpHandOver stream) { joint.hand_over(std::move(stream)); },
        [joint](const ice::Path& path) { joint.shard.handle_tcp_closed(joint.now, path); },
        [joint](const ice::Path& path) { return joint.shard.routes().contains(path); });
}

}  // namespace confab::worker
