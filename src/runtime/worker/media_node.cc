// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/worker/media_node.h"

#include <algorithm>
#include <thread>

namespace confab::worker {

MediaNode::MediaNode(MediaNodeOptions options, crypto::Certificate certificate,
                     dtls::Context context)
    : options_(std::move(options)),
      certificate_(std::move(certificate)),
      dtls_(std::move(context)) {}

MediaNode::~MediaNode() {
    stop();
}

Result<std::unique_ptr<MediaNode>, std::string> MediaNode::start(MediaNodeOptions options,
                                                                 UnixTime now) {
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
    const std::size_t processors = std::max(1U, std::thread::hardware_concurrency());
    std::size_t count = options_.workers;
    if (count == 0) count = processors > 1 ? processors - 1 : 1;
    count = std::min(count, sfu::kMaxWorkers);
    for (std::size_t i = 0; i < count; ++i)
        mailboxes_.push_back(std::make_unique<Mailbox>(count));
    const bool range = options_.udp_port_end > options_.udp_port;
    const std::size_t ports = range ? options_.udp_port_end - options_.udp_port + 1U : 1U;
    // Ports that the kernel chose for the first worker are those of all, address by address.
    std::vector<std::uint16_t> shared_udp(options_.addresses.size(), options_.udp_port);
    std::vector<std::uint16_t> shared_tcp(options_.addresses.size(), options_.tcp_port.value_or(0));
    for (std::size_t i = 0; i < count; ++i) {
        WorkerOptions worker;
        worker.index = static_cast<sfu::WorkerIndex>(i);
        worker.worker_count = count;
        // A worker more than processors would only disturb its neighbour.
        worker.cpu = options_.pin && count < processors ? static_cast<int>(i + 1) : -1;
        worker.udp_shared = !range || count > ports;
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
        workers_.push_back(std::make_unique<Worker>(std::move(worker), mailboxes_, control_));
        CONFAB_TRY_VOID(workers_.back()->open());
        addresses_.push_back({workers_.back()->udp_addresses(), workers_.back()->tcp_addresses()});
        const WorkerAddressList& first = addresses_.front();
        for (std::size_t k = 0; k < options_.addresses.size(); ++k) {
            shared_udp[k] = first.udp[k].port;
            if (options_.tcp_port) shared_tcp[k] = first.tcp[k].port;
        }
    }
    outgoing_.resize(count);
    return {};
}

int MediaNode::smallest_receive_buffer() const {
    int smallest = UdpSocket::kBufferSize;
    for (const auto& worker : workers_)
        smallest = std::min(smallest, worker->smallest_receive_buffer());
    return smallest;
}

std::size_t MediaNode::data_bytes(const sfu::Command& command) {
    const auto* data = std::get_if<sfu::SendData>(&command);
    return data == nullptr ? 0 : data->payload.size() + sizeof command;
}

// What ends something: as many at most as there is to end, and it would stay for ever without.
bool MediaNode::is_release(const sfu::Command& command) {
    return std::holds_alternative<sfu::ClosePeer>(command) ||
           std::holds_alternative<sfu::RemoveReceiver>(command) ||
           std::holds_alternative<sfu::RemoveDownTrack>(command);
}

void MediaNode::send(sfu::WorkerIndex worker, sfu::Command command) {
    if (worker >= workers_.size()) return;
    Outgoing& to = outgoing_[worker];
    to.ring_bell = true;
    if (to.waiting.empty() && mailboxes_[worker]->commands.push(std::move(command))) return;
    const std::size_t bytes = data_bytes(command);
    const bool full = bytes > 0 ? to.data_bytes + bytes > 2 * kMaxWaitingBytes
                                : to.waiting.size() >= kMaxWaiting && !is_release(command);
    if (full) {
        ++commands_dropped_;
        return;
    }
    to.data_bytes += bytes;
    to.waiting.push_back(std::move(command));
}

void MediaNode::flush() {
    for (std::size_t i = 0; i < workers_.size(); ++i) {
        Outgoing& to = outgoing_[i];
        while (!to.waiting.empty()) {
            const std::size_t bytes = data_bytes(to.waiting.front());
            if (!mailboxes_[i]->commands.push(std::move(to.waiting.front()))) break;
            to.data_bytes -= bytes;
            to.waiting.pop_front();
        }
        if (to.ring_bell) mailboxes_[i]->wakeup.notify();
        to.ring_bell = !to.waiting.empty();
    }
}

bool MediaNode::commands_waiting() const {
    return std::any_of(outgoing_.begin(), outgoing_.end(),
                       [](const Outgoing& to) { return !to.waiting.empty(); });
}

std::optional<MediaNode::WorkerEvent> MediaNode::take(EventRing Mailbox::* ring,
                                                      std::size_t& next) {
    for (std::size_t i = 0; i < workers_.size(); ++i) {
        const std::size_t index = (next + i) % workers_.size();
        EventRing& events = (*mailboxes_[index]).*ring;
        if (sfu::Event* event = events.front()) {
            WorkerEvent result{static_cast<sfu::WorkerIndex>(index), std::move(*event)};
            events.release();
            return result;
        }
    }
    return std::nullopt;
}

std::optional<MediaNode::WorkerEvent> MediaNode::poll_event() {
    auto event = take(&Mailbox::events, next_worker_);
    if (event) next_worker_ = event->worker + 1U;  // a flood of one keeps nobody waiting
    return event;
}

bool MediaNode::data_held() const {
    return std::any_of(outgoing_.begin(), outgoing_.end(),
                       [](const Outgoing& to) { return to.data_bytes > kMaxWaitingBytes; });
}

std::optional<MediaNode::WorkerEvent> MediaNode::poll_data() {
    if (data_held()) return std::nullopt;
    auto event = take(&Mailbox::data, next_data_);
    if (event) next_data_ = event->worker + 1U;
    return event;
}

bool MediaNode::has_events() const {
    const bool data = !data_held();
    return std::any_of(mailboxes_.begin(), mailboxes_.end(), [&](const auto& mailbox) {
        return !mailbox->events.empty() || (data && !mailbox->data.empty());
    });
}

const Mailbox::Published& MediaNode::snapshot(std::size_t worker) {
    return mailboxes_[worker]->snapshot.read();
}

Timestamp MediaNode::oldest_snapshot() {
    Timestamp oldest = Timestamp::never();
    for (std::size_t i = 0; i < workers_.size(); ++i)
        oldest = earlier(oldest, snapshot(i).at);
    return oldest;
}

void MediaNode::stop() {
    for (auto& worker : workers_)
        worker->stop();
}

}  // namespace confab::worker
