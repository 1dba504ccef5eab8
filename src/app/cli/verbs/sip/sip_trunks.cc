// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// sip inbound, sip outbound (05 C.2).
#include "app/cli/output/json_text.h"
#include "app/cli/verbs/sip/sip_requests.h"
#include "app/cli/verbs/verbs.h"
#include "livekit_sip.pb.h"

namespace confab::app::cli {
namespace {

using google::protobuf::Message;

constexpr Param kRequests{.names = "--request,request",
                          .help = "The whole request: JSON, a file with it, or - for stdin",
                          .kind = Kind::kTexts,
                          .live = Live::kFile};
constexpr Param kReplacement{.names = "--request,request",
                             .help = "What replaces it: JSON, a file with it, or - for stdin",
                             .live = Live::kFile};

constexpr Param kCreateInbound[] = {
    kRequests,
    {.names = "--name", .help = "Its name", .field = "trunk.name"},
    {.names = "--numbers",
     .help = "Numbers that are called; repeatable",
     .field = "trunk.numbers",
     .kind = Kind::kList},
    {.names = "--media-enc",
     .help = "Encryption of media: disable, allow or require",
     .field = "trunk.media_encryption"},
    {.names = "--auth-user", .help = "Who may call by it", .field = "trunk.auth_username"},
    {.names = "--auth-pass", .help = "With which password", .field = "trunk.auth_password"},
};
constexpr Param kUpdateInbound[] = {
    kReplacement,
    {.names = "--id", .help = "Which", .live = Live::kInboundTrunk},
    {.names = "--name", .help = "A new name", .field = "update.name"},
    {.names = "--numbers",
     .help = "New numbers; '' for none",
     .field = "update.numbers.set",
     .kind = Kind::kList},
    {.names = "--auth-user", .help = "Who may call by it", .field = "update.auth_username"},
    {.names = "--auth-pass", .help = "With which password", .field = "update.auth_password"},
};
constexpr Param kCreateOutbound[] = {
    kRequests,
    {.names = "--name", .help = "Its name", .field = "trunk.name"},
    {.names = "--address", .help = "Where calls go: host or host:port", .field = "trunk.address"},
    {.names = "--transport", .help = "auto, udp, tcp or tls", .field = "trunk.transport"},
    {.names = "--destination-country",
     .help = "ISO 3166-1 alpha-2: US",
     .field = "trunk.destination_country"},
    {.names = "--media-enc",
     .help = "Encryption of media: disable, allow or require",
     .field = "trunk.media_encryption"},
    {.names = "--numbers",
     .help = "Numbers that call; repeatable",
     .field = "trunk.numbers",
     .kind = Kind::kList},
    {.names = "--auth-user", .help = "The name there", .field = "trunk.auth_username"},
    {.names = "--auth-pass", .help = "The password there", .field = "trunk.auth_password"},
};
constexpr Param kUpdateOutbound[] = {
    kReplacement,
    {.names = "--id", .help = "Which", .live = Live::kOutboundTrunk},
    {.names = "--name", .help = "A new name", .field = "update.name"},
    {.names = "--address", .help = "Where calls go: host or host:port", .field = "update.address"},
    {.names = "--transport", .help = "auto, udp, tcp or tls", .field = "update.transport"},
    {.names = "--destination-country",
     .help = "ISO 3166-1 alpha-2: US",
     .field = "update.destination_country"},
    {.names = "--numbers",
     .help = "New numbers; '' for none",
     .field = "update.numbers.set",
     .kind = Kind::kList},
    {.names = "--auth-user", .help = "The name there", .field = "update.auth_username"},
    {.names = "--auth-pass", .help = "The password there", .field = "update.auth_password"},
};
constexpr Param kDeleteInbound[] = {
    {.names = "--id,ids",
     .help = "Which; repeatable",
     .kind = Kind::kList,
     .required = true,
     .live = Live::kInboundTrunk},
};
constexpr Param kDeleteOutbound[] = {
    {.names = "--id,ids",
     .help = "Which; repeatable",
     .kind = Kind::kList,
     .required = true,
     .live = Live::kOutboundTrunk},
};

// "user / ****"; a password is never shown.
std::string auth_of(const json::Value& item, const char* name, const char* password) {
    const std::string user = text_at(item, name);
    const bool secret = !text_at(item, password).empty();
    if (user.empty() && !secret) return {};
    return user + " / " + (secret ? "****" : "");
}
std::string auth_text(const json::Value& item) {
    return auth_of(item, "authUsername", "authPassword");
}
std::string inbound_auth_text(const json::Value& item) {
    return auth_of(item, "inboundUsername", "inboundPassword");
}
std::string outbound_auth_text(const json::Value& item) {
    return auth_of(item, "outboundUsername", "outboundPassword");
}

// What stands behind the prefix of an enum's name.
std::string without(const std::string& text, std::string_view prefix) {
    return text.starts_with(prefix) ? text.substr(prefix.size()) : text;
}
std::string encryption_text(const json::Value& item) {
    return without(text_at(item, "mediaEncryption"), "SIP_MEDIA_ENCRYPT_");
}
std::string kind_text(const json::Value& item) {
    return without(text_at(item, "kind"), "TRUNK_");
}
std::string transport_text(const json::Value& item) {
    return without(text_at(item, "transport"), "SIP_TRANSPORT_");
}

std::string headers_text(const json::Value& item) {
    std::string out;
    for (const char* name : {"headers", "headersToAttributes"}) {
        const json::Value* const map = item.find(name);
        if (map == nullptr || map->members.empty()) continue;
        if (!out.empty()) out += "\n";
        for (const json::Member& member : map->members)
            out += (out.empty() ? "" : "\n") + member.name + "=" + member.value.string;
    }
    return out;
}

constexpr Column kInbound[] = {{"SipTrunkID", "sipTrunkId"},
                               {"Name", "name"},
                               {"Numbers", "numbers"},
                               {"AllowedAddresses", "allowedAddresses"},
                               {"AllowedNumbers", "allowedNumbers"},
                               {"Authentication", "", "", auth_text},
                               {"Encryption", "", "DISABLE", encryption_text},
                               {"Headers", "", "", headers_text},
                               {"Metadata", "metadata"}};
constexpr Column kOutbound[] = {{"SipTrunkID", "sipTrunkId"},
                                {"Name", "name"},
                                {"Address", "address"},
                                {"Transport", "", "AUTO", transport_text},
                                {"Numbers", "numbers"},
                                {"Authentication", "", "", auth_text},
                                {"Encryption", "", "DISABLE", encryption_text},
                                {"Headers", "", "", headers_text},
                                {"Metadata", "metadata"}};
constexpr Column kBoth[] = {{"SipTrunkID", "sipTrunkId"},
                            {"Name", "name"},
                            {"Kind", "", "LEGACY", kind_text},
                            {"Number", "outboundNumber"},
                            {"AllowAddresses", "inboundAddresses"},
                            {"AllowNumbers", "inboundNumbers"},
                            {"InboundAuth", "", "", inbound_auth_text},
                            {"OutboundAddress", "outboundAddress"},
                            {"OutboundAuth", "", "", outbound_auth_text},
                            {"Metadata", "metadata"}};
constexpr Column kId[] = {{"SIPTrunkID", "sipTrunkId"}};
constexpr Print kIdPrint{.shape = Shape::kObject, .columns = kId};

constexpr Api kCreateInboundApi{"livekit.SIP/CreateSIPInboundTrunk",
                                prototype<livekit::CreateSIPInboundTrunkRequest>,
                                prototype<livekit::SIPInboundTrunkInfo>, grant::kSipAdmin};
constexpr Api kUpdateInboundApi{"livekit.SIP/UpdateSIPInboundTrunk",
                                prototype<livekit::UpdateSIPInboundTrunkRequest>,
                                prototype<livekit::SIPInboundTrunkInfo>, grant::kSipAdmin};
constexpr Api kCreateOutboundApi{"livekit.SIP/CreateSIPOutboundTrunk",
                                 prototype<livekit::CreateSIPOutboundTrunkRequest>,
                                 prototype<livekit::SIPOutboundTrunkInfo>, grant::kSipAdmin};
constexpr Api kUpdateOutboundApi{"livekit.SIP/UpdateSIPOutboundTrunk",
                                 prototype<livekit::UpdateSIPOutboundTrunkRequest>,
                                 prototype<livekit::SIPOutboundTrunkInfo>, grant::kSipAdmin};
constexpr Api kDeleteApi{"livekit.SIP/DeleteSIPTrunk", prototype<livekit::DeleteSIPTrunkRequest>,
                         prototype<livekit::SIPTrunkInfo>, grant::kSipAdmin};

Outcome create_inbound(Call& call) {
    return for_each_request(call, kCreateInboundApi, kIdPrint,
                            [&](Message& request) { return call.fill(request); });
}
Outcome create_outbound(Call& call) {
    return for_each_request(call, kCreateOutboundApi, kIdPrint,
                            [&](Message& request) { return call.fill(request); });
}
Outcome update_inbound(Call& call) {
    return update_by_json_or_flags(call, kUpdateInboundApi, kIdPrint, "sip_trunk_id");
}
Outcome update_outbound(Call& call) {
    return update_by_json_or_flags(call, kUpdateOutboundApi, kIdPrint, "sip_trunk_id");
}
Outcome delete_trunks(Call& call) {
    return for_each_id(call, kDeleteApi, kIdPrint, "sip_trunk_id");
}

constexpr Verb kVerbs[] = {
    {.group = "sip inbound",
     .name = "list",
     .help = "List them",
     .examples = "confab sip inbound list",
     .params = {},
     .api = {"livekit.SIP/ListSIPInboundTrunk", prototype<livekit::ListSIPInboundTrunkRequest>,
             prototype<livekit::ListSIPInboundTrunkResponse>, grant::kSipAdmin},
     .print = {.shape = Shape::kList, .items = "items", .columns = kInbound}},
    {.group = "sip inbound",
     .name = "create",
     .help = "Make one, by JSON or by flags",
     .examples = "confab sip inbound create --name desk --numbers +15105550100\n"
                 "confab sip inbound create trunk.json",
     .params = kCreateInbound,
     .run = create_inbound},
    {.group = "sip inbound",
     .name = "update",
     .help = "Replace it by JSON, or change parts of it by flags",
     .examples = "confab sip inbound update --id ST_x --name desk --numbers +15105550100",
     .params = kUpdateInbound,
     .run = update_inbound},
    {.group = "sip inbound",
     .name = "delete",
     .help = "Take trunks away",
     .examples = "confab sip inbound delete ST_x",
     .params = kDeleteInbound,
     .run = delete_trunks,
     .old_names = "delete-sip-trunk"},
    {.group = "sip outbound",
     .name = "list",
     .help = "List them",
     .examples = "confab sip outbound list",
     .params = {},
     .api = {"livekit.SIP/ListSIPOutboundTrunk", prototype<livekit::ListSIPOutboundTrunkRequest>,
             prototype<livekit::ListSIPOutboundTrunkResponse>, grant::kSipAdmin},
     .print = {.shape = Shape::kList, .items = "items", .columns = kOutbound}},
    {.group = "sip outbound",
     .name = "create",
     .help = "Make one, by JSON or by flags",
     .examples = "confab sip outbound create --name out --address sip.example.com"
                 " --numbers +15105550100 --auth-user me --auth-pass secret",
     .params = kCreateOutbound,
     .run = create_outbound},
    {.group = "sip outbound",
     .name = "update",
     .help = "Replace it by JSON, or change parts of it by flags",
     .examples = "confab sip outbound update --id ST_x --transport tls",
     .params = kUpdateOutbound,
     .run = update_outbound},
    {.group = "sip outbound",
     .name = "delete",
     .help = "Take trunks away",
     .examples = "confab sip outbound delete ST_x",
     .params = kDeleteOutbound,
     .run = delete_trunks},
    {.group = "",
     .name = "list-sip-trunk",
     .help = "List trunks of both kinds",
     .examples = "",
     .params = {},
     .api = {"livekit.SIP/ListSIPTrunk", prototype<livekit::ListSIPTrunkRequest>,
             prototype<livekit::ListSIPTrunkResponse>, grant::kSipAdmin},
     .print = {.shape = Shape::kList, .items = "items", .columns = kBoth},
     .hidden = true},
};

}  // namespace

std::span<const Verb> sip_trunk_verbs() {
    return kVerbs;
}

}  // namespace confab::app::cli
