// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a worker's TCP streams are to its shard (02 ICE-08): frames of its peers, or streams of
// another worker's, and in use as long as a peer has them.
#pragma once

#include "runtime/worker/worker_links.h"

namespace confab::sfu {
class Shard;
}

namespace confab::worker {

// Gives the streams their handlers. `now` is the worker's, as of the batch it reads. All of it has
// to be there as long as the streams are served.
void join_streams(TcpConnections& streams, sfu::Shard& shard, WorkerLinks& links,
                  const Timestamp& now);

}  // namespace confab::worker
