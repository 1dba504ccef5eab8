// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/netem/relay_node.h"

#include <sys/timerfd.h>

#include <ctime>
#include <utility>

namespace confab::netsim {
namespace {

// Tags of the poller; those of the sockets have an upper byte (udp_side.h, tcp_side.h).
constexpr std::uint64_t kTimer = 1;
constexpr std::uint64_t kStop = 2;
constexpr std::uint64_t kCommands = 3;

// Nearer deadlines are waited for awake: setting the timer costs as much.
constexpr Duration kTooNearToSleep = Duration::micros(20);
constexpr Duration kSecond = Duration::seconds(1);

Timestamp clock_now() {
    timespec t{};
    ::clock_gettime(CLOCK_MONOTONIC, &t);
    return Timestamp::micros(std::int64_t{t.tv_sec} * 1'000'000 + t.tv_nsec / 1000);
}

}  // namespace

RelayNode::RelayNode(const RelayOptions& options)
    : options_(options),
      start_(clock_now()),
      timer_(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)),
      path_(options.conditions, options.schedule, options.seed, start_),
      udp_(poller_, path_),
      tcp_(poller_, path_),
      commands_(options.commands_fd),
      now_(start_),
      next_second_(start_ + kSecond) {
    if (options.duration > Duration::zero()) end_ = start_ + options.duration;
}

bool RelayNode::watch(int fd, std::uint64_t tag) {
    return fd < 0 || poller_.add(fd, tag);
}

Result<void, std::string> RelayNode::add_routes() {
    for (Route& route : options_.routes) {
        auto local = route.is_tcp ? tcp_.add_route(route.listen, route.server)
                                  : udp_.add_route(route.listen, route.server);
        if (!local)
            return fail(local.error() + "; end what listens there, or choose another --listen");
        route.listen = *local;
    }
    return {};
}

Result<std::unique_ptr<RelayNode>, std::string> RelayNode::open(const RelayOptions& options) {
    std::unique_ptr<RelayNode> node(new RelayNode(options));
    if (!node->timer_ || !node->watch(node->timer_.get(), kTimer) ||
        !node->watch(options.stop_fd, kStop))
        return fail(std::string("the kernel takes no timer or descriptor to watch"));
    if (!node->watch(options.commands_fd, kCommands))
        return fail(
            std::string("commands come from a pipe or a terminal; of a file use --schedule"));
    CONFAB_TRY_VOID(node->add_routes());
    return node;
}

void RelayNode::handle_timeouts(Timestamp now) {
    udp_.handle_timeout(now);
    // What the path was told since, by the schedule or a command, may set streams going.
    const bool changed = path_.version() != version_seen_;
    version_seen_ = path_.version();
    if (changed || tcp_.next_deadline(now_) <= now) tcp_.handle_timeout(now, changed);
    now_ = now;
}

Timestamp RelayNode::next_deadline() const {
    return earlier(earlier(udp_.next_deadline(), tcp_.next_deadline(now_)),
                   earlier(next_second_, end_));
}

// A timer in the past fires at once.
void RelayNode::arm(Timestamp deadline) {
    if (deadline == armed_) return;
    armed_ = deadline;
    itimerspec at{};
    at.it_value.tv_sec = deadline.us() / 1'000'000;
    at.it_value.tv_nsec = deadline.us() % 1'000'000 * 1000;
    (void)::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &at, nullptr);
}

bool RelayNode::handle_commands(const RelayHooks& hooks) {
    const bool more = commands_.read();
    while (const auto line = commands_.poll_line()) {
        const auto change = netem::parse_change(*line);
        if (change) path_.apply(clock_now(), *change);
        if (hooks.on_command) hooks.on_command(*line, change ? std::string() : change.error());
    }
    return more;
}

bool RelayNode::handle_ready(const worker::Poller::Ready& ready, const RelayHooks& hooks) {
    switch (ready.tag) {
        case kTimer:
            armed_ = Timestamp();
            return true;  // to be set anew, which silences it
        case kStop:
            return false;
        case kCommands:
            return handle_commands(hooks);
        default:
            break;
    }
    const Timestamp now = clock_now();
    if (ready.tag >= TcpSide::kListener)
        tcp_.handle_ready(now, ready);
    else
        udp_.handle_readable(now, ready.tag);
    return true;
}

void RelayNode::run(const RelayHooks& hooks) {
    bool going = true;
    while (going) {
        const Timestamp now = clock_now();
        handle_timeouts(now);
        if (now >= end_) return;
        if (now >= next_second_) {
            next_second_ = next_second_ + kSecond;
            if (hooks.on_second) hooks.on_second(totals());
        }
        const Timestamp deadline = next_deadline();
        const bool is_near = deadline <= clock_now() + kTooNearToSleep;
        if (!is_near) arm(deadline);
        // The timer ends the wait before that.
        for (const worker::Poller::Ready& ready :
             poller_.wait(is_near ? Duration::zero() : kSecond * 2))
            going = handle_ready(ready, hooks) && going;
    }
}

Totals RelayNode::totals() const {
    using netem::Direction;
    Totals t;
    t.running = clock_now() - start_;
    t.up = {path_.link(Direction::kUp).counters(), udp_.relay().counters(Direction::kUp)};
    t.down = {path_.link(Direction::kDown).counters(), udp_.relay().counters(Direction::kDown)};
    t.clients = udp_.relay().clients();
    t.streams = tcp_.relay().streams();
    t.rebinds = path_.rebinds();
    t.tcp = tcp_.relay().counters();
    t.tcp_not_reached = tcp_.not_reached();
    t.not_read = udp_.not_read();
    t.not_sent = udp_.not_sent();
    t.evicted = udp_.relay().evicted();
    t.not_opened = udp_.not_opened();
    t.port_error = udp_.last_error();
    return t;
}

}  // namespace confab::netsim
