// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Publications: tracks that are there, what is wanted of them, what is shown of them.
#include <utility>

#include "room/publish/layers.h"
#include "room/publish/publications.h"
#include "room/signal/respond.h"
#include "room/signal/responses.h"

namespace confab::room {
namespace {

using Response = livekit::RequestResponse;

}  // namespace

// ---------------------------------------------------------------- what there is

Publication Publications::find(const std::string& sid) const {
    const auto it = announced_.find(sid);
    return it == announced_.end() ? Publication{}
                                  : Publication{it->second.publisher, it->second.track};
}

std::vector<Publication> Publications::of(const Participant& publisher) const {
    std::vector<Publication> result;
    const auto entry = publishers_.find(publisher.identity());
    if (entry == publishers_.end() || entry->second.participant != &publisher) return result;
    for (const auto& [sid, track] : member(publisher).flow.tracks())
        if (track.announced) result.push_back({entry->second.participant, &track});
    return result;
}

std::vector<Participant*> Publications::publishers() const {
    std::vector<Participant*> result;
    result.reserve(publishers_.size());
    for (const auto& [identity, publisher] : publishers_)
        result.push_back(publisher.participant);
    scope_->counters.participants_visited += result.size();
    return result;
}

std::vector<Publication> Publications::all() const {
    std::vector<Publication> result;
    for (const Participant* publisher : publishers()) {
        const auto tracks = of(*publisher);
        result.insert(result.end(), tracks.begin(), tracks.end());
    }
    return result;
}

const PublishedTrack* Publications::find(const Participant& p, const std::string& sid) const {
    const auto& tracks = member(p).flow.tracks();
    const auto it = tracks.find(sid);
    return it == tracks.end() ? nullptr : &it->second;
}

bool Publications::knows(const Participant& p, const std::string& sid) const {
    return find(p, sid) != nullptr || member(p).flow.is_pending(sid);
}

std::vector<sdp::PendingTrack> Publications::pending_sections(const Participant& p) const {
    return member(p).flow.pending_sections();
}

bool Publications::publishes_on(const Participant& p, std::string_view mid) const {
    return member(p).flow.has_mid(mid);
}

void Publications::describe(const Participant& p, livekit::ParticipantInfo& info) const {
    for (const auto& [sid, track] : member(p).flow.tracks())
        if (track.announced) *info.add_tracks() = track.info;
}

// ---------------------------------------------------------------- what a client changes

const livekit::TrackInfo* Publications::mute(Participant& p, const std::string& sid, bool muted) {
    roster_->touch(p);
    if (PublishedTrack* track = flow(p).find(sid)) {
        set_muted(p, *track, muted);
        return &track->info;
    }
    // Announced, but its section or connection is not there yet.
    livekit::TrackInfo* pending = flow(p).info_of(sid);
    if (pending != nullptr) pending->set_muted(muted);
    return pending;
}

void Publications::set_muted(Participant& p, PublishedTrack& track, bool muted) {
    if (track.info.muted() == muted) return;
    track.info.set_muted(muted);
    for (const CodecSlot& slot : track.slots)
        if (slot.receiver) scope_->out.command(p.worker, sfu::MuteReceiver{*slot.receiver, muted});
    track.dynacast.set_muted(muted);
    if (track.announced) host_->tracks_changed(p);
    poll_dynacast(p, track);
}

void Publications::update_audio(Participant& p, const livekit::UpdateLocalAudioTrack& update) {
    livekit::TrackInfo* info = flow(p).info_of(update.track_sid());
    if (info == nullptr)
        return respond(p, Response::NOT_FOUND, "track not found",
                       [&](Response& r) { *r.mutable_update_audio_track() = update; });
    constexpr int kMaxFeatures = 16;
    info->clear_audio_features();
    for (const int feature : update.features())
        if (info->audio_features_size() < kMaxFeatures)
            info->add_audio_features(static_cast<livekit::AudioTrackFeature>(feature));
    if (find(update.track_sid())) host_->tracks_changed(p);
}

void Publications::update_video(Participant& p, const livekit::UpdateLocalVideoTrack& update) {
    livekit::TrackInfo* info = flow(p).info_of(update.track_sid());
    if (info == nullptr)
        return respond(p, Response::NOT_FOUND, "track not found",
                       [&](Response& r) { *r.mutable_update_video_track() = update; });
    info->set_width(update.width());
    info->set_height(update.height());
    if (find(update.track_sid())) host_->tracks_changed(p);
}

// ---------------------------------------------------------------- dynacast

void Publications::want_quality(const Publication& of, const QualityWish& wish) {
    const auto it = announced_.find(of.track->info.sid());
    if (it == announced_.end()) return;
    const std::uint64_t by = wish.by.value();
    Dynacast& dynacast = it->second.track->dynacast;
    if (wish.instead_of) dynacast.want(scope_->now(), *wish.instead_of, by, std::nullopt);
    dynacast.want(scope_->now(), wish.codec, by, wish.quality);
    poll_dynacast(*it->second.publisher, *it->second.track);
}

void Publications::unwant_quality(const Publication& of, sfu::DownTrackId by) {
    const auto it = announced_.find(of.track->info.sid());
    if (it == announced_.end()) return;
    it->second.track->dynacast.remove(scope_->now(), by.value());
    poll_dynacast(*it->second.publisher, *it->second.track);
}

// The worker hears it as well: what stopped because nobody wanted it comes back at once (IN-21).
void Publications::want_layers(const Participant& p, const PublishedTrack& track,
                               const std::vector<Dynacast::Report>& reports) {
    for (const Dynacast::Report& report : reports) {
        if (report.codec >= track.slots.size() || !track.slots[report.codec].receiver) continue;
        sfu::WantLayers want{*track.slots[report.codec].receiver, -1};
        if (report.quality)
            want.max_spatial = static_cast<std::int8_t>(spatial_for_quality(
                track.info.layers(), static_cast<livekit::VideoQuality>(*report.quality)));
        scope_->out.command(p.worker, want);
    }
}

void Publications::poll_dynacast(Participant& p, PublishedTrack& track) {
    roster_->touch(p);
    const auto reports = track.dynacast.poll_report();
    if (!reports || reports->empty()) return;
    if (track.video()) {
        want_layers(p, track, *reports);
        p.signal.send(subscribed_quality_message(track.info, *reports));
    } else if (track.info.codecs_size() > 1) {
        p.signal.send(subscribed_audio_codec_message(track.info, *reports));
    }
}

void Publications::repeat_wishes(Participant& p) {
    for (auto& [sid, track] : flow(p).tracks()) {
        track.dynacast.repeat();
        poll_dynacast(p, track);
    }
}

void Publications::subscribed(const Publication& of) {
    const auto it = announced_.find(of.track->info.sid());
    if (it == announced_.end() || std::exchange(it->second.track->told_subscribed, true)) return;
    livekit::SignalResponse response;
    response.mutable_track_subscribed()->set_track_sid(it->first);
    it->second.publisher->signal.send(std::move(response));
}

void Publications::regressed(const Publication& of) {
    const auto it = announced_.find(of.track->info.sid());
    if (it != announced_.end()) it->second.track->regressed = true;
}

// ---------------------------------------------------------------- the media plane and time

void Publications::layer_started(Participant& p, const std::string& sid,
                                 const sfu::LayerStarted& event) {
    PublishedTrack* track = flow(p).find(sid);
    if (track == nullptr) return;
    if (!std::exchange(track->media_started, true))
        scope_->out.observe(media_delay(MediaPhase::kPublish, p, track->info, 1,
                                        scope_->now() - track->requested_at));
    note_ssrc(*track, event.ssrc);
    note_ssrc(*track, event.rtx_ssrc);
    if (!track->video()) return;
    roster_->touch(p);
    for (std::size_t i = 0; i < track->slots.size(); ++i) {
        if (track->slots[i].receiver != event.receiver) continue;
        auto& codec = *track->info.mutable_codecs(static_cast<int>(i));
        if (event.spatial >= codec.layers_size()) return;
        livekit::VideoLayer& layer = *codec.mutable_layers(event.spatial);
        layer.set_ssrc(event.ssrc.value());
        if (event.rtx_ssrc.value() != 0) layer.set_repair_ssrc(event.rtx_ssrc.value());
        if (event.width > 0 && layer.width() == 0) {
            layer.set_width(event.width);
            layer.set_height(event.height);
        }
        if (i == 0) *track->info.mutable_layers() = codec.layers();
        // Layers start one after the other; others are told once.
        Timestamp& at = member(p).update_at;
        if (track->announced && at.is_never()) at = scope_->now() + kLayersGather;
    }
}

bool Publications::overdue(const Participant& p) const {
    return section_deadline(member(p)) <= scope_->now();
}

Timestamp Publications::section_deadline(const Member& m) const {
    if (!scope_->config.reconnect_on_publication_error) return Timestamp::never();
    const Timestamp since = m.flow.oldest_pending();
    return since.is_never() ? since : since + kSectionTimeout;
}

void Publications::handle_timeout(Participant& p, Timestamp now) {
    Member& m = member(p);
    if (m.update_at <= now) {
        m.update_at = Timestamp::never();
        host_->tracks_changed(p);
    }
    for (auto& [sid, track] : m.flow.tracks()) {
        track.dynacast.handle_timeout(now);
        poll_dynacast(p, track);
    }
}

Timestamp Publications::next_deadline(const Participant& p) const {
    const auto it = members_.find(p.number);
    if (it == members_.end()) return Timestamp::never();
    Timestamp result = earlier(it->second.update_at, section_deadline(it->second));
    for (const auto& [sid, track] : it->second.flow.tracks())
        result = earlier(result, track.dynacast.next_deadline());
    return result;
}

}  // namespace confab::room
