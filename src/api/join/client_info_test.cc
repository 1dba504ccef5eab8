// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "api/join/client_info.h"

#include <doctest/doctest.h>

#include <string>

namespace confab::api {
namespace {

using livekit::ClientInfo;

ClientInfo from(const std::string& query) {
    return client_info_from_query(QueryParams::parse(query));
}
ClientInfo seen(std::string_view agent, ClientInfo info = {}) {
    complete_client_info(info, agent, "192.0.2.7");
    return info;
}

}  // namespace

TEST_CASE("client info: each SDK by the name it gives itself [CON-36]") {
    const std::pair<std::string_view, ClientInfo::SDK> rows[] = {
        {"js", ClientInfo::JS},           {"ios", ClientInfo::SWIFT},
        {"swift", ClientInfo::SWIFT},     {"android", ClientInfo::ANDROID},
        {"flutter", ClientInfo::FLUTTER}, {"go", ClientInfo::GO},
        {"unity", ClientInfo::UNITY},     {"reactnative", ClientInfo::REACT_NATIVE},
        {"rust", ClientInfo::RUST},       {"python", ClientInfo::PYTHON},
        {"cpp", ClientInfo::CPP},         {"unityweb", ClientInfo::UNITY_WEB},
        {"node", ClientInfo::NODE},       {"esp32", ClientInfo::ESP32},
        {"JS", ClientInfo::UNKNOWN},      {"cobol", ClientInfo::UNKNOWN},
        {"", ClientInfo::UNKNOWN}};
    for (const auto& [name, sdk] : rows) {
        CAPTURE(name);
        CHECK(from("sdk=" + std::string(name)).sdk() == sdk);
    }
}

TEST_CASE("client info: every text of the query has its field, others have none [CON-36]") {
    const ClientInfo info = from(
        "version=1&os=2&os_version=3&device_model=4&browser=5&browser_version=6&network=7"
        "&protocol=8&client_protocol=9&other_sdks=x&address=y");
    CHECK(info.version() == "1");
    CHECK(info.os() == "2");
    CHECK(info.os_version() == "3");
    CHECK(info.device_model() == "4");
    CHECK(info.browser() == "5");
    CHECK(info.browser_version() == "6");
    CHECK(info.network() == "7");
    CHECK(info.protocol() == 8);
    CHECK(info.client_protocol() == 9);
    CHECK(info.other_sdks().empty());
    CHECK(info.address().empty());  // that is not the client's to say
    for (const std::string bad : {"x", "", "1.5", "99999999999", " 8", "8x"}) {
        CAPTURE(bad);
        CHECK(from("protocol=" + bad).protocol() == 0);
        CHECK(from("client_protocol=" + bad).client_protocol() == 0);
    }
}

TEST_CASE("client info: capabilities by name, so many and no more [CON-36] [IMM-13]") {
    const ClientInfo info = from(
        "capabilities=CAP_PACKET_TRAILER,,%20CAP_COMPRESSION_DEFLATE_RAW%20,cap_packet_trailer");
    REQUIRE(info.capabilities_size() == 2);
    CHECK(info.capabilities(0) == ClientInfo::CAP_PACKET_TRAILER);
    CHECK(info.capabilities(1) == ClientInfo::CAP_COMPRESSION_DEFLATE_RAW);
    CHECK(from("capabilities=").capabilities_size() == 0);
    std::string many;
    for (std::size_t i = 0; i < kMaxClientCapabilities + 5; ++i)
        many += "CAP_PACKET_TRAILER,";
    CHECK(from("capabilities=" + many).capabilities_size() ==
          static_cast<int>(kMaxClientCapabilities));
}

TEST_CASE("client info: browser, system and device of common User-Agents [CON-36]") {
    struct Row {
        std::string_view agent;
        std::string_view browser;
        std::string_view browser_version;
        std::string_view os;
        std::string_view os_version;
        std::string_view device;
    };
    constexpr Row kRows[] = {
        {"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
         "Version/17.4.1 Safari/605.1.15",
         "Safari", "17.4.1", "Mac OS X", "10.15.7", "Mac"},
        {"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, "
         "like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
         "Safari", "17.5", "iOS", "17.5.1", "iPhone"},
        {"Mozilla/5.0 (iPad; CPU OS 16_3 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
         "CriOS/120.0.6099.119 Mobile/15E148 Safari/604.1",
         "Chrome Mobile iOS", "120.0.6099.119", "iOS", "16.3", "iPad"},
        {"Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
         "Gecko) FxiOS/121.0 Mobile/15E148 Safari/605.1.15",
         "Firefox iOS", "121.0", "iOS", "17.0", "iPhone"},
        {"Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) "
         "Chrome/124.0.0.0 Mobile Safari/537.36",
         "Chrome", "124.0.0.0", "Android", "14", ""},
        {"Mozilla/5.0 (Linux; Android 13; SM-S918B) AppleWebKit/537.36 (KHTML, like Gecko) "
         "SamsungBrowser/23.0 Chrome/115.0.0.0 Mobile Safari/537.36",
         "Samsung Internet", "23.0", "Android", "13", ""},
        {"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) "
         "Chrome/124.0.0.0 Mobile Safari/537.36 EdgA/124.0.2478.64",
         "Edge", "124.0.2478.64", "Android", "10", ""},
        {"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
         "Chrome/124.0.0.0 Safari/537.36 OPR/110.0.0.0",
         "Opera", "110.0.0.0", "Windows", "10.0", ""},
        {"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:126.0) Gecko/20100101 Firefox/126.0",
         "Firefox", "126.0", "Windows", "10.0", ""},
        {"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
         "HeadlessChrome/124.0.0.0 Safari/537.36",
         "HeadlessChrome", "124.0.0.0", "Linux", "", ""},
        {"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
         "Chrome/127.0.6533.120 Safari/537.36 OBS/30.2.2",
         "Chrome", "127.0.6533.120", "Linux", "", ""},  // a page shown in it is a browser
        {"Mozilla/5.0 (OBS-Studio/30.2.2; Linux x86_64; en-US)", "OBS Studio", "30.2.2", "Linux",
         "", ""},
        {"Firefox/", "Firefox", "", "", "", ""},
        {"curl/8.5.0", "", "", "", "", ""},
        {"", "", "", "", "", ""}};
    for (const Row& row : kRows) {
        CAPTURE(row.agent);
        const ClientInfo info = seen(row.agent);
        CHECK(info.browser() == row.browser);
        CHECK(info.browser_version() == row.browser_version);
        CHECK(info.os() == row.os);
        CHECK(info.os_version() == row.os_version);
        CHECK(info.device_model() == row.device);
    }
}

TEST_CASE("client info: what the client says itself stays as it is [CON-36]") {
    constexpr std::string_view kAgent =
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Version/17.5 Safari/604.1";
    ClientInfo said;
    said.set_browser("Own");
    said.set_os("OwnOS");
    said.set_device_model("Own 1");
    said.set_address("10.0.0.1");
    const ClientInfo kept = seen(kAgent, said);
    CHECK(kept.browser() == "Own");
    CHECK(kept.browser_version().empty());  // would be that of another browser
    CHECK(kept.os() == "OwnOS");
    CHECK(kept.os_version().empty());
    CHECK(kept.device_model() == "Own 1");
    CHECK(kept.address() == "192.0.2.7");  // as the server sees it, whatever it says (CON-08)
    CHECK(seen(kAgent).address() == "192.0.2.7");
}

TEST_CASE("client info: the User-Agent speaks for SDKs that run in browsers [CON-36]") {
    for (int sdk = 0; sdk < ClientInfo::SDK_ARRAYSIZE; ++sdk) {
        if (!ClientInfo::SDK_IsValid(sdk)) continue;
        CAPTURE(sdk);
        ClientInfo info;
        info.set_sdk(static_cast<ClientInfo::SDK>(sdk));
        const bool in_browsers = sdk == ClientInfo::UNKNOWN || sdk == ClientInfo::JS ||
                                 sdk == ClientInfo::FLUTTER || sdk == ClientInfo::REACT_NATIVE ||
                                 sdk == ClientInfo::UNITY || sdk == ClientInfo::UNITY_WEB;
        CHECK(seen("Firefox/126.0", info).browser().empty() == !in_browsers);
    }
}

TEST_CASE("client info: octets that are no text reach no message [IMM-13]") {
    ClientInfo info;
    complete_client_info(info, "Firefox/1.0 \xFF", "\xFF");
    CHECK(info.browser().empty());
    CHECK(info.address().empty());
    // Nor do they come by the query: its parameters are text or absent.
    CHECK(from("version=%FF").version().empty());
}

}  // namespace confab::api
