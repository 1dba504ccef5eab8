// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
// bench: modules api runtime/load rtc/peer rtc/sdp rtc/dtls runtime/worker crypto base

// What joining and staying costs a server of its own (02 §10.1, DES-34): joins per second of its
// CPU time, and its memory per participant and per subscription.
//
//   join_bench [--joins N] [--rounds N] [--at-once N] [--publishers N] [--subscribers N]
//              [--no-deflate] [--hold SECONDS] [--only v1|v0|memory|room] [--binary FILE]
//              [--room N] [--rate JOINS_PER_SECOND]
//
// A join is what livekit-client does until it may publish: WebSocket with token and offer, ICE,
// DTLS with certificates on both sides, three data channels open, and the second offer of a session
// with one connection; with two (v0) both connections. Rooms have six participants. CPU is the
// server's alone, user and system; the clients run in this process. --hold keeps the participants
// for a profiler and prints the server's process id.
//
// `room` fills one room with 250, 500 and 1 000 participants (--room: that size alone) at 500 joins
// a second, the first five publishing audio: what joins and who is told of them cost, and that all
// rosters agree within 5 s. What forwarding the audio costs meanwhile is measured afterwards and
// printed apart. Of the audio a client receives one packet in 16, the kernel drops the
// rest as it comes: on few cores the clients would be measured else.
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <string_view>
#include <vector>

#include "bench/load_client.h"

namespace confab::bench {
namespace {

struct Options {
    std::size_t joins = 600;
    std::size_t rounds = 5;
    std::size_t publishers = 20;
    std::size_t subscribers = 20;
    std::size_t at_once = 8;
    bool deflate = true;
    std::uint16_t sample_rtp = 1;
    std::size_t room = 0;
    std::size_t rate = 500;
    std::int64_t hold = 0;
    std::string only;
    std::string binary = "build/release/confab";
};

constexpr std::size_t kRoomSize = 6;
constexpr std::size_t kSpeakers = 5;
constexpr std::uint16_t kSampledRtp = 16;
constexpr Duration kPatience = Duration::seconds(30);
constexpr Duration kRostersAgree = Duration::seconds(5);

[[noreturn]] void give_up(const char* what) {
    std::printf("join_bench: %s\n", what);
    std::exit(1);
}
double quantile(std::vector<double> values, double share) {
    std::sort(values.begin(), values.end());
    const auto at = static_cast<std::size_t>(static_cast<double>(values.size()) * share);
    return values[std::min(at, values.size() - 1)];
}
double median(std::vector<double> values) {
    return quantile(std::move(values), 0.5);
}

class World {
  public:
    explicit World(const Options& options)
        : at_once_(options.at_once), server_(options.binary, "/dev/null") {
        load_.deflate = options.deflate;
        load_.sample_rtp = options.sample_rtp;
        if (!server_.wait_until_up()) give_up("the server does not start");
    }

    struct Cost {
        double wall = 0;     // s
        double cpu = 0;      // s of the server
        double latency = 0;  // ms, median
        double p99 = 0;      // ms
        double control = 0;  // s of `cpu` that no media worker spent
    };
    // Joins `count` participants, a few at a time or `rate` a second, and keeps them.
    Cost join(std::size_t count, bool single, std::size_t room_size, bool auto_subscribe = true,
              std::size_t rate = 0) {
        const double cpu = server_.cpu();
        const double control = server_.control_cpu();
        const Timestamp begin = now();
        std::vector<double> latencies;
        std::vector<LoadClient*> joining;
        const auto may_begin = [&](std::size_t begun) {
            if (rate == 0) return joining.size() < at_once_;
            const auto us = static_cast<std::int64_t>(begun * 1'000'000 / rate);
            return now() - begin >= Duration::micros(us);
        };
        for (std::size_t begun = 0; begun < count || !joining.empty();) {
            for (; begun < count && may_begin(begun); ++begun, ++joined_)
                joining.push_back(&add(single, room_size, auto_subscribe));
            load_.loop.run_once(Duration::millis(rate == 0 ? 20 : 1));
            std::erase_if(joining, [&](LoadClient* client) {
                if (client->failed() || now() - client->started > kPatience)
                    give_up("a client could not join");
                if (!client->joined()) return false;
                latencies.push_back(static_cast<double>((now() - client->started).us()) / 1000);
                return true;
            });
        }
        return {(now() - begin).to_seconds(), server_.cpu() - cpu, median(latencies),
                quantile(latencies, 0.99), server_.control_cpu() - control};
    }
    void run_for(Duration time) {
        for (const Timestamp end = now() + time; now() < end;)
            load_.loop.run_once(std::min(Duration::millis(50), end - now()));
    }
    // What the media workers spend meanwhile, in seconds.
    double media_cpu_for(Duration time) {
        const double before = server_.cpu() - server_.control_cpu();
        run_for(time);
        return server_.cpu() - server_.control_cpu() - before;
    }
    template <typename Condition>
    void run_until(const char* what, Condition condition, Duration patience = kPatience) {
        for (const Timestamp end = now() + patience; !condition();) {
            if (now() > end) give_up(what);
            load_.loop.run_once(Duration::millis(20));
        }
    }
    void leave_all() {
        for (const auto& client : clients_)
            client->leave();
        run_for(Duration::seconds(1));
        clients_.clear();
    }

    ServerProcess& server() { return server_; }
    std::vector<std::unique_ptr<LoadClient>>& clients() { return clients_; }

  private:
    LoadClient& add(bool single, std::size_t room_size, bool auto_subscribe) {
        ClientOptions options;
        options.room = "room-" + std::to_string(joined_ / room_size);
        options.identity = "participant-" + std::to_string(joined_);
        options.single = single;
        options.auto_subscribe = auto_subscribe;
        clients_.push_back(std::make_unique<LoadClient>(load_, server_.ports, options));
        return *clients_.back();
    }

    std::size_t at_once_;
    Load load_;
    ServerProcess server_;
    std::size_t joined_ = 0;
    std::vector<std::unique_ptr<LoadClient>> clients_;
};

void hold(World& world, const Options& options, const char* what) {
    if (options.hold == 0) return;
    std::printf("server %d holds %s\n", world.server().pid(), what);
    std::fflush(stdout);
    world.run_for(Duration::seconds(options.hold));
}

struct JoinResult {
    double cpu_us = 0;
    double idle_kb = 0;
};
JoinResult measure_joins(const char* name, bool single, const Options& options) {
    World world(options);
    // The first participants also load pages of the program; they stay.
    (void)world.join(2 * kRoomSize, single, kRoomSize);
    world.run_for(Duration::seconds(1));
    const double before = world.server().rss();
    const std::size_t count = std::max(kRoomSize, options.joins / options.rounds);
    std::vector<double> cpu, wall, latency;
    for (std::size_t round = 0; round < options.rounds; ++round) {
        const World::Cost cost = world.join(count, single, kRoomSize);
        cpu.push_back(cost.cpu * 1e6 / static_cast<double>(count));
        wall.push_back(static_cast<double>(count) / cost.wall);
        latency.push_back(cost.latency);
    }
    world.run_for(Duration::seconds(5));
    const double idle_begin = world.server().cpu();
    const double stayed = static_cast<double>(count * options.rounds);
    JoinResult result{median(cpu), (world.server().rss() - before) / stayed};
    hold(world, options, "idle participants");
    world.run_for(Duration::seconds(5));
    const double idle_cpu =
        (world.server().cpu() - idle_begin) / 5e-6 / static_cast<double>(world.clients().size());
    world.leave_all();
    // The allocator keeps what has been freed; a second wave shows whether it was freed at all.
    (void)world.join(count * options.rounds, single, kRoomSize);
    world.run_for(Duration::seconds(5));
    const double growth = (world.server().rss() - before) / stayed - result.idle_kb;
    std::printf(
        "%s: %.0f joins/s per core (%.0f us CPU each), %.0f joins/s on the clock, "
        "%.1f ms each with %zu at once\n",
        name, 1e6 / result.cpu_us, result.cpu_us, median(wall), median(latency), options.at_once);
    std::printf(
        "%s: %.0f KB and %.0f us CPU per second for each of %.0f idle participants; "
        "%+.0f KB when as many came after they had gone\n",
        name, result.idle_kb, idle_cpu, stayed, growth);
    std::fflush(stdout);
    return result;
}

// Subscribers from `first` on ask for everything; returns when all of it flows and histories are
// full.
void subscribe(World& world, std::size_t first, std::size_t last, std::size_t streams) {
    constexpr Duration kFill = Duration::seconds(12);
    auto& clients = world.clients();
    for (std::size_t i = first; i < last; ++i)
        clients[i]->subscribe(clients[i]->tracks());
    world.run_until("not all subscriptions flow", [&] {
        for (std::size_t i = first; i < last; ++i)
            if (clients[i]->streams() < streams) return false;
        return true;
    });
    world.run_for(kFill);
}

// Who publishes and who subscribes is there before, so that only subscriptions are counted; one
// more subscriber comes first, because a publisher's packets are kept as soon as anybody wants
// them.
double measure_subscriptions(const Options& options) {
    World world(options);
    const std::size_t publishers = options.publishers;
    const std::size_t everybody = publishers + 1 + options.subscribers;
    (void)world.join(everybody, true, everybody, false);
    auto& clients = world.clients();
    const double joined = world.server().rss();
    for (std::size_t i = 0; i < publishers; ++i)
        clients[i]->publish(true);
    world.run_until("the tracks were not published", [&] {
        for (std::size_t i = 0; i < publishers; ++i)
            if (!clients[i]->published(2)) return false;
        return true;
    });
    for (std::size_t i = 0; i < publishers; ++i)
        clients[i]->start_media();
    world.run_for(Duration::seconds(4));
    const double published = world.server().rss();
    subscribe(world, publishers, publishers + 1, 2 * publishers);
    const double kept = world.server().rss();
    subscribe(world, publishers + 1, everybody, 2 * publishers);
    const double count = static_cast<double>(publishers * options.subscribers);
    const double each = (world.server().rss() - kept) / count;
    const double sources = static_cast<double>(publishers);
    std::printf(
        "subscriptions: %.0f KB for each of %.0f of audio and video; a publisher costs "
        "%.0f KB, its first subscription %.0f KB for the packets kept\n",
        each, count, (published - joined) / sources, (kept - published) / sources);
    std::fflush(stdout);
    hold(world, options, "subscriptions");
    return each;
}

// Everybody sees everybody else, and each of them in the same session.
bool rosters_agree(World& world) {
    const auto& clients = world.clients();
    for (const auto& client : clients) {
        const client::Roster& roster = client->session().roster();
        if (roster.size() + 1 != clients.size()) return false;
        for (const auto& other : clients) {
            const auto* seen = roster.find_identity(other->identity());
            if (other != client && (!seen || seen->sid() != other->session().self().sid()))
                return false;
        }
    }
    return true;
}

void measure_room(std::size_t size, Options options) {
    options.sample_rtp = kSampledRtp;
    World world(options);
    (void)world.join(kSpeakers, true, size);
    for (const auto& client : world.clients())
        client->publish(false);
    world.run_until("the tracks were not published", [&] {
        return std::ranges::all_of(world.clients(), [](auto& c) { return c->published(1); });
    });
    for (const auto& client : world.clients())
        client->start_media();
    const std::size_t count = size - kSpeakers;
    const World::Cost cost = world.join(count, true, size, true, options.rate);
    const Timestamp joined = now();
    world.run_until(
        "the rosters do not agree within 5 s", [&] { return rosters_agree(world); }, kRostersAgree);
    const double agreed = (now() - joined).to_seconds();
    world.run_until("not all subscriptions flow", [&] {
        return std::ranges::all_of(world.clients(),
                                   [](auto& c) { return c->streams() + 1 >= kSpeakers; });
    });
    hold(world, options, "a room");
    // What was forwarded meanwhile is no part of a join, but the longer joining takes the more of
    // it there is. As many were there on average as half of those who are there now.
    const double second = world.media_cpu_for(Duration::seconds(2)) / 2;
    const auto each = static_cast<double>(count);
    const double media = (cost.cpu - cost.control) * 1e6 / each;
    const double audio = std::min(media, second / 2 * cost.wall * 1e6 / each);
    std::printf(
        "room of %zu: %.0f joins/s, p99 %.0f ms (median %.0f), CPU per join without audio %.0f us: "
        "control %.0f us, media %.0f us (audio %.0f us more); rosters agree after %.1f s\n",
        size, each / cost.wall, cost.p99, cost.latency, cost.cpu * 1e6 / each - audio,
        cost.control * 1e6 / each, media - audio, audio, agreed);
    std::fflush(stdout);
}

int run(int argc, char** argv) {
    Options options;
    for (int i = 1; i < argc; ++i) {
        const std::string_view argument = argv[i];
        const char* const value = i + 1 < argc ? argv[i + 1] : "";
        const auto number = [&] { return std::max(1UL, std::strtoul(value, nullptr, 10)); };
        if (argument == "--joins") options.joins = number();
        if (argument == "--rounds") options.rounds = number();
        if (argument == "--at-once") options.at_once = number();
        if (argument == "--publishers") options.publishers = number();
        if (argument == "--subscribers") options.subscribers = number();
        if (argument == "--room") options.room = std::max(2 * kSpeakers, number());
        if (argument == "--rate") options.rate = number();
        if (argument == "--hold") options.hold = static_cast<std::int64_t>(number());
        if (argument == "--only") options.only = value;
        if (argument == "--binary") options.binary = value;
        if (argument == "--no-deflate") options.deflate = false;
    }
    rlimit files{};
    (void)::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    (void)::setrlimit(RLIMIT_NOFILE, &files);
    const auto wanted = [&](const char* name) {
        return options.only.empty() || options.only == name;
    };
    JoinResult joins;
    double subscription = 0;
    if (wanted("v0")) (void)measure_joins("v0", false, options);
    if (wanted("v1")) joins = measure_joins("v1", true, options);
    if (wanted("memory")) subscription = measure_subscriptions(options);
    const std::vector<std::size_t> sizes =
        options.room != 0 ? std::vector{options.room} : std::vector<std::size_t>{250, 500, 1000};
    if (wanted("room"))
        for (const std::size_t size : sizes)
            measure_room(size, options);
    if (!options.only.empty()) return 0;
    std::printf("join: %.0f joins/s per core (%.0f us CPU each)\n", 1e6 / joins.cpu_us,
                joins.cpu_us);
    std::printf("memory: %.0f KB per idle participant, %.0f KB per audio + video subscription\n",
                joins.idle_kb, subscription);
    return 0;
}

}  // namespace
}  // namespace confab::bench

int main(int argc, char** argv) {
    return confab::bench::run(argc, argv);
}
