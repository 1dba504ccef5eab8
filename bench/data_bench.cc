// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
// bench: modules api runtime/load rtc/peer rtc/sdp rtc/dtls runtime/worker crypto base

// What data costs a server of its own: one sender, many receivers in a room, reliable and lossy
// (02 §6.2): messages delivered per second of the clock and of the server's CPU, control thread and
// media workers apart, and that each reliable one came.
//
//   data_bench [--receivers N] [--messages N] [--rate PER_SECOND] [--size BYTES]
//              [--binary FILE] [--hold SECONDS]
//
// The sender sends at that rate, or as fast as it is let (0); the receivers are in this process, on
// the same machine, so that the clock measures both. --hold keeps the room for a profiler.
#include <sys/resource.h>
#include <sys/utsname.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <string_view>
#include <thread>
#include <vector>

#include "bench/load_client.h"

namespace confab::bench {
namespace {

struct Options {
    std::size_t receivers = 500;
    std::size_t messages = 300;
    std::size_t rate = 30;
    std::size_t size = 200;
    std::int64_t hold = 0;
    std::string binary = "build/release/confab";
};

constexpr Duration kPatience = Duration::seconds(120);
constexpr std::size_t kJoiningAtOnce = 16;

[[noreturn]] void give_up(const char* what) {
    std::printf("data_bench: %s\n", what);
    std::exit(1);
}

class World {
  public:
    explicit World(const Options& options)
        : options_(options), server_(options.binary, "/dev/null") {
        wait_for_server();
        for (std::size_t i = 0; i <= options.receivers; ++i) {
            ClientOptions client;
            client.room = "data";
            client.identity = "participant-" + std::to_string(i);
            clients_.push_back(std::make_unique<LoadClient>(load_, server_.ports, client));
            const auto first = i < kJoiningAtOnce ? 0 : i - kJoiningAtOnce;
            run_until("a client could not join", [&] { return clients_[first]->joined(); });
        }
        run_until("not everybody could join", [&] {
            return std::ranges::all_of(clients_, [](const auto& c) { return c->joined(); });
        });
        settle(Duration::seconds(3));
        if (options.hold == 0) return;
        std::printf("server %d holds the room\n", server_.pid());
        std::fflush(stdout);
        settle(Duration::seconds(options.hold));
    }

    void measure(bool reliable) {
        const double control = server_.control_cpu(), all = server_.cpu();
        const std::uint64_t before = received();
        const Timestamp begin = now();
        livekit::DataPacket packet;
        packet.mutable_user()->set_payload(std::string(options_.size, 'x'));
        for (std::size_t sent = 0; sent < options_.messages;) {
            while (sent < options_.messages && is_due(begin, sent) &&
                   clients_[0]->send_data(packet, reliable))
                ++sent;
            load_.loop.run_once(Duration::millis(1));
            if (now() - begin > kPatience) give_up("the sender is not let");
        }
        const std::uint64_t wanted = options_.messages * options_.receivers;
        // What is lossy may be lost; it is there when nothing more comes.
        std::uint64_t seen = 0;
        Timestamp last = now();
        for (Timestamp moved = now(); seen < wanted;) {
            load_.loop.run_once(Duration::millis(5));
            if (const std::uint64_t got = received() - before; got > seen) {
                seen = got;
                last = moved = now();
            }
            if (now() - moved > Duration::seconds(reliable ? 20 : 1)) break;
        }
        const double wall = (last - begin).to_seconds();
        const double cpu_control = server_.control_cpu() - control;
        const double cpu_workers = server_.cpu() - all - cpu_control;
        const auto delivered = static_cast<double>(seen);
        std::printf(
            "%s, 1 to %zu: %.0f messages of %zu B delivered in %.1f s: %.0f/s on the clock, "
            "%.0f/s per core (%.2f us each: workers %.2f, control %.3f); %.2f %% missing\n",
            reliable ? "reliable" : "lossy", options_.receivers, delivered, options_.size, wall,
            delivered / wall, delivered / (cpu_workers + cpu_control),
            (cpu_workers + cpu_control) * 1e6 / delivered, cpu_workers * 1e6 / delivered,
            cpu_control * 1e6 / delivered,
            100.0 * (static_cast<double>(wanted) - delivered) / static_cast<double>(wanted));
        std::fflush(stdout);
        if (reliable && seen != wanted) give_up("reliable messages are missing");
    }
    void settle(Duration time) {
        for (const Timestamp end = now() + time; now() < end;)
            load_.loop.run_once(Duration::millis(20));
    }

  private:
    bool is_due(Timestamp begin, std::size_t sent) const {
        if (options_.rate == 0) return true;
        const auto us = static_cast<std::int64_t>(sent * 1'000'000 / options_.rate);
        return now() - begin >= Duration::micros(us);
    }
    std::uint64_t received() const {
        std::uint64_t sum = 0;
        for (const auto& client : clients_)
            sum += client->messages();
        return sum;
    }
    template <typename Condition>
    void run_until(const char* what, Condition condition) {
        for (const Timestamp end = now() + kPatience; !condition();) {
            if (now() > end) give_up(what);
            load_.loop.run_once(Duration::millis(20));
        }
    }
    void wait_for_server() {
        for (const Timestamp end = now() + kPatience;;) {
            const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
            const auto to = worker::to_kernel({IpAddress::v4(INADDR_LOOPBACK), server_.ports.http});
            const bool up = ::connect(fd, to.get(), to.size) == 0;
            ::close(fd);
            if (up) return;
            if (!server_.running() || now() > end) give_up("the server does not start");
            ::usleep(2000);
        }
    }

    const Options& options_;
    Load load_;
    ServerProcess server_;
    std::vector<std::unique_ptr<LoadClient>> clients_;  // the first sends
};

void print_machine() {
    utsname system{};
    (void)::uname(&system);
    std::string model = "unknown";
    std::ifstream file("/proc/cpuinfo");
    for (std::string line; std::getline(file, line);)
        if (line.starts_with("model name")) {
            model = line.substr(line.find(':') + 2);
            break;
        }
    std::printf("machine: %u x %s, %s %s\n", std::thread::hardware_concurrency(), model.c_str(),
                system.sysname, system.release);
}

int run(int argc, char** argv) {
    Options options;
    for (int i = 1; i + 1 < argc; i += 2) {
        const std::string_view argument = argv[i];
        const char* const value = argv[i + 1];
        const std::size_t number = std::strtoul(value, nullptr, 10);
        if (argument == "--receivers") options.receivers = std::max<std::size_t>(1, number);
        if (argument == "--messages") options.messages = std::max<std::size_t>(1, number);
        if (argument == "--rate") options.rate = number;
        if (argument == "--size") options.size = number;
        if (argument == "--hold") options.hold = static_cast<std::int64_t>(number);
        if (argument == "--binary") options.binary = value;
    }
    rlimit files{};
    (void)::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    (void)::setrlimit(RLIMIT_NOFILE, &files);
    print_machine();
    World world(options);
    world.measure(true);
    world.settle(Duration::seconds(1));
    world.measure(false);
    return 0;
}

}  // namespace
}  // namespace confab::bench

int main(int argc, char** argv) {
    return confab::bench::run(argc, argv);
}
