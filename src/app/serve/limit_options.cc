// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/serve/limit_options.h"

#include <string>
#include <vector>

namespace confab::app {
namespace {

// So much comes at once when a class or a meeting begins behind one address; a flood does not end.
constexpr std::int64_t kBurstSeconds = 10;

Rate rate(std::uint32_t per_second) {
    return Rate::with_burst(per_second, kBurstSeconds);
}

std::vector<Cidr> blocks(const std::vector<std::string>& texts) {
    std::vector<Cidr> result;
    for (const std::string& text : texts)
        if (const auto block = Cidr::parse(text)) result.push_back(*block);  // config checked them
    return result;
}

}  // namespace

control::GateOptions gate_options(const config::Config& config) {
    const config::FloodLimits& limits = config.own.limits;
    control::GateOptions options;
    options.limits.connections = rate(limits.connections);
    options.limits.requests = rate(limits.requests);
    options.limits.web_sockets = limits.websockets;
    options.limits.bad_tokens = rate(limits.bad_tokens);
    options.limits.joins_of_identity = rate(limits.joins_of_identity);
    options.limits.joins_of_room = rate(limits.joins_of_room);
    options.limits.joins_of_key = rate(limits.joins_of_key);
    options.limits.join_load = limits.join_load;
    options.limits.calls_of_key = rate(limits.calls_of_key);
    options.limits.calls_of_method = rate(limits.calls_of_method);
    options.limits.signals = rate(limits.signals);
    options.limits.trusted = blocks(limits.trusted);
    // Where no proxies are named, trusted addresses are believed: they have no limits of their own
    // to evade.
    options.proxies_name_clients = !config.own.trusted_proxies.empty();
    options.proxies =
        options.proxies_name_clients ? blocks(config.own.trusted_proxies) : options.limits.trusted;
    return options;
}

sfu::StrangerLimits stranger_limits(const config::Config& config) {
    return {rate(config.own.limits.stun), blocks(config.own.limits.trusted)};
}

sfu::DataRates data_rates(const config::Config& config) {
    return {rate(config.own.limits.data_packets), rate(config.own.limits.data_bytes)};
}

turn::AllocationLimits allocation_limits(const config::Config& config) {
    return {rate(config.own.limits.turn_allocations), blocks(config.own.limits.trusted)};
}

}  // namespace confab::app
