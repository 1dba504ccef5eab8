// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/services/ingress_rules.h"

#include <cmath>
#include <utility>

#include "cluster/services/urls/fetch_url.h"

namespace confab::cluster::services {
namespace {

using livekit::IngressInfo;

using Fault = std::optional<std::string>;

// ---------------------------------------------------------------- media

Fault layer_fault(const livekit::VideoLayer& layer) {
    if (layer.width() == 0 || layer.height() == 0)
        return "invalid video parameters: invalid output media dimensions";
    if (layer.width() % 2 != 0) return "invalid ingress: layer width must be even";
    if (layer.height() % 2 != 0) return "invalid ingress: layer height must be even";
    // differs from upstream, whose worker hangs with a layer of quality OFF (ING-05).
    if (layer.quality() < livekit::LOW || layer.quality() > livekit::HIGH)
        return "invalid video parameters: invalid layer quality";
    return std::nullopt;
}

Fault pair_fault(const livekit::VideoLayer& low, const livekit::VideoLayer& high) {
    if (low.quality() == high.quality())
        return "invalid video parameters: more than one layer with the same quality level";
    if (low.quality() > high.quality()) return pair_fault(high, low);
    const std::string grows = "invalid video parameters: video layers do not have increasing ";
    if (high.width() < low.width()) return grows + "width with increasing quality";
    if (high.height() < low.height()) return grows + "height with increasing quality";
    return std::nullopt;
}

Fault video_options_fault(const livekit::IngressVideoEncodingOptions& options) {
    if (!(options.frame_rate() >= 0) || !std::isfinite(options.frame_rate()))
        return "invalid video parameters: invalid framerate";
    const livekit::VideoCodec codec = options.video_codec();
    if (codec != livekit::DEFAULT_VC && codec != livekit::H264_BASELINE && codec != livekit::VP8)
        return "invalid video parameters: video codec unsupported";
    // More than there are qualities fail as soon as two are alike.
    for (int i = 0; i < options.layers_size(); ++i) {
        if (auto fault = layer_fault(options.layers(i))) return fault;
        for (int before = 0; before < i; ++before)
            if (auto fault = pair_fault(options.layers(before), options.layers(i))) return fault;
    }
    return std::nullopt;
}

Fault video_fault(const livekit::IngressVideoOptions& video) {
    if (video.source() != livekit::UNKNOWN && video.source() != livekit::CAMERA &&
        video.source() != livekit::SCREEN_SHARE)
        return "invalid video parameters: invalid track source";
    if (video.has_preset() && !livekit::IngressVideoEncodingPreset_IsValid(video.preset()))
        return "invalid video parameters: invalid preset";
    return video.has_options() ? video_options_fault(video.options()) : std::nullopt;
}

Fault audio_fault(const livekit::IngressAudioOptions& audio) {
    if (audio.source() != livekit::UNKNOWN && audio.source() != livekit::MICROPHONE &&
        audio.source() != livekit::SCREEN_SHARE_AUDIO)
        return "invalid audio parameters: invalid track source";
    if (audio.has_preset() && !livekit::IngressAudioEncodingPreset_IsValid(audio.preset()))
        return "invalid audio parameters: invalid preset";
    if (!audio.has_options()) return std::nullopt;
    const livekit::AudioCodec codec = audio.options().audio_codec();
    if (codec != livekit::DEFAULT_AC && codec != livekit::OPUS)
        return "invalid audio parameters: audio codec unsupported";
    if (audio.options().channels() > 2)
        return "invalid audio parameters: invalid audio channel count";
    return std::nullopt;
}

// What is sent on as it comes cannot be encoded as one likes.
Fault transcoding_fault(const IngressInfo& info) {
    if (info.enable_transcoding()) return std::nullopt;
    const std::string what = "invalid transcoding bypass configuration: ";
    if (info.input_type() != livekit::WHIP_INPUT)
        return what + "bypassing transcoding impossible with selected input type";
    const std::string needs = " encoding options must be empty if transcoding is disabled";
    using Video = livekit::IngressVideoOptions;
    using Audio = livekit::IngressAudioOptions;
    if (info.video().encoding_options_case() != Video::ENCODING_OPTIONS_NOT_SET)
        return what + "video" + needs;
    if (info.audio().encoding_options_case() != Audio::ENCODING_OPTIONS_NOT_SET)
        return what + "audio" + needs;
    return std::nullopt;
}

}  // namespace

std::optional<std::string> ingress_fault(const IngressInfo& info) {
    if (info.input_type() == livekit::URL_INPUT) {
        if (auto url = fetch_url(info.url()); !url) return std::move(url.error());
        if (info.has_enabled() && !info.enabled())
            return "invalid ingress: disabled non reusable ingress";
    }
    if (info.participant_identity().empty()) return "invalid ingress: no participant identity";
    // Who pushes may be given a room later.
    if (info.input_type() == livekit::URL_INPUT && info.room_name().empty())
        return "invalid ingress: no room name";
    if (auto fault = transcoding_fault(info)) return fault;
    if (auto fault = audio_fault(info.audio())) return fault;
    return video_fault(info.video());
}

}  // namespace confab::cluster::services
