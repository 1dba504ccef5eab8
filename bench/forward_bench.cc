// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
// bench: modules runtime/worker sfu rtc/peer rtc/srtp wire crypto base
// bench: needs ipsec-mb, which the floor calls itself

// CPU time per forwarded packet of a whole shard with its socket, against the bare floor: the same
// packets to the same destinations in the same runs with nothing but rewriting, AES-128-GCM and UDP
// GSO (02 §10.1). Both alternate in one thread, so that what disturbs one disturbs the other.
//
//   forward_bench [--rounds N] [--breakdown] [--gro] [--only video|audio|opus|split]
//                 [--srtp gcm|cm]
//
// Video: 1 publisher, 500 subscribers, a burst of 6 to 10 VP8 packets per turn (02 §10.3). Audio:
// 10 speakers, 100 subscribers, one 100-byte packet of each speaker per turn; opus: the same with
// packets of 60 to 180 bytes, as Opus makes them, which one segmented send seldom takes. The
// destinations are loopback sockets that nobody reads; with --gro they take a GSO send in one
// piece, which leaves out most of the receiver's work that loopback charges to the sender. Each
// load is measured with AES-128-GCM and with AES-128-CM-SHA1-80 (02 DES-23); the floor always
// encrypts with GCM.
#include <sys/utsname.h>
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>

#include "bench/forward_floor.h"
#include "runtime/worker/room_testing.h"
#include "runtime/worker/socket/socket_address.h"
#include "runtime/worker/socket/udp_socket.h"

#ifndef UDP_GRO
#define UDP_GRO 104
#endif

namespace confab::bench {
namespace {

using worker::RoomClient;
using worker::TestRoom;
using worker::UdpSocket;

struct Options {
    std::size_t rounds = 20;
    bool breakdown = false;
    bool gro = false;
    std::string only;
    std::string srtp;
};

constexpr const char* name_of(srtp::Profile profile) {
    return profile == srtp::Profile::kAes128CmSha1_80 ? "cm" : "gcm";
}

enum class Load { kVideo, kSplitVideo, kAudio, kOpus };
constexpr bool is_audio(Load load) {
    return load == Load::kAudio || load == Load::kOpus;
}

// User and system time of this thread; the softirq work of loopback counts for the sender.
double cpu_ns() {
    timespec t{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
}
double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

// Loopback sockets that are never read: their small buffers are full after a packet.
class Sinks {
  public:
    Sinks(std::size_t count, bool gro) {
        for (std::size_t i = 0; i < count; ++i) {
            worker::FileDescriptor fd(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0));
            const int small = 1, on = 1;
            (void)setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
            if (gro) (void)setsockopt(fd.get(), SOL_UDP, UDP_GRO, &on, sizeof on);
            worker::KernelAddress address = worker::to_kernel({IpAddress::v4(INADDR_LOOPBACK), 0});
            if (!fd || ::bind(fd.get(), address.get(), address.size) != 0) std::abort();
            address.size = sizeof address.storage;
            (void)::getsockname(fd.get(), address.get(), &address.size);
            ports.push_back(worker::from_kernel(address.storage).port);
            sockets_.push_back(std::move(fd));
        }
    }
    SocketAddress address(std::size_t i) const {
        return {IpAddress::v4(INADDR_LOOPBACK), ports[i]};
    }

    std::vector<std::uint16_t> ports;

  private:
    std::vector<worker::FileDescriptor> sockets_;
};

struct Inbound {
    SocketAddress from;
    Bytes datagram;
};
// What arrives in one loop turn: encrypted for the shard, plain for the floor.
struct Turn {
    std::vector<Inbound> inbound;
    std::vector<Bytes> plain;
};

class Scenario {
  public:
    Scenario(Load load, srtp::Profile profile, const Options& options)
        : load_(load),
          publishers_count_(is_audio(load) ? 10 : 1),
          subscribers_count_(is_audio(load) ? 100 : 500),
          sinks_(subscribers_count_, options.gro),
          socket_(UdpSocket::open({IpAddress::v4(INADDR_LOOPBACK), 0}, false).value()),
          room_(socket_.local(), profile),
          floor_(sinks_.ports) {
        for (std::size_t i = 0; i < publishers_count_; ++i)
            publishers_.push_back(&room_.add_client(
                {IpAddress::v4(0x7F000002), static_cast<std::uint16_t>(9000 + i)}));
        std::vector<RoomClient*> subscribers;
        subscribers.reserve(subscribers_count_);
        for (std::size_t i = 0; i < subscribers_count_; ++i)
            subscribers.push_back(&room_.add_client(sinks_.address(i)));
        room_.run(Duration::millis(600));
        if (!room_.all_connected()) std::abort();
        const auto codec = is_audio(load) ? sfu::Codec::kOpus : sfu::Codec::kVp8;
        for (std::size_t p = 0; p < publishers_count_; ++p) {
            const sfu::AddReceiver receiver = TestRoom::receiver(*publishers_[p], 1000 + p, codec);
            room_.shard().handle_command(room_.now(), receiver);
            for (std::size_t s = 0; s < subscribers_count_; ++s)
                room_.shard().handle_command(
                    room_.now(),
                    TestRoom::down_track(*subscribers[s], receiver,
                                         static_cast<std::uint32_t>(100'000 + 2 * (p * 1000 + s))));
        }
        room_.run(Duration::millis(20));
        sequences_.resize(publishers_count_, 1000);
    }

    // Everything one round needs, made outside of the measured time.
    std::vector<Turn> make_turns(std::size_t count) {
        std::vector<Turn> turns(count);
        for (Turn& turn : turns) {
            if (is_audio(load_))
                audio_turn(turn);
            else
                video_turn(turn);
        }
        return turns;
    }
    // CPU time per forwarded packet.
    double run_ours(const std::vector<Turn>& turns) {
        const std::uint64_t before = room_.shard().snapshot().rtp_out;
        const double begin = cpu_ns();
        for (const Turn& turn : turns) {
            room_.advance(interval());
            for (const Inbound& one : turn.inbound)
                room_.datagram(one.from, one.datagram);
            flush();
        }
        const double end = cpu_ns();
        return (end - begin) / static_cast<double>(room_.shard().snapshot().rtp_out - before);
    }
    double run_floor(const std::vector<Turn>& turns) {
        const std::uint64_t before = floor_.counters().packets;
        std::vector<BytesView> payloads;
        const double begin = cpu_ns();
        for (const Turn& turn : turns) {
            payloads.assign(turn.plain.begin(), turn.plain.end());
            floor_.turn(payloads);
        }
        const double end = cpu_ns();
        return (end - begin) / static_cast<double>(floor_.counters().packets - before);
    }
    void keep_alive() { room_.run(Duration::millis(40)); }

    void print_breakdown(const std::vector<Turn>& turns);
    void print_runs(const char* name) const {
        const auto& ours = socket_.counters();
        std::printf("%s: %llu packets in runs of %.2f (floor %.2f), %.0f bytes each (floor %.0f)\n",
                    name, static_cast<unsigned long long>(ours.datagrams_out),
                    ratio(ours.datagrams_out, ours.sends),
                    ratio(floor_.counters().packets, floor_.counters().runs),
                    ratio(room_counters().rtp_bytes_out, room_counters().rtp_out),
                    ratio(floor_.counters().bytes, floor_.counters().packets));
        if (socket_.dropped_full() + ours.send_errors > 0)
            std::printf("%s: %llu dropped, %llu errors\n", name,
                        static_cast<unsigned long long>(socket_.dropped_full()),
                        static_cast<unsigned long long>(ours.send_errors));
    }

  private:
    static double ratio(std::uint64_t a, std::uint64_t b) {
        return static_cast<double>(a) / static_cast<double>(b);
    }
    sfu::ShardSnapshot room_counters() const {
        return const_cast<TestRoom&>(room_).shard().snapshot();
    }
    Duration interval() const { return Duration::millis(is_audio(load_) ? 20 : 33); }

    void flush() {
        sfu::Shard& shard = room_.shard();
        shard.handle_timeout(room_.now());
        batch_.clear();
        while (shard.poll_transmit(room_.now(), batch_)) {
            socket_.send(room_.now(), batch_, 0);
            batch_.clear();
        }
        while (shard.poll_event()) {
        }
    }
    void add(Turn& turn, std::size_t publisher, wire::RtpHeader header, Bytes payload) {
        RoomClient& client = *publishers_[publisher];
        turn.inbound.push_back(
            {client.address,
             TestRoom::protect(client, header, sequences_[publisher]++, payload, "0")});
        turn.plain.push_back(std::move(payload));
    }
    // Lengths as libwebrtc's packetiser gives them: all equal and a shorter last packet, or
    // (kSplitVideo) the first ones shorter by one byte.
    void video_turn(Turn& turn) {
        const std::size_t count = 6 + rng_.below(5);
        for (std::size_t i = 0; i < count; ++i) {
            wire::RtpHeader header;
            header.payload_type = 96;
            header.ssrc = 0xABCD;
            header.timestamp = static_cast<std::uint32_t>(frame_ * 3000);
            header.marker = i + 1 == count;
            std::size_t size = 1200 - Floor::kHeader;
            if (load_ == Load::kVideo && header.marker) size -= 1 + rng_.below(400);
            if (load_ == Load::kSplitVideo && i < count / 2) size -= 1;
            add(turn, 0, header,
                TestRoom::vp8_payload(i == 0, frame_ == 0,
                                      static_cast<std::uint16_t>(frame_ & 0x7FFF), size));
        }
        ++frame_;
    }
    void audio_turn(Turn& turn) {
        for (std::size_t p = 0; p < publishers_count_; ++p) {
            wire::RtpHeader header;
            header.payload_type = 111;
            header.ssrc = static_cast<std::uint32_t>(77 + p);
            header.timestamp = static_cast<std::uint32_t>(frame_ * 960);
            const std::size_t size = load_ == Load::kOpus ? 60 + rng_.below(121) : 100;
            add(turn, p, header, Bytes(size - Floor::kHeader, static_cast<std::uint8_t>(p)));
        }
        ++frame_;
    }

    Load load_;
    std::size_t publishers_count_;
    std::size_t subscribers_count_;
    Sinks sinks_;
    UdpSocket socket_;
    TestRoom room_;
    Floor floor_;
    std::vector<RoomClient*> publishers_;
    std::vector<std::uint64_t> sequences_;
    std::uint64_t frame_ = 0;
    sfu::SendBatch batch_;
    Rng rng_{7};
};

// Where the time goes, each part timed over whole turns.
void Scenario::print_breakdown(const std::vector<Turn>& turns) {
    double decide = 0, build = 0, send = 0;
    const std::uint64_t before = room_.shard().snapshot().rtp_out;
    for (const Turn& turn : turns) {
        room_.advance(interval());
        double at = cpu_ns();
        const auto lap = [&at](double& sum) {
            const double now = cpu_ns();
            sum += now - at;
            at = now;
        };
        for (const Inbound& one : turn.inbound)
            room_.datagram(one.from, one.datagram);
        room_.shard().handle_timeout(room_.now());
        lap(decide);
        batch_.clear();
        while (room_.shard().poll_transmit(room_.now(), batch_)) {
            lap(build);
            socket_.send(room_.now(), batch_, 0);
            lap(send);
            batch_.clear();
        }
        lap(build);
        while (room_.shard().poll_event()) {
        }
    }
    const auto packets = static_cast<double>(room_.shard().snapshot().rtp_out - before);
    floor_.set_dry(true, false);
    const double rewrite = run_floor(turns);
    floor_.set_dry(false, false);
    const double encrypt = run_floor(turns);
    floor_.set_dry(false, true);
    const double all = run_floor(turns);
    // The header builder alone.
    sfu::ForwardedPacket packet;
    packet.ssrc = 1;
    packet.prefix_size = is_audio(load_) ? 0 : 6;
    sfu::SendExtensions ids;
    ids.abs_send_time = 3;
    std::array<std::uint8_t, 64> out{};
    constexpr int kBuilds = 1'000'000;
    const double begin = cpu_ns();
    std::size_t sum = 0;
    for (int i = 0; i < kBuilds; ++i) {
        packet.sequence = i;
        sum += sfu::build_header(packet, ids, {static_cast<std::uint32_t>(i), 0}, {}, out) + out[3];
    }
    const double header = (cpu_ns() - begin) / kBuilds;
    std::printf("  ours:  receive, decide and timers %.0f, build and encrypt %.0f, send %.0f\n",
                decide / packets, build / packets, send / packets);
    std::printf("  floor: rewrite %.0f, encrypt %.0f, send %.0f; build_header() alone %.0f (%zu)\n",
                rewrite, encrypt - rewrite, all - encrypt, header, sum % 10);
}

void measure(const std::string& load_name, Load load, srtp::Profile profile,
             const Options& options) {
    const std::string title = load_name + " " + name_of(profile);
    const char* const name = title.c_str();
    Scenario scenario(load, profile, options);
    const std::size_t turns_per_round = is_audio(load) ? 250 : 40;
    std::vector<double> ours, floor, ratios;
    for (std::size_t round = 0; round < options.rounds + 2; ++round) {
        const std::vector<Turn> turns = scenario.make_turns(turns_per_round);
        // Whoever comes second finds the payloads in the cache.
        const bool floor_first = round % 2 == 1;
        double b = floor_first ? scenario.run_floor(turns) : 0;
        const double a = scenario.run_ours(turns);
        if (!floor_first) b = scenario.run_floor(turns);
        scenario.keep_alive();
        if (round < 2) continue;  // caches, slabs, vectors
        ours.push_back(a);
        floor.push_back(b);
        ratios.push_back(a / b);
    }
    scenario.print_runs(name);
    if (options.breakdown) {
        for (int i = 0; i < 3; ++i) {
            scenario.print_breakdown(scenario.make_turns(turns_per_round));
            scenario.keep_alive();
        }
    }
    const auto [low, high] = std::minmax_element(ratios.begin(), ratios.end());
    std::printf("%s: ratio per round %.2f to %.2f over %zu rounds\n", name, *low, *high,
                ratios.size());
    std::printf("forward %s: ours %.0f floor %.0f ratio %.2f\n", name, median(ours), median(floor),
                median(ratios));
}

void print_machine() {
    std::string model = "unknown";
    std::ifstream info("/proc/cpuinfo");
    for (std::string line; std::getline(info, line);)
        if (line.starts_with("model name")) {
            model = line.substr(line.find(':') + 2);
            break;
        }
    utsname system{};
    (void)uname(&system);
    std::printf("%s, %s %s\n", model.c_str(), system.sysname, system.release);
}

int run(int argc, char** argv) {
    Options options;
    for (int i = 1; i < argc; ++i) {
        const std::string_view argument = argv[i];
        if (argument == "--breakdown") options.breakdown = true;
        if (argument == "--gro") options.gro = true;
        if (argument == "--rounds" && i + 1 < argc)
            options.rounds = std::max(1UL, std::strtoul(argv[++i], nullptr, 10));
        if (argument == "--only" && i + 1 < argc) options.only = argv[++i];
        if (argument == "--srtp" && i + 1 < argc) options.srtp = argv[++i];
    }
    print_machine();
    const auto wanted = [&](const char* name) {
        return options.only.empty() || options.only == name;
    };
    for (const auto profile : {srtp::Profile::kAeadAes128Gcm, srtp::Profile::kAes128CmSha1_80}) {
        if (!options.srtp.empty() && options.srtp != name_of(profile)) continue;
        if (wanted("split")) measure("video in split bursts", Load::kSplitVideo, profile, options);
        if (wanted("video")) measure("video", Load::kVideo, profile, options);
        if (wanted("audio")) measure("audio", Load::kAudio, profile, options);
        if (wanted("opus")) measure("opus", Load::kOpus, profile, options);
    }
    return 0;
}

}  // namespace
}  // namespace confab::bench

int main(int argc, char** argv) {
    return confab::bench::run(argc, argv);
}
