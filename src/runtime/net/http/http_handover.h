// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// An upgrade on its way from the loop that accepted its connection to the one that answers it.
// Included by .cc files only.
//
// The connection that was accepted waits until the other loop has taken this; when that does not
// happen in time (the loop hangs, or has ended) it takes it back and answers 503 itself. Whoever
// sets `taken` owns the rest. All accounts (limits, counters, idle eviction) stay with the server:
// the place in its table is given back by a message to its loop, counters are atomic.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "base/net_address.h"
#include "runtime/net/http/http_message.h"
#include "runtime/net/http/http_stats.h"
#include "runtime/net/stream.h"

namespace confab::net {

struct HttpHandover {
    explicit HttpHandover(DetachedStream detached) : stream(std::move(detached)) {}

    std::atomic<bool> taken = false;
    DetachedStream stream;
    std::string received;  // what came after the request
    HttpHeaders request_headers;
    int version = 11;
    SocketAddress remote;
    OpenConnection open;
    std::shared_ptr<void> place;  // in the table of connections
};

}  // namespace confab::net
