// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "client/session/published_tracks.h"

#include <algorithm>

namespace confab::client {
namespace {

livekit::AddTrackRequest announcement(const PublishOptions& options) {
    livekit::AddTrackRequest add;
    const TrackPlan& plan = options.plan;
    add.set_cid(options.cid);
    add.set_name(options.cid);
    add.set_type(plan.kind == MediaKind::kVideo ? livekit::VIDEO : livekit::AUDIO);
    add.set_source(options.source);
    add.set_disable_red(true);
    if (plan.kind != MediaKind::kVideo) return add;
    add.set_width(plan.layers.back().width);
    add.set_height(plan.layers.back().height);
    livekit::SimulcastCodec& codec = *add.add_simulcast_codecs();
    codec.set_codec("vp8");
    codec.set_cid(options.cid);
    for (std::size_t i = 0; i < plan.layers.size(); ++i) {
        livekit::VideoLayer& layer = *add.add_layers();
        layer.set_quality(plan.layers.size() == 1 ? livekit::HIGH
                                                  : static_cast<livekit::VideoQuality>(i));
        layer.set_width(plan.layers[i].width);
        layer.set_height(plan.layers[i].height);
        const std::uint32_t bit_rate = plan.layers[i].bit_rate;
        layer.set_bitrate(bit_rate > 0 ? bit_rate : 150'000U << (2 * i));
    }
    return add;
}

}  // namespace

PublishedTracks::PublishedTracks(SignalLink& link, Negotiation& negotiation, Publisher& media)
    : link_(link), negotiation_(negotiation), media_(media) {
    access_.set_all_participants(true);
}

// ---------------------------------------------------------------- what a person does

void PublishedTracks::publish(PublishOptions options) {
    if (tracks_.size() >= kMaxTracks || tracks_.contains(options.cid)) return;
    Track track;
    track.request = announcement(options);
    options.plan.mid = negotiation_.sections().add_sending(options.plan, options.cid);
    track.options = std::move(options);
    const std::string cid = track.options.cid;
    const Track& added = tracks_[cid] = std::move(track);
    if (link_.is_open()) send_announcement(added);  // else with the next connection
    negotiation_.want_offer();
}

void PublishedTracks::start_media(Timestamp now) {
    for (auto& [cid, track] : tracks_)
        track.options.encode = true;
    begin_media(now);
}

void PublishedTracks::unpublish(const std::string& cid) {
    if (!tracks_.contains(cid)) return;
    drop(cid);
    negotiation_.want_offer();
}

void PublishedTracks::set_muted(const std::string& cid, bool muted) {
    const auto found = tracks_.find(cid);
    if (found == tracks_.end()) return;
    found->second.muted = muted;
    media_.set_muted(found->second.options.plan.number, muted);
    send_mute(found->second);
}

// ---------------------------------------------------------------- announcing

void PublishedTracks::send_announcement(const Track& track) {
    livekit::SignalRequest request;
    *request.mutable_add_track() = track.request;
    link_.send(request);
}

// The server queues what it knows already (SIG-101).
void PublishedTracks::announce() {
    for (const auto& [cid, track] : tracks_)
        if (track.sid.empty()) send_announcement(track);
}

void PublishedTracks::send_mute(const Track& track) {
    if (track.sid.empty()) return;  // told once it has one
    livekit::SignalRequest request;
    request.mutable_mute()->set_sid(track.sid);
    request.mutable_mute()->set_muted(track.muted);
    link_.send(request);
}

// ---------------------------------------------------------------- what the server says

void PublishedTracks::take_published(const livekit::TrackPublishedResponse& published) {
    const auto found = tracks_.find(published.cid());
    if (found == tracks_.end()) return;
    found->second.sid = published.track().sid();
    if (found->second.muted) send_mute(found->second);
}

// A mute that was lost is said again, as livekit-client does.
void PublishedTracks::take_self(const livekit::ParticipantInfo& self) {
    if (!link_.is_open()) return;
    for (const livekit::TrackInfo& info : self.tracks()) {
        for (const livekit::SimulcastCodecInfo& codec : info.codecs()) {
            const auto named = tracks_.find(codec.cid());
            if (named != tracks_.end() && named->second.sid.empty()) named->second.sid = info.sid();
        }
        for (const auto& [cid, track] : tracks_)
            if (track.sid == info.sid() && track.muted != info.muted()) send_mute(track);
    }
}

// ---------------------------------------------------------------- media

void PublishedTracks::take_answer(Timestamp now, const sdp::Description& answer) {
    for (auto& [cid, track] : tracks_)
        for (const sdp::MediaSection& section : answer.sections)
            if (section.mid == track.options.plan.mid && !section.rejected() &&
                sdp::receives(section.direction))
                track.accepted = true;
    begin_media(now);
}

void PublishedTracks::begin_media(Timestamp now) {
    for (auto& [cid, track] : tracks_) {
        if (!track.accepted || track.sending || !track.options.encode) continue;
        track.sending = true;
        media_.add_track(now, track.options.plan);
        media_.set_muted(track.options.plan.number, track.muted);
    }
}

// ---------------------------------------------------------------- ends

void PublishedTracks::drop(const std::string& cid) {
    const auto found = tracks_.find(cid);
    media_.remove_track(found->second.options.plan.number);
    negotiation_.sections().stop_sending(found->second.options.plan.mid);
    tracks_.erase(found);
}

void PublishedTracks::take_unpublished(const std::string& sid) {
    const auto ended = std::ranges::find_if(
        tracks_, [&](const auto& track) { return !sid.empty() && track.second.sid == sid; });
    if (ended == tracks_.end()) return;
    ++ended_;
    drop(std::string(ended->first));
    negotiation_.want_offer();
}

// A track that may not be published is none (SIG-95); one that is queued is there already.
void PublishedTracks::take_refused(const livekit::RequestResponse& response) {
    using Response = livekit::RequestResponse;
    const bool refused = response.has_add_track() && response.reason() != Response::OK &&
                         response.reason() != Response::QUEUED;
    const auto found = tracks_.find(response.add_track().cid());
    if (!refused || found == tracks_.end() || !found->second.sid.empty()) return;
    ++ended_;
    drop(std::string(found->first));
    negotiation_.want_offer();
}

void PublishedTracks::take_mute(const livekit::MuteTrackRequest& mute) {
    for (auto& [cid, track] : tracks_) {
        if (track.sid.empty() || track.sid != mute.sid()) continue;
        track.muted = mute.muted();
        media_.set_muted(track.options.plan.number, mute.muted());
    }
}

// The qualities of a track with one layer are all that layer.
void PublishedTracks::take_qualities(const livekit::SubscribedQualityUpdate& update) {
    for (const auto& [cid, track] : tracks_) {
        if (track.sid.empty() || track.sid != update.track_sid()) continue;
        const auto& codecs = update.subscribed_codecs();
        const auto& qualities =
            codecs.empty() ? update.subscribed_qualities() : codecs.Get(0).qualities();
        const TrackPlan& plan = track.options.plan;
        if (plan.layers.size() == 1) continue;
        for (const livekit::SubscribedQuality& one : qualities)
            if (static_cast<std::size_t>(one.quality()) < plan.layers.size())
                media_.set_layer(plan.number, static_cast<std::size_t>(one.quality()),
                                 one.enabled());
    }
}

// ---------------------------------------------------------------- who may subscribe

void PublishedTracks::set_access(const livekit::SubscriptionPermission& access) {
    access_ = access;
    if (link_.is_open() && access_told_) send_access();
}

void PublishedTracks::tell_access() {
    if (!access_told_) send_access();
}

void PublishedTracks::renew_access() {
    if (access_told_) send_access();
}

void PublishedTracks::send_access() {
    access_told_ = true;
    livekit::SignalRequest request;
    *request.mutable_subscription_permission() = access_;
    link_.send(request);
}

// ---------------------------------------------------------------- what it knows

std::string PublishedTracks::sid(const std::string& cid) const {
    const auto found = tracks_.find(cid);
    return found == tracks_.end() ? std::string{} : found->second.sid;
}

std::vector<std::string> PublishedTracks::cids() const {
    std::vector<std::string> cids;
    cids.reserve(tracks_.size());
    for (const auto& [cid, track] : tracks_)
        cids.push_back(cid);
    return cids;
}

std::size_t PublishedTracks::announced() const {
    return static_cast<std::size_t>(std::ranges::count_if(
        tracks_, [](const auto& track) { return !track.second.sid.empty(); }));
}

void PublishedTracks::describe(livekit::SyncState& state) const {
    for (const auto& [cid, track] : tracks_) {
        if (track.sid.empty()) continue;
        auto& published = *state.add_publish_tracks();
        published.set_cid(cid);
        published.mutable_track()->set_sid(track.sid);
    }
}

}  // namespace confab::client
