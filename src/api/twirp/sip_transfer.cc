// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "api/twirp/sip_transfer.h"

#include <utility>

namespace confab::api {

CheckResult require_sip(const token::Grants* grants, bool token::SipGrant::* flag) {
    if (grants != nullptr && grants->sip && (*grants->sip).*flag) return std::nullopt;
    return permission_error();
}

std::optional<std::string> transfer_target(std::string_view uri) {
    if (uri.starts_with('<') && uri.ends_with('>')) uri = uri.substr(1, uri.size() - 2);
    const auto is = [uri](std::string_view scheme) {
        return uri.starts_with(scheme) && uri.size() > scheme.size();
    };
    if (is("tel:")) return std::string(uri);
    if (is("sip:") || is("sips:")) return "<" + std::string(uri) + ">";
    return std::nullopt;
}

CheckResult check_transfer(const token::Grants* grants,
                           const livekit::TransferSIPParticipantRequest& request) {
    const auto invalid = ErrorCode::kInvalidArgument;
    if (request.room_name().empty()) return service_error(invalid, "Missing room name");
    if (request.participant_identity().empty())
        return service_error(invalid, "Missing participant identity");
    if (auto error = require_sip(grants, &token::SipGrant::call)) return error;
    if (auto error = require_admin(grants, request.room_name())) return error;
    if (request.transfer_to().empty()) return native_error(invalid, "missing transfer to");
    if (transfer_target(request.transfer_to())) return std::nullopt;
    return native_error(invalid,
                        "transfer_to must be a valid SIP(s) or TEL URI (sip:, sips: or tel:)");
}

// The participant is looked up before the bridge is missed (SIP-09). differs from upstream, which
// takes the word of any participant for whose call it is: attributes are the client's own, and a
// call may be one of another room.
void find_call(RoomServicePort& rooms, const CallContext& context,
               const livekit::TransferSIPParticipantRequest& request, Reply<std::string> reply) {
    livekit::RoomParticipantIdentity who;
    who.set_room(request.room_name());
    who.set_identity(request.participant_identity());
    using Info = Result<livekit::ParticipantInfo, ServiceError>;
    rooms.get_participant(context, who, [reply = std::move(reply)](Info info) mutable {
        if (!info) return reply(tl::unexpected(std::move(info.error())));
        const auto id = info->attributes().find("sip.callID");
        if (info->kind() != livekit::ParticipantInfo::SIP || id == info->attributes().end())
            return reply(tl::unexpected(service_error(
                ErrorCode::kInvalidArgument, "no SIP session associated with participant")));
        reply(id->second);
    });
}

}  // namespace confab::api
