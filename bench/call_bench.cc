// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
// bench: modules api runtime/load rtc/peer rtc/sdp rtc/dtls runtime/worker wire crypto base
// bench: needs ipsec-mb, which the floor calls itself

// What a real call costs a server of its own per packet sent, against the bare floor and, if asked,
// another server: one publisher of video or many of sound, many subscribers, everything over
// sockets of loopback, packets coming as clients send them. All take turns in one run and get such
// packets at such moments from the same process; the subscribers are another process.
// call_options.h has the options.
//
// Counted is the CPU time of all threads of the server, of the floor's only one, of the processes
// of the other server (call_peer.h), user and system: with it what loopback does on the sender's
// account. With "other-core" the kernel hands received packets to the second core, so that the
// sender pays for sending alone, as with a network card. The subscribers decrypt every packet;
// latency is from the publisher's send to the kernel's receive time at the subscriber. A packet
// that our server or the floor loses makes the run fail; of the other server's it is said.
#include <sys/resource.h>
#include <sys/utsname.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bench/call_floor.h"
#include "bench/call_machine.h"
#include "bench/call_options.h"
#include "bench/call_peer.h"
#include "bench/call_publisher.h"
#include "bench/call_shared.h"
#include "bench/call_subscribers.h"
#include "bench/server_process.h"

namespace confab::bench {
namespace {

constexpr double kWarmUpSeconds = 0.3;
constexpr double kDrainSeconds = 0.5;
constexpr const char* kWorkerName = "media";

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}
void sleep_for(double seconds) {
    ::usleep(static_cast<useconds_t>(seconds * 1e6));
}

// Sound has one.
std::vector<Pacing> pacings_of(const CallOptions& options) {
    if (options.speakers > 0 || options.pacing == "burst") return {Pacing::kBurst};
    if (options.pacing == "pacer") return {Pacing::kPacer};
    return {Pacing::kPacer, Pacing::kBurst};
}
const char* name_of(srtp::Profile profile) {
    switch (profile) {
        case srtp::Profile::kAes128CmSha1_80:
            return "AES-128-CM and SHA-1";
        case srtp::Profile::kAeadAes128Gcm:
            return "AES-128-GCM";
        case srtp::Profile::kAeadAes256Gcm:
            return "AES-256-GCM";
    }
    return "nothing we know";
}

struct Measured {
    double ns = 0;        // per packet sent, of all threads
    double other_ns = 0;  // of that, what no media worker has used
    double wakeups = 0;   // of the thread that forwards, per second
    double run = 0;       // packets per send
    double p50 = 0;       // us
    double p99 = 0;
    std::uint64_t packets = 0;
    std::int64_t missing = 0;  // of all that were sent
    // The server's meanwhile, per second: with the floor, of a server that forwards nothing.
    double server_us = 0;
    double server_wakeups = 0;
};

class World {
  public:
    explicit World(const CallOptions& options)
        : options_(options), shared_(CallShared::create()), server_(options.binary, "/dev/null") {
        if (!server_.wait_until_up()) give_up("the server does not start");
        servers_.push_back({Way::kServer, server_.ports, true});
        if (!options.peer.empty()) start_peer();
        subscribers_ = std::make_unique<ChildProcess>(
            [this] { run_call_subscribers(shared_, options_, servers_); });
        pin(subscribers_->pid(), false);
        wait("the subscribers are gone", shared_.joined);
        publisher_ = std::make_unique<ChildProcess>(
            [this] { run_call_publisher(shared_, options_, servers_); });
        pin(publisher_->pid(), false);
        floor_ = std::make_unique<ChildProcess>(
            [this] { run_call_floor(shared_, options_.subscribers); });
        wait("the publisher is gone", shared_.published);
        pin(server_.pid(), true);
        pin(floor_->pid(), true);
        for (const CallServer& server : servers_) {
            shared_.way = server.way;
            shared_.sending = true;
            wait("not every track reaches every subscriber", shared_.flowing[index_of(server.way)]);
            shared_.sending = false;
            sleep_for(kDrainSeconds);
        }
        if (peer_ && !peer_->counts_any()) give_up("no process is called as --peer-process says");
    }
    pid_t server_pid() const { return server_.pid(); }
    pid_t floor_pid() const { return floor_->pid(); }
    pid_t peer_pid() const { return peer_->pid(); }
    srtp::Profile profile(Way way) const { return shared_.profiles[index_of(way)]; }

    Measured measure(Way way, Pacing pacing) {
        const auto cost = [&] {
            if (way == Way::kPeer) return peer_->cost();
            return way == Way::kFloor ? cost_of(floor_->pid(), "")
                                      : cost_of(server_.pid(), kWorkerName);
        };
        shared_.clear();
        shared_.way = way;
        shared_.pacing = pacing;
        shared_.measurement = ++measurement_;
        shared_.sending = true;
        sleep_for(kWarmUpSeconds);
        const Timestamp begin = now();
        const std::uint64_t received = shared_.received;
        const ProcessCost before = cost(), server_before = cost_of(server_.pid(), kWorkerName);
        sleep_for(options_.seconds);
        const double seconds = (now() - begin).to_seconds();
        const ProcessCost after = cost(), server_after = cost_of(server_.pid(), kWorkerName);
        Measured result;
        result.packets = shared_.received - received;
        shared_.sending = false;
        const auto packets = static_cast<double>(std::max<std::uint64_t>(1, result.packets));
        result.other_ns = (after.other_ns - before.other_ns) / packets;
        result.ns = (after.worker_ns - before.worker_ns) / packets + result.other_ns;
        const auto per_second = [&](std::uint64_t from, std::uint64_t to) {
            return static_cast<double>(to - from) / seconds;
        };
        result.wakeups = per_second(before.worker_sleeps, after.worker_sleeps);
        result.server_us = (server_after.worker_ns + server_after.other_ns -
                            server_before.worker_ns - server_before.other_ns) /
                           1000 / seconds;
        result.server_wakeups = per_second(server_before.worker_sleeps, server_after.worker_sleeps);
        drain();
        result.missing = missing();
        result.run = static_cast<double>(shared_.run_packets) /
                     static_cast<double>(std::max<std::uint64_t>(1, shared_.runs));
        result.p50 = shared_.latency(0.5);
        result.p99 = shared_.latency(0.99);
        return result;
    }

  private:
    void start_peer() {
        peer_ = std::make_unique<PeerProcess>(options_);
        if (!peer_->wait_until_up()) give_up("the other server does not start: --peer-log");
        servers_.push_back({Way::kPeer, peer_->ports, options_.peer_single});
    }
    void wait(const char* what, const std::atomic<bool>& done) {
        constexpr double kPatience = 60, kStep = 0.002;
        for (double waited = 0; !done; waited += kStep) {
            const bool alive = server_.running() && subscribers_->running() &&
                               (!publisher_ || publisher_->running()) &&
                               (!peer_ || peer_->running());
            if (!alive || waited > kPatience) give_up(what);
            sleep_for(kStep);
        }
    }
    std::int64_t missing() const {
        return static_cast<std::int64_t>(shared_.sent * options_.subscribers) -
               static_cast<std::int64_t>(shared_.received.load());
    }
    // A frame that was begun is sent to its end, and the server has it no longer.
    void drain() {
        constexpr double kFrame = 0.1, kStep = 0.01;
        sleep_for(kFrame);
        for (double waited = 0; waited < kDrainSeconds && missing() != 0; waited += kStep)
            sleep_for(kStep);
    }

    const CallOptions& options_;
    CallShared& shared_;
    ServerProcess server_;
    std::unique_ptr<PeerProcess> peer_;
    std::vector<CallServer> servers_;
    std::unique_ptr<ChildProcess> subscribers_;
    std::unique_ptr<ChildProcess> publisher_;
    std::unique_ptr<ChildProcess> floor_;
    std::uint32_t measurement_ = 0;
};

double median_of(const std::vector<Measured>& rounds, double Measured::* field) {
    std::vector<double> values;
    values.reserve(rounds.size());
    for (const Measured& one : rounds)
        values.push_back(one.*field);
    return median(std::move(values));
}
void print_row(const char* name, const std::vector<Measured>& rounds) {
    const auto middle = [&](double Measured::* field) { return median_of(rounds, field); };
    // The least is what a machine with other work to do disturbs least.
    const double least = std::ranges::min(rounds, {}, &Measured::ns).ns;
    std::printf("  %-15s %10.0f %7.0f %11.0f %13.1f %9.0f %9.0f\n", name, middle(&Measured::ns),
                least, middle(&Measured::wakeups), middle(&Measured::run), middle(&Measured::p50),
                middle(&Measured::p99));
}

// Whether as many packets arrived as were sent.
bool is_whole(const Measured& one, const char* name) {
    if (one.missing != 0)
        std::printf("%s: %lld packets did not arrive\n", name, static_cast<long long>(one.missing));
    return one.missing == 0;
}

// Of one kind of sending over one loopback, a measurement for each round.
struct Table {
    std::vector<Measured> server, floor, peer;
};

void print_ratio(const std::string& title, const std::vector<Measured>& over,
                 const std::vector<Measured>& under) {
    std::vector<double> ratios;
    ratios.reserve(over.size());
    for (std::size_t i = 0; i < over.size(); ++i)
        ratios.push_back(over[i].ns / under[i].ns);
    const auto [low, high] = std::minmax_element(ratios.begin(), ratios.end());
    std::printf("%s %.2f (%.2f to %.2f)\n", title.c_str(), median(ratios), *low, *high);
}

void print_table(const Table& table, const CallOptions& options, const std::string& name,
                 const char* loopback) {
    const auto& [server, floor, peer] = table;
    std::printf("%s, %s loopback, %zu rounds of %llu packets\n", name.c_str(), loopback,
                server.size(), static_cast<unsigned long long>(server.back().packets));
    std::printf(
        "                   ns/packet   least  wake-ups/s  packets/send    p50 us    p99 us\n");
    print_row("server", server);
    print_row("floor", floor);
    if (!peer.empty()) print_row(options.peer_name.c_str(), peer);
    std::printf(
        "  control threads: %.0f ns of it; a server that forwards nothing: %.0f us a second, "
        "%.0f wake-ups\n",
        median_of(server, &Measured::other_ns), median_of(floor, &Measured::server_us),
        median_of(floor, &Measured::server_wakeups));
    const std::string title = "call " + name + " " + loopback + ":";
    print_ratio(title + " ratio", server, floor);
    if (!peer.empty()) print_ratio(title + " peer/server", peer, server);
    std::fflush(stdout);
}

// Who begins changes, so that nobody always follows the same one.
bool measure(World& world, const CallOptions& options, Pacing pacing, const char* loopback) {
    const char* const of_video = pacing == Pacing::kPacer ? "pacer" : "burst";
    Table table;
    bool whole = true;
    for (std::size_t round = 0; round < options.rounds; ++round) {
        const bool backwards = round % 2 == 1;
        const auto measure_peer = [&](bool now) {
            if (options.peer.empty() || !now) return;
            table.peer.push_back(world.measure(Way::kPeer, pacing));
            (void)is_whole(table.peer.back(), options.peer_name.c_str());
        };
        measure_peer(backwards);
        if (backwards) table.floor.push_back(world.measure(Way::kFloor, pacing));
        table.server.push_back(world.measure(Way::kServer, pacing));
        if (!backwards) table.floor.push_back(world.measure(Way::kFloor, pacing));
        measure_peer(!backwards);
        whole = is_whole(table.server.back(), "server") && whole;
        whole = is_whole(table.floor.back(), "floor") && whole;
    }
    print_table(table, options, options.speakers > 0 ? "audio" : of_video, loopback);
    return whole;
}

void print_shape(const World& world, const CallOptions& options) {
    if (options.speakers > 0)
        std::printf("%zu subscribers, %zu speakers", options.subscribers, options.speakers);
    else
        std::printf("%zu subscribers, %zu packets per frame, %zu frames/s%s", options.subscribers,
                    options.packets_per_frame, options.fps, options.audio ? ", sound" : "");
    std::printf("; server %d, floor %d%s", world.server_pid(), world.floor_pid(),
                options.floor_reports ? ", which reads reports, too" : "");
    if (!options.peer.empty())
        std::printf(", %s %d, which encrypts with %s", options.peer_name.c_str(), world.peer_pid(),
                    name_of(world.profile(Way::kPeer)));
    std::printf("\n");
    std::fflush(stdout);
}

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
    std::printf("machine: %ld x %s, %s %s\n", ::sysconf(_SC_NPROCESSORS_ONLN), model.c_str(),
                system.sysname, system.release);
    std::fflush(stdout);  // before processes are made that would print it again
}

int run(int argc, char** argv) {
    const CallOptions options = read_call_options(argc, argv);
    rlimit files{};
    (void)::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    (void)::setrlimit(RLIMIT_NOFILE, &files);
    print_machine();
    const OwnLoopback loopback;
    World world(options);
    print_shape(world, options);
    bool whole = true;
    for (const bool moved : {false, true}) {
        const char* const name = moved ? "other-core" : "plain";
        if (!options.loopback.empty() && options.loopback != name) continue;
        if (moved && !loopback.can_move()) {
            std::printf("other-core is left out: it needs root and two cores\n");
            continue;
        }
        if (moved && !loopback.move_receiving(true)) give_up("the loopback does not take it");
        for (const Pacing pacing : pacings_of(options))
            whole = measure(world, options, pacing, name) && whole;
    }
    if (!whole) std::printf("call: packets were lost, the figures do not count\n");
    return whole ? 0 : 1;
}

}  // namespace
}  // namespace confab::bench

int main(int argc, char** argv) {
    return confab::bench::run(argc, argv);
}
