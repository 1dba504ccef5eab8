// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// One peer connection of a load client: our own transport in the client role on a socket of its
// own, with the simulator's encoders for what it publishes. Received RTP is counted by SSRC, no
// more.
#pragma once

#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "bench/load_sdp.h"
#include "bench/server_process.h"
#include "crypto/certificate.h"
#include "crypto/random.h"
#include "rtc/sdp/description/description.h"
#include "runtime/worker/socket/socket_address.h"
#include "sim/client/publisher.h"
#include "sim/report.h"
#include "token/ids.h"
#include "wire/rtp/rtp.h"

namespace confab::bench {

inline Timestamp now() {
    timespec t{};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return Timestamp::micros(t.tv_sec * 1'000'000 + t.tv_nsec / 1000);
}
inline UnixTime wall() {
    timespec t{};
    clock_gettime(CLOCK_REALTIME, &t);
    return UnixTime::micros(t.tv_sec * 1'000'000 + t.tv_nsec / 1000);
}

// What waits for sockets and for moments.
class Waiter {
  public:
    virtual ~Waiter() = default;
    virtual void on_socket() = 0;
    virtual void on_time() = 0;
};

class LoadLoop {
  public:
    LoadLoop() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {}
    ~LoadLoop() { ::close(epoll_); }
    LoadLoop(const LoadLoop&) = delete;
    LoadLoop& operator=(const LoadLoop&) = delete;

    void watch(int fd, Waiter& waiter, bool writing) {
        epoll_event event{};
        event.events = EPOLLIN | (writing ? EPOLLOUT : 0U);
        event.data.ptr = &waiter;
        if (::epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event) != 0)
            (void)::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
    }
    // Replaces `before`, which the waiter remembers.
    void set_timer(Waiter& waiter, Timestamp& before, Timestamp at) {
        if (before == at) return;
        timers_.erase({before, &waiter});
        if (!at.is_never()) timers_.insert({at, &waiter});
        before = at;
    }
    // What happens within `limit`.
    void run_once(Duration limit) {
        Duration wait = limit;
        if (!timers_.empty()) wait = std::min(wait, timers_.begin()->first - now());
        std::array<epoll_event, 128> events;
        const int count =
            ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()),
                         static_cast<int>(std::max<std::int64_t>(0, (wait.us() + 999) / 1000)));
        for (int i = 0; i < count; ++i)
            static_cast<Waiter*>(events[static_cast<std::size_t>(i)].data.ptr)->on_socket();
        const Timestamp at = now();
        while (!timers_.empty() && timers_.begin()->first <= at) {
            Waiter* const waiter = timers_.begin()->second;
            waiter->on_time();  // moves its timer
        }
    }

  private:
    int epoll_;
    std::set<std::pair<Timestamp, Waiter*>> timers_;
};

// What all clients of a load share.
struct Load {
    LoadLoop loop;
    Rng rng = crypto::seeded_rng();
    srtp::Engine engine;
    std::string fingerprint;
    std::optional<dtls::Context> dtls;
    bool deflate = true;

    Load() {
        const auto certificate = crypto::Certificate::generate(wall());
        if (!certificate) std::abort();
        fingerprint = certificate->sha256_fingerprint();
        auto context = dtls::Context::create(*certificate);
        if (!context) std::abort();
        dtls.emplace(std::move(*context));
    }
};

class LoadConnection final : public Waiter {
  public:
    LoadConnection(Load& load, ice::Role role, bool opens_channels)
        : load_(load),
          fd_(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)),
          local_{token::random_alphanumeric(load.rng, 4), token::random_alphanumeric(load.rng, 24),
                 load.fingerprint},
          address_(bind_socket()),
          socket_({&load.engine, &*load.dtls, false}, config(role), address_, load.rng.fork()),
          publisher_(socket_, wall() - (now() - sim::kRunStart), load.rng.fork()) {
        if (opens_channels)
            for (const char* label : {"_lossy", "_reliable", "_data_track"})
                transport().want_channel(now(), {label, label[1] == 'r', {}});
        load_.loop.watch(fd_, *this, false);
    }
    ~LoadConnection() override {
        load_.loop.set_timer(*this, timer_, Timestamp::never());
        ::close(fd_);
    }

    const LocalDescription& local() const { return local_; }
    peer::Transport& transport() { return socket_.transport(); }
    sim::Publisher& publisher() { return publisher_; }
    std::size_t channels() const { return channels_; }
    std::size_t streams() const { return streams_.size(); }
    std::uint64_t packets() const { return packets_; }
    bool connected() { return transport().connected(); }

    std::string candidate_init() const {
        return "{\"candidate\":\"candidate:2022861010 1 udp 2122194687 127.0.0.1 " +
               std::to_string(address_.port) + " typ host generation 0 ufrag " + local_.ufrag +
               " network-id 1\",\"sdpMid\":\"0\",\"sdpMLineIndex\":0,\"usernameFragment\":\"" +
               local_.ufrag + "\"}";
    }
    // `remote` is an answer to us, or an offer we answer as the DTLS client.
    void set_remote(const sdp::Description& remote, bool is_answer) {
        if (remote.sections.empty()) return;
        const sdp::MediaSection& section = remote.sections.front();
        peer::RemoteParameters parameters;
        parameters.ice = {section.ufrag.empty() ? remote.ufrag : section.ufrag,
                          section.pwd.empty() ? remote.pwd : section.pwd};
        const sdp::Setup setup = section.setup.value_or(remote.setup.value_or(sdp::Setup::kActive));
        parameters.local_role =
            is_answer && setup == sdp::Setup::kActive ? dtls::Role::kServer : dtls::Role::kClient;
        const auto& prints =
            section.fingerprints.empty() ? remote.fingerprints : section.fingerprints;
        for (const sdp::Fingerprint& print : prints)
            if (auto value = crypto::parse_fingerprint(print.value))
                parameters.fingerprints.push_back(
                    {crypto::DigestAlgorithm::kSha256, std::move(*value)});
        parameters.sctp = true;
        transport().set_remote(now(), parameters);
        flush();
    }
    void add_candidate(const SocketAddress& address) {
        transport().add_remote_candidate(now(), {ice::Protocol::kUdp, address});
        flush();
    }
    void publish(const sim::TrackPlan& plan) {
        publishing_ = true;
        publisher_.add_track(now(), plan);
        flush();
    }

    void on_socket() override {
        std::array<std::uint8_t, 2048> buffer;
        for (;;) {
            sockaddr_storage from{};
            socklen_t from_size = sizeof from;
            void* const raw = &from;
            const ssize_t size = ::recvfrom(fd_, buffer.data(), buffer.size(), 0,
                                            static_cast<sockaddr*>(raw), &from_size);
            if (size <= 0) break;
            take(worker::from_kernel(from),
                 BytesSpan(buffer).first(static_cast<std::size_t>(size)));
        }
        flush();
    }
    void on_time() override {
        const Timestamp at = now();
        if (at >= transport().next_deadline()) transport().handle_timeout(at);
        if (publishing_) publisher_.handle_timeout(at);
        flush();
    }

  private:
    SocketAddress bind_socket() const {
        auto address = worker::to_kernel({IpAddress::v4(INADDR_LOOPBACK), 0});
        if (::bind(fd_, address.get(), address.size) != 0) std::abort();
        address.size = sizeof address.storage;
        (void)::getsockname(fd_, address.get(), &address.size);
        return worker::from_kernel(address.storage);
    }
    peer::TransportConfig config(ice::Role role) const {
        peer::TransportConfig config;
        config.ice.local = {local_.ufrag, local_.pwd};
        config.ice.role = role;
        config.ice.candidates = {{0, ice::Protocol::kUdp, address_}};
        return config;
    }
    void take(const SocketAddress& from, BytesSpan datagram) {
        if (wire::is_rtp(datagram)) {
            ++packets_;
            streams_.insert(load_be32(datagram.data() + 8));
            return;
        }
        ice::Path path;
        path.local = address_;
        path.remote = from;
        const auto media = transport().handle_packet(now(), path, datagram);
        if (media.kind != peer::Transport::Media::Kind::kRtcp || !publishing_) return;
        wire::RtcpReader reader(media.packet);
        while (const auto block = reader.next())
            publisher_.handle_block(now(), *block);
    }
    void flush() {
        while (const auto event = transport().poll_event())
            if (std::holds_alternative<peer::ChannelOpened>(*event)) ++channels_;
        while (const auto out = socket_.poll_transmit()) {
            const auto to = worker::to_kernel(out->to);
            (void)::sendto(fd_, out->bytes.data(), out->bytes.size(), 0, to.get(), to.size);
        }
        load_.loop.set_timer(*this, timer_,
                             publishing_
                                 ? earlier(transport().next_deadline(), publisher_.next_deadline())
                                 : transport().next_deadline());
    }

    Load& load_;
    int fd_;
    LocalDescription local_;
    SocketAddress address_;
    sim::ClientSocket socket_;
    sim::Publisher publisher_;
    bool publishing_ = false;
    Timestamp timer_ = Timestamp::never();
    std::size_t channels_ = 0;
    std::uint64_t packets_ = 0;
    std::set<std::uint32_t> streams_;
};

}  // namespace confab::bench
