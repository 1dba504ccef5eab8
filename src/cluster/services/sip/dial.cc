// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/services/sip/dial.h"

#include <string_view>
#include <utility>

#include "cluster/services/sip/attributes.h"
#include "cluster/services/sip/rules/media.h"

namespace confab::cluster::services::sip {
namespace {

using Dial = ::rpc::InternalCreateSIPParticipantRequest;
using Request = livekit::CreateSIPParticipantRequest;
using Trunk = livekit::SIPOutboundTrunkInfo;

// What a stored trunk and one in the request have in common.
template <typename AnyTrunk>
void add_any_trunk(const AnyTrunk& trunk, Dial& dial) {
    dial.set_hostname(trunk.from_host());
    dial.set_transport(trunk.transport());
    dial.set_destination_country(trunk.destination_country());
    dial.set_username(trunk.auth_username());
    dial.set_password(trunk.auth_password());
    *dial.mutable_headers_to_attributes() = trunk.headers_to_attributes();
    *dial.mutable_attributes_to_headers() = trunk.attributes_to_headers();
}

// A stored trunk goes before one in the request.
void add_trunk(const Request& request, const Trunk* trunk, Dial& dial) {
    if (trunk != nullptr) {
        add_any_trunk(*trunk, dial);
        dial.set_address(trunk->address());
        *dial.mutable_headers() = trunk->headers();
        dial.set_include_headers(trunk->include_headers());
    } else if (request.has_trunk()) {
        add_any_trunk(request.trunk(), dial);
        dial.set_address(request.trunk().hostname());
    }
    if (dial.hostname().empty()) dial.set_hostname(request.trunk().from_host());
}

// Empty: there is none.
std::string number_of(const Request& request, const Trunk* trunk, const std::string& address,
                      Rng& rng) {
    std::string number = request.sip_number();
    if (number.empty() && trunk != nullptr && !trunk->numbers().empty())
        number = trunk->numbers(
            static_cast<int>(rng.below(static_cast<std::uint64_t>(trunk->numbers_size()))));
    // Which takes no others.
    if (!number.empty() && address.ends_with("twilio.com") && !number.starts_with('+'))
        number.insert(0, 1, '+');
    return number;
}

void add_participant(const Request& request, Dial& dial) {
    dial.set_room_name(request.room_name());
    dial.set_participant_identity(request.participant_identity().empty()
                                      ? "sip_" + request.sip_call_to()
                                      : request.participant_identity());
    dial.set_participant_name(request.participant_name());
    dial.set_participant_metadata(request.participant_metadata());
    auto& attributes = *dial.mutable_participant_attributes();
    attributes = request.participant_attributes();
    attributes[kCallId] = dial.sip_call_id();
    if (!dial.sip_trunk_id().empty()) attributes[kTrunkId] = dial.sip_trunk_id();
    if (request.hide_phone_number()) return;
    attributes[kPhoneNumber] = request.sip_call_to();
    attributes[kHostName] = dial.address();
    attributes[kTrunkNumber] = dial.number();
}

void add_headers(const Request& request, Dial& dial) {
    for (const auto& [name, value] : request.headers())
        (*dial.mutable_headers())[name] = value;
    if (request.include_headers() != livekit::SIP_NO_HEADERS)
        dial.set_include_headers(request.include_headers());
    if (request.has_sip_request_uri()) *dial.mutable_sip_request_uri() = request.sip_request_uri();
    if (request.has_sip_from_header()) *dial.mutable_sip_from_header() = request.sip_from_header();
    if (request.has_sip_to_header()) *dial.mutable_sip_to_header() = request.sip_to_header();
    dial.set_to_user_override(request.to_user_override());
    if (request.has_display_name()) dial.set_display_name(request.display_name());
    if (request.has_destination()) *dial.mutable_destination() = request.destination();
}

void add_media(Request request, const Trunk* trunk, Dial& dial) {
    bring_up(request);
    Trunk below = trunk != nullptr ? *trunk : Trunk();
    bring_up(below);
    *dial.mutable_media() = merged(below.media(), request.media());
    dial.set_media_encryption(dial.media().encryption());
    if (request.krisp_enabled()) dial.add_enabled_features(livekit::KRISP_ENABLED);
}

}  // namespace

Result<Dial, rpc::Error> dial_request(const Request& request, const Trunk* trunk,
                                      const std::string& call_id, Rng& rng) {
    Dial dial;
    dial.set_sip_call_id(call_id);
    dial.set_sip_trunk_id(request.sip_trunk_id());
    add_trunk(request, trunk, dial);
    dial.set_number(number_of(request, trunk, dial.address(), rng));
    if (dial.number().empty())
        return fail(rpc::Error{rpc::Code::kFailedPrecondition, "no numbers on outbound trunk", {}});
    dial.set_call_to(request.sip_call_to());
    add_participant(request, dial);
    add_headers(request, dial);
    add_media(request, trunk, dial);
    dial.set_dtmf(request.dtmf());
    dial.set_play_dialtone(request.play_dialtone() || request.play_ringtone());
    if (request.has_ringing_timeout()) *dial.mutable_ringing_timeout() = request.ringing_timeout();
    if (request.has_max_call_duration())
        *dial.mutable_max_call_duration() = request.max_call_duration();
    dial.set_wait_until_answered(request.wait_until_answered());
    return dial;
}

}  // namespace confab::cluster::services::sip
