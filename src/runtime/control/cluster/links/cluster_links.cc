// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/cluster/links/cluster_links.h"

#include <array>
#include <utility>

#include "base/text.h"
#include "crypto/random.h"
#include "runtime/telemetry/log.h"

namespace confab::control {
namespace {

std::string new_secret() {
    std::array<std::uint8_t, 32> bytes;
    crypto::fill_random(bytes);
    return to_hex(bytes);
}

}  // namespace

ClusterLinks::ClusterLinks(const Parts& parts)
    : listen_(parts.listen),
      secret_(parts.redis, parts.notices, new_secret()),
      bus_(parts.bus, parts.node, parts.seed),
      links_(parts.loop, bus_, parts.node, parts.seed + 1,
             {parts.on_dead, parts.on_heard, parts.on_standing,
              [this](Timestamp now) { secret_.doubt(now); }}) {}

std::string ClusterLinks::listen() {
    const auto bound = links_.listen(listen_);
    if (!bound) {
        telemetry::log_error("no direct links from other nodes: signalling goes by Redis",
                             {{"error", bound.error()},
                              {"remedy", "set confab.node_link_ip and confab.node_link_port"}});
        return {};
    }
    telemetry::log_info("takes direct links from other nodes", {{"address", bound->to_string()}});
    return bound->to_string();
}

void ClusterLinks::handle_timeout(Timestamp now, const cluster::nodes::NodeTable& table) {
    using Presence = cluster::nodes::NodeTable::Presence;
    secret_.handle_timeout(now);
    links_.set_secret(secret_.get());
    if (table.asked() != seen_) {
        seen_ = table.asked();
        cluster::relay::LinkPeers::Addresses peers;
        for (const auto& [node, entry] : table.entries()) {
            const auto address = SocketAddress::parse(entry.record.link);
            if (entry.presence != Presence::kSilent && address && address->port != 0)
                peers.emplace(node, *address);
        }
        links_.set_peers(now, peers);
    }
    links_.handle_timeout(now);
}

}  // namespace confab::control
