// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// How an add_track request becomes a TrackInfo (01 SIG-100, SIG-103).
#include <algorithm>

#include "base/rng.h"
#include "room/publish/codec_lists.h"
#include "room/publish/layers.h"
#include "room/publish/publish_flow.h"
#include "room/scope/ids.h"
#include "token/ids.h"

namespace confab::room {
namespace {

bool has_feature(const livekit::TrackInfo& info, livekit::AudioTrackFeature feature) {
    const auto& features = info.audio_features();
    return std::find(features.begin(), features.end(), feature) != features.end();
}

// The older booleans and the feature list say the same thing, whichever the client set.
void mirror_audio_features(livekit::TrackInfo& info) {
    if (info.stereo() && !has_feature(info, livekit::TF_STEREO))
        info.add_audio_features(livekit::TF_STEREO);
    if (info.disable_dtx() && !has_feature(info, livekit::TF_NO_DTX))
        info.add_audio_features(livekit::TF_NO_DTX);
    info.set_stereo(has_feature(info, livekit::TF_STEREO));
    info.set_disable_dtx(has_feature(info, livekit::TF_NO_DTX));
}

// Each one once; those that are not known here may be to other clients.
void add_trailer_features(livekit::TrackInfo& info, const livekit::AddTrackRequest& request) {
    auto& features = *info.mutable_packet_trailer_features();
    for (const int feature : request.packet_trailer_features())
        if (features.size() < kMaxTrailerFeatures &&
            std::find(features.begin(), features.end(), feature) == features.end())
            features.Add(feature);
}

std::string default_stream(livekit::TrackSource source) {
    switch (source) {
        case livekit::CAMERA:
        case livekit::MICROPHONE:
            return "camera";
        case livekit::SCREEN_SHARE:
        case livekit::SCREEN_SHARE_AUDIO:
            return "screen";
        default:
            return "unknown";
    }
}

livekit::VideoLayer::Mode layer_mode(livekit::VideoLayer::Mode asked, std::string_view mime,
                                     const PublishFlow::Rules& rules) {
    if (asked != livekit::VideoLayer::MODE_UNUSED) return asked;
    if (is_svc_codec(mime)) return livekit::VideoLayer::MULTIPLE_SPATIAL_LAYERS_PER_STREAM;
    return rules.obs ? livekit::VideoLayer::ONE_SPATIAL_LAYER_PER_STREAM_INCOMPLETE_RTCP_SR
                     : livekit::VideoLayer::ONE_SPATIAL_LAYER_PER_STREAM;
}

void add_codecs(livekit::TrackInfo& info, const livekit::AddTrackRequest& request,
                const PublishFlow::Rules& rules) {
    constexpr int kMaxCodecs = 4;
    for (const livekit::SimulcastCodec& asked : request.simulcast_codecs()) {
        if (info.codecs_size() >= kMaxCodecs) break;
        const std::string mime = resolve_codec(*rules.codecs, asked.codec(), request.type());
        const bool known = std::any_of(
            info.codecs().begin(), info.codecs().end(),
            [&](const auto& other) { return !mime.empty() && other.mime_type() == mime; });
        if (known) continue;  // two that are replaced by the same one
        livekit::SimulcastCodecInfo& codec = *info.add_codecs();
        codec.set_mime_type(mime);
        codec.set_cid(asked.cid());
        *codec.mutable_layers() = asked.layers().empty() ? info.layers() : asked.layers();
        normalize_layers(*codec.mutable_layers());
        codec.set_video_layer_mode(layer_mode(asked.video_layer_mode(), codec.mime_type(), rules));
    }
    if (!info.codecs().empty()) return;
    livekit::SimulcastCodecInfo& codec = *info.add_codecs();
    codec.set_cid(request.cid());
    *codec.mutable_layers() = info.layers();
    codec.set_video_layer_mode(layer_mode(livekit::VideoLayer::MODE_UNUSED, "", rules));
}

}  // namespace

livekit::TrackInfo track_info_of(const livekit::AddTrackRequest& request,
                                 const PublishFlow::Rules& rules, Rng& rng) {
    livekit::TrackInfo info;
    info.set_sid(token::make_track_sid(request.type(), request.source(), rng));
    info.set_type(request.type());
    info.set_name(request.name());
    info.set_muted(request.muted());
    info.set_source(request.source());
    info.set_encryption(request.encryption());
    info.set_backup_codec_policy(request.backup_codec_policy());
    add_trailer_features(info, request);
    info.set_stream(request.stream().empty() ? default_stream(request.source()) : request.stream());
    info.set_disable_red(request.disable_red());
    if (request.type() == livekit::VIDEO) {
        info.set_width(request.width());
        info.set_height(request.height());
        *info.mutable_layers() = request.layers();
        normalize_layers(*info.mutable_layers());
    } else {
        info.set_stereo(request.stereo());
        info.set_disable_dtx(request.disable_dtx());
        *info.mutable_audio_features() = request.audio_features();
        mirror_audio_features(info);
        if (info.backup_codec_policy() == livekit::PREFER_REGRESSION)
            info.set_backup_codec_policy(livekit::SIMULCAST);
    }
    add_codecs(info, request, rules);
    info.set_simulcast(request.type() == livekit::VIDEO && info.layers_size() > 1 &&
                       info.codecs(0).video_layer_mode() !=
                           livekit::VideoLayer::MULTIPLE_SPATIAL_LAYERS_PER_STREAM);
    return info;
}

const std::string& sent_mime(const PublishedTrack& track, std::size_t codec) {
    const std::string& instead = track.slots[codec].instead;
    return instead.empty() ? track.info.codecs(static_cast<int>(codec)).mime_type() : instead;
}

void note_ssrc(PublishedTrack& track, SsrcPool& pool, Ssrc ssrc) {
    constexpr std::size_t kMaxKnown = 64;  // beyond these a collision is as likely as nothing
    if (ssrc.value() == 0 || track.ssrcs.size() >= kMaxKnown ||
        std::find(track.ssrcs.begin(), track.ssrcs.end(), ssrc) != track.ssrcs.end())
        return;
    track.ssrcs.push_back(ssrc);
    pool.add(ssrc);
}

sfu::MediaSource media_source(livekit::TrackSource source) {
    switch (source) {
        case livekit::CAMERA:
            return sfu::MediaSource::kCamera;
        case livekit::MICROPHONE:
            return sfu::MediaSource::kMicrophone;
        case livekit::SCREEN_SHARE:
            return sfu::MediaSource::kScreenShare;
        case livekit::SCREEN_SHARE_AUDIO:
            return sfu::MediaSource::kScreenShareAudio;
        default:  // the enum is open
            return sfu::MediaSource::kUnknown;
    }
}

}  // namespace confab::room
