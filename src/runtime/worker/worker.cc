// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/worker/worker.h"

#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "runtime/worker/worker_streams.h"
#include "sfu/shard/shard.h"

namespace confab::worker {
namespace {

constexpr std::uint64_t kWakeupTag = 1;
constexpr std::uint64_t kUdpTag = 1U << 16;      // plus socket index
constexpr std::size_t kMaxPacketsPerTurn = 256;  // before a flush (DES-04)
constexpr std::size_t kMaxSlotsPerTurn = 512;
constexpr Duration kPublishInterval = Duration::seconds(1);
constexpr Duration kLongestSleep = Duration::seconds(1);
constexpr Duration kRoomInterval = Duration::millis(1);  // of asking whether there is room again
// The kernel may wake a thread that much later than it asked for, to wake several at once. Its
// default of 50 us would be a third of what the packets of a frame wait (sfu::FrameHold).
constexpr unsigned long kTimerSlackNs = 5'000;

Timestamp monotonic_now() {
    timespec t{};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return Timestamp::micros(std::int64_t{t.tv_sec} * 1'000'000 + t.tv_nsec / 1000);
}
UnixTime wall_now() {
    timespec t{};
    clock_gettime(CLOCK_REALTIME, &t);
    return UnixTime::micros(std::int64_t{t.tv_sec} * 1'000'000 + t.tv_nsec / 1000);
}

}  // namespace

// ---------------------------------------------------------------- set-up

Worker::Worker(WorkerOptions options, std::vector<std::unique_ptr<WorkerInbox>>& inboxes,
               const std::vector<std::unique_ptr<ControlPort>>& ports)
    : options_(std::move(options)),
      inbox_(*inboxes[options_.index]),
      ports_(options_.index, ports),
      links_(options_.index, inboxes),
      relays_(options_.index, options_.relays) {}

Worker::~Worker() {
    end();
    thread_.join();
}

Result<void, std::string> Worker::open() {
    if (!poller_.add(inbox_.wakeup.fd(), kWakeupTag))
        return fail(std::string("watch the wake-up: ") + std::strerror(errno));
    CONFAB_TRY_VOID(open_udp());
    tcp_ = std::make_unique<TcpConnections>(poller_, options_.index + 1U,
                                            static_cast<std::uint32_t>(options_.worker_count));
    for (const SocketAddress& address : options_.tcp) {
        const auto index = static_cast<std::uint16_t>(sockets_.size() + tcp_addresses_.size());
        if (options_.tcp_accepted_elsewhere) {
            tcp_addresses_.push_back(address);
            continue;
        }
        CONFAB_TRY(const SocketAddress bound, tcp_->listen(address, index));
        tcp_addresses_.push_back(bound);
    }
    return {};
}

Result<void, std::string> Worker::open_udp() {
    for (FileDescriptor& fd : options_.udp_sockets) {
        CONFAB_TRY(UdpSocket socket, UdpSocket::adopt(std::move(fd)));
        sockets_.push_back(std::move(socket));
    }
    listening_ = sockets_.empty();
    listen_.store(listening_);
    if (listening_)
        for (const SocketAddress& address : options_.udp) {
            CONFAB_TRY(UdpSocket socket, open_free(address));
            sockets_.push_back(std::move(socket));
        }
    for (std::size_t i = 0; i < sockets_.size(); ++i) {
        udp_addresses_.push_back(sockets_[i].local());
        if (listening_ && !watch(i))
            return fail("watch udp " + udp_addresses_[i].to_string() + ": " + std::strerror(errno));
    }
    return {};
}

// The error is that of the first port.
Result<UdpSocket, std::string> Worker::open_free(SocketAddress address) const {
    bool taken = false;
    auto result = UdpSocket::open(address, options_.udp_shared, &taken);
    while (taken && address.port + options_.worker_count <= options_.last_udp_port) {
        address.port = static_cast<std::uint16_t>(address.port + options_.worker_count);
        taken = false;
        auto next = UdpSocket::open(address, options_.udp_shared, &taken);
        if (next) return next;
    }
    return result;
}

bool Worker::watch(std::size_t socket) {
    return poller_.add(sockets_[socket].fd(), kUdpTag + socket);
}

void Worker::listen(bool on) {
    listen_.store(on);
    inbox_.wakeup.notify();
}

void Worker::follow_listen() {
    if (listening_ == listen_.load()) return;
    listening_ = !listening_;
    for (std::size_t i = 0; i < sockets_.size(); ++i)
        if (!listening_)
            poller_.remove(sockets_[i].fd());
        else
            (void)watch(i);
}

std::vector<int> Worker::udp_sockets() const {
    std::vector<int> result;
    result.reserve(sockets_.size());
    for (const UdpSocket& socket : sockets_)
        result.push_back(socket.fd());
    return result;
}

int Worker::smallest_receive_buffer() const {
    int smallest = UdpSocket::kBufferSize;
    for (const UdpSocket& socket : sockets_)
        smallest = std::min(smallest, socket.receive_buffer());
    return smallest;
}

void Worker::build_shard(Timestamp now) {
    sfu::ShardConfig config;
    config.index = options_.index;
    config.worker_count = options_.worker_count;
    config.control_shards = ports_.size();
    config.dtls = options_.dtls;
    config.wall = wall_now();
    config.options = options_.shard;
    config.options.frame_hold = sfu::kFrameHold;
    for (std::size_t i = 0; i < udp_addresses_.size(); ++i)
        config.candidates.push_back(
            {static_cast<std::uint16_t>(i), ice::Protocol::kUdp, udp_addresses_[i]});
    for (std::size_t i = 0; i < tcp_addresses_.size(); ++i)
        config.candidates.push_back({static_cast<std::uint16_t>(sockets_.size() + i),
                                     ice::Protocol::kTcp, tcp_addresses_[i]});
    shard_ = std::make_unique<sfu::Shard>(std::move(config), now, Rng(options_.seed), links_);
    join_streams(*tcp_, *shard_, links_, now_);
}

void Worker::start() {
    Mailbox::Published figures;
    figures.at = monotonic_now();
    ports_.publish(figures);
    thread_.start([this] { run(); });
}

void Worker::end() {
    stopping_.store(true);
    inbox_.wakeup.notify();
}

bool Worker::ended_by(std::chrono::steady_clock::time_point deadline) {
    return thread_.join_until(deadline);
}

// ---------------------------------------------------------------- the loop

void Worker::run() {
    const std::string name = "media-" + std::to_string(options_.index);
    pthread_setname_np(pthread_self(), name.c_str());
    (void)prctl(PR_SET_TIMERSLACK, kTimerSlackNs);
    if (options_.cpu >= 0) {
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET(static_cast<std::size_t>(options_.cpu), &set);
        (void)pthread_setaffinity_np(pthread_self(), sizeof set, &set);
    }
    now_ = monotonic_now();
    build_shard(now_);
    next_publish_ = now_;
    while (!stopping_.load(std::memory_order_relaxed)) {
        const auto ready = wait(earlier(shard_->next_deadline(), tcp_->next_deadline()));
        const Timestamp begin = now_ = monotonic_now();
        turn(ready);
        const Timestamp end = monotonic_now();
        busy_ = busy_ + (end - begin);
        const std::uint64_t forwarded = shard_->forwarded();
        latency_.add(end - earlier(begin, shard_->take_oldest_forwarded()),
                     forwarded - std::exchange(forwarded_, forwarded));
        if (end >= next_publish_) publish(end);
    }
    for (UdpSocket& socket : sockets_)
        socket.release_slots();
    shard_.reset();
}

bool Worker::has_input() const {
    if (listening_ != listen_.load() || stopping_.load()) return true;
    if (ports_.has_commands() || relays_.has_input() || !inbox_.accepted.empty()) return true;
    return std::any_of(inbox_.from_workers.begin(), inbox_.from_workers.end(),
                       [](const auto& ring) { return !ring->empty(); });
}

bool Worker::waits_for_room() const {
    return ports_.events_wait() || std::any_of(sockets_.begin(), sockets_.end(),
                                               [](const UdpSocket& one) { return one.holds(); });
}

std::span<const Poller::Ready> Worker::wait(Timestamp deadline) {
    inbox_.wakeup.announce_sleep();
    Duration timeout = kLongestSleep;
    if (waits_for_room()) timeout = kRoomInterval;
    if (has_input())
        timeout = Duration::zero();
    else if (!deadline.is_never())
        timeout = std::clamp(deadline - monotonic_now(), Duration::zero(), timeout);
    const auto ready = poller_.wait(timeout);
    inbox_.wakeup.awake();
    return ready;
}

void Worker::turn(std::span<const Poller::Ready> ready) {
    follow_listen();
    for (const Poller::Ready& one : ready) {
        if (TcpConnections::owns_tag(one.tag)) {
            tcp_->handle_ready(now_, one);
        } else if (one.tag >= kUdpTag && listening_) {
            const auto index = static_cast<std::uint16_t>(one.tag - kUdpTag);
            read_udp(sockets_[index], index);
        }
    }
    const Timestamp now = now_;
    ports_.read_commands(now, *shard_);
    relays_.ring_bell();
    read_peers(now);
    read_relays(now);
    read_accepted(now);
    shard_->handle_timeout(now);
    tcp_->handle_timeout(now);
    flush(now);
    ports_.send_events(*shard_);
    links_.ring_bells();
}

void Worker::read_udp(UdpSocket& socket, std::uint16_t index) {
    std::array<UdpSocket::Received, UdpSocket::kBatch> received;
    ice::Path path;
    path.socket = index;
    path.local = socket.local();
    for (std::size_t total = 0; total < kMaxPacketsPerTurn;) {
        const std::size_t count = socket.receive(shard_->pool(), received);
        now_ = monotonic_now();
        for (std::size_t i = 0; i < count; ++i) {
            path.remote = received[i].from;
            if (relays_.take_client(index, path.remote, received[i].packet.data())) {
                received[i].packet.reset();
                continue;
            }
            const Timestamp arrival = now_ - received[i].waited;
            if (const auto owner =
                    shard_->handle_datagram(now_, path, received[i].packet, {{}, arrival}))
                (void)links_.push_datagram(*owner, path, received[i].packet.data(), arrival);
            received[i].packet.reset();
        }
        total += count;
        if (count < UdpSocket::kBatch) break;
    }
}

void Worker::read_peers(Timestamp now) {
    for (std::size_t from = 0; from < inbox_.from_workers.size(); ++from) {
        SpscRing<PeerSlot>* ring = inbox_.from_workers[from]->consumer();
        if (ring == nullptr) continue;
        for (std::size_t i = 0; i < kMaxSlotsPerTurn; ++i) {
            PeerSlot* slot = ring->front();
            if (slot == nullptr) break;
            handle_slot(now, static_cast<sfu::WorkerIndex>(from), *slot);
            ring->release();
        }
    }
}

void Worker::handle_slot(Timestamp now, sfu::WorkerIndex from, PeerSlot& slot) {
    const BytesView bytes = BytesView(slot.bytes).first(slot.size);
    switch (slot.kind) {
        case PeerSlot::Kind::kLink:
            shard_->handle_link(now, slot.link, bytes);
            break;
        case PeerSlot::Kind::kDatagram: {
            // Answers leave by our own socket of the same address (DES-03).
            sfu::PacketRef packet = copy_of(bytes);
            if (!packet) break;
            const auto owner =
                shard_->handle_datagram(now, slot.path, std::move(packet), {from, slot.arrival});
            // Its peer moved on, and the one it came from did not know.
            if (owner && *owner != from)
                (void)links_.push_datagram(*owner, slot.path, bytes, slot.arrival);
            break;
        }
        case PeerSlot::Kind::kStream:
            if (slot.stream) tcp_->adopt(now, std::move(*slot.stream));
            slot.stream.reset();
            break;
    }
}

sfu::PacketRef Worker::copy_of(BytesView datagram) {
    sfu::PacketRef packet = shard_->pool().acquire_large();
    if (!packet) return packet;
    std::copy(datagram.begin(), datagram.end(), packet.buffer().begin());
    packet.set_size(datagram.size());
    return packet;
}

// As if they had come to our socket from the relayed address; for whichever worker they are.
void Worker::read_relays(Timestamp now) {
    for (std::size_t i = 0; i < kMaxSlotsPerTurn; ++i) {
        const RelayedDatagram* const slot = relays_.front();
        if (slot == nullptr) break;
        const ice::Path path = relays_.path_of(*slot);
        const BytesView bytes = BytesView(slot->bytes).first(slot->size);
        if (sfu::PacketRef packet = copy_of(bytes))
            if (const auto owner =
                    shard_->handle_datagram(now, path, std::move(packet), {{}, slot->head.arrival}))
                (void)links_.push_datagram(*owner, path, bytes, slot->head.arrival);
        relays_.release();
    }
}

// As if a listener of our own at that address had accepted them; at none of ours they are closed.
void Worker::read_accepted(Timestamp now) {
    SpscRing<AcceptedTcp>* const ring = inbox_.accepted.consumer();
    for (AcceptedTcp* one = nullptr; ring != nullptr && (one = ring->front()) != nullptr;) {
        const auto at = std::find_if(
            tcp_addresses_.begin(), tcp_addresses_.end(),
            [one](const SocketAddress& address) { return address.ip == one->local.ip; });
        FileDescriptor fd = std::move(one->fd);
        const SocketAddress remote = one->remote;
        ring->release();
        if (at == tcp_addresses_.end()) continue;
        const auto place = static_cast<std::size_t>(at - tcp_addresses_.begin());
        tcp_->take(now, std::move(fd), *at, static_cast<std::uint16_t>(sockets_.size() + place),
                   remote);
    }
}

void Worker::flush(Timestamp now) {
    for (UdpSocket& socket : sockets_)
        if (socket.holds()) socket.send_held(now);
    batch_.clear();
    while (shard_->poll_transmit(now, batch_)) {
        relays_.send(batch_);
        for (std::size_t i = 0; i < sockets_.size(); ++i)
            sockets_[i].send(now, batch_, static_cast<std::uint16_t>(i));
        send_streams(now);
        batch_.clear();
    }
}

// The frames of one stream stand together in the batch: they leave in one write (02 DES-16).
void Worker::send_streams(Timestamp now) {
    std::array<TcpFrame, TcpConnections::kMaxFramesPerWrite> frames;
    for (std::size_t i = 0; i < batch_.run_count();) {
        const ice::Path& path = batch_.run(i).path;
        if (path.protocol != ice::Protocol::kTcp) {
            ++i;
            continue;
        }
        std::size_t count = 0;
        for (; i < batch_.run_count() && count < frames.size() && batch_.run(i).path == path; ++i) {
            const sfu::SendRun& run = batch_.run(i);  // of one datagram
            frames[count++] = {batch_.bytes(run), urgency_of(run, 0)};
        }
        tcp_->send(now, path.tcp_connection, std::span(frames).first(count));
    }
}

void Worker::publish(Timestamp now) {
    next_publish_ = now + kPublishInterval;
    Mailbox::Published slot;
    slot.at = now;
    slot.shard = shard_->snapshot();
    slot.figures = shard_->figures();
    slot.latency = latency_;
    latency_.decay();
    for (const UdpSocket& socket : sockets_) {
        slot.send_dropped += socket.dropped_full() + socket.counters().send_errors;
        slot.send_runs.merge(socket.counters().runs);
    }
    slot.tcp_connections = tcp_->size();
    slot.ring_full = links_.ring_full();
    slot.busy_us = static_cast<std::uint64_t>(busy_.us());
    ports_.publish(slot);
}

}  // namespace confab::worker
