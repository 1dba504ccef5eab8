// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/participant/client_traits.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/text.h"

namespace confab::room {
namespace {

bool has_capability(const livekit::ClientInfo& client, livekit::ClientInfo::Capability capability) {
    const auto& all = client.capabilities();
    return std::find(all.begin(), all.end(), capability) != all.end();
}

ClientGates gates_of(const livekit::ClientInfo& client) {
    const std::int32_t pv = client.protocol();
    ClientGates gates;
    gates.subscriber_primary = pv > 2;
    gates.transceiver_reuse = pv > 3;
    gates.connection_quality = pv > 4;
    gates.track_unpublished = pv > 6;
    gates.fast_start = pv > 7;
    gates.missed_disconnects = pv > 8;
    gates.sync_streams = pv > 9;
    gates.quality_lost = pv > 10;
    gates.identity_reconnect = pv > 11;
    gates.leave_action = pv > 12;
    gates.request_response_ok = pv > 14;
    gates.room_moved = pv > 15;
    const bool old_rust = client.sdk() == livekit::ClientInfo::RUST && pv < 10;
    gates.request_response = gates.track_subscribed = !old_rust;
    const bool js = client.sdk() == livekit::ClientInfo::JS;
    gates.reconnect_response = !js || compare_versions(client.version(), "1.6.3") >= 0;
    const bool old_swift = client.sdk() == livekit::ClientInfo::SWIFT &&
                           compare_versions(client.version(), "1.0.5") < 0;
    const bool go = client.sdk() == livekit::ClientInfo::GO;
    const bool esp32 = client.sdk() == livekit::ClientInfo::ESP32;
    gates.ice_tcp = !go && !old_swift && !esp32;
    gates.turn_tls = gates.leave_and_return = !esp32;
    gates.close_frame = client.sdk() != livekit::ClientInfo::ANDROID;
    gates.codec_change = !go && client.sdk() != livekit::ClientInfo::UNKNOWN;
    return gates;
}

void disable(std::vector<std::string>& mimes, livekit::DisabledCodecs& shown, bool publish_only,
             const char* mime) {
    mimes.emplace_back(mime);
    (publish_only ? shown.add_publish() : shown.add_codecs())->set_mime(mime);
}

// Rules of SIG-69; the H264 rule, when it matches, stands alone (SDP-42).
void disabled_codecs(const livekit::ClientInfo& client, ClientTraits& traits) {
    const std::string os = to_lower(client.os());
    livekit::DisabledCodecs shown;
    if (traits.sdp.firefox_on_linux_or_android ||
        (os == "android" && to_lower(client.device_model()) == "xiaomi 2201117ti")) {
        disable(traits.sdp.disabled_publish_codecs, shown, true, "video/H264");
    } else if (traits.sdp.safari) {
        disable(traits.sdp.disabled_codecs, shown, false, "video/AV1");
        if (compare_versions(client.browser_version(), "18.3") > 0)
            disable(traits.sdp.disabled_publish_codecs, shown, true, "video/VP9");
    } else {
        return;
    }
    *traits.configuration.mutable_disabled_codecs() = shown;
    traits.has_configuration = true;
}

// Measured: 02 DTLS-06. On iOS every browser is WebKit, whatever it calls itself.
bool takes_gcm(const livekit::ClientInfo& client, const std::string& browser,
               const std::string& os) {
    const bool chromium = browser == "chrome" || browser == "headlesschrome" || browser == "edge";
    return client.sdk() == livekit::ClientInfo::JS && chromium && os != "ios" &&
           compare_versions(client.browser_version(), "120") >= 0;
}

// Tried, with pictures of each codec: RTP padding on packets of media (02 DES-12). The SDKs named
// share libwebrtc, or are pion's.
bool takes_padding(const livekit::ClientInfo& client, const std::string& browser,
                   const std::string& os) {
    switch (client.sdk()) {
        case livekit::ClientInfo::JS:
            return os != "ios" && (browser == "chrome" || browser == "headlesschrome" ||
                                   browser == "edge" || browser == "firefox");
        case livekit::ClientInfo::NODE:
        case livekit::ClientInfo::PYTHON:
        case livekit::ClientInfo::RUST:
        case livekit::ClientInfo::GO:
            return true;
        default:
            return false;
    }
}

}  // namespace

int compare_versions(std::string_view a, std::string_view b) {
    while (!a.empty() || !b.empty()) {
        const auto x = parse_decimal<std::uint32_t>(next_token(a, '.')).value_or(0);
        const auto y = parse_decimal<std::uint32_t>(next_token(b, '.')).value_or(0);
        if (x != y) return x < y ? -1 : 1;
    }
    return 0;
}

ClientTraits traits_of(const livekit::ClientInfo& client) {
    ClientTraits traits;
    traits.gates = gates_of(client);
    traits.packet_trailers = has_capability(client, livekit::ClientInfo::CAP_PACKET_TRAILER);
    if (client.sdk() == livekit::ClientInfo::GO) traits.answer_delay = Duration::millis(40);
    const std::string browser = to_lower(client.browser());
    const std::string os = to_lower(client.os());
    traits.firefox = browser == "firefox" || browser == "firefox mobile";
    const bool safari = browser == "safari";
    traits.sdp.firefox = traits.firefox;
    traits.sdp.safari = safari;
    traits.sdp.firefox_on_linux_or_android = traits.firefox && (os == "linux" || os == "android");
    traits.sdp.takes_gcm = takes_gcm(client, browser, os);
    traits.sdp.takes_padding = takes_padding(client, browser, os);
    traits.sdp.supports_red = !traits.firefox && !safari;
    traits.sdp.reuses_transceivers = traits.gates.transceiver_reuse && !safari;
    disabled_codecs(client, traits);
    return traits;
}

}  // namespace confab::room
