// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/serve/network/media_addresses.h"

#include <algorithm>

#include "base/cidr.h"
#include "base/text.h"
#include "runtime/worker/media_node.h"

namespace confab::app {
namespace {

Result<std::vector<Cidr>, std::string> parse_all(const std::vector<std::string>& texts) {
    std::vector<Cidr> result;
    for (const std::string& text : texts) {
        const auto block = Cidr::parse(text);
        if (!block) return fail("\"" + text + "\" is no address range like 10.0.0.0/8");
        result.push_back(*block);
    }
    return result;
}

bool contains(const std::vector<Cidr>& list, const IpAddress& ip) {
    return std::any_of(list.begin(), list.end(), [&](const Cidr& c) { return c.contains(ip); });
}

bool passes(const config::Filter& names, const std::string& name) {
    const auto is_in = [&](const std::vector<std::string>& list) {
        return std::find(list.begin(), list.end(), name) != list.end();
    };
    // If both are given only the includes count (ICE-11).
    if (!names.includes.empty()) return is_in(names.includes);
    return !is_in(names.excludes);
}

bool is_set(const config::Filter& filter) {
    return !filter.includes.empty() || !filter.excludes.empty();
}

struct NodeIp {
    IpAddress v4;
    IpAddress v6;
};
Result<NodeIp, std::string> parse_node_ip(const std::string& text) {
    NodeIp result;
    if (text.empty()) return result;
    for (const std::string_view part : split(text, ',')) {
        const auto ip = IpAddress::parse(trim(part));
        if (!ip)
            return fail("rtc.node_ip: \"" + text +
                        "\" is no IP address; write one IPv4, one IPv6, or \"v4,v6\"");
        (ip->is_v4() ? result.v4 : result.v6) = *ip;
    }
    return result;
}

// As browsers see it: of this host or network.
bool is_private(const IpAddress& ip) {
    constexpr const char* kBlocks[] = {"10.0.0.0/8",  "172.16.0.0/12",  "192.168.0.0/16",
                                       "127.0.0.0/8", "169.254.0.0/16", "100.64.0.0/10",
                                       "fc00::/7",    "fe80::/10",      "::1/128"};
    return std::any_of(std::begin(kBlocks), std::end(kBlocks),
                       [&ip](const char* block) { return Cidr::parse(block)->contains(ip); });
}

}  // namespace

Result<std::vector<MediaAddress>, std::string> media_addresses(
    const config::Config& config, const std::vector<worker::LocalAddress>& interfaces) {
    CONFAB_TRY(const NodeIp node, parse_node_ip(config.rtc.node_ip));
    CONFAB_TRY(const std::vector<Cidr> includes, parse_all(config.rtc.ips.includes));
    CONFAB_TRY(const std::vector<Cidr> excludes, parse_all(config.rtc.ips.excludes));
    const auto allowed = [&](const worker::LocalAddress& address) {
        if (!passes(config.rtc.interfaces, address.interface_name)) return false;
        return includes.empty() ? !contains(excludes, address.ip) : contains(includes, address.ip);
    };
    const bool node_is_loopback =
        (node.v4.is_v4() && node.v4.is_loopback()) || (node.v6.is_v6() && node.v6.is_loopback());
    std::vector<MediaAddress> result;
    std::vector<MediaAddress> loopback;
    for (const worker::LocalAddress& address : interfaces) {
        if (!allowed(address)) continue;
        const IpAddress& mapped = address.ip.is_v4() ? node.v4 : node.v6;
        const MediaAddress media{address.ip, mapped.is_none() ? address.ip : mapped};
        (address.ip.is_loopback() ? loopback : result).push_back(media);
    }
    // A node that advertises a loopback address is reached there and nowhere else.
    if (node_is_loopback)
        result = loopback;
    else if (config.rtc.enable_loopback_candidate || (config.development && result.empty()))
        result.insert(result.end(), loopback.begin(), loopback.end());
    // Several local addresses under one node_ip differ by port only; one socket is enough.
    std::vector<MediaAddress> unique;
    for (const MediaAddress& media : result)
        if (std::none_of(unique.begin(), unique.end(), [&](const MediaAddress& other) {
                return other.advertised == media.advertised && other.local == media.local;
            }))
            unique.push_back(media);
    // Nobody could connect, and nothing would say why.
    if (unique.empty() && (is_set(config.rtc.ips) || is_set(config.rtc.interfaces)))
        return fail(
            "rtc.ips and rtc.interfaces leave none of this machine's addresses; widen them, or set "
            "rtc.enable_loopback_candidate for 127.0.0.1");
    return unique;
}

std::size_t limit_addresses(std::vector<MediaAddress>& addresses) {
    constexpr std::size_t kLimit = worker::MediaNodeOptions::kMaxAddresses;
    const std::size_t before = addresses.size();
    while (addresses.size() > kLimit) {
        const auto v4 = static_cast<std::size_t>(
            std::count_if(addresses.begin(), addresses.end(),
                          [](const MediaAddress& media) { return media.local.is_v4(); }));
        const bool drops_v4 = v4 > kLimit / 2;
        const auto last = std::find_if(
            addresses.rbegin(), addresses.rend(),
            [&](const MediaAddress& media) { return media.local.is_v4() == drops_v4; });
        addresses.erase(std::next(last).base());
    }
    return before - addresses.size();
}

std::vector<MediaAddress> with_external(std::vector<MediaAddress> addresses,
                                        const std::vector<ExternalAddress>& external,
                                        bool external_only) {
    if (external.empty()) return addresses;
    const auto found = [&](const MediaAddress& media) {
        return std::find_if(external.begin(), external.end(),
                            [&](const ExternalAddress& one) { return one.local == media.local; });
    };
    if (external_only)
        std::erase_if(addresses, [&](const MediaAddress& media) {
            return media.local.is_v4() && found(media) == external.end();
        });
    for (MediaAddress& media : addresses)
        if (media.local.is_v4()) {
            const auto one = found(media);
            media.advertised = one == external.end() ? media.local : one->external;
        }
    return addresses;
}

std::vector<SocketAddress> candidate_addresses(const std::vector<MediaAddress>& addresses,
                                               const std::vector<SocketAddress>& bound,
                                               bool internal_too) {
    std::vector<SocketAddress> list;
    const auto add = [&list](const SocketAddress& address) {
        if (std::find(list.begin(), list.end(), address) == list.end()) list.push_back(address);
    };
    for (std::size_t i = 0; i < bound.size(); ++i) {
        add({addresses[i].advertised, bound[i].port});
        if (internal_too) add({addresses[i].local, bound[i].port});
    }
    return list;
}

std::optional<SocketAddress> refused_by_browsers(const std::vector<SocketAddress>& candidates) {
    constexpr std::uint16_t kFirstFree = 1024;
    for (const SocketAddress& one : candidates) {
        const bool is_web = one.port == 80 || one.port == 443;
        if (one.port < kFirstFree && (!is_web || is_private(one.ip))) return one;
    }
    return std::nullopt;
}

}  // namespace confab::app
