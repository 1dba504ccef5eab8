// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/worker/media_node.h"

#include <algorithm>

#include "runtime/worker/processors.h"
#include "sfu/shard/control_shard.h"
#include "sfu/shard/peer_routes.h"

namespace confab::worker {
namespace {

std::size_t workers_of(const MediaNodeOptions& options, std::size_t processors) {
    std::size_t count = options.workers;
    if (count == 0) count = processors > 1 ? processors - 1 : 1;
    return std::min(count, sfu::kMaxWorkers);
}

// Those of another process, if there are any.
bool sockets_fit(const MediaNodeOptions& options, std::size_t workers) {
    return options.udp_sockets.empty() ||
           options.udp_sockets.size() == workers * options.addresses.size();
}

}  // namespace

MediaNode::MediaNode(MediaNodeOptions options, crypto::Certificate certificate,
                     dtls::Context context)
    : options_(std::move(options)),
      certificate_(std::move(certificate)),
      dtls_(std::move(context)) {}

MediaNode::~MediaNode() {
    (void)stop();
}

Result<std::unique_ptr<MediaNode>, std::string> MediaNode::start(MediaNodeOptions options,
                                                                 UnixTime now) {
    if (options.addresses.size() > MediaNodeOptions::kMaxAddresses)
        return fail(std::string("more addresses than a connection can have candidates of"));
    auto certificate = crypto::Certificate::generate(now);
    if (!certificate) return fail(std::string("cannot make a DTLS certificate"));
    auto context = dtls::Context::create(*certificate);
    if (!context) return fail(std::string("cannot set up DTLS"));
    std::unique_ptr<MediaNode> node(
        new MediaNode(std::move(options), std::move(*certificate), std::move(*context)));
    CONFAB_TRY_VOID(node->open());
    for (auto& worker : node->workers_)
        worker->start();
    return node;
}

Result<void, std::string> MediaNode::open() {
    const std::vector<int> processors = allowed_processors();
    const std::size_t count = workers_of(options_, processors.size());
    if (!sockets_fit(options_, count))
        return fail(std::string("sockets of a process with other workers or addresses"));
    for (std::size_t i = 0; i < count; ++i)
        inboxes_.push_back(std::make_unique<WorkerInbox>(count));
    if (options_.relays)
        relays_ = std::make_unique<RelayExchange>(*options_.relays, options_.addresses, count);
    const std::size_t shards =
        std::clamp<std::size_t>(options_.control_shards, 1, sfu::kMaxControlShards);
    for (std::size_t i = 0; i < shards; ++i)
        ports_.push_back(std::make_unique<ControlPort>(inboxes_));
    const bool range = options_.udp_port_end > options_.udp_port;
    const std::size_t ports = range ? options_.udp_port_end - options_.udp_port + 1U : 1U;
    // Ports that the kernel chose for the first worker are those of all, address by address.
    std::vector<std::uint16_t> shared_udp(options_.addresses.size(), options_.udp_port);
    std::vector<std::uint16_t> shared_tcp(options_.addresses.size(), options_.tcp_port.value_or(0));
    for (std::size_t i = 0; i < count; ++i) {
        WorkerOptions worker;
        worker.index = static_cast<sfu::WorkerIndex>(i);
        worker.worker_count = count;
        worker.cpu = options_.pin ? processor_of(processors, i, count) : -1;
        worker.udp_shared = !range || count > ports;
        if (!worker.udp_shared) worker.last_udp_port = options_.udp_port_end;
        worker.udp_sockets = adopted_sockets(i);
        worker.tcp_accepted_elsewhere = options_.tcp_accepted_elsewhere;
        worker.relays = relays_.get();
        worker.dtls = &dtls_;
        worker.shard = options_.shard;
        worker.seed = options_.seed + i * 0x9E3779B97F4A7C15ULL;
        for (std::size_t k = 0; k < options_.addresses.size(); ++k) {
            const IpAddress& ip = options_.addresses[k];
            const auto port =
                static_cast<std::uint16_t>(range ? options_.udp_port + i % ports : shared_udp[k]);
            worker.udp.push_back({ip, port});
            if (options_.tcp_port) worker.tcp.push_back({ip, shared_tcp[k]});
        }
        workers_.push_back(std::make_unique<Worker>(std::move(worker), inboxes_, ports_));
        CONFAB_TRY_VOID(workers_.back()->open());
        addresses_.push_back({workers_.back()->udp_addresses(), workers_.back()->tcp_addresses()});
        if (relays_) relays_->connect(i, inboxes_[i]->wakeup, addresses_[i].udp);
        const WorkerAddressList& first = addresses_.front();
        for (std::size_t k = 0; k < options_.addresses.size(); ++k) {
            shared_udp[k] = first.udp[k].port;
            if (options_.tcp_port) shared_tcp[k] = first.tcp[k].port;
        }
    }
    return {};
}

std::vector<FileDescriptor> MediaNode::adopted_sockets(std::size_t worker) const {
    std::vector<FileDescriptor> result;
    const std::size_t each = options_.addresses.size();
    for (std::size_t k = 0; k < each && !options_.udp_sockets.empty(); ++k)
        result.emplace_back(options_.udp_sockets[worker * each + k]);
    return result;
}

void MediaNode::listen(bool on) {
    for (const auto& worker : workers_)
        worker->listen(on);
}

std::vector<int> MediaNode::udp_sockets() const {
    std::vector<int> result;
    for (const auto& worker : workers_)
        for (const int fd : worker->udp_sockets())
            result.push_back(fd);
    return result;
}

// Any of them: its first frame says whose it is, and it goes on to there.
void MediaNode::take_stream(FileDescriptor fd, const SocketAddress& local,
                            const SocketAddress& remote) {
    WorkerInbox& inbox = *inboxes_[next_taker_++ % inboxes_.size()];
    if (inbox.accepted.producer().push({std::move(fd), local, remote})) inbox.wakeup.notify();
}

int MediaNode::smallest_receive_buffer() const {
    int smallest = UdpSocket::kBufferSize;
    for (const auto& worker : workers_)
        smallest = std::min(smallest, worker->smallest_receive_buffer());
    return smallest;
}

std::size_t MediaNode::stop() {
    for (const auto& worker : workers_)
        worker->end();
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    return static_cast<std::size_t>(
        std::count_if(workers_.begin(), workers_.end(),
                      [deadline](const auto& worker) { return !worker->ended_by(deadline); }));
}

}  // namespace confab::worker
