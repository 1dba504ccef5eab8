// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What is known of clients by their version and platform, at each boundary.
#include "room/participant/client_traits.h"

#include <doctest/doctest.h>

#include <algorithm>

namespace confab::room {
namespace {

livekit::ClientInfo client_of(livekit::ClientInfo::SDK sdk, const char* version) {
    livekit::ClientInfo client;
    client.set_sdk(sdk);
    client.set_version(version);
    client.set_protocol(16);
    return client;
}
livekit::ClientInfo browser_of(const char* name, const char* version, const char* os) {
    livekit::ClientInfo client = client_of(livekit::ClientInfo::JS, "2.0.0");
    client.set_browser(name);
    client.set_browser_version(version);
    client.set_os(os);
    return client;
}
bool may_publish(const livekit::ClientInfo& client, const char* mime) {
    const auto& off = traits_of(client).sdp.disabled_publish_codecs;
    return std::find(off.begin(), off.end(), mime) == off.end();
}

}  // namespace

TEST_CASE("ClientTraits: who says so takes packet trailers [SIG-66] [IN-42]") {
    using Client = livekit::ClientInfo;
    livekit::ClientInfo client = client_of(Client::JS, "2.20.0");
    CHECK_FALSE(traits_of(client).packet_trailers);
    client.add_capabilities(Client::CAP_COMPRESSION_DEFLATE_RAW);
    CHECK_FALSE(traits_of(client).packet_trailers);
    client.add_capabilities(Client::CAP_PACKET_TRAILER);
    CHECK(traits_of(client).packet_trailers);
}

TEST_CASE("ClientTraits: the message of a resume, for JS from 1.6.3 and all others [SIG-67]") {
    using Client = livekit::ClientInfo;
    const auto told = [](Client::SDK sdk, const char* version) {
        return traits_of(client_of(sdk, version)).gates.reconnect_response;
    };
    CHECK_FALSE(told(Client::JS, "1.6.2"));
    CHECK(told(Client::JS, "1.6.3"));
    CHECK(told(Client::JS, "1.10.0"));
    CHECK_FALSE(told(Client::JS, ""));
    CHECK(told(Client::SWIFT, "1.0.0"));
}

TEST_CASE("ClientTraits: what Rust before protocol 10 cannot read it is not sent [SIG-67]") {
    using Client = livekit::ClientInfo;
    for (const auto sdk : {Client::RUST, Client::JS})
        for (const std::int32_t protocol : {9, 10}) {
            Client client = client_of(sdk, "1.0.0");
            client.set_protocol(protocol);
            const ClientGates gates = traits_of(client).gates;
            const bool reads = sdk != Client::RUST || protocol >= 10;
            CHECK(gates.track_subscribed == reads);
            CHECK(gates.request_response == reads);
        }
}

TEST_CASE("ClientTraits: ICE over TCP, not for Go and Swift before 1.0.5 [ICE-15]") {
    using Client = livekit::ClientInfo;
    const auto tcp = [](Client::SDK sdk, const char* version) {
        return traits_of(client_of(sdk, version)).gates.ice_tcp;
    };
    CHECK_FALSE(tcp(Client::SWIFT, "1.0.4"));
    CHECK(tcp(Client::SWIFT, "1.0.5"));
    CHECK_FALSE(tcp(Client::GO, "9.0.0"));
    CHECK_FALSE(tcp(Client::ESP32, "0.3.10"));
    CHECK(tcp(Client::JS, "1.0.0"));
}

TEST_CASE("ClientTraits: codecs that a platform does not publish well [SIG-69] [SDP-42]") {
    CHECK(may_publish(browser_of("Safari", "18.3", "macOS"), "video/VP9"));
    CHECK_FALSE(may_publish(browser_of("Safari", "18.3.1", "macOS"), "video/VP9"));
    CHECK_FALSE(may_publish(browser_of("safari", "18.4", "macOS"), "video/VP9"));
    CHECK(traits_of(browser_of("Safari", "18.3", "macOS")).sdp.disabled_codecs.size() == 1);
    CHECK_FALSE(may_publish(browser_of("Firefox", "130", "Linux"), "video/H264"));
    CHECK_FALSE(may_publish(browser_of("firefox", "130", "Android"), "video/H264"));
    CHECK_FALSE(may_publish(browser_of("Firefox Mobile", "130", "Android"), "video/H264"));
    CHECK(may_publish(browser_of("Firefox Mobile", "130", "iOS"), "video/H264"));
    CHECK(may_publish(browser_of("firefox", "130", "macOS"), "video/H264"));
    CHECK_FALSE(traits_of(browser_of("firefox", "130", "macOS")).has_configuration);
    CHECK(may_publish(browser_of("Chrome", "130", "Linux"), "video/H264"));
    livekit::ClientInfo phone = browser_of("Chrome", "130", "Android");
    phone.set_device_model("Xiaomi 2201117TI");
    CHECK_FALSE(may_publish(phone, "video/H264"));
}

TEST_CASE("ClientTraits: AES-GCM for Chromium from 120, by whatever name [DTLS-06]") {
    const auto gcm = [](const livekit::ClientInfo& client) {
        return traits_of(client).sdp.takes_gcm;
    };
    for (const char* name : {"Chrome", "HeadlessChrome", "Edge"}) {
        CHECK_FALSE(gcm(browser_of(name, "119.9", "Linux")));
        CHECK(gcm(browser_of(name, "120", "Linux")));
        CHECK_FALSE(gcm(browser_of(name, "130", "iOS")));  // WebKit
    }
    CHECK_FALSE(gcm(browser_of("Firefox", "130", "Linux")));
    livekit::ClientInfo native = browser_of("Chrome", "130", "Linux");
    native.set_sdk(livekit::ClientInfo::RUST);
    CHECK_FALSE(gcm(native));
}

TEST_CASE("ClientTraits: padding on media for those that were tried [DES-12]") {
    using Client = livekit::ClientInfo;
    const auto padding = [](const livekit::ClientInfo& client) {
        return traits_of(client).sdp.takes_padding;
    };
    for (const char* name : {"Chrome", "HeadlessChrome", "Edge", "Firefox"}) {
        CHECK(padding(browser_of(name, "130", "Linux")));
        CHECK_FALSE(padding(browser_of(name, "130", "iOS")));  // WebKit
    }
    CHECK_FALSE(padding(browser_of("Safari", "18.4", "macOS")));
    for (const auto sdk : {Client::NODE, Client::PYTHON, Client::RUST, Client::GO})
        CHECK(padding(client_of(sdk, "1.0.0")));
    for (const auto sdk : {Client::SWIFT, Client::ANDROID, Client::FLUTTER, Client::UNKNOWN})
        CHECK_FALSE(padding(client_of(sdk, "9.0.0")));
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
    CHECK(traits_of(client).firefox);
    client.set_browser("Firefox Mobile");
    CHECK(traits_of(client).firefox);
    CHECK(compare_versions("1.10.0", "1.9") > 0);
    CHECK(compare_versions("1.6", "1.6.0") == 0);
}

}  // namespace confab::room
