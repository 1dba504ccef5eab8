// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sim/client/own_tracks.h"

#include <algorithm>
#include <array>

namespace confab::sim {
namespace {
constexpr std::array<std::string_view, 3> kRids{"q", "h", "f"};
}  // namespace

OwnTracks::OwnTracks(bool light, Rng& rng, Numbers next_number)
    : light_(light), rng_(rng), next_number_(std::move(next_number)) {}

void OwnTracks::begin(client::PublishedTracks& session) {
    session_ = &session;
    for (OwnTrack& track : all_)
        track.number = next_number_();
    if (!open_to_all_) set_access(false);
}

void OwnTracks::publish_again() {
    for (const OwnTrack& track : all_)
        publish(track);
}

void OwnTracks::publish(MediaKind kind, std::size_t layers, bool obstinate) {
    OwnTrack track;
    track.number = next_number_();
    track.kind = kind;
    track.layers = kind == MediaKind::kVideo ? std::clamp<std::size_t>(layers, 1, 3) : 1;
    track.obstinate = obstinate;
    all_.push_back(track);
    publish(track);
}

client::TrackPlan OwnTracks::make_plan(const OwnTrack& own) {
    client::TrackPlan plan;
    plan.number = own.number;
    plan.kind = own.kind;
    plan.sends_while_muted = own.obstinate;
    plan.announce_ssrcs = own.layers == 1 && rng_.below(4) == 0;
    if (light_) {
        plan.frames_per_second = 5;
        plan.audio_frame_ms = 100;
    }
    for (std::size_t i = 0; i < own.layers; ++i) {
        client::LayerPlan layer;
        if (own.layers > 1) layer.rid = kRids[i];
        layer.ssrc = rng_.u32() | 1;
        if (own.kind == MediaKind::kVideo) layer.rtx_ssrc = rng_.u32() | 1;
        layer.width = static_cast<std::uint16_t>(320 << i);
        layer.height = static_cast<std::uint16_t>(180 << i);
        layer.packets_per_frame = light_ ? 1 : static_cast<std::uint8_t>(1 + i);
        plan.layers.push_back(std::move(layer));
    }
    return plan;
}

void OwnTracks::publish(const OwnTrack& own) {
    client::PublishOptions options;
    options.plan = make_plan(own);
    options.cid = own.cid();
    options.source = own.kind == MediaKind::kVideo ? livekit::CAMERA : livekit::MICROPHONE;
    session_->publish(std::move(options));
    if (own.muted) session_->set_muted(own.cid(), true);
}

void OwnTracks::unpublish() {
    if (all_.empty()) return;
    session_->unpublish(all_.back().cid());
    all_.pop_back();
}

void OwnTracks::set_muted(std::size_t index, bool muted) {
    if (all_.empty()) return;
    OwnTrack& track = all_[index % all_.size()];
    if (track.muted == muted) return;
    track.muted = muted;
    session_->set_muted(track.cid(), muted);
}

void OwnTracks::set_access(bool everybody) {
    open_to_all_ = everybody;
    livekit::SubscriptionPermission access;
    access.set_all_participants(everybody);
    session_->set_access(access);
}

}  // namespace confab::sim
