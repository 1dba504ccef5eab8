// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Tests of the small rules: ids, gates, permissions, codecs, layers.
#include <doctest/doctest.h>

#include <set>

#include "room/participant/client_traits.h"
#include "room/participant/permissions.h"
#include "room/publish/codec_lists.h"
#include "room/publish/layers.h"
#include "room/scope/ids.h"
#include "room/signal/responses.h"
#include "room/subscribe/subscription_table.h"

namespace confab::room {

TEST_CASE("make_ice_credentials: the first letter of the ufrag names the worker [DES-04]") {
    Rng rng(1);
    const sfu::IceCredentials ice = IdSource(0, 1, seeded_secrets(1)).ice_credentials(3);
    CHECK(ice.ufrag.size() == 16);
    CHECK(ice.ufrag[0] == 'd');
    CHECK(ice.pwd.size() == 32);
}

TEST_CASE("ClientTraits: protocol gates and disabled codecs [SIG-60] [SIG-65] [SIG-69]") {
    livekit::ClientInfo client;
    client.set_protocol(12);
    CHECK_FALSE(traits_of(client).gates.leave_action);
    client.set_protocol(13);
    CHECK(traits_of(client).gates.leave_action);
    CHECK_FALSE(traits_of(client).gates.request_response_ok);
    client.set_browser("Safari");
    client.set_browser_version("18.4");
    const ClientTraits safari = traits_of(client);
    REQUIRE(safari.has_configuration);
    CHECK(safari.configuration.disabled_codecs().codecs(0).mime() == "video/AV1");
    CHECK(safari.configuration.disabled_codecs().publish(0).mime() == "video/VP9");
    CHECK_FALSE(safari.sdp.supports_red);
    client.set_browser("firefox");
    client.set_os("Linux");
    CHECK(traits_of(client).configuration.disabled_codecs().publish(0).mime() == "video/H264");
    CHECK(compare_versions("1.10.0", "1.9") > 0);
    CHECK(compare_versions("1.6", "1.6.0") == 0);
}

TEST_CASE("SubscriptionAccess: replaced as a whole, bad entries change nothing [SIG-10]") {
    SubscriptionAccess access;
    CHECK(access.allows("bob", "PA_b", "TR_1"));
    livekit::SubscriptionPermission list;
    list.add_track_permissions()->set_participant_identity("bob");
    list.mutable_track_permissions(0)->add_track_sids("TR_1");
    CHECK(access.set(list));
    CHECK(access.allows("bob", "PA_b", "TR_1"));
    CHECK_FALSE(access.allows("bob", "PA_b", "TR_2"));
    CHECK_FALSE(access.allows("eve", "PA_e", "TR_1"));
    livekit::SubscriptionPermission bad;
    bad.add_track_permissions()->set_all_tracks(true);
    CHECK_FALSE(access.set(bad));
    CHECK(access.allows("bob", "PA_b", "TR_1"));
}

TEST_CASE("Codecs: publish order, replacement of what is not enabled [SIG-103] [SIG-104]") {
    sdp::ClientTraits client;
    client.disabled_publish_codecs = {"video/h264"};
    const auto codecs = publish_codecs(default_codecs(), client);
    CHECK(codecs.front().mime() == "video/VP8");
    for (const auto& codec : codecs) {
        CHECK(codec.mime() != "video/rtx");
        CHECK(codec.mime() != "video/H264");
    }
    CHECK(codecs.back().mime() == "audio/red");
    CHECK(resolve_codec(default_codecs(), "vp9", livekit::VIDEO) == "video/vp9");
    CHECK(resolve_codec(default_codecs(), "theora", livekit::VIDEO) == "video/vp8");
    CHECK(resolve_codec(default_codecs(), "", livekit::AUDIO).empty());
    CHECK(codec_of("VIDEO/av1") == sfu::Codec::kAv1);
    CHECK(short_name("video/H264") == "h264");
}

namespace {

livekit::TrackInfo track_with(std::initializer_list<std::pair<livekit::VideoQuality, unsigned>> l) {
    livekit::TrackInfo track;
    track.set_type(livekit::VIDEO);
    track.set_width(1280);
    track.set_height(720);
    for (const auto& [quality, height] : l) {
        track.add_layers()->set_quality(quality);
        track.mutable_layers(track.layers_size() - 1)->set_height(height);
    }
    return track;
}

}  // namespace

TEST_CASE("Layers: rids by name, qualities by declaration [SDP-27]") {
    CHECK(order_rids({"f", "h", "q"}) == std::vector<std::string>{"q", "h", "f"});
    CHECK(order_rids({"0", "1", "2"}) == std::vector<std::string>{"2", "1", "0"});
    CHECK(order_rids({"x", "a", "b", "c"}) == std::vector<std::string>{"x", "a", "b"});
    auto low_high = track_with({{livekit::HIGH, 720}, {livekit::LOW, 180}, {livekit::LOW, 90}});
    normalize_layers(*low_high.mutable_layers());
    REQUIRE(low_high.layers_size() == 2);
    assign_rids(*low_high.mutable_layers(), {"q", "h"});
    CHECK(low_high.layers(1).rid() == "h");
    CHECK(low_high.layers(1).spatial_layer() == 1);
    CHECK(spatial_for_quality(low_high.layers(), livekit::HIGH) == 1);
    CHECK(spatial_for_quality(low_high.layers(), livekit::MEDIUM) == 1);
    CHECK(quality_for_spatial(low_high.layers(), 1) == livekit::HIGH);
    const auto upper = track_with({{livekit::MEDIUM, 360}, {livekit::HIGH, 720}});
    CHECK(spatial_for_quality(upper.layers(), livekit::MEDIUM) == 0);
    CHECK(spatial_for_quality(upper.layers(), livekit::LOW) == 0);
    CHECK(spatial_for_quality({}, livekit::HIGH) == 2);
}

TEST_CASE("Layers: the smallest quality that covers the size [SUB-02]") {
    const auto track =
        track_with({{livekit::LOW, 180}, {livekit::MEDIUM, 360}, {livekit::HIGH, 720}});
    CHECK(quality_for_size(track, 160, 90) == livekit::LOW);
    CHECK(quality_for_size(track, 355, 200) == livekit::LOW);  // 200 × 0.9 = 180
    CHECK(quality_for_size(track, 360, 202) == livekit::MEDIUM);
    CHECK(quality_for_size(track, 4000, 4000) == livekit::HIGH);
    CHECK(quality_for_size(livekit::TrackInfo{}, 100, 100) == livekit::HIGH);
}

TEST_CASE("Settings: start, size, disabled, screen share [SUB-01] [SUB-04] [SUB-06]") {
    auto track = track_with({{livekit::LOW, 180}, {livekit::MEDIUM, 360}, {livekit::HIGH, 720}});
    CHECK(shard_settings(track, std::nullopt, false).max_spatial == 2);
    CHECK(shard_settings(track, std::nullopt, true).max_spatial == 0);
    livekit::UpdateTrackSettings settings;
    settings.set_width(320);
    settings.set_height(180);
    settings.set_disabled(true);
    const auto small = shard_settings(track, settings, false);
    CHECK_FALSE(small.enabled);
    CHECK(small.max_spatial == 0);
    CHECK(small.max_temporal == 3);
    track.set_source(livekit::SCREEN_SHARE);
    CHECK(shard_settings(track, std::nullopt, false).priority == 255);
}

TEST_CASE("Responses: leave for old and new clients [SIG-65] [SIG-152]") {
    ClientGates gates;
    const auto now =
        leave_message(gates, livekit::STATE_MISMATCH, livekit::LeaveRequest::RECONNECT);
    CHECK(now.leave().action() == livekit::LeaveRequest::RECONNECT);
    CHECK_FALSE(now.leave().can_reconnect());
    gates.leave_action = false;
    const auto old =
        leave_message(gates, livekit::STATE_MISMATCH, livekit::LeaveRequest::RECONNECT);
    CHECK(old.leave().can_reconnect());
    CHECK(old.leave().action() == livekit::LeaveRequest::DISCONNECT);
}

}  // namespace confab::room
