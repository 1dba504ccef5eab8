// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/turn/turn_node.h"

#include <pthread.h>

#include <utility>

#include "wire/ice/channel_data.h"

namespace confab::turn_server {
namespace {

turn::ClientPath path_of(const net::FramedClient& client) {
    return {client.local, client.remote, client.stream};
}

net::FramedMessage next_message(BytesView stream, bool known) {
    const wire::TurnFrame frame = wire::next_turn_frame(stream, known);
    switch (frame.state) {
        case wire::TurnFrame::State::kWhole:
            return {net::FramedMessage::State::kWhole, frame.size};
        case wire::TurnFrame::State::kMore:
            return {net::FramedMessage::State::kMore, 0};
        case wire::TurnFrame::State::kInvalid:
            break;
    }
    return {net::FramedMessage::State::kInvalid, 0};
}

}  // namespace

TurnNode::TurnNode(TurnNodeOptions options)
    : options_(std::move(options)),
      shortcut_(options_.media == nullptr ? nullptr
                                          : std::make_unique<MediaShortcut>(*options_.media)),
      relays_(loop_, options_.relay_bind_v4, options_.relay_bind_v6, shortcut_.get(),
              [this](turn::AllocationHandle allocation, const Datagram& datagram) {
                  return handle_peer(allocation, datagram.from, datagram.bytes, Urgency::kFirst);
              }),
      server_(net::EventLoop::now(), options_.server, relays_),
      timer_(loop_) {}

TurnNode::~TurnNode() {
    (void)stop();
    thread_.join();
}

Result<std::unique_ptr<TurnNode>, std::string> TurnNode::start(TurnNodeOptions options) {
    std::unique_ptr<TurnNode> node(new TurnNode(std::move(options)));
    CONFAB_TRY_VOID(node->open());
    node->thread_.start([loop = &node->loop_] {
        pthread_setname_np(pthread_self(), "turn");
        loop->run();
    });
    return node;
}

Result<void, std::string> TurnNode::open() {
    for (const SocketAddress& address : options_.udp) {
        CONFAB_TRY(DatagramSocket socket, DatagramSocket::open(address));
        udp_addresses_.push_back(socket.local());
        Listener& listener =
            *listeners_.emplace_back(std::make_unique<Listener>(Listener{std::move(socket), {}}));
        listener.watch =
            loop_.watch_fd(listener.socket.fd(), [this, &listener] { read(listener); });
    }
    for (const int fd : options_.shared_udp) {
        CONFAB_TRY(DatagramSocket socket, DatagramSocket::share(fd));
        udp_addresses_.push_back(socket.local());
        listeners_.push_back(std::make_unique<Listener>(Listener{std::move(socket), {}}));
    }
    loop_.set_turn_hook([this] { end_turn(); });
    if (shortcut_) join_media();
    const bool has_streams = options_.adopts_streams || !options_.streams.empty();
    return has_streams ? open_streams() : Result<void, std::string>();
}

void TurnNode::join_media() {
    media_watch_ = loop_.watch_fd(shortcut_->bell().fd(), [this] {
        shortcut_->bell().awake();
        post_read();
    });
    post_read();
}

// One handler among the others, part by part: what clients send has its turn between, and streams
// write on. When there is nothing to read the workers are to ring, not only while the loop sleeps:
// a turn may be long.
void TurnNode::post_read() {
    if (!shortcut_ || reading_) return;
    shortcut_->bell().announce_sleep();
    if (!shortcut_->has_input()) return;
    shortcut_->bell().awake();
    loop_.post([this] {
        reading_ = false;
        read_media();
        post_read();
    });
    reading_ = true;
}

Result<void, std::string> TurnNode::open_streams() {
    net::FramedListener::Handlers handlers;
    handlers.next_message = next_message;
    handlers.message = [this](const net::FramedClient& client, BytesView message) {
        const Timestamp now = net::EventLoop::now();
        deliver(now, server_.handle_client(now, net::EventLoop::wall(), path_of(client), message),
                Urgency::kKept);
        ring_bells();
    };
    handlers.closed = [this](const net::FramedClient& client) {
        server_.close_client(path_of(client));
    };
    handlers.is_known = [this](const net::FramedClient& client) {
        return server_.has_allocation(path_of(client));
    };
    streams_ = std::make_unique<net::FramedListener>(loop_, options_.stream, std::move(handlers));
    for (const SocketAddress& address : options_.streams) {
        CONFAB_TRY(const SocketAddress bound, streams_->listen(address));
        stream_addresses_.push_back(bound);
    }
    return {};
}

void TurnNode::read(Listener& listener) {
    const Timestamp now = net::EventLoop::now();
    const UnixTime wall = net::EventLoop::wall();
    for (const Datagram& datagram : listener.socket.receive(batch_))
        deliver(
            now,
            server_.handle_client(now, wall, {datagram.local, datagram.from, 0}, datagram.bytes),
            Urgency::kKept);
    ring_bells();
}

// Behind each input: media does not wait for the others.
void TurnNode::ring_bells() {
    if (shortcut_) shortcut_->ring_bells();
}

// False: no client is to get it.
bool TurnNode::handle_peer(turn::AllocationHandle allocation, const SocketAddress& peer,
                           BytesView bytes, Urgency urgency) {
    const Timestamp now = net::EventLoop::now();
    const turn::Output output = server_.handle_peer(now, allocation, told_of(peer), bytes);
    deliver(now, output, urgency);
    return output.to == turn::Output::To::kClient;
}

void TurnNode::read_client(const worker::ClientDatagram& datagram, const SocketAddress& local) {
    const Timestamp now = net::EventLoop::now();
    deliver(now,
            server_.handle_client(now, net::EventLoop::wall(), {local, datagram.from, 0},
                                  BytesView(datagram.bytes).first(datagram.size)),
            Urgency::kKept);
}

void TurnNode::read_media() {
    shortcut_->read_clients([this](const worker::ClientDatagram& datagram,
                                   const SocketAddress& local) { read_client(datagram, local); });
    shortcut_->read(
        [this](turn::AllocationHandle allocation, const SocketAddress& from, BytesView bytes,
               Urgency urgency) { return handle_peer(allocation, from, bytes, urgency); });
}

void TurnNode::deliver(Timestamp now, const turn::Output& output, Urgency urgency) {
    switch (output.to) {
        case turn::Output::To::kNobody:
            return;
        case turn::Output::To::kClient: {
            if (output.client.stream != 0) {
                if (streams_) streams_->send(output.client.stream, output.bytes, urgency);
                return;
            }
            DatagramSocket* const through = listener_of(output.client.local);
            const bool sent =
                through != nullptr &&
                through->send(output.client.local, output.client.remote, output.bytes);
            send_dropped_ += sent ? 0U : 1U;
            return;
        }
        case turn::Output::To::kPeer:
            if (!relays_.send(now, output.allocation, bound_for(output.peer), output.bytes))
                ++send_dropped_;
            return;
    }
}

// The listener that takes what comes to this address.
DatagramSocket* TurnNode::listener_of(const SocketAddress& local) {
    for (const auto& listener : listeners_) {
        const SocketAddress& bound = listener->socket.local();
        if (bound.port == local.port && bound.ip.family() == local.ip.family() &&
            (bound.ip == local.ip || bound.ip.is_unspecified()))
            return &listener->socket;
    }
    return nullptr;
}

SocketAddress TurnNode::bound_for(const SocketAddress& peer) const {
    for (const TurnNodeOptions::Alias& alias : options_.aliases)
        if (alias.told == peer.ip) return {alias.bound, peer.port};
    return peer;
}

SocketAddress TurnNode::told_of(const SocketAddress& peer) const {
    for (const TurnNodeOptions::Alias& alias : options_.aliases)
        if (alias.bound == peer.ip) return {alias.told, peer.port};
    return peer;
}

void TurnNode::end_turn() {
    // As a rule both were done already; not where a handler has thrown.
    ring_bells();
    post_read();
    TurnFigures& figures = figures_.back();
    figures = {};
    figures.allocations = server_.allocations();
    figures.counters = server_.counters();
    figures.send_dropped = send_dropped_;
    figures.relays = relays_.counters();
    if (shortcut_) figures.shortcut = shortcut_->counters();
    if (streams_) {
        figures.connections = streams_->connections();
        figures.streams = streams_->counters();
    }
    figures_.publish();
    const Timestamp deadline = server_.next_deadline();
    if (deadline == timer_at_) return;
    timer_at_ = deadline;
    timer_.set(deadline, [this] {
        timer_at_ = Timestamp::never();
        server_.handle_timeout(net::EventLoop::now());
    });
}

void TurnNode::end_user(std::string participant_sid) {
    loop_.post(
        [this, sid = std::move(participant_sid)] { server_.end_user(net::EventLoop::now(), sid); });
}

void TurnNode::handle_new_keys() {
    loop_.post([this] { server_.handle_new_keys(); });
}

void TurnNode::set_peer_rules(turn::PeerRules rules) {
    loop_.post(
        [this, rules = std::move(rules)]() mutable { server_.set_peer_rules(std::move(rules)); });
}

void TurnNode::set_limits(turn::AllocationLimits limits) {
    loop_.post(
        [this, limits = std::move(limits)]() mutable { server_.set_limits(std::move(limits)); });
}

void TurnNode::set_certificates(net::TlsContext tls) {
    loop_.post([this, tls = std::move(tls)]() mutable {
        if (streams_) streams_->set_certificates(std::move(tls));
    });
}

void TurnNode::adopt(net::AcceptedStream accepted) {
    loop_.post([this, accepted = std::move(accepted)]() mutable {
        if (streams_) streams_->adopt(std::move(accepted));
    });
}

bool TurnNode::stop() {
    loop_.stop();
    return thread_.join_until(std::chrono::steady_clock::now() + kPatience);
}

}  // namespace confab::turn_server
