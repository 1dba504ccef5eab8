// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "rtc/peer/sctp_transport.h"

#include <utility>

#include "rtc/sctp/limits.h"

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

// As much as in the association.
std::size_t SctpTransport::cost(const MessageReceived& message) {
    return message.payload.size() + sctp::kItemOverhead;
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
    changed();
    drain();
}

sctp::SendStatus SctpTransport::send(Timestamp now, std::uint16_t channel,
                                     sctp::SharedBytes payload) {
    if (!data_) return sctp::SendStatus::kClosed;
    const sctp::SendStatus status = data_->send(now, channel, true, std::move(payload));
    changed();
    drain();
    return status;
}

void SctpTransport::handle_packet(Timestamp now, BytesView packet) {
    if (!data_) return;
    data_->handle_packet(now, packet);
    changed();
}

void SctpTransport::handle_timeout(Timestamp now) {
    if (!data_) return;
    data_->handle_timeout(now);
    changed();
}

void SctpTransport::path_restored(Timestamp now) {
    if (!data_) return;
    data_->path_restored(now);
    changed();
}

Timestamp SctpTransport::next_deadline() const {
    if (asked_) return deadline_;
    return data_ ? data_->next_deadline() : Timestamp::never();
}

Timestamp SctpTransport::next_timeout() const {
    if (asked_) return timeout_;
    return data_ ? data_->next_timeout() : Timestamp::never();
}

void SctpTransport::drain() {
    if (!data_ || drained_) return;
    bool taken = false;
    while (others_ < kMaxOthers) {
        auto event = data_->poll_event();
        drained_ = !event;
        if (!event) break;
        taken = true;
        const std::size_t before = events_.size();
        if (auto* message = std::get_if<sctp::ChannelMessage>(&*event)) {
            take_message({message->id, std::move(message->payload)});
            continue;
        }
        if (auto* opened = std::get_if<sctp::ChannelOpened>(&*event)) {
            const sctp::ChannelOptions& options = opened->options;
            events_.emplace_back(ChannelOpened{opened->id, options.label,
                                               options.max_retransmits || options.lifetime});
        } else if (const auto* closed = std::get_if<sctp::ChannelClosed>(&*event)) {
            lossy_.erase(closed->id);
            events_.emplace_back(ChannelClosed{closed->id});
        } else if (std::holds_alternative<sctp::ChannelsStalled>(*event) ||
                   std::holds_alternative<sctp::AssociationFailed>(*event)) {
            events_.emplace_back(DataFailed{});
        }
        others_ += events_.size() - before;
    }
    if (taken) set_kept();
}

// Its window for the peer is as much smaller, and what it says of that due.
void SctpTransport::set_kept() {
    if (!data_) return;
    sctp::set_kept(*data_, kept_bytes_);
    asked_ = false;
}

void SctpTransport::take_message(MessageReceived message) {
    kept_bytes_ += cost(message);
    if (lossy_.contains(message.channel))
        ahead_.push_back(std::move(message));
    else
        events_.emplace_back(std::move(message));
}

std::optional<Bytes> SctpTransport::poll_transmit() {
    if (!data_ || asked_) return std::nullopt;
    auto packet = data_->poll_transmit();
    drained_ = false;  // giving up what is too old may have been the end of it
    if (packet) return packet;
    asked_ = true;
    timeout_ = data_->next_timeout();
    deadline_ = data_->next_deadline();
    return std::nullopt;
}

std::optional<TransportEvent> SctpTransport::poll_event() {
    std::optional<TransportEvent> event;
    if (!ahead_.empty()) {
        event = std::move(ahead_.front());
        ahead_.pop_front();
    } else if (!events_.empty()) {
        event = std::move(events_.front());
        events_.pop_front();
    } else {
        return event;
    }
    if (const auto* message = std::get_if<MessageReceived>(&*event)) {
        kept_bytes_ -= cost(*message);
        set_kept();
        return event;
    }
    --others_;
    if (const auto* opened = std::get_if<ChannelOpened>(&*event)) give(*opened);
    drain();
    return event;
}

// From here on its messages need not wait behind others; nor those that came meanwhile, which
// later ones are not to overtake.
void SctpTransport::give(const ChannelOpened& opened) {
    lossy_.erase(opened.channel);
    if (!opened.may_be_lost) return;
    std::deque<TransportEvent> rest;
    bool open = true;
    for (TransportEvent& event : std::exchange(events_, {})) {
        const auto* closed = std::get_if<ChannelClosed>(&event);
        open = open && (closed == nullptr || closed->channel != opened.channel);
        auto* message = std::get_if<MessageReceived>(&event);
        if (open && message != nullptr && message->channel == opened.channel)
            ahead_.push_back(std::move(*message));
        else
            rest.push_back(std::move(event));
    }
    events_ = std::move(rest);
    if (open) lossy_.insert(opened.channel);
}

}  // namespace confab::peer
