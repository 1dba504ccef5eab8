// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// From the configuration to where this node takes direct links from others (confab.node_link_*).
#pragma once

#include <optional>
#include <string>

#include "base/net_address.h"
#include "base/result.h"
#include "config/config.h"

namespace confab::app {

// None: they are off, or none of the addresses of Redis can be resolved. Without an address in the
// configuration it is the one from which packets go to Redis: that network is the nodes' own. The
// error is a text for the operator.
Result<std::optional<SocketAddress>, std::string> link_address(const config::Config& config);

}  // namespace confab::app
