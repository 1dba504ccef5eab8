// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/services/sip/legacy.h"

namespace confab::cluster::services::sip {
namespace {

using livekit::SIPTrunkInfo;

template <typename From, typename To>
void copy_names(const From& from, To& to) {
    to.set_sip_trunk_id(from.sip_trunk_id());
    to.set_name(from.name());
    to.set_metadata(from.metadata());
}

}  // namespace

std::optional<livekit::SIPInboundTrunkInfo> as_inbound(const SIPTrunkInfo& trunk) {
    if (trunk.kind() == SIPTrunkInfo::TRUNK_OUTBOUND) return std::nullopt;
    livekit::SIPInboundTrunkInfo info;
    copy_names(trunk, info);
    if (!trunk.outbound_number().empty()) info.add_numbers(trunk.outbound_number());
    *info.mutable_allowed_addresses() = trunk.inbound_addresses();
    *info.mutable_allowed_numbers() = trunk.inbound_numbers();
    info.set_auth_username(trunk.inbound_username());
    info.set_auth_password(trunk.inbound_password());
    return info;
}

std::optional<livekit::SIPOutboundTrunkInfo> as_outbound(const SIPTrunkInfo& trunk) {
    if (trunk.kind() == SIPTrunkInfo::TRUNK_INBOUND) return std::nullopt;
    livekit::SIPOutboundTrunkInfo info;
    copy_names(trunk, info);
    info.set_address(trunk.outbound_address());
    info.set_transport(trunk.transport());
    if (!trunk.outbound_number().empty()) info.add_numbers(trunk.outbound_number());
    info.set_auth_username(trunk.outbound_username());
    info.set_auth_password(trunk.outbound_password());
    return info;
}

SIPTrunkInfo as_legacy(const livekit::SIPInboundTrunkInfo& trunk) {
    SIPTrunkInfo info;
    info.set_kind(SIPTrunkInfo::TRUNK_INBOUND);
    copy_names(trunk, info);
    if (!trunk.numbers().empty()) info.set_outbound_number(trunk.numbers(0));
    *info.mutable_inbound_addresses() = trunk.allowed_addresses();
    *info.mutable_inbound_numbers() = trunk.allowed_numbers();
    info.set_inbound_username(trunk.auth_username());
    info.set_inbound_password(trunk.auth_password());
    return info;
}

SIPTrunkInfo as_legacy(const livekit::SIPOutboundTrunkInfo& trunk) {
    SIPTrunkInfo info;
    info.set_kind(SIPTrunkInfo::TRUNK_OUTBOUND);
    copy_names(trunk, info);
    info.set_outbound_address(trunk.address());
    info.set_transport(trunk.transport());
    if (!trunk.numbers().empty()) info.set_outbound_number(trunk.numbers(0));
    info.set_outbound_username(trunk.auth_username());
    info.set_outbound_password(trunk.auth_password());
    return info;
}

}  // namespace confab::cluster::services::sip
