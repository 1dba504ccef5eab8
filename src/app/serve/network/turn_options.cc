// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/serve/network/turn_options.h"

#include <algorithm>
#include <utility>

#include "base/cidr.h"

namespace confab::app {
namespace {

// As which clients and peers see what is bound there: that address, or the first of its family.
IpAddress node_address(const std::vector<MediaAddress>& addresses, const IpAddress& bound) {
    for (const MediaAddress& address : addresses)
        if (address.local == bound) return address.advertised;
    for (const MediaAddress& address : addresses)
        if (address.advertised.family() == bound.family()) return address.advertised;
    return {};
}

std::vector<Cidr> blocks(const std::vector<std::string>& texts) {
    std::vector<Cidr> result;
    for (const std::string& text : texts)
        if (const auto block = Cidr::parse(text)) result.push_back(*block);  // config checked them
    return result;
}

Result<void, std::string> listen_at(turn_server::TurnNodeOptions& options, const std::string& text,
                                    const config::Config& config,
                                    const std::vector<MediaAddress>& addresses) {
    const auto ip = IpAddress::parse(text);
    if (!ip) return fail("turn.bind_addresses: \"" + text + "\" is no IP address");
    const IpAddress node = node_address(addresses, *ip);
    if (node.is_none())
        return fail("turn.bind_addresses: this node has no " +
                    std::string(ip->is_v6() ? "IPv6" : "IPv4") + " address to relay \"" + text +
                    "\" from; set rtc.node_ip, or leave it out");
    // Relaying is from the first of a family.
    IpAddress& relay = ip->is_v4() ? options.server.relay_v4 : options.server.relay_v6;
    if (relay.is_none()) {
        relay = node;
        (ip->is_v4() ? options.relay_bind_v4 : options.relay_bind_v6) = *ip;
    }
    const config::Turn& turn = config.turn;
    if (turn.udp_port != 0 && !config.shares_turn_udp())
        options.udp.push_back({*ip, turn.udp_port});
    if (turn.tls_port != 0 && !config.shares_turn_tls())
        options.streams.push_back({*ip, turn.tls_port});
    return {};
}

}  // namespace

turn::PeerRules turn_peer_rules(const config::Config& config,
                                const std::vector<MediaAddress>& addresses,
                                const std::vector<worker::WorkerAddressList>& media,
                                const std::vector<worker::LocalAddress>& interfaces) {
    turn::PeerRules rules;
    rules.allow_restricted = blocks(config.turn.allow_restricted_peer_cidrs);
    rules.deny = blocks(config.turn.deny_peer_cidrs);
    // Both as clients are told and as it is bound.
    const auto add = [&](const IpAddress& ip, std::uint16_t port) {
        auto found = std::find_if(rules.own_media.begin(), rules.own_media.end(),
                                  [&](const auto& own) { return own.ip == ip; });
        if (found == rules.own_media.end())
            found = rules.own_media.insert(found, turn::PeerRules::OwnMedia{ip, {}});
        found->ports.emplace_back(port, port);
    };
    for (const worker::WorkerAddressList& worker : media)
        for (std::size_t i = 0; i < worker.udp.size(); ++i) {
            add(addresses[i].advertised, worker.udp[i].port);
            if (addresses[i].local != addresses[i].advertised)
                add(addresses[i].local, worker.udp[i].port);
        }
    // Of the other public addresses of this host nothing: what comes from inside passes firewalls.
    for (const worker::LocalAddress& address : interfaces) {
        const bool known = std::any_of(rules.own_media.begin(), rules.own_media.end(),
                                       [&](const auto& own) { return own.ip == address.ip; });
        if (!known && !turn::is_restricted(address.ip)) rules.own_media.push_back({address.ip, {}});
    }
    return rules;
}

Result<turn_server::TurnNodeOptions, std::string> turn_options(
    const config::Config& config, const std::vector<MediaAddress>& addresses) {
    const config::Turn& turn = config.turn;
    turn_server::TurnNodeOptions options;
    for (const std::string& text : turn.bind_addresses)
        CONFAB_TRY_VOID(listen_at(options, text, config, addresses));
    options.adopts_streams = config.shares_turn_tls();
    const bool has_files = !turn.cert_file.empty() && !turn.key_file.empty();
    if (turn.tls_port != 0 && !turn.external_tls && !has_files && !config.tls.is_on())
        return fail(
            std::string("TURN tls cert required: set turn.cert_file and turn.key_file, or "
                        "tls.domain, or turn.external_tls where a proxy in front ends TLS"));
    // A proxy may have all clients behind its address.
    if (turn.external_tls)
        options.stream.max_connections_per_address = options.stream.max_connections;
    for (const MediaAddress& address : addresses)
        if (std::none_of(addresses.begin(), addresses.end(), [&](const MediaAddress& other) {
                return other.local == address.advertised;
            }))
            options.aliases.push_back({address.advertised, address.local});
    options.server.first_port = turn.relay_range_start;
    options.server.last_port = turn.relay_range_end;
    options.server.credential_lifetime = Duration::seconds(turn.ttl_seconds);
    options.server.allocations_per_user = turn.per_user_relay_allocation_limit;
    return options;
}

worker::RelayPlace relay_place(const config::Config& config,
                               const turn_server::TurnNodeOptions& options) {
    return {options.relay_bind_v4,
            options.relay_bind_v6,
            options.server.first_port,
            options.server.last_port,
            config.shares_turn_udp() ? config.turn.udp_port : std::uint16_t{0},
            options.server.relay_v4,
            options.server.relay_v6};
}

EmbeddedTurn embedded_turn(const config::Config& config, const std::vector<MediaAddress>& addresses,
                           const std::vector<SocketAddress>& udp, FindSecret find_secret) {
    EmbeddedTurn result;
    result.shares_media = config.shares_turn_udp();
    for (const SocketAddress& bound : udp) {
        if (result.shares_media) break;
        const SocketAddress told{node_address(addresses, bound.ip), bound.port};
        if (std::find(result.udp.begin(), result.udp.end(), told) == result.udp.end())
            result.udp.push_back(told);
    }
    if (config.turn.tls_port != 0) result.tls_domain = config.turn.domain;
    if (config.shares_turn_tls()) result.tls_port = config.port;
    result.ttl_seconds = config.turn.ttl_seconds;
    result.find_secret = std::move(find_secret);
    return result;
}

}  // namespace confab::app
