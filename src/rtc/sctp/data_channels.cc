// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Data channels: opening, messages, closing (RFC 8831 §6, RFC 8832 §6).
#include "rtc/sctp/data_channels.h"

#include <algorithm>
#include <utility>

namespace confab::sctp {

namespace dcep = wire::dcep;
using dcep::Ppid;

namespace {

bool valid_label(const ChannelOptions& options) {
    return options.label.size() <= kMaxLabelSize && options.protocol.size() <= kMaxLabelSize;
}

}  // namespace

DataChannels::DataChannels(const Config& config, Rng rng)
    : dtls_client_(config.dtls_client),
      single_labels_(config.single_labels),
      association_(config.association, rng) {}

void DataChannels::connect(Timestamp now) {
    now_ = now;
    association_.connect(now);
}

void DataChannels::handle_packet(Timestamp now, BytesView packet) {
    now_ = now;
    association_.handle_packet(now, packet);
}

void DataChannels::handle_timeout(Timestamp now) {
    now_ = now;
    association_.handle_timeout(now);
}

Timestamp DataChannels::next_deadline() const {
    const Timestamp at = association_.next_deadline();
    return output_pending_ ? earlier(at, now_) : at;
}

std::optional<Bytes> DataChannels::poll_transmit() {
    auto packet = association_.poll_transmit();
    if (!packet) output_pending_ = false;
    return packet;
}

std::optional<ChannelEvent> DataChannels::poll_event() {
    while (events_.empty()) {
        auto event = association_.poll_event();
        if (!event) return std::nullopt;
        std::visit([this](auto&& e) { on_event(std::forward<decltype(e)>(e)); }, std::move(*event));
    }
    std::optional<ChannelEvent> event(std::move(events_.front()));
    events_.pop_front();
    return event;
}

Result<ChannelId, OpenError> DataChannels::open(Timestamp now, const ChannelOptions& options) {
    now_ = now;
    if (!valid_label(options)) return fail(OpenError::kBadLabel);
    if (channels_.size() >= kMaxChannels) return fail(OpenError::kTooManyChannels);
    ChannelId id = dtls_client_ ? 0 : 1;
    while (channels_.contains(id))
        id = static_cast<ChannelId>(id + 2);
    dcep::Open open;
    open.ordered = options.ordered;
    open.label = options.label;
    open.protocol = options.protocol;
    if (options.max_retransmits) {
        open.reliability = dcep::Reliability::kMaxRetransmits;
        open.parameter = *options.max_retransmits;
    } else if (options.lifetime) {
        open.reliability = dcep::Reliability::kMaxLifetimeMs;
        open.parameter = static_cast<std::uint32_t>(options.lifetime->ms());
    }
    const SendStatus status = send_control(id, dcep::make_open(open));
    if (status == SendStatus::kQueueFull) return fail(OpenError::kQueueFull);
    if (status != SendStatus::kOk) return fail(OpenError::kClosed);
    channels_[id].options = options;
    return id;
}

Result<void, OpenError> DataChannels::add_negotiated(ChannelId id, const ChannelOptions& options) {
    if (!valid_label(options)) return fail(OpenError::kBadLabel);
    if (channels_.contains(id)) return fail(OpenError::kIdInUse);
    if (channels_.size() >= kMaxChannels) return fail(OpenError::kTooManyChannels);
    if (association_.state() == Association::State::kClosed) return fail(OpenError::kClosed);
    Channel& channel = channels_[id];
    channel.options = options;
    channel.state = State::kOpen;
    channel.acknowledged = true;
    return {};
}

SendStatus DataChannels::send_control(ChannelId id, Bytes message) {
    SendOptions options;
    options.control = true;
    return association_.send(now_, id, static_cast<std::uint32_t>(Ppid::kControl),
                             SharedBytes(std::move(message)), options);
}

SendStatus DataChannels::send(Timestamp now, ChannelId id, bool binary, SharedBytes payload) {
    now_ = now;
    const auto it = channels_.find(id);
    if (it == channels_.end() || it->second.state == State::kClosing) return SendStatus::kClosed;
    const Channel& channel = it->second;
    SendOptions options;
    // RFC 8832 §6: an unordered message must not overtake the OPEN.
    options.ordered = channel.options.ordered || !channel.acknowledged;
    options.max_retransmits = channel.options.max_retransmits;
    options.lifetime = channel.options.lifetime;
    Ppid ppid = binary ? Ppid::kBinary : Ppid::kString;
    if (payload.size() == 0) {  // RFC 8831 §6.6
        ppid = binary ? Ppid::kBinaryEmpty : Ppid::kStringEmpty;
        payload = SharedBytes(Bytes{0});
    }
    return association_.send(now, id, static_cast<std::uint32_t>(ppid), std::move(payload),
                             options);
}

void DataChannels::close(Timestamp now, ChannelId id) {
    now_ = now;
    const auto it = channels_.find(id);
    if (it == channels_.end() || it->second.state == State::kClosing) return;
    begin_close(id, it->second, ChannelCloseReason::kLocal, false);
    erase_if_done(id);
}

void DataChannels::begin_close(ChannelId id, Channel& channel, ChannelCloseReason reason,
                               bool discard) {
    if (channel.state == State::kClosing) return;
    channel.state = State::kClosing;
    channel.replaced = reason == ChannelCloseReason::kReplaced;
    events_.push_back(ChannelClosed{id, reason});
    output_pending_ = true;
    if (association_.reset_stream(now_, id, discard)) return;
    // Not yet up: on_event(Connected) asks again. A peer without RE-CONFIG never gets asked.
    if (association_.state() >= Association::State::kEstablished) {
        channel.reset_out = true;
        channel.reset_in = true;
    }
}

void DataChannels::erase_if_done(ChannelId id) {
    const auto it = channels_.find(id);
    if (it != channels_.end() && it->second.state == State::kClosing && it->second.reset_in &&
        it->second.reset_out)
        channels_.erase(it);
}

std::optional<ChannelId> DataChannels::find(std::string_view label) const {
    for (const auto& [id, channel] : channels_)
        if (channel.state != State::kClosing && channel.options.label == label) return id;
    return std::nullopt;
}

bool DataChannels::is_open(ChannelId id) const {
    const auto it = channels_.find(id);
    return it != channels_.end() && it->second.state == State::kOpen;
}

DataChannels::Snapshot DataChannels::snapshot() const {
    return {association_.snapshot(), channels_.size(), refused_, dropped_};
}

}  // namespace confab::sctp
