// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "rtc/peer/sctp_transport.h"

#include <utility>

namespace confab::peer {

sctp::DataChannels::Config data_config(const RemoteParameters& remote,
                                       const sctp::Tunables& tunables) {
    sctp::DataChannels::Config config;
    config.association.min_cwnd = tunables.min_cwnd;
    config.association.fast_rtx_wnd = tunables.fast_rtx_wnd;
    config.association.cwnd_ca_step = tunables.cwnd_ca_step;
    config.association.remote_port = remote.sctp_port;
    config.association.peer_max_message_size = remote.max_message_size;
    config.dtls_client = remote.local_role == dtls::Role::kClient;
    return config;
}

// An empty message takes room too.
std::size_t SctpTransport::cost(const MessageReceived& message) {
    return message.payload.size() + sizeof message;
}

void SctpTransport::start(Timestamp now, const sctp::DataChannels::Config& config, Rng rng) {
    data_ = std::make_unique<sctp::DataChannels>(config, rng);
    data_->connect(now);
    for (WantedChannel& channel : wanted_)
        want_channel(now, std::move(channel));
    wanted_.clear();
}

void SctpTransport::want_channel(Timestamp now, WantedChannel channel) {
    if (!data_) {
        wanted_.push_back(std::move(channel));
        return;
    }
    sctp::ChannelOptions options;
    options.label = std::move(channel.label);
    options.ordered = channel.ordered;
    options.max_retransmits = channel.max_retransmits;
    (void)data_->open(now, options);
    drain();
}

sctp::SendStatus SctpTransport::send(Timestamp now, std::uint16_t channel,
                                     sctp::SharedBytes payload) {
    if (!data_) return sctp::SendStatus::kClosed;
    const sctp::SendStatus status = data_->send(now, channel, true, std::move(payload));
    drain();
    return status;
}

void SctpTransport::handle_packet(Timestamp now, BytesView packet) {
    if (data_) data_->handle_packet(now, packet);
}

void SctpTransport::handle_timeout(Timestamp now) {
    if (data_) data_->handle_timeout(now);
}

void SctpTransport::path_restored(Timestamp now) {
    if (data_) data_->path_restored(now);
}

Timestamp SctpTransport::next_deadline() const {
    return data_ ? data_->next_deadline() : Timestamp::never();
}

Timestamp SctpTransport::next_timeout() const {
    return data_ ? data_->next_timeout() : Timestamp::never();
}

void SctpTransport::drain() {
    if (!data_) return;
    while (untaken_bytes_ < kMaxUntakenBytes) {
        auto event = data_->poll_event();
        if (!event) break;
        if (auto* opened = std::get_if<sctp::ChannelOpened>(&*event))
            events_.emplace_back(ChannelOpened{opened->id, std::move(opened->options.label)});
        else if (auto* message = std::get_if<sctp::ChannelMessage>(&*event))
            take_message({message->id, std::move(message->payload)});
        else if (const auto* closed = std::get_if<sctp::ChannelClosed>(&*event))
            events_.emplace_back(ChannelClosed{closed->id});
        else if (std::holds_alternative<sctp::ChannelsStalled>(*event) ||
                 std::holds_alternative<sctp::AssociationFailed>(*event))
            events_.emplace_back(DataFailed{});
    }
}

void SctpTransport::take_message(MessageReceived message) {
    untaken_bytes_ += cost(message);
    events_.emplace_back(std::move(message));
}

std::optional<Bytes> SctpTransport::poll_transmit() {
    return data_ ? data_->poll_transmit() : std::nullopt;
}

std::optional<TransportEvent> SctpTransport::poll_event() {
    if (events_.empty()) return std::nullopt;
    std::optional<TransportEvent> event(std::move(events_.front()));
    events_.pop_front();
    if (const auto* message = std::get_if<MessageReceived>(&*event)) {
        untaken_bytes_ -= cost(*message);
        drain();
    }
    return event;
}

}  // namespace confab::peer
