// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The impairment relay with its sockets: one thread, one path, any number of listeners. Timers are
// exact to some tens of microseconds.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/net_address.h"
#include "base/result.h"
#include "base/time.h"
#include "netem/changes.h"
#include "netem/path.h"
#include "runtime/netem/line_reader.h"
#include "runtime/netem/tcp_side.h"
#include "runtime/netem/udp_side.h"
#include "runtime/worker/socket/file_descriptor.h"
#include "runtime/worker/socket/poller.h"

namespace confab::netsim {

struct Route {
    bool is_tcp = false;
    SocketAddress listen;  // port 0: the kernel chooses
    SocketAddress server;
};

struct RelayOptions {
    std::vector<Route> routes;
    netem::Conditions conditions;
    std::vector<netem::TimedChange> schedule;
    std::uint64_t seed = 1;
    Duration duration;     // zero: until stop_fd or the end of the commands
    int stop_fd = -1;      // ends the run when it is readable
    int commands_fd = -1;  // a change each line (netem/changes.h); its end ends the run
};

// Of one direction, since the start.
struct DirectionTotals {
    netem::LinkCounters link;
    netem::RelayCounters relay;
};

struct Totals {
    Duration running;
    DirectionTotals up;
    DirectionTotals down;
    std::size_t clients = 0;  // of UDP, now
    std::size_t streams = 0;  // now
    std::uint32_t rebinds = 0;
    netem::StreamCounters tcp;
    std::uint64_t tcp_not_reached = 0;
    std::uint64_t not_read = 0;  // by us, so that the kernel dropped them: the machine is too slow
    std::uint64_t not_sent = 0;  // the kernel did not take them
    std::uint64_t evicted = 0;   // clients of UDP that had to go for others
    std::uint64_t not_opened = 0;  // clients of UDP that got no port, and why
    std::string port_error;
};

struct RelayHooks {
    std::function<void(const Totals&)> on_second;
    // A line of the commands; the error is empty if it was applied.
    std::function<void(const std::string& line, const std::string& error)> on_command;
};

class RelayNode {
  public:
    // Listens when it returns. The error says what could not be done, and with which address.
    static Result<std::unique_ptr<RelayNode>, std::string> open(const RelayOptions& options);

    // With the ports that were chosen.
    const std::vector<Route>& routes() const { return options_.routes; }
    // Until the duration is over, or a descriptor of the options ends it.
    void run(const RelayHooks& hooks);
    Totals totals() const;

  private:
    explicit RelayNode(const RelayOptions& options);
    Result<void, std::string> add_routes();
    bool watch(int fd, std::uint64_t tag);
    void handle_timeouts(Timestamp now);
    void arm(Timestamp deadline);
    Timestamp next_deadline() const;
    // False: the run is over.
    bool handle_ready(const worker::Poller::Ready& ready, const RelayHooks& hooks);
    bool handle_commands(const RelayHooks& hooks);

    RelayOptions options_;
    Timestamp start_;
    worker::Poller poller_;
    worker::FileDescriptor timer_;
    Timestamp armed_ = Timestamp::never();
    netem::Path path_;
    UdpSide udp_;
    TcpSide tcp_;
    LineReader commands_;
    Timestamp now_;
    Timestamp next_second_;
    Timestamp end_ = Timestamp::never();
    std::uint32_t version_seen_ = 0;
};

}  // namespace confab::netsim
