// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
// bench: modules runtime/turn runtime/worker runtime/net turn sfu wire crypto base

// What relaying to our own media costs by rings and through the kernel: CPU time of the TURN
// server's thread and of a media worker per relayed datagram, and their ratio. The worker is one
// without a shard: what comes goes back, out of the same pool, batch and socket. Clients are
// another thread and not counted. Both ways take turns, so that the machine's moods hit both.
//
//   turn_bench [--rounds N] [--clients N] [--size BYTES]
#include <poll.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "crypto/hmac.h"
#include "runtime/turn/turn_node.h"
#include "runtime/worker/relay/worker_relays.h"
#include "runtime/worker/socket/poller.h"
#include "runtime/worker/socket/udp_socket.h"
#include "turn/credentials.h"
#include "wire/ice/channel_data.h"
#include "wire/ice/stun.h"

namespace confab::bench {
namespace {

using turn_server::DatagramSocket;
using turn_server::TurnNode;
using wire::StunAttr;
using wire::StunBuilder;
using wire::StunMessage;
using wire::StunMethod;

const IpAddress kLoopback = IpAddress::v4(0x7F00'0001);
constexpr std::uint16_t kChannel = 0x4000;
constexpr std::size_t kBurst = 8;  // of a client, before it waits for what comes back
constexpr std::size_t kBurstsPerRound = 100;

struct Options {
    std::size_t rounds = 15;
    std::size_t clients = 16;
    std::size_t size = 1100;
};

[[noreturn]] void give_up(const char* what) {
    std::fprintf(stderr, "%s\n", what);
    std::exit(1);
}

double seconds(clockid_t clock) {
    timespec t{};
    clock_gettime(clock, &t);
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
}

// What all other threads have used.
double others_cpu() {
    return seconds(CLOCK_PROCESS_CPUTIME_ID) - seconds(CLOCK_THREAD_CPUTIME_ID);
}

worker::UdpSocket open_socket() {
    auto socket = worker::UdpSocket::open({kLoopback, 0}, false);
    if (!socket) give_up(socket.error().c_str());
    return *std::move(socket);
}

// A media worker that sends back what it gets.
class EchoWorker {
  public:
    explicit EchoWorker(const worker::RelayPlace& place)
        : socket_(open_socket()), exchange_(place, {kLoopback}, 1) {
        exchange_.connect(0, bell_, {socket_.local()});
    }
    ~EchoWorker() {
        stopping_ = true;
        bell_.notify();
        thread_.join();
        socket_.release_slots();
    }
    void start(bool by_ring) {
        relays_ = std::make_unique<worker::WorkerRelays>(0, by_ring ? &exchange_ : nullptr);
        thread_ = std::thread([this] { run(); });
    }
    worker::RelayExchange& exchange() { return exchange_; }
    const SocketAddress& address() const { return socket_.local(); }

  private:
    void run() {
        (void)poller_.add(bell_.fd(), 1);
        (void)poller_.add(socket_.fd(), 2);
        while (!stopping_) {
            bell_.announce_sleep();
            const auto ready =
                poller_.wait(relays_->has_input() ? Duration::zero() : Duration::millis(100));
            bell_.awake();
            for (const worker::Poller::Ready& one : ready)
                if (one.tag == 2) read_socket();
            read_ring();
            flush();
        }
    }
    void read_socket() {
        std::array<worker::UdpSocket::Received, worker::UdpSocket::kBatch> received;
        std::size_t count = 0;
        do {
            count = socket_.receive(pool_, received);
            for (std::size_t i = 0; i < count; ++i) {
                answer({0, ice::Protocol::kUdp, 0, socket_.local(), received[i].from},
                       received[i].packet.data());
                received[i].packet.reset();
            }
        } while (count == worker::UdpSocket::kBatch);
    }
    void read_ring() {
        while (const worker::RelayedDatagram* const slot = relays_->front()) {
            sfu::PacketRef packet = pool_.acquire_large();
            std::copy_n(slot->bytes.begin(), slot->size, packet.buffer().begin());
            packet.set_size(slot->size);
            answer(relays_->path_of(*slot), packet.data());
            relays_->release();
        }
    }
    void answer(const ice::Path& to, BytesView bytes) {
        if (!batch_.has_room()) flush();
        std::copy(bytes.begin(), bytes.end(), batch_.reserve().begin());
        batch_.commit(to, bytes.size());
    }
    void flush() {
        relays_->send(batch_);
        socket_.send(net::EventLoop::now(), batch_, 0);
        batch_.clear();
    }

    sfu::PacketPool pool_;
    worker::UdpSocket socket_;
    worker::Wakeup bell_;
    worker::RelayExchange exchange_;
    worker::Poller poller_;
    sfu::SendBatch batch_;
    std::unique_ptr<worker::WorkerRelays> relays_;
    std::atomic<bool> stopping_{false};
    std::thread thread_;
};

class Client {
  public:
    Client(const SocketAddress& server, const SocketAddress& media)
        : server_(server), socket_(*DatagramSocket::open({kLoopback, 0})) {
        const auto udp = [](StunBuilder& b) { b.u32(StunAttr::kRequestedTransport, 17U << 24); };
        nonce_ = std::string(*ask(StunMethod::kAllocate, udp).text(StunAttr::kNonce));
        (void)ask(StunMethod::kAllocate, udp);
        const StunMessage bound = ask(StunMethod::kChannelBind, [&](StunBuilder& b) {
            b.u32(StunAttr::kChannelNumber, std::uint32_t{kChannel} << 16)
                .xor_address(StunAttr::kXorPeerAddress, media);
        });
        if (bound.message_class() != wire::StunClass::kSuccess) give_up("no channel");
    }
    void send(BytesView channel_data) {
        (void)socket_.send(socket_.local(), server_, channel_data);
    }
    std::size_t receive(int timeout_ms) {
        pollfd waiting{socket_.fd(), POLLIN, 0};
        return ::poll(&waiting, 1, timeout_ms) == 1 ? socket_.receive(batch_).size() : 0;
    }

  private:
    template <typename Attributes>
    StunMessage ask(StunMethod method, Attributes attributes) {
        std::array<std::uint8_t, 1500> buffer;
        StunBuilder builder(buffer, wire::StunClass::kRequest, method, {9, ++requests_});
        attributes(builder);
        if (!nonce_.empty()) {
            const turn::User user{"key", "PA_1", INT64_MAX};
            const std::string name = turn::make_username(user);
            const auto key = turn::integrity_key(name, turn::make_password(user, "secret"));
            builder.text(StunAttr::kUsername, name)
                .text(StunAttr::kRealm, turn::kRealm)
                .text(StunAttr::kNonce, nonce_);
            builder.add_integrity(crypto::hmac_sha1(key, builder.integrity_input()));
        }
        send(builder.finish());
        pollfd waiting{socket_.fd(), POLLIN, 0};
        if (::poll(&waiting, 1, 2000) != 1) give_up("the TURN server does not answer");
        const auto received = socket_.receive(batch_);
        const auto message = StunMessage::parse(received[0].bytes);
        if (!message) give_up("no STUN message");
        return *message;
    }

    SocketAddress server_;
    DatagramSocket socket_;
    turn_server::DatagramBatch batch_;
    std::string nonce_;
    std::uint8_t requests_ = 0;
};

// One TURN server, one worker and their clients.
class Scenario {
  public:
    Scenario(bool by_ring, const Options& options)
        : by_ring_(by_ring), worker_({kLoopback, {}, 20'000, 29'999}) {
        worker_.start(by_ring);
        turn_server::TurnNodeOptions turn;
        turn.udp = {{kLoopback, 0}};
        turn.relay_bind_v4 = kLoopback;
        turn.media = by_ring ? &worker_.exchange() : nullptr;
        turn.server.relay_v4 = kLoopback;
        turn.server.first_port = 20'000;
        turn.server.last_port = 29'999;
        turn.server.allocations_per_user = 0;
        turn.server.peers.allow_restricted = {*Cidr::parse("127.0.0.0/8")};
        turn.server.find_secret = [](std::string_view) { return std::string("secret"); };
        auto started = TurnNode::start(std::move(turn));
        if (!started) give_up(started.error().c_str());
        node_ = *std::move(started);
        for (std::size_t i = 0; i < options.clients; ++i)
            clients_.push_back(std::make_unique<Client>(node_->udp()[0], worker_.address()));
        std::array<std::uint8_t, 2048> buffer;
        const Bytes payload(options.size, 7);
        message_ = to_vector(wire::build_channel_data(buffer, kChannel, payload, false));
    }
    // Microseconds of the two threads per datagram: each passes the TURN server twice.
    double round() {
        const double before = others_cpu();
        std::size_t returned = 0;
        for (std::size_t i = 0; i < kBurstsPerRound; ++i)
            returned += burst();
        relayed_ += 2 * returned;
        return (others_cpu() - before) * 1e6 / static_cast<double>(2 * returned);
    }
    std::size_t relayed() const { return relayed_; }
    std::size_t lost() const { return lost_; }
    // Every datagram took the way that is measured.
    bool went_its_way() {
        const turn_server::TurnFigures& figures = node_->figures();
        const std::uint64_t rings = figures.shortcut.to_workers + figures.shortcut.to_clients;
        const std::uint64_t sockets = figures.relays.sent + figures.relays.received;
        return (by_ring_ ? sockets : rings) == 0 && (by_ring_ ? rings : sockets) > 0;
    }

  private:
    std::size_t burst() {
        for (const auto& client : clients_)
            for (std::size_t i = 0; i < kBurst; ++i)
                client->send(message_);
        std::size_t all = 0;
        for (const auto& client : clients_) {
            std::size_t returned = 0;
            while (returned < kBurst) {
                const std::size_t more = client->receive(1000);
                if (more == 0) break;
                returned += more;
            }
            lost_ += kBurst - returned;
            all += returned;
        }
        return all;
    }

    bool by_ring_;
    EchoWorker worker_;
    std::unique_ptr<TurnNode> node_;
    std::vector<std::unique_ptr<Client>> clients_;
    Bytes message_;
    std::size_t relayed_ = 0;
    std::size_t lost_ = 0;
};

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

int run(int argc, char** argv) {
    Options options;
    for (int i = 1; i + 1 < argc; i += 2) {
        const std::size_t value = std::max<std::size_t>(1, std::strtoull(argv[i + 1], nullptr, 10));
        if (std::strcmp(argv[i], "--rounds") == 0) options.rounds = value;
        if (std::strcmp(argv[i], "--clients") == 0) options.clients = value;
        if (std::strcmp(argv[i], "--size") == 0) options.size = std::min<std::size_t>(value, 1400);
    }
    std::array<Scenario, 2> ways{{{false, options}, {true, options}}};
    std::array<std::vector<double>, 2> costs;
    for (Scenario& way : ways)
        (void)way.round();  // rings, slabs, caches
    for (std::size_t i = 0; i < options.rounds; ++i)
        for (std::size_t k = 0; k < ways.size(); ++k)
            costs[k].push_back(ways[k].round());
    const std::array<const char*, 2> names{"kernel", "rings "};
    for (std::size_t k = 0; k < ways.size(); ++k) {
        if (!ways[k].went_its_way()) give_up("datagrams took another way than the one measured");
        std::printf(
            "%s: %.2f us of CPU per relayed datagram (median of %zu rounds, %zu datagrams, "
            "%zu lost)\n",
            names[k], median(costs[k]), options.rounds, ways[k].relayed(), ways[k].lost());
    }
    std::printf("rings / kernel: %.2f\n", median(costs[1]) / median(costs[0]));
    return 0;
}

}  // namespace
}  // namespace confab::bench

int main(int argc, char** argv) {
    return confab::bench::run(argc, argv);
}
