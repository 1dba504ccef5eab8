// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The names of the keys (03 section 1); no prefix, so that a cluster needs a database of its own.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace confab::cluster::store::keys {

inline constexpr std::string_view kVersion = "livekit_version";     // RDS-01
inline constexpr std::string_view kRooms = "rooms";                 // RDS-02
inline constexpr std::string_view kRoomInternal = "room_internal";  // RDS-03
inline constexpr std::string_view kRoomNodeMap = "room_node_map";   // RDS-06
inline constexpr std::string_view kEgress = "egress";               // RDS-08
inline constexpr std::string_view kEndedEgress = "ended_egress";    // RDS-10
// differs from upstream, which knows no tenants: id of an egress → whose it is (TEN-03).
inline constexpr std::string_view kEgressTenants = "confab_egress_tenants";
inline constexpr std::string_view kIngress = "ingress";                        // RDS-11
inline constexpr std::string_view kIngressStreamKey = "{ingress}_stream_key";  // RDS-12
inline constexpr std::string_view kSipTrunk = "sip_trunk";                     // RDS-15
inline constexpr std::string_view kSipInboundTrunk = "sip_inbound_trunk";      // RDS-16
inline constexpr std::string_view kSipOutboundTrunk = "sip_outbound_trunk";
inline constexpr std::string_view kSipDispatchRule = "sip_dispatch_rule";  // RDS-17

// Ours: what other implementations know nothing of.
inline constexpr std::string_view kLinkSecret = "confab_link_secret";
inline constexpr std::string_view kRevocations = "confab_revocations";

inline std::string named(std::string_view kind, std::string_view name) {
    return std::string(kind).append(name);
}
inline std::string participants(std::string_view room) {  // RDS-04
    return named("room_participants:", room);
}
inline std::string room_egress(std::string_view room) {  // RDS-09
    return named("egress:room:", room);
}
inline std::string ingress_state(std::string_view id) {  // RDS-13
    return named("{ingress}_state:", id);
}
inline std::string room_ingress(std::string_view room) {  // RDS-14
    return named("room_{ingress}:", room);
}
inline std::string agent_dispatch(std::string_view room) {  // RDS-18
    return named("agent_dispatch:", room);
}
inline std::string agent_job(std::string_view room) {  // RDS-19
    return named("agent_job:", room);
}

// All that there is of one room, in the order of scripts::kDeleteRoom.
inline std::vector<std::string> of_room(std::string_view room) {
    return {std::string(kRoomNodeMap), std::string(kRooms),  std::string(kRoomInternal),
            participants(room),        agent_dispatch(room), agent_job(room)};
}

}  // namespace confab::cluster::store::keys
