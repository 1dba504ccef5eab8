// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/peer/shard_peer.h"

#include <algorithm>
#include <utility>

namespace confab::sfu {

ShardPeer::ShardPeer(PeerId id, const peer::SharedCrypto& crypto, peer::TransportConfig config,
                     std::unique_ptr<BandwidthPort> bandwidth, Rng& rng)
    : id_(id),
      transport_(crypto, std::move(config), rng.fork()),
      timer_(static_cast<Timed*>(this)),
      uplink_(transport_, counters_, rng.u32()),
      downlink_(transport_, counters_, std::move(bandwidth)) {}

ConnectionType ShardPeer::connection_type() const {
    const auto& path = transport_.path();
    if (path && path->protocol == ice::Protocol::kTcp) return ConnectionType::kTcp;
    return transport_.path_facts().relayed() ? ConnectionType::kTurn : ConnectionType::kUdp;
}

// ---------------------------------------------------------------- data channels

DataChannel ShardPeer::kind_of_label(const std::string& label) {
    if (label == "_reliable") return DataChannel::kReliable;
    if (label == "_lossy") return DataChannel::kLossy;
    if (label == "_data_track") return DataChannel::kDataTrack;
    return DataChannel::kOther;
}

void ShardPeer::note_channel(std::uint16_t channel, const std::string& label) {
    const DataChannel kind = kind_of_label(label);
    forget_channel(channel);
    // A label opened again replaces the old channel (DC-10).
    if (kind != DataChannel::kOther)
        std::erase_if(channels_, [&](const Channel& c) { return c.kind == kind; });
    std::erase(lost_channels_, kind);
    channels_.push_back({channel, kind, label});
}

void ShardPeer::forget_channel(std::uint16_t channel) {
    const DataChannel kind = channel_kind(channel);
    if (std::erase_if(channels_, [&](const Channel& c) { return c.id == channel; }) == 0) return;
    if (kind != DataChannel::kOther) lost_channels_.push_back(kind);
}

DataChannel ShardPeer::channel_kind(std::uint16_t channel) const {
    for (const Channel& c : channels_)
        if (c.id == channel) return c.kind;
    return DataChannel::kOther;
}

std::string ShardPeer::channel_label(std::uint16_t channel) const {
    for (const Channel& c : channels_)
        if (c.id == channel) return c.label;
    return {};
}

std::optional<std::uint16_t> ShardPeer::find_channel(DataChannel kind) const {
    for (const Channel& c : channels_)
        if (c.kind == kind) return c.id;
    return std::nullopt;
}

// ---------------------------------------------------------------- sending

bool ShardPeer::write_feedback(Timestamp now, NtpTime ntp, SendBatch& batch) {
    RtcpCompounds out(transport_, batch);
    const bool complete = uplink_.write_feedback(now, ntp, out);
    if (complete) downlink_.write_answers(out);
    out.send();
    if (!complete) return false;
    feedback_wanted = false;
    uplink_.write_transport_feedback(now, batch);
    return true;
}

bool ShardPeer::write_sender_reports(Timestamp now, SendBatch& batch) {
    if (!downlink_.reports_due(now)) return true;
    if (!downlink_.write_sender_reports(now, batch)) return false;
    update_media_deadline(now);
    return true;
}

void ShardPeer::update_media_deadline(Timestamp now) {
    downlink_.start_reports(now);
    Timestamp deadline = earlier(downlink_.next_deadline(), uplink_.next_deadline());
    // A publisher's reports and repairs that no packet of it calls forth.
    if (!downlink_.tracks().empty() && !uplink_.inbound().receivers().empty())
        deadline = earlier(deadline, now + kTick);
    next_media_deadline_ = deadline;
}

}  // namespace confab::sfu
