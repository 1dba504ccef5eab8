// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/services/ingress_rules.h"

#include <doctest/doctest.h>

#include <limits>
#include <string>

namespace confab::cluster::services {
namespace {

using livekit::IngressInfo;

IngressInfo rtmp() {
    IngressInfo info;
    info.set_participant_identity("cam");
    info.set_enable_transcoding(true);
    return info;
}
livekit::IngressVideoEncodingOptions& video(IngressInfo& info) {
    return *info.mutable_video()->mutable_options();
}
void add_layer(IngressInfo& info, livekit::VideoQuality quality, std::uint32_t width,
               std::uint32_t height) {
    livekit::VideoLayer& layer = *video(info).add_layers();
    layer.set_quality(quality);
    layer.set_width(width);
    layer.set_height(height);
}
std::string fault(const IngressInfo& info) {
    return ingress_fault(info).value_or("");
}

}  // namespace

TEST_CASE("ingress_fault: of whom and where [ING-07]") {
    IngressInfo info = rtmp();
    CHECK(fault(info).empty());
    info.clear_participant_identity();
    CHECK(fault(info) == "invalid ingress: no participant identity");
    info = rtmp();
    info.set_input_type(livekit::URL_INPUT);
    CHECK(fault(info) == "invalid ingress: missing URL parameter");
    info.set_url("http://x y/");
    CHECK(fault(info) == "parse \"http://x y/\": invalid character \" \" in host name");
    info.set_url("http://h/x");
    CHECK(fault(info) == "invalid ingress: no room name");
    info.set_room_name("r");
    CHECK(fault(info).empty());
    info.set_enabled(true);
    CHECK(fault(info).empty());
    info.set_enabled(false);
    CHECK(fault(info) == "invalid ingress: disabled non reusable ingress");
    info = rtmp();
    info.set_enabled(false);
    CHECK(fault(info).empty());
}

TEST_CASE("ingress_fault: what is sent on as it comes is not encoded [ING-07]") {
    const std::string what = "invalid transcoding bypass configuration: ";
    IngressInfo info = rtmp();
    info.set_enable_transcoding(false);
    CHECK(fault(info) == what + "bypassing transcoding impossible with selected input type");
    info.set_input_type(livekit::WHIP_INPUT);
    info.mutable_video()->set_name("v");
    info.mutable_audio()->set_source(livekit::MICROPHONE);
    CHECK(fault(info).empty());
    info.mutable_audio()->mutable_options();
    CHECK(fault(info) == what + "audio encoding options must be empty if transcoding is disabled");
    info.mutable_video()->set_preset(livekit::H264_720P_30FPS_3_LAYERS);  // is 0, and set
    CHECK(fault(info) == what + "video encoding options must be empty if transcoding is disabled");
    info.set_enable_transcoding(true);
    CHECK(fault(info).empty());
}

TEST_CASE("ingress_fault: layers [ING-05] [ING-07]") {
    const std::string what = "invalid video parameters: ";
    const auto one = [](livekit::VideoQuality quality, std::uint32_t width, std::uint32_t height) {
        IngressInfo info = rtmp();
        add_layer(info, quality, width, height);
        return fault(info);
    };
    CHECK(one(livekit::LOW, 320, 180).empty());
    CHECK(one(livekit::LOW, 0, 2) == what + "invalid output media dimensions");
    CHECK(one(livekit::LOW, 2, 0) == what + "invalid output media dimensions");
    CHECK(one(livekit::LOW, 321, 180) == "invalid ingress: layer width must be even");
    CHECK(one(livekit::LOW, 320, 181) == "invalid ingress: layer height must be even");
    CHECK(one(livekit::OFF, 320, 180) == what + "invalid layer quality");
    CHECK(one(static_cast<livekit::VideoQuality>(-1), 320, 180) == what + "invalid layer quality");

    const auto two = [](std::uint32_t low_width, std::uint32_t low_height, bool low_first) {
        IngressInfo info = rtmp();
        if (low_first) add_layer(info, livekit::LOW, low_width, low_height);
        add_layer(info, livekit::HIGH, 640, 360);
        if (!low_first) add_layer(info, livekit::LOW, low_width, low_height);
        return fault(info);
    };
    const std::string grows = what + "video layers do not have increasing ";
    for (const bool low_first : {true, false}) {
        CHECK(two(640, 360, low_first).empty());
        CHECK(two(642, 360, low_first) == grows + "width with increasing quality");
        CHECK(two(640, 362, low_first) == grows + "height with increasing quality");
    }
    IngressInfo twice = rtmp();
    add_layer(twice, livekit::HIGH, 320, 180);
    add_layer(twice, livekit::LOW, 160, 90);
    CHECK(fault(twice).empty());
    add_layer(twice, livekit::HIGH, 640, 360);
    CHECK(fault(twice) == what + "more than one layer with the same quality level");
}

TEST_CASE("ingress_fault: rates, codecs, presets, sources [ING-05] [ING-07]") {
    const std::string of_video = "invalid video parameters: ";
    IngressInfo info = rtmp();
    for (const double rate : {-1.0, std::numeric_limits<double>::quiet_NaN(),
                              std::numeric_limits<double>::infinity()}) {
        video(info).set_frame_rate(rate);
        CHECK(fault(info) == of_video + "invalid framerate");
    }
    video(info).set_frame_rate(0);
    for (const livekit::VideoCodec codec :
         {livekit::H264_MAIN, livekit::H264_HIGH, static_cast<livekit::VideoCodec>(99)}) {
        video(info).set_video_codec(codec);
        CHECK(fault(info) == of_video + "video codec unsupported");
    }
    for (const livekit::VideoCodec codec :
         {livekit::DEFAULT_VC, livekit::H264_BASELINE, livekit::VP8}) {
        video(info).set_video_codec(codec);
        CHECK(fault(info).empty());
    }
    info.mutable_video()->set_source(livekit::MICROPHONE);
    CHECK(fault(info) == of_video + "invalid track source");
    info.mutable_video()->set_source(livekit::SCREEN_SHARE);
    info.mutable_video()->set_preset(static_cast<livekit::IngressVideoEncodingPreset>(55));
    CHECK(fault(info) == of_video + "invalid preset");

    const std::string of_audio = "invalid audio parameters: ";
    info = rtmp();
    info.mutable_audio()->set_source(livekit::CAMERA);
    CHECK(fault(info) == of_audio + "invalid track source");
    info.mutable_audio()->set_source(livekit::SCREEN_SHARE_AUDIO);
    info.mutable_audio()->set_preset(static_cast<livekit::IngressAudioEncodingPreset>(55));
    CHECK(fault(info) == of_audio + "invalid preset");
    info.mutable_audio()->mutable_options()->set_audio_codec(livekit::AAC);
    CHECK(fault(info) == of_audio + "audio codec unsupported");
    info.mutable_audio()->mutable_options()->set_audio_codec(livekit::OPUS);
    info.mutable_audio()->mutable_options()->set_channels(2);
    CHECK(fault(info).empty());
    info.mutable_audio()->mutable_options()->set_channels(3);
    CHECK(fault(info) == of_audio + "invalid audio channel count");
}

}  // namespace confab::cluster::services
