// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The User-Agent is free text (RFC 9110 §10.1.5); only the product tokens of the common browsers
// and systems are looked for, the more specific ones first: Edge and Opera name Chrome too, Chrome
// names Safari.
#include "api/join/client_info.h"

#include <algorithm>
#include <array>
#include <string>

#include "base/text.h"

namespace confab::api {
namespace {

using livekit::ClientInfo;

struct SdkRow {
    std::string_view name;
    ClientInfo::SDK sdk;
};
constexpr std::array<SdkRow, 14> kSdks{{
    {"js", ClientInfo::JS},
    {"ios", ClientInfo::SWIFT},
    {"swift", ClientInfo::SWIFT},
    {"android", ClientInfo::ANDROID},
    {"flutter", ClientInfo::FLUTTER},
    {"go", ClientInfo::GO},
    {"unity", ClientInfo::UNITY},
    {"reactnative", ClientInfo::REACT_NATIVE},
    {"rust", ClientInfo::RUST},
    {"python", ClientInfo::PYTHON},
    {"cpp", ClientInfo::CPP},
    {"unityweb", ClientInfo::UNITY_WEB},
    {"node", ClientInfo::NODE},
    {"esp32", ClientInfo::ESP32},
}};

struct ProductRow {
    std::string_view token;  // with its separator
    std::string_view name;
};
constexpr std::array<ProductRow, 11> kBrowsers{{
    {"OBS-Studio/", "OBS Studio"},  // its encoder; "OBS/" is a page that it shows
    {"EdgA/", "Edge"},
    {"Edg/", "Edge"},
    {"OPR/", "Opera"},
    {"SamsungBrowser/", "Samsung Internet"},
    {"FxiOS/", "Firefox iOS"},
    {"CriOS/", "Chrome Mobile iOS"},
    {"Firefox/", "Firefox"},
    {"HeadlessChrome/", "HeadlessChrome"},
    {"Chrome/", "Chrome"},
    {"Version/", "Safari"},
}};
constexpr std::array<ProductRow, 6> kSystems{{
    {"iPhone OS ", "iOS"},
    {"CPU OS ", "iOS"},
    {"Android ", "Android"},
    {"Windows NT ", "Windows"},
    {"Mac OS X ", "Mac OS X"},
    {"Linux", "Linux"},
}};
constexpr std::array<std::string_view, 4> kDevices{"iPhone", "iPad", "iPod", "Macintosh"};

// Digits, dots and underscores; underscores are Apple's dots.
std::string version_at(std::string_view text) {
    const std::size_t end = std::min(text.find_first_not_of("0123456789._"), text.size());
    std::string out(text.substr(0, end));
    std::replace(out.begin(), out.end(), '_', '.');
    return out;
}

template <std::size_t N>
const ProductRow* find_product(const std::array<ProductRow, N>& rows, std::string_view agent) {
    for (const ProductRow& row : rows)
        if (agent.find(row.token) != agent.npos) return &row;
    return nullptr;
}
std::string product_version(const ProductRow& row, std::string_view agent) {
    return version_at(agent.substr(agent.find(row.token) + row.token.size()));
}

bool runs_in_browsers(ClientInfo::SDK sdk) {
    switch (sdk) {
        case ClientInfo::JS:
        case ClientInfo::REACT_NATIVE:
        case ClientInfo::FLUTTER:
        case ClientInfo::UNITY:
        case ClientInfo::UNITY_WEB:
        case ClientInfo::UNKNOWN:
            return true;
        default:
            return false;
    }
}

ClientInfo::SDK parse_sdk(std::string_view text) {
    for (const SdkRow& row : kSdks)
        if (row.name == text) return row.sdk;
    return ClientInfo::UNKNOWN;
}

void read_capabilities(std::string_view list, ClientInfo& info) {
    std::size_t count = 0;
    while (!list.empty() && count++ < kMaxClientCapabilities) {
        ClientInfo::Capability capability{};
        if (ClientInfo::Capability_Parse(std::string(trim(next_token(list, ','))), &capability))
            info.add_capabilities(capability);
    }
}

}  // namespace

ClientInfo client_info_from_query(const QueryParams& query) {
    ClientInfo info;
    const auto text = [&query](std::string_view name) { return std::string(query.get(name)); };
    info.set_sdk(parse_sdk(query.get("sdk")));
    info.set_protocol(parse_decimal<std::int32_t>(query.get("protocol")).value_or(0));
    info.set_client_protocol(parse_decimal<std::int32_t>(query.get("client_protocol")).value_or(0));
    info.set_version(text("version"));
    info.set_os(text("os"));
    info.set_os_version(text("os_version"));
    info.set_device_model(text("device_model"));
    info.set_browser(text("browser"));
    info.set_browser_version(text("browser_version"));
    info.set_network(text("network"));
    read_capabilities(query.get("capabilities"), info);
    return info;
}

void complete_client_info(ClientInfo& info, std::string_view agent, std::string_view address) {
    info.set_address(is_valid_utf8(address) ? std::string(address) : std::string());
    if (!runs_in_browsers(info.sdk()) || !is_valid_utf8(agent)) return;
    if (info.browser().empty()) {
        if (const ProductRow* row = find_product(kBrowsers, agent)) {
            info.set_browser(std::string(row->name));
            info.set_browser_version(product_version(*row, agent));
        }
    }
    if (info.os().empty()) {
        if (const ProductRow* row = find_product(kSystems, agent)) {
            info.set_os(std::string(row->name));
            info.set_os_version(product_version(*row, agent));
        }
    }
    if (!info.device_model().empty()) return;
    for (const std::string_view device : kDevices) {
        if (agent.find(device) == agent.npos) continue;
        return info.set_device_model(device == "Macintosh" ? "Mac" : std::string(device));
    }
}

}  // namespace confab::api
