// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/load/member.h"

#include <utility>

namespace confab::load {
namespace {

constexpr int kUnauthorized = 401;
constexpr int kForbidden = 403;
constexpr int kNotFound = 404;

}  // namespace

Member::Member(MemberShared shared, const PersonShared& person, PersonPlan plan, UdpPort* port,
               std::array<SocketAddress, client::kTargets> addresses,
               std::vector<UdpPort> own_ports, Rng rng)
    : shared_(shared),
      port_(port),
      own_ports_(std::move(own_ports)),
      addresses_(addresses),
      person_(person, std::move(plan), addresses, rng) {
    for (std::size_t i = 0; i < own_ports_.size(); ++i)
        shared_.loop.watch(own_ports_[i].fd(), *this, i, false);
}

void Member::join() {
    const ServerTarget& server = shared_.server;
    WebSocketTarget target{server.address, server.host, server.name, {}, true};
    target.path = server.prefix + person_.open(monotonic_now());
    web_ = std::make_unique<WebSocketClient>(target);
    shared_.loop.watch(web_->fd(), *this, kWeb, true);
    flush();
}

void Member::leave() {
    if (!web_) return;
    person_.session().leave();
    flush();
}

void Member::flush() {
    client::Session& session = person_.session();
    if (web_ && web_->failed()) web_socket_failed();
    while (const auto message = session.poll_signal())
        if (web_) web_->send(*message);
    while (const auto out = session.poll_transmit()) {
        const auto target = static_cast<std::size_t>(out->target);
        UdpPort& port = port_ != nullptr ? *port_ : own_ports_[target];
        port.send(shared_.buffers, addresses_[target].ip, out->datagram.path.remote,
                  out->datagram.bytes);
    }
    if (web_ && std::exchange(writing_, web_->wants_to_write()) != web_->wants_to_write())
        shared_.loop.watch(web_->fd(), *this, kWeb, writing_);
    shared_.loop.set_timer(*this, timer_, person_.next_deadline());
}

void Member::on_socket(std::size_t number) {
    if (number == kWeb) {
        if (!web_) return;
        web_->flush();
        web_->receive([this](std::string_view message) {
            person_.web_socket_opened(monotonic_now());
            person_.handle_signal(monotonic_now(), message);
        });
        if (web_->is_open()) person_.web_socket_opened(monotonic_now());
        return flush();
    }
    bool due = false;
    own_ports_[number].receive(shared_.buffers, shared_.lateness,
                               [&](const ArrivedDatagram& datagram) {
                                   due |= take(static_cast<client::Target>(number), datagram);
                               });
    if (due) on_time();
}

void Member::on_time() {
    person_.handle_timeout(monotonic_now());
    flush();
}

void Member::web_socket_failed() {
    const int status = web_->refused_status();
    superseded_ = status == kNotFound && person_.session().single();
    if (status == kUnauthorized || status == kForbidden) {
        hopeless_ = true;
        person_.fail("the server refuses the token (" + web_->error() +
                     "); check --api-key and --api-secret");
    } else if (status != 0) {
        person_.fail("the server refuses to let participants join: " + web_->error());
    } else if (web_->never_connected()) {
        hopeless_ = true;
        person_.fail("cannot connect to " + shared_.server.host + ": " + web_->error() +
                     "; is the server running there? check --url");
    } else {
        person_.fail("signalling ended: " + web_->error());
    }
    person_.session().signal_closed();
    web_.reset();
}

std::uint64_t Member::drops() const {
    std::uint64_t sum = 0;
    for (const UdpPort& port : own_ports_)
        sum += port.drops();
    return sum;
}

}  // namespace confab::load
