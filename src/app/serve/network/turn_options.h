// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// From the configuration to the TURN server, and to what clients are told of it (02 §7.1).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/serve/network/ice_servers.h"
#include "app/serve/network/media_addresses.h"
#include "base/result.h"
#include "config/config.h"
#include "runtime/turn/turn_node.h"
#include "runtime/worker/media_node.h"

namespace confab::app {

using FindSecret = std::function<std::optional<std::string>(std::string_view api_key)>;

// Whom TURN clients may reach: the configured blocks, and of this host (`interfaces`) only our own
// media at `media`'s ports.
turn::PeerRules turn_peer_rules(const config::Config& config,
                                const std::vector<MediaAddress>& addresses,
                                const std::vector<worker::WorkerAddressList>& media,
                                const std::vector<worker::LocalAddress>& interfaces);

// All but stream.tls, media, shared_udp, server.peers, nonce_key, seed and find_secret. The error
// names the option.
Result<turn_server::TurnNodeOptions, std::string> turn_options(
    const config::Config& config, const std::vector<MediaAddress>& addresses);

// What media workers have to know of the TURN server with these options.
worker::RelayPlace relay_place(const config::Config& config,
                               const turn_server::TurnNodeOptions& options);

// `udp`: where the listeners are bound.
EmbeddedTurn embedded_turn(const config::Config& config, const std::vector<MediaAddress>& addresses,
                           const std::vector<SocketAddress>& udp, FindSecret find_secret);

}  // namespace confab::app
