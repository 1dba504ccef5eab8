// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What the association reports, turned into events of channels (RFC 8831 §6.6, §6.7; RFC 8832 §6).
#include <algorithm>
#include <utility>

#include "rtc/sctp/data_channels.h"

namespace confab::sctp {

namespace dcep = wire::dcep;
using dcep::Ppid;

void DataChannels::on_event(Connected) {
    events_.push_back(AssociationUp{});
    // Channels closed before the association was up.
    std::vector<ChannelId> closing;
    for (const auto& [id, channel] : channels_)
        if (channel.state == State::kClosing) closing.push_back(id);
    for (const ChannelId id : closing) {
        output_pending_ = true;
        if (!association_.reset_stream(now_, id)) channels_.erase(id);
    }
}

void DataChannels::on_event(MessageReceived event) {
    const auto it = channels_.find(event.stream);
    if (it != channels_.end() && it->second.is_ahead()) {
        late_.push(std::move(event));
        return set_kept(*this, kept_);
    }
    const auto ppid = static_cast<Ppid>(event.ppid);
    if (ppid == Ppid::kControl) return handle_control(event.stream, event.payload);
    // Of a channel that was replaced: what was acknowledged, and said before.
    const bool replaced = it != channels_.end() && it->second.replaced;
    const auto id = replaced ? find(it->second.options.label) : std::optional(event.stream);
    if (it == channels_.end() || !id || (it->second.state == State::kClosing && !replaced)) {
        ++dropped_;
        return;
    }
    const bool empty = ppid == Ppid::kStringEmpty || ppid == Ppid::kBinaryEmpty;
    const bool text =
        ppid == Ppid::kString || ppid == Ppid::kStringPartial || ppid == Ppid::kStringEmpty;
    const bool binary =
        ppid == Ppid::kBinary || ppid == Ppid::kBinaryPartial || ppid == Ppid::kBinaryEmpty;
    if (!text && !binary) {
        ++dropped_;
        return;
    }
    mark_open(event.stream, it->second, false);  // data shows as well as ACK that the peer knows
    if (empty) event.payload.clear();
    events_.push_back(ChannelMessage{*id, binary, std::move(event.payload)});
}

void DataChannels::mark_open(ChannelId id, Channel& channel, bool incoming) {
    channel.acknowledged = true;
    if (channel.state != State::kConnecting) return;
    channel.state = State::kOpen;
    events_.push_back(ChannelOpened{id, channel.options, incoming});
}

void DataChannels::handle_control(ChannelId id, BytesView message) {
    const auto type = dcep::parse_type(message);
    if (!type) {
        ++dropped_;
        return;
    }
    if (*type == dcep::MessageType::kOpen) return handle_open(id, message);
    const auto it = channels_.find(id);
    if (it != channels_.end()) mark_open(id, it->second, false);
}

void DataChannels::handle_open(ChannelId id, BytesView message) {
    const auto open = dcep::parse_open(message);
    const auto existing = channels_.find(id);
    if (existing != channels_.end()) {
        // An OPEN on a channel in use changes nothing. After our reset was answered the peer may
        // have reset and opened anew, its own reset being implied.
        if (existing->second.state != State::kClosing || !existing->second.reset_out) {
            ++dropped_;
            return;
        }
        channels_.erase(existing);
    }
    if (!open || channels_.size() >= kMaxChannels || open->label.size() > kMaxLabelSize ||
        open->protocol.size() > kMaxLabelSize)
        return refuse(id);
    // The ACK first: without room for it there is no channel.
    output_pending_ = true;
    if (send_control(id, dcep::make_ack()) != SendStatus::kOk) return refuse(id);
    ChannelOptions options;
    options.label = open->label;
    options.protocol = open->protocol;
    options.ordered = open->ordered;
    if (open->reliability == dcep::Reliability::kMaxRetransmits)
        options.max_retransmits = static_cast<std::uint16_t>(std::min(open->parameter, 0xFFFFU));
    if (open->reliability == dcep::Reliability::kMaxLifetimeMs)
        options.lifetime = Duration::millis(open->parameter);
    const auto is_label = [&](std::string_view label) { return label == open->label; };
    if (std::any_of(single_labels_.begin(), single_labels_.end(), is_label)) {
        if (const auto old = find(open->label)) {
            begin_close(*old, channels_[*old], ChannelCloseReason::kReplaced, true);
            erase_if_done(*old);
        }
    }
    Channel& channel = channels_[id];
    channel.options = std::move(options);
    mark_open(id, channel, true);
}

// Answers an OPEN that we can not take by closing its stream (RFC 8832 §5.1 allows no error text).
void DataChannels::refuse(ChannelId id) {
    ++refused_;
    output_pending_ = true;
    association_.reset_stream(now_, id, true);
}

void DataChannels::on_event(MessageTooLarge event) {
    const auto it = channels_.find(event.stream);
    if (it == channels_.end() || it->second.state == State::kClosing) return;
    it->second.state = State::kClosing;  // the association is resetting the stream already
    events_.push_back(ChannelClosed{event.stream, ChannelCloseReason::kMessageTooLarge});
}

void DataChannels::on_event(StreamReset event) {
    const auto it = channels_.find(event.stream);
    if (it == channels_.end()) return;
    if (it->second.is_ahead()) {
        // Of the one that it opened since.
        if (late_.size() > 0 && !late_.overflowing()) late_.push(event);
        return;
    }
    it->second.reset_in = true;
    begin_close(event.stream, it->second, ChannelCloseReason::kPeer, true);
    erase_if_done(event.stream);
}

void DataChannels::on_event(StreamResetDone event) {
    const auto it = channels_.find(event.stream);
    if (it == channels_.end()) return;
    it->second.reset_out = true;
    erase_if_done(event.stream);
    EventQueue late = std::exchange(late_, {});
    while (auto kept = late.pop()) {
        const auto* message = std::get_if<MessageReceived>(&*kept);
        const auto* reset = std::get_if<StreamReset>(&*kept);
        if ((message != nullptr ? message->stream : reset->stream) != event.stream)
            late_.push(std::move(*kept));
        else if (message != nullptr)
            on_event(std::move(std::get<MessageReceived>(*kept)));
        else
            on_event(*reset);
    }
    set_kept(*this, kept_);
}

void DataChannels::on_event(BufferedAmountLow event) {
    if (channels_.contains(event.stream)) events_.push_back(ChannelBufferLow{event.stream});
}

void DataChannels::on_event(NoProgress) {
    events_.push_back(ChannelsStalled{});
}

void DataChannels::on_event(Aborted event) {
    fail_all(event.reason, false);
}

void DataChannels::on_event(Closed) {
    fail_all(AbortReason::kLocalAbort, true);
}

void DataChannels::fail_all(AbortReason reason, bool graceful) {
    channels_.clear();
    late_ = {};
    events_.push_back(AssociationFailed{reason, graceful});
}

}  // namespace confab::sctp
