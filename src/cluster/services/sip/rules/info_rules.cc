// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/services/sip/rules/info_rules.h"

#include <algorithm>
#include <string_view>

#include "cluster/services/sip/rules/conflicts.h"

namespace confab::cluster::services::sip {
namespace {

constexpr std::size_t kMaxDisplayName = 128;
constexpr std::int64_t kMaxMediaTimeout = 600;  // seconds

Fault codec_fault(const livekit::SIPCodec& codec) {
    if (codec.name().empty()) return "missing codec name";
    if (codec.name().find_first_of(" \t\n\r") != std::string::npos) return "invalid codec name";
    if (codec.name().find('/') != std::string::npos) return "codec name must not contain '/'";
    return std::nullopt;
}

// Host or host:port; empty is none.
Fault host_fault(const std::string& host, const std::string& field) {
    if (host.find("transport=") != std::string::npos)
        return field + " should not contain transport parameter";
    if (host.find_first_of("@;") != std::string::npos || host.starts_with("sip:") ||
        host.starts_with("sips:"))
        return field + " should be a hostname or IP, not SIP URI";
    return std::nullopt;
}

Fault inline_trunk_fault(const livekit::SIPOutboundConfig& trunk) {
    if (trunk.hostname().empty()) return "no outbound hostname specified";
    if (auto fault = host_fault(trunk.hostname(), "trunk hostname")) return fault;
    if (auto fault = host_fault(trunk.from_host(), "from_host")) return fault;
    if (auto fault = header_values_fault(trunk.attributes_to_headers())) return fault;
    return header_keys_fault(trunk.headers_to_attributes());
}

// What may stand between quotation marks as it is. differs from upstream, which takes carriage
// returns and other controls.
bool is_quotable(std::string_view text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto octet = static_cast<unsigned char>(text[i]);
        if (text[i] == '"' || (octet < 0x20 && octet != '\t') || octet == 0x7F) return false;
        if (text[i] != '\\') continue;
        if (++i == text.size() ||
            std::string_view("abfnrtv\\\"xuU01234567").find(text[i]) == std::string_view::npos)
            return false;
    }
    return true;
}

// ISO 3166-1 alpha-2, then what upstream takes beside these: reserved codes, and former ones.
constexpr std::string_view kCountries =
    "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR "
    "BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ "
    "EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW "
    "GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY "
    "KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV "
    "MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY "
    "QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG "
    "TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM "
    "ZW "
    "AC AN BU CP CQ CS CT DD DG DY EA EZ FQ FX HV IC JT MI NH NQ NT PC PU PZ RH SU TA TP UK UN VD "
    "WK XK YD YU ZR";

bool is_country(std::string_view code) {
    return code.size() == 2 && code.find(' ') == code.npos &&
           kCountries.find(code) != kCountries.npos;
}

Fault destination_fault(const livekit::Destination& to) {
    if (!to.city().empty() && to.country().empty() && to.region().empty())
        return "if city is specified, country or region must also be specified";
    if (to.country().empty() || is_country(to.country())) return std::nullopt;
    return "country must be a valid ISO 3166-1 alpha-2 code (2-letter like 'US', 'IN', 'UK')";
}

Fault callee_fault(const livekit::CreateSIPParticipantRequest& request) {
    const std::string is_uri = " should be a phone number or SIP user, not a full SIP URI";
    if (request.sip_call_to().empty()) return "missing sip callee number";
    if (request.sip_call_to().find('@') != std::string::npos) return "SipCallTo" + is_uri;
    const std::string& to_user = request.to_user_override();
    if (to_user.find('@') != std::string::npos) return "ToUserOverride" + is_uri;
    if (const Fault fault = token_fault(to_user))
        return "ToUserOverride contains invalid characters: " + *fault;
    return std::nullopt;
}

}  // namespace

Fault media_fault(const livekit::SIPMediaConfig& media) {
    for (const livekit::SIPCodec& codec : media.codecs())
        if (auto fault = codec_fault(codec)) return fault;
    const auto& timeout = media.media_timeout();
    if (timeout.seconds() < 0 || timeout.nanos() < 0) return "media_timeout must not be negative";
    if (timeout.seconds() > kMaxMediaTimeout ||
        (timeout.seconds() == kMaxMediaTimeout && timeout.nanos() > 0))
        return "media_timeout must not exceed 10m0s";
    return std::nullopt;
}

Fault inbound_fault(const livekit::SIPInboundTrunkInfo& trunk) {
    const bool has_login = !trunk.auth_username().empty() || !trunk.auth_password().empty();
    if (!has_login && trunk.allowed_addresses().empty() && trunk.numbers().empty())
        return "for security, one of the fields must be set: AuthUsername+AuthPassword, "
               "AllowedAddresses or Numbers";
    if (auto fault = media_fault(trunk.media())) return fault;
    if (auto fault = headers_fault(trunk.headers())) return fault;
    if (auto fault = header_values_fault(trunk.attributes_to_headers())) return fault;
    return header_keys_fault(trunk.headers_to_attributes());
}

Fault outbound_fault(const livekit::SIPOutboundTrunkInfo& trunk) {
    if (trunk.numbers().empty()) return "no trunk numbers specified";
    if (trunk.address().empty()) return "no outbound address specified";
    if (auto fault = host_fault(trunk.address(), "trunk address")) return fault;
    if (auto fault = host_fault(trunk.from_host(), "from_host")) return fault;
    if (auto fault = media_fault(trunk.media())) return fault;
    if (auto fault = headers_fault(trunk.headers())) return fault;
    if (auto fault = header_values_fault(trunk.attributes_to_headers())) return fault;
    return header_keys_fault(trunk.headers_to_attributes());
}

// differs from upstream, which keeps a rule of no kind and fails all calls by it, and compares as
// many combinations as there are.
Fault rule_fault(const livekit::SIPDispatchRuleInfo& rule) {
    if (!rule.has_rule() || rule.rule().rule_case() == livekit::SIPDispatchRule::RULE_NOT_SET)
        return "missing rule";
    const auto named = [](const auto& list) {
        return static_cast<std::size_t>(std::max(1, list.size()));
    };
    if (named(rule.trunk_ids()) * named(rule.inbound_numbers()) * named(rule.numbers()) >
        kMaxCombinations)
        return "a rule may not have more than 10000 combinations of trunks, callers and numbers";
    return media_fault(rule.media());
}

Fault call_fault(const livekit::CreateSIPParticipantRequest& request) {
    if (request.sip_trunk_id().empty() && !request.has_trunk() && request.sip_number().empty())
        return "missing sip trunk id and sip number";
    if (request.has_trunk())
        if (auto fault = inline_trunk_fault(request.trunk())) return fault;
    if (auto fault = callee_fault(request)) return fault;
    if (request.room_name().empty()) return "missing room name";
    if (request.display_name().size() > kMaxDisplayName)
        return "DisplayName too long (max 128 characters)";
    if (!is_quotable(request.display_name()))
        return "DisplayName must be a valid quoted string: invalid syntax";
    if (auto fault = destination_fault(request.destination())) return fault;
    if (auto fault = headers_fault(request.headers())) return fault;
    return media_fault(request.media());
}

}  // namespace confab::cluster::services::sip
