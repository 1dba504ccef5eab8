// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The TCP half of the relay: listeners, and for each stream a socket to either end with the machine
// between them. Ends and resets of one side come to the other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/net_address.h"
#include "base/result.h"
#include "base/time.h"
#include "netem/stream_relay.h"
#include "runtime/worker/socket/file_descriptor.h"
#include "runtime/worker/socket/poller.h"

namespace confab::netsim {

class TcpSide {
  public:
    enum Tag : std::uint64_t {
        kListener = 4ULL << 56U,
        kClient = 5ULL << 56U,
        kServer = 6ULL << 56U
    };

    TcpSide(worker::Poller& poller, netem::Path& path) : poller_(poller), relay_(path) {}

    Result<SocketAddress, std::string> add_route(const SocketAddress& listen,
                                                 const SocketAddress& server);
    void handle_ready(Timestamp now, const worker::Poller::Ready& ready);
    // Writes what is due. `changed`: the path is another one, so that all streams are looked at.
    void handle_timeout(Timestamp now, bool changed);
    Timestamp next_deadline(Timestamp now) const { return relay_.next_deadline(now); }

    const netem::StreamRelay& relay() const { return relay_; }
    std::uint64_t not_reached() const { return not_reached_; }  // streams that the server refused

  private:
    struct Route {
        worker::FileDescriptor listener;
        SocketAddress server;
    };
    // One end of a stream.
    struct End {
        worker::FileDescriptor fd;
        worker::Poller::Interest interest;
        std::uint64_t tag = 0;
        bool watched = false;
        bool read_ended = false;
        bool write_ended = false;
        bool blocked = false;  // takes nothing more for now
    };
    struct Pair {
        End client;
        End server;
        bool connecting = true;
    };
    // What came of a step: go on with this stream, or it is over.
    enum class Step : std::uint8_t { kGoOn, kOver };

    void accept_all(Timestamp now, const Route& route);
    bool start_pair(Timestamp now, worker::FileDescriptor client, const SocketAddress& server);
    void pump(Timestamp now, netem::StreamId id);
    Step move(Timestamp now, netem::StreamId id, Pair& pair, netem::Direction direction);
    Step read(Timestamp now, netem::StreamId id, End& from, netem::Direction direction);
    Step write(Timestamp now, netem::StreamId id, End& to, netem::Direction direction);
    void watch(netem::StreamId id, Pair& pair);
    void watch_end(End& end, worker::Poller::Interest interest);
    void reset(netem::StreamId id);

    worker::Poller& poller_;
    netem::StreamRelay relay_;
    std::vector<Route> routes_;
    std::unordered_map<netem::StreamId, Pair> pairs_;
    std::uint64_t not_reached_ = 0;
};

}  // namespace confab::netsim
