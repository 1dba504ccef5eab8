// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Which local addresses carry media, and as which they are advertised (02 ICE-01, ICE-10, ICE-11).
#pragma once

#include <string>
#include <vector>

#include "base/net_address.h"
#include "base/result.h"
#include "config/config.h"
#include "runtime/worker/socket/socket_address.h"

namespace confab::app {

struct MediaAddress {
    IpAddress local;       // what the socket binds
    IpAddress advertised;  // what candidates say; differs under rtc.node_ip
};

// The addresses of `interfaces` that the filters of rtc leave. Loopback only when it is enabled, in
// development without any other address, or asked for by node_ip. Error: a bad CIDR or node_ip.
Result<std::vector<MediaAddress>, std::string> media_addresses(
    const config::Config& config, const std::vector<worker::LocalAddress>& interfaces);

}  // namespace confab::app
