// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Which local addresses carry media, and as which they are advertised (02 ICE-01, ICE-10, ICE-11).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/serve/network/external_ip.h"
#include "base/net_address.h"
#include "base/result.h"
#include "config/config.h"
#include "runtime/worker/socket/socket_address.h"

namespace confab::app {

struct MediaAddress {
    IpAddress local;       // what the socket binds
    IpAddress advertised;  // what candidates say; differs under rtc.node_ip and use_external_ip
};

// The addresses of `interfaces` that the filters of rtc leave. Loopback only when it is enabled, in
// development without any other address, or asked for by node_ip. Error: a bad CIDR or node_ip.
Result<std::vector<MediaAddress>, std::string> media_addresses(
    const config::Config& config, const std::vector<worker::LocalAddress>& interfaces);

// Leaves so many as a node can bind (worker::MediaNodeOptions), the first ones, shared between both
// families. How many had to go.
std::size_t limit_addresses(std::vector<MediaAddress>& addresses);

// The IPv4 addresses as the public ones found for each of them (02 ICE-09); those without one stand
// for themselves, or go with `external_only`. Without any found all stay as they are.
std::vector<MediaAddress> with_external(std::vector<MediaAddress> addresses,
                                        const std::vector<ExternalAddress>& external,
                                        bool external_only);

// What candidates say of sockets `bound` at these addresses, each once; with `internal_too` also
// their own addresses.
std::vector<SocketAddress> candidate_addresses(const std::vector<MediaAddress>& addresses,
                                               const std::vector<SocketAddress>& bound,
                                               bool internal_too);

// The first of these that browsers refuse as a candidate, whatever the network lets through: those
// at ports below 1024, but for 80 and 443 at public addresses.
std::optional<SocketAddress> refused_by_browsers(const std::vector<SocketAddress>& candidates);

}  // namespace confab::app
