// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Publications: tracks that are there, what changes of them, what is shown of them.
#include <algorithm>
#include <utility>

#include "room/publish/codec_lists.h"
#include "room/publish/publications.h"
#include "room/signal/respond.h"
#include "room/signal/responses.h"

namespace confab::room {
namespace {

using Response = livekit::RequestResponse;

// A connection that is not up yet has limits of its own.
Timestamp section_deadline(const Config& config, const PublishFlow& flow,
                           const PublicationsHost& host, const Participant& p) {
    const Timestamp since = flow.oldest_pending();
    if (!config.reconnect_on_publication_error || since.is_never()) return Timestamp::never();
    const auto link = host.uplink(p);
    if (!link) return since + Publications::kSectionTimeout;
    if (!link->ever_connected) return Timestamp::never();
    return std::max(since, link->connected_at) + Publications::kSectionTimeout;
}

// The first packet of a track whose publisher did not say what it is, or one of another codec than
// it said; whether it is another one than was known. To its publisher the track stays what it
// announced: told of another codec, it would start that one, too (DYN-01).
bool learn_codec(PublishedTrack& track, const sfu::LayerStarted& event, const CodecList& known) {
    const bool first = std::exchange(track.any_codec, false);
    if (!first && !event.other_codec) return false;
    for (std::size_t i = 0; i < track.slots.size(); ++i) {
        CodecSlot& slot = track.slots[i];
        if (slot.receiver != event.receiver || !slot.made) continue;
        auto& codecs = slot.made->codecs;
        const auto found = std::find_if(codecs.begin(), codecs.end(),
                                        [&](const auto& c) { return c.codec == event.codec; });
        const auto name = std::find_if(known.begin(), known.end(), [&](const auto& c) {
            return codec_of(c.mime) == event.codec;
        });
        slot.made->any_codec = false;
        if (found == codecs.end() || name == known.end()) return false;
        // Told once more, behind a move, it stays what it was.
        slot.own_pick = slot.own_pick || found != codecs.begin();
        std::rotate(codecs.begin(), found, found + 1);
        if (first) return take_codec(track, i, name->mime);
        slot.instead = name->mime;
        return std::exchange(slot.codec, event.codec) != event.codec;
    }
    return false;
}

void note_layer_ssrcs(livekit::VideoLayer& layer, const sfu::LayerStarted& event) {
    layer.set_ssrc(event.ssrc.value());
    if (event.rtx_ssrc.value() != 0) layer.set_repair_ssrc(event.rtx_ssrc.value());
}

// Sizes that its publisher did not announce, of the layer if it is a known one, and of the track
// that of its largest layer (SDP-27); whether one is known anew.
bool learn_sizes(PublishedTrack& track, livekit::VideoLayer* layer,
                 const sfu::LayerStarted& event) {
    if (event.width == 0) return false;
    const auto take = [&event](auto& sized) {
        sized.set_width(event.width);
        sized.set_height(event.height);
    };
    const bool of_layer = layer != nullptr && layer->width() == 0;
    if (of_layer) take(*layer);
    if (track.info.width() == 0) track.size_seen = true;
    const bool whole = track.size_seen && event.width > track.info.width();
    if (whole) take(track.info);
    return of_layer || whole;
}

}  // namespace

// ---------------------------------------------------------------- what there is

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
    return flow(p).mute_pending(scope_->now(), sid, muted);
}

const livekit::TrackInfo* Publications::ask_mute(Participant& p, const std::string& sid,
                                                 bool muted) {
    p.signal.send(mute_message(sid, muted));
    flow(p).mute_asked(scope_->now(), sid, muted);
    return mute(p, sid, muted);
}

void Publications::repeat_mutes(Participant& p, Timestamp since) {
    for (const auto& [sid, muted] : flow(p).repeat_mutes(scope_->now(), since))
        p.signal.send(mute_message(sid, muted));
}

void Publications::set_muted(Participant& p, PublishedTrack& track, bool muted) {
    if (track.info.muted() == muted) return;
    track.info.set_muted(muted);
    for (const CodecSlot& slot : track.slots)
        if (slot.receiver) scope_->out.command(p.worker, sfu::MuteReceiver{*slot.receiver, muted});
    if (track.announced) host_->tracks_changed(p);
    announced_.mute_changed(track);
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
    const auto has = [&](livekit::AudioTrackFeature feature) {
        const auto& all = info->audio_features();
        return std::find(all.begin(), all.end(), feature) != all.end();
    };
    info->set_stereo(has(livekit::TF_STEREO));
    info->set_disable_dtx(has(livekit::TF_NO_DTX));
    if (announced_.find(update.track_sid())) host_->tracks_changed(p);
}

void Publications::update_video(Participant& p, const livekit::UpdateLocalVideoTrack& update) {
    livekit::TrackInfo* info = flow(p).info_of(update.track_sid());
    if (info == nullptr)
        return respond(p, Response::NOT_FOUND, "track not found",
                       [&](Response& r) { *r.mutable_update_video_track() = update; });
    info->set_width(update.width());
    info->set_height(update.height());
    if (PublishedTrack* known = flow(p).find(update.track_sid())) known->size_seen = false;
    const Publication track = announced_.find(update.track_sid());
    if (!track) return;
    host_->tracks_changed(p);
    host_->sizes_changed(track);
}

void Publications::regressed(const Publication& of) {
    if (PublishedTrack* track = flow(*of.publisher).find(of.track->info.sid()))
        track->regressed = true;
    announced_.regressed(of);
}

// ---------------------------------------------------------------- the media plane and time

void Publications::layer_started(Participant& p, const std::string& sid,
                                 const sfu::LayerStarted& event) {
    PublishedTrack* track = flow(p).find(sid);
    if (track == nullptr) return;
    if (!std::exchange(track->media_started, true))
        scope_->out.observe(media_delay(MediaPhase::kPublish, p, track->info, 1,
                                        scope_->now() - track->requested_at));
    if (learn_codec(*track, event, *codecs_) && track->announced) {
        host_->tracks_changed(p);
        host_->codec_changed({&p, track});
    }
    const auto link = host_->uplink(p);
    if (!track->announced && link && link->ever_connected) announce(p, *track);
    note_ssrc(*track, *ssrcs_, event.ssrc);
    note_ssrc(*track, *ssrcs_, event.rtx_ssrc);
    if (!track->video()) return;
    roster_->touch(p);
    for (std::size_t i = 0; i < track->slots.size(); ++i) {
        if (track->slots[i].receiver != event.receiver) continue;
        auto& codec = *track->info.mutable_codecs(static_cast<int>(i));
        livekit::VideoLayer* const layer =
            event.spatial < codec.layers_size() ? codec.mutable_layers(event.spatial) : nullptr;
        if (layer != nullptr) note_layer_ssrcs(*layer, event);
        const bool sized = learn_sizes(*track, layer, event);
        if (layer == nullptr && !sized) return;
        if (i == 0) *track->info.mutable_layers() = codec.layers();
        if (sized && track->announced) host_->sizes_changed({&p, track});
        // Layers start one after the other; others are told once.
        Timestamp& at = member(p).update_at;
        if (track->announced && at.is_never()) at = scope_->now() + kLayersGather;
    }
}

bool Publications::overdue(const Participant& p) const {
    return section_deadline(scope_->config, member(p).flow, *host_, p) <= scope_->now();
}

void Publications::handle_timeout(Participant& p, Timestamp now) {
    Member& m = member(p);
    if (m.update_at <= now) {
        m.update_at = Timestamp::never();
        host_->tracks_changed(p);
    }
    announced_.handle_timeout(p, now);
}

Timestamp Publications::next_deadline(const Participant& p) const {
    const auto it = members_.find(p.number);
    if (it == members_.end()) return Timestamp::never();
    return earlier(
        earlier(it->second.update_at, section_deadline(scope_->config, it->second.flow, *host_, p)),
        announced_.next_deadline(p));
}

}  // namespace confab::room
