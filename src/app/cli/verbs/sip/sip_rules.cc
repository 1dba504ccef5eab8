// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// sip dispatch (05 C.2).
#include "app/cli/output/json_text.h"
#include "app/cli/verbs/sip/sip_requests.h"
#include "app/cli/verbs/verbs.h"
#include "livekit_sip.pb.h"

namespace confab::app::cli {
namespace {

using google::protobuf::Message;

constexpr Param kDirect{.names = "--direct", .help = "All calls to this room", .live = Live::kRoom};
constexpr Param kCaller{.names = "--caller,--individual",
                        .help = "Each call to a new room, whose name begins so"};
constexpr Param kCallee{.names = "--callee",
                        .help = "To a room by the number called, whose name begins so"};
constexpr Param kRandomize{
    .names = "--randomize", .help = "With --callee: a new room each time", .kind = Kind::kBool};

constexpr Param kCreate[] = {
    {.names = "--request,request",
     .help = "The whole request: JSON, a file with it, or - for stdin",
     .kind = Kind::kTexts,
     .live = Live::kFile},
    {.names = "--name", .help = "Its name", .field = "dispatch_rule.name"},
    {.names = "--trunks",
     .help = "Only calls by these trunks; repeatable",
     .field = "dispatch_rule.trunk_ids",
     .kind = Kind::kList,
     .live = Live::kInboundTrunk},
    kDirect,
    kCaller,
    kCallee,
    kRandomize,
};
constexpr Param kUpdate[] = {
    {.names = "--request,request",
     .help = "What replaces it: JSON, a file with it, or - for stdin",
     .live = Live::kFile},
    {.names = "--id", .help = "Which", .live = Live::kRule},
    {.names = "--name", .help = "A new name", .field = "update.name"},
    {.names = "--trunks",
     .help = "New trunks; '' for none",
     .field = "update.trunk_ids.set",
     .kind = Kind::kList,
     .live = Live::kInboundTrunk},
    kDirect,
    kCaller,
    kCallee,
    kRandomize,
};
constexpr Param kDelete[] = {
    {.names = "--id,ids",
     .help = "Which; repeatable",
     .kind = Kind::kList,
     .required = true,
     .live = Live::kRule},
};

struct RuleText {
    std::string type, room, pin;
};

RuleText rule_of(const json::Value& item) {
    const auto at = [&](const char* path) { return text_at(item, path); };
    const json::Value* const rule = item.find("rule");
    if (rule == nullptr) return {};
    if (rule->find("dispatchRuleDirect") != nullptr)
        return {"Direct", at("rule.dispatchRuleDirect.roomName"),
                at("rule.dispatchRuleDirect.pin")};
    if (rule->find("dispatchRuleIndividual") != nullptr)
        return {"Individual (Caller)",
                at("rule.dispatchRuleIndividual.roomPrefix") + "_<caller>_<random>",
                at("rule.dispatchRuleIndividual.pin")};
    const bool random = at("rule.dispatchRuleCallee.randomize") == "true";
    return {"Callee",
            at("rule.dispatchRuleCallee.roomPrefix") + "<callee>" + (random ? "_<random>" : ""),
            at("rule.dispatchRuleCallee.pin")};
}
std::string type_text(const json::Value& item) {
    return rule_of(item).type;
}
std::string room_text(const json::Value& item) {
    return rule_of(item).room;
}
std::string pin_text(const json::Value& item) {
    return rule_of(item).pin;
}

constexpr Column kColumns[] = {{"SipDispatchRuleID", "sipDispatchRuleId"},
                               {"Name", "name"},
                               {"SipTrunks", "trunkIds", "<any>"},
                               {"Type", "", "", type_text},
                               {"RoomName", "", "", room_text},
                               {"Pin", "", "", pin_text},
                               {"Attributes", "attributes"},
                               {"Agents", "roomConfig.agents.agentName"}};
constexpr Column kId[] = {{"SIPDispatchRuleID", "sipDispatchRuleId"}};
constexpr Print kIdPrint{.shape = Shape::kObject, .columns = kId};

constexpr Api kCreateApi{"livekit.SIP/CreateSIPDispatchRule",
                         prototype<livekit::CreateSIPDispatchRuleRequest>,
                         prototype<livekit::SIPDispatchRuleInfo>, grant::kSipAdmin};
constexpr Api kUpdateApi{"livekit.SIP/UpdateSIPDispatchRule",
                         prototype<livekit::UpdateSIPDispatchRuleRequest>,
                         prototype<livekit::SIPDispatchRuleInfo>, grant::kSipAdmin};
constexpr Api kDeleteApi{"livekit.SIP/DeleteSIPDispatchRule",
                         prototype<livekit::DeleteSIPDispatchRuleRequest>,
                         prototype<livekit::SIPDispatchRuleInfo>, grant::kSipAdmin};

// The flag that says what kind of rule it is; none: what the JSON says stays.
Result<void, std::string> set_rule(const Values& values, bool has_rule,
                                   livekit::SIPDispatchRule* rule) {
    int kinds = has_rule ? 1 : 0;
    for (const char* flag : {"direct", "caller", "callee"})
        kinds += values.has(flag) ? 1 : 0;
    if (kinds > 1)
        return fail(std::string("a rule has one kind: --direct, --caller, --callee or the JSON's"));
    if (values.has("direct"))
        rule->mutable_dispatch_rule_direct()->set_room_name(values.text("direct"));
    if (values.has("caller"))
        rule->mutable_dispatch_rule_individual()->set_room_prefix(values.text("caller"));
    if (values.has("callee")) {
        rule->mutable_dispatch_rule_callee()->set_room_prefix(values.text("callee"));
        rule->mutable_dispatch_rule_callee()->set_randomize(values.flag("randomize"));
    }
    return {};
}

bool names_kind(const Values& values) {
    return values.has("direct") || values.has("caller") || values.has("callee");
}

Result<void, std::string> add_rule(Call& call, Message& message) {
    if (!names_kind(call.values())) return {};
    if (auto* const create = dynamic_cast<livekit::CreateSIPDispatchRuleRequest*>(&message)) {
        livekit::SIPDispatchRuleInfo& info = *create->mutable_dispatch_rule();
        return set_rule(call.values(), info.has_rule(), info.mutable_rule());
    }
    auto& update = static_cast<livekit::UpdateSIPDispatchRuleRequest&>(message);
    return set_rule(call.values(), false, update.mutable_update()->mutable_rule());
}

Outcome create(Call& call) {
    return for_each_request(call, kCreateApi, kIdPrint,
                            [&](Message& request) { return call.fill(request); });
}
Outcome update(Call& call) {
    return update_by_json_or_flags(call, kUpdateApi, kIdPrint, "sip_dispatch_rule_id");
}
Outcome remove(Call& call) {
    return for_each_id(call, kDeleteApi, kIdPrint, "sip_dispatch_rule_id");
}

constexpr Verb kVerbs[] = {
    {.group = "sip dispatch",
     .name = "list",
     .help = "List rules",
     .examples = "confab sip dispatch list",
     .params = {},
     .api = {"livekit.SIP/ListSIPDispatchRule", prototype<livekit::ListSIPDispatchRuleRequest>,
             prototype<livekit::ListSIPDispatchRuleResponse>, grant::kSipAdmin},
     .print = {.shape = Shape::kList, .items = "items", .columns = kColumns},
     .old_names = "list-sip-dispatch-rule"},
    {.group = "sip dispatch",
     .name = "create",
     .help = "Make a rule, by JSON or by flags",
     .examples = "confab sip dispatch create --name desk --direct reception\n"
                 "confab sip dispatch create --trunks ST_x --caller call-",
     .params = kCreate,
     .prepare = add_rule,
     .run = create,
     .old_names = "create-sip-dispatch-rule"},
    {.group = "sip dispatch",
     .name = "update",
     .help = "Replace it by JSON, or change parts of it by flags",
     .examples = "confab sip dispatch update --id SDR_x --direct hall",
     .params = kUpdate,
     .prepare = add_rule,
     .run = update},
    {.group = "sip dispatch",
     .name = "delete",
     .help = "Take rules away",
     .examples = "confab sip dispatch delete SDR_x",
     .params = kDelete,
     .run = remove,
     .old_names = "delete-sip-dispatch-rule"},
};

}  // namespace

std::span<const Verb> sip_rule_verbs() {
    return kVerbs;
}

}  // namespace confab::app::cli
