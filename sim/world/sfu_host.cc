// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sim/world/sfu_host.h"

#include <algorithm>
#include <limits>

namespace confab::sim {
namespace {
constexpr std::uint32_t kServerNetwork = 0x0A00'0001;  // 10.0.0.1
constexpr std::uint16_t kFirstPort = 7000;
constexpr std::uint16_t kFirstTcpPort = 8000;
constexpr std::size_t kServedAtOnce = 8;
constexpr std::uint64_t kServiceSpreadUs = 200;
constexpr std::uint64_t kTimerLatenessUs = 500;
}  // namespace

class SfuHost::Links final : public sfu::ShardLinks {
  public:
    Links(SfuHost& host, std::size_t from) : host_(host), from_(from) {}
    bool push(sfu::WorkerIndex to, const sfu::LinkMessage& message, BytesView bytes) override {
        return host_.push_link(from_, to, message, bytes);
    }

  private:
    SfuHost& host_;
    std::size_t from_;
};

SocketAddress SfuHost::address(std::size_t shard) const {
    return {IpAddress::v4(kServerNetwork + static_cast<std::uint32_t>(node_)),
            static_cast<std::uint16_t>(kFirstPort + (shared_port_ ? 0 : shard))};
}

SocketAddress SfuHost::tcp_address(std::size_t shard) const {
    return {address(0).ip, static_cast<std::uint16_t>(kFirstTcpPort + (shared_port_ ? 0 : shard))};
}

std::size_t SfuHost::node_of(const SocketAddress& address) {
    return address.ip.is_v4() ? load_be32(address.ip.bytes().data()) - kServerNetwork
                              : std::numeric_limits<std::size_t>::max();
}

// A kernel chooses among the sockets of a port by a hash of the addresses.
std::size_t SfuHost::arrives_at(const SocketAddress& from, const SocketAddress& to) const {
    constexpr std::uint32_t kSpread = 0x9E37'79B1;
    if (!shared_port_) return std::size_t{to.port} % 1000;
    return ((std::uint32_t{from.port} * kSpread) >> 16U) % shards_.size();
}

SfuHost::SfuHost(const SfuHostConfig& config, EventQueue& events, Rng rng, Report& report,
                 Transmit transmit, Reaction reaction)
    : node_(config.node),
      shared_port_(config.shared_port),
      events_(events),
      rng_(rng),
      report_(report),
      transmit_(std::move(transmit)),
      reaction_(std::move(reaction)),
      rings_(config.shards * config.shards),
      mailboxes_(config.shards),
      planned_(config.shards, Timestamp::never()) {
    for (std::size_t i = 0; i < config.shards; ++i) {
        for (std::size_t to = 0; to < config.shards; ++to)
            rings_[i * config.shards + to].to = to;
        sfu::ShardConfig shard;
        shard.index = static_cast<sfu::WorkerIndex>(i);
        shard.worker_count = config.shards;
        shard.simulate_dtls = true;
        shard.options.frame_hold = sfu::kFrameHold;
        shard.wall = config.wall;
        shard.candidates = {{0, ice::Protocol::kUdp, address(i)},
                            {kTcpSocket, ice::Protocol::kTcp, tcp_address(i)}};
        links_.push_back(std::make_unique<Links>(*this, i));
        shards_.push_back(
            std::make_unique<sfu::Shard>(shard, events.now(), rng_.fork(), *links_.back()));
        plan_timeout(i);
    }
}

SfuHost::~SfuHost() = default;

bool SfuHost::queues_empty() const {
    return std::all_of(rings_.begin(), rings_.end(),
                       [](const Ring& r) { return r.items.empty(); }) &&
           std::all_of(mailboxes_.begin(), mailboxes_.end(),
                       [](const auto& m) { return m.empty(); });
}

// ---------------------------------------------------------------- inputs

void SfuHost::command(std::size_t shard, sfu::Command command) {
    mailboxes_[shard].push_back(std::move(command));
    plan_service();
}

void SfuHost::deliver(const SocketAddress& from, const SocketAddress& to, BytesView bytes) {
    if (to.ip != address(0).ip || to.port < kFirstPort) return;
    std::size_t shard = arrives_at(from, to);
    if (shard >= shards_.size()) return;
    ice::Path path;
    path.local = to;
    path.remote = from;
    // Then the shard that owns the peer, named by the first; or the one to which it went from
    // there.
    std::optional<sfu::WorkerIndex> via;
    for (std::size_t round = 0; round <= shards_.size(); ++round) {
        sfu::PacketRef packet = shards_[shard]->pool().acquire_large();
        if (!packet || packet.buffer().size() < bytes.size()) {
            report_.violation(events_.now(), "no slot for a datagram");
            return;
        }
        std::copy(bytes.begin(), bytes.end(), packet.buffer().begin());
        packet.set_size(bytes.size());
        const auto owner =
            shards_[shard]->handle_datagram(events_.now(), path, std::move(packet), {via, {}});
        turn(shard);
        if (!owner || via == owner) return;
        ++counters_.foreign;
        via = static_cast<sfu::WorkerIndex>(shard);
        shard = *owner;
    }
}

void SfuHost::frame(std::size_t shard, const ice::Path& path, BytesView bytes) {
    if (const auto adopted = adopted_.find(path.tcp_connection); adopted != adopted_.end())
        shard = adopted->second;
    // The second round is the shard that owns the peer, and has the stream from now on.
    for (int round = 0; round < 2; ++round) {
        const auto owner = shards_[shard]->handle_frame(events_.now(), path, bytes);
        turn(shard);
        if (!owner) return;
        ++counters_.foreign;
        shard = adopted_[path.tcp_connection] = *owner;
    }
}

void SfuHost::stream_closed(std::size_t shard, const ice::Path& path) {
    if (const auto adopted = adopted_.find(path.tcp_connection); adopted != adopted_.end()) {
        shard = adopted->second;
        adopted_.erase(adopted);
    }
    shards_[shard]->handle_tcp_closed(events_.now(), path);
    turn(shard);
}

bool SfuHost::push_link(std::size_t from, std::size_t to, const sfu::LinkMessage& message,
                        BytesView bytes) {
    if (to >= shards_.size() || to == from) {
        report_.violation(events_.now(), "link message to shard " + std::to_string(to));
        return false;
    }
    Ring& ring = rings_[from * shards_.size() + to];
    if (ring.items.size() >= kMaxRing) return false;
    ring.items.push_back({message, to_vector(bytes)});
    counters_.longest_queue = std::max(counters_.longest_queue, ring.items.size());
    plan_service();
    return true;
}

// ---------------------------------------------------------------- queues

void SfuHost::plan_service() {
    if (service_planned_) return;
    service_planned_ = true;
    const auto delay = static_cast<std::int64_t>(rng_.below(kServiceSpreadUs));
    events_.plan(events_.now() + Duration::micros(delay), [this] { serve_one_queue(); });
}

void SfuHost::serve_one_queue() {
    service_planned_ = false;
    // Starting anywhere, the first queue with something in it.
    const std::size_t count = rings_.size() + mailboxes_.size();
    const std::size_t start = rng_.below(count);
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t queue = (start + i) % count;
        if (queue >= rings_.size()) {
            const std::size_t shard = queue - rings_.size();
            if (mailboxes_[shard].empty()) continue;
            serve_mailbox(shard);
        } else {
            if (rings_[queue].items.empty()) continue;
            serve_ring(rings_[queue]);
        }
        break;
    }
    if (!queues_empty()) plan_service();
}

void SfuHost::serve_ring(Ring& ring) {
    for (std::size_t left = 1 + rng_.below(kServedAtOnce); left > 0 && !ring.items.empty();
         --left) {
        const LinkItem item = std::move(ring.items.front());
        ring.items.pop_front();
        ++counters_.links;
        shards_[ring.to]->handle_link(events_.now(), item.message, item.bytes);
    }
    turn(ring.to);
}

void SfuHost::serve_mailbox(std::size_t shard) {
    auto& mailbox = mailboxes_[shard];
    for (std::size_t left = 1 + rng_.below(kServedAtOnce); left > 0 && !mailbox.empty(); --left) {
        sfu::Command command = std::move(mailbox.front());
        mailbox.pop_front();
        ++counters_.commands;
        shards_[shard]->handle_command(events_.now(), std::move(command));
    }
    turn(shard);
}

// ---------------------------------------------------------------- outputs

void SfuHost::turn(std::size_t shard) {
    sfu::Shard& of = *shards_[shard];
    std::size_t sent = 0;
    while (of.poll_transmit(events_.now(), batch_)) {
        for (std::size_t r = 0; r < batch_.run_count(); ++r) {
            const sfu::SendRun& run = batch_.run(r);
            const BytesView all = batch_.bytes(run);
            for (std::size_t at = 0; at < all.size(); at += run.segment_size, ++sent)
                transmit_(
                    shard, run.path,
                    all.subspan(at, std::min<std::size_t>(run.segment_size, all.size() - at)));
        }
        batch_.clear();
    }
    counters_.most_sent = std::max(counters_.most_sent, sent);
    if (sent > kMaxSentAtOnce)
        report_.violation(events_.now(), std::to_string(sent) + " datagrams after one input");
    while (const auto event = of.poll_event())
        reaction_(shard, *event);
    plan_timeout(shard);
}

void SfuHost::plan_timeout(std::size_t shard) {
    const Timestamp deadline = shards_[shard]->next_deadline();
    if (deadline >= planned_[shard]) return;
    planned_[shard] = deadline;
    const auto late = static_cast<std::int64_t>(rng_.below(kTimerLatenessUs));
    events_.plan(deadline + Duration::micros(late), [this, shard, deadline] {
        if (planned_[shard] != deadline) return;  // an earlier one took its place
        planned_[shard] = Timestamp::never();
        ++counters_.timeouts;
        shards_[shard]->handle_timeout(events_.now());
        turn(shard);
    });
}

}  // namespace confab::sim
