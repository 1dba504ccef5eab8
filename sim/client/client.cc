// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sim/client/client.h"

namespace confab::sim {
namespace {

peer::TransportConfig transport_config(const ClientConfig& config) {
    peer::TransportConfig transport;
    transport.ice.local = config.credentials;
    transport.ice.role = ice::Role::kControlling;
    transport.ice.candidates = {{0, ice::Protocol::kUdp, config.address}};
    return transport;
}

}  // namespace

Client::Client(const ClientConfig& config, srtp::Engine& engine, Rng rng, Report& report)
    : config_(config),
      report_(report),
      socket_({&engine, nullptr, true}, transport_config(config), config.address, rng.fork()),
      publisher_(socket_, config.wall, rng.fork()),
      subscriber_(socket_, config.name, config.own_ssrc) {}

void Client::connect(Timestamp now, const peer::RemoteParameters& remote,
                     const SocketAddress& server) {
    transport().set_remote(now, remote);
    transport().add_remote_candidate(now, {ice::Protocol::kUdp, server});
}

void Client::restart_ice(Timestamp now, const ice::Credentials& own,
                         const peer::RemoteParameters& remote, const SocketAddress& server) {
    transport().restart_ice(now, {own, false});
    connect(now, remote, server);
}

// ---------------------------------------------------------------- data

bool Client::send_message(Timestamp now, std::uint32_t sender) {
    const auto channel = channels_.find("_reliable");
    if (channel == channels_.end() || !connected()) return false;
    Bytes payload(8 + next_message_ % 2000);
    ByteWriter out(payload);
    out.u32(sender);
    out.u32(next_message_);
    const auto status =
        transport().send_message(now, channel->second, sctp::SharedBytes(std::move(payload)));
    if (status != sctp::SendStatus::kOk) return false;
    ++next_message_;
    return true;
}

void Client::take_message(Timestamp now, BytesView payload) {
    ByteReader in(payload);
    const std::uint32_t sender = in.u32();
    const std::uint32_t number = in.u32();
    if (!in.ok() || payload.size() != 8 + number % 2000)
        return report_.violation(now, config_.name + ": damaged message");
    ++messages_;
    // A receiver that joined late starts anywhere; from then on nothing is lost or repeated.
    const auto [expected, is_new] = expected_.try_emplace(sender, number);
    if (expected->second != number)
        report_.violation(now, config_.name + ": message " + std::to_string(number) + " of " +
                                   std::to_string(sender) + " instead of " +
                                   std::to_string(expected->second));
    expected->second = number + 1;
}

void Client::drain_events(Timestamp now) {
    while (auto event = transport().poll_event()) {
        if (const auto* opened = std::get_if<peer::ChannelOpened>(&*event))
            channels_[opened->label] = opened->channel;
        else if (const auto* message = std::get_if<peer::MessageReceived>(&*event))
            take_message(now, message->payload);
    }
}

// ---------------------------------------------------------------- packets

void Client::note_sent(Timestamp now, BytesView datagram) {
    if (wire::is_rtp(datagram)) subscriber_.note_sent(now, datagram, report_);
}

void Client::handle_rtcp(Timestamp now, BytesView compound) {
    wire::RtcpReader reader(compound);
    while (const auto block = reader.next()) {
        publisher_.handle_block(now, *block);
        subscriber_.handle_block(now, *block, report_);
    }
    if (reader.error()) report_.violation(now, config_.name + ": RTCP that can not be read");
}

void Client::handle_packet(Timestamp now, const SocketAddress& from, BytesSpan datagram) {
    ice::Path path;
    path.local = socket_.address();
    path.remote = from;
    const auto media = transport().handle_packet(now, path, datagram);
    if (media.kind == peer::Transport::Media::Kind::kRtcp) handle_rtcp(now, media.packet);
    if (media.kind == peer::Transport::Media::Kind::kRtp)
        subscriber_.receive(now, media.packet, report_);
    drain_events(now);
}

void Client::handle_timeout(Timestamp now) {
    if (now >= transport().next_deadline()) transport().handle_timeout(now);
    drain_events(now);
    publisher_.handle_timeout(now);
    subscriber_.handle_timeout(now, report_);
}

Timestamp Client::next_deadline() const {
    return earlier(socket_.transport().next_deadline(),
                   earlier(publisher_.next_deadline(), subscriber_.next_deadline()));
}

}  // namespace confab::sim
