// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
// bench: modules api runtime/load rtc/peer rtc/sdp rtc/dtls runtime/worker crypto base

// Those who send to a media port what they should not (02 §11; 08 IMM-1, 3, 4, 7), at rates that a
// script does not reach. tests/hostile/run_junk starts the server, the call beside it and this.
//
//   junk_bench strangers --udp PORT [--count N] [--rate N] [--hellos] [--as PORT --people N]
//   junk_bench half-open --http PORT --key K --secret S [--count N] [--rate N] [--hold SECONDS]
//
// strangers: so many datagrams of all kinds, or ClientHellos alone, from 65 536 addresses of
// loopback; with --as each fourth has the address and port of a participant of `confab load-test`,
// where raw sockets are allowed. half-open: participants with right checks whose DTLS handshakes
// stop after the first flight; they stay for a while and leave. The last line is one JSON object.
#include <signal.h>
#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <thread>
#include <vector>

#include "bench/junk_packets.h"
#include "bench/junk_sender.h"
#include "bench/load_client.h"

namespace confab::bench {
namespace {

struct Options {
    std::uint16_t http = 0;
    std::uint16_t udp = 0;
    std::size_t count = 1000;
    std::size_t rate = 1000;
    std::int64_t hold = 1;
    bool hellos = false;
    std::uint16_t as_port = 0;
    std::size_t people = 0;
    std::string key = ServerProcess::kKey;
    std::string secret = ServerProcess::kSecret;
};

constexpr std::uint32_t kStrangers = 0x7F80'0000;  // 127.128.0.0/16
constexpr std::uint32_t kPeople = 0x7F40'0001;     // runtime/load/crew.cc
constexpr Duration kPatience = Duration::seconds(60);

// Until so many of `rate` a second may have been sent.
std::size_t due(const Options& options, Timestamp begin) {
    const auto passed = static_cast<std::uint64_t>((now() - begin).us());
    return std::min<std::uint64_t>(options.count, passed * options.rate / 1'000'000 + 1);
}

int strangers(const Options& options) {
    JunkPackets packets(Rng{options.count});
    JunkSender sender(options.udp);
    Rng rng{1};
    const bool spoofs = options.people > 0 && sender.can_spoof();
    const Timestamp begin = now();
    for (std::size_t i = 0; i < options.count;) {
        for (const std::size_t end = due(options, begin); i < end; ++i) {
            const BytesView bytes = options.hellos ? packets.client_hello() : packets.next();
            // Not in step with the kinds of packets.
            if (spoofs && rng.below(4) == 0)
                sender.spoof(
                    {IpAddress::v4(kPeople + static_cast<std::uint32_t>(rng.below(options.people))),
                     options.as_port},
                    bytes);
            else
                sender.send(IpAddress::v4(kStrangers + (i * 7 & 0xFFFFU)), bytes);
        }
        (void)sender.take_answers();
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    const double seconds = (now() - begin).to_seconds();
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    std::printf("{\"sent\": %zu, \"spoofed\": %zu, \"answers\": %zu, \"seconds\": %.2f}\n",
                sender.sent(), sender.spoofed(), sender.take_answers(), seconds);
    return 0;
}

// Every one has heard of the server's handshake, or sent its own hello and got the answer.
int half_open(const Options& options) {
    Load load;
    const Ports ports{options.http, options.udp};
    std::vector<std::unique_ptr<LoadClient>> clients;
    const Timestamp begin = now();
    const auto half = [&] {
        return std::ranges::count_if(clients, [](const auto& one) { return one->unheard() > 0; });
    };
    Timestamp next_look = begin;
    for (bool complete = false; !complete && now() - begin < kPatience;) {
        for (const std::size_t end = due(options, begin); clients.size() < end;) {
            ClientOptions client;
            client.room = "half-open-" + std::to_string(clients.size() / 6);
            client.identity = "half-" + std::to_string(clients.size());
            client.single = clients.size() % 2 == 0;
            client.finishes_dtls = false;
            client.key = options.key;
            client.secret = options.secret;
            clients.push_back(std::make_unique<LoadClient>(load, ports, client));
        }
        load.loop.run_once(Duration::millis(1));
        if (now() < next_look) continue;
        next_look = now() + Duration::millis(20);
        complete = clients.size() == options.count && std::cmp_equal(half(), options.count);
    }
    const auto opened = half();
    std::printf("half open\n");  // whoever started this looks at the server now
    std::fflush(stdout);
    for (const Timestamp end = now() + Duration::seconds(options.hold); now() < end;)
        load.loop.run_once(Duration::millis(20));
    for (const auto& client : clients)
        client->leave();
    for (const Timestamp end = now() + Duration::millis(500); now() < end;)
        load.loop.run_once(Duration::millis(20));
    std::printf("{\"begun\": %zu, \"half_open\": %zd}\n", clients.size(), opened);
    return 0;
}

int run(int argc, char** argv) {
    Options options;
    for (int i = 2; i < argc; ++i) {
        const std::string_view argument = argv[i];
        const std::string value = i + 1 < argc ? argv[i + 1] : "";
        const auto number = [&] { return std::strtoul(value.c_str(), nullptr, 10); };
        if (argument == "--http") options.http = static_cast<std::uint16_t>(number());
        if (argument == "--udp") options.udp = static_cast<std::uint16_t>(number());
        if (argument == "--count") options.count = number();
        if (argument == "--rate") options.rate = std::max(1UL, number());
        if (argument == "--hold") options.hold = static_cast<std::int64_t>(number());
        if (argument == "--hellos") options.hellos = true;
        if (argument == "--as") options.as_port = static_cast<std::uint16_t>(number());
        if (argument == "--people") options.people = number();
        if (argument == "--key") options.key = value;
        if (argument == "--secret") options.secret = value;
    }
    rlimit files{};
    (void)::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    (void)::setrlimit(RLIMIT_NOFILE, &files);
    (void)::signal(SIGPIPE, SIG_IGN);
    const std::string_view what = argc > 1 ? argv[1] : "";
    if (what == "strangers") return strangers(options);
    if (what == "half-open") return half_open(options);
    std::fprintf(stderr, "junk_bench: strangers or half-open; see bench/run_junk\n");
    return 2;
}

}  // namespace
}  // namespace confab::bench

int main(int argc, char** argv) {
    return confab::bench::run(argc, argv);
}
