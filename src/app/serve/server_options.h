// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// From the configuration to the settings of each part of the server. Every option that is not
// marked as "later" in config/rows is read here, in media_addresses.cc or in server.cc;
// server_options_test.cc holds them to it.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "api/webhook/webhook_queue.h"
#include "app/serve/cpu/cpu_gauge.h"
#include "app/serve/network/media_addresses.h"
#include "base/result.h"
#include "config/config.h"
#include "room/scope/config.h"
#include "runtime/control/routes/routes.h"
#include "runtime/telemetry/log.h"
#include "runtime/worker/media_node.h"
#include "sfu/shard/shard_options.h"
#include "token/token.h"

namespace confab::app {

telemetry::LogOptions log_options(const config::Config& config);
token::KeyMap key_map(const config::Config& config);
api::WebhookOptions webhook_options(const config::Config& config);
// confab.data_dir, or the first of the folders that systemd gives in STATE_DIRECTORY; empty: none.
std::string data_dir(const std::string& configured, std::string_view given);
sfu::ShardOptions shard_options(const config::Config& config);
// As configured; a quarter of the processors, at least one, where nothing is.
std::size_t control_threads(std::uint32_t wanted, std::size_t processors);
// Those that threads are made for.
struct Processors {
    std::size_t count = 1;
    bool limited = false;  // fewer than it may run on: its control group pays for no more
};
// `allowed`: those that the process may run on.
Processors usable_processors(std::size_t allowed, const CpuGauge::Reading& cpu);
worker::MediaNodeOptions media_options(const config::Config& config,
                                       const std::vector<MediaAddress>& addresses,
                                       const Processors& processors, std::uint64_t seed);
control::RouteOptions route_options(const config::Config& config);
// All but the id of the node.
control::AgentOptions agent_options(const config::Config& config);

// Parses room.room_configurations; the error names the entry.
Result<std::map<std::string, livekit::RoomConfiguration>, std::string> room_presets(
    const config::Config& config);
// All but media, place, mint_token and ice_servers, which the caller knows.
room::Config room_config(const config::Config& config,
                         std::map<std::string, livekit::RoomConfiguration> presets);

}  // namespace confab::app
