// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/services/sip/sip_store_service.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "cluster/services/sip/sip_testing.h"

namespace confab::cluster::services::sip {
namespace {

using namespace livekit;
using testing::Ended;
using testing::from_json;
using testing::kUnknown;
using testing::Sip;
using Names = std::vector<std::string>;

Names inbound(Sip& sip, const std::string& json = "{}") {
    return sip.list<ListSIPInboundTrunkResponse, ListSIPInboundTrunkRequest>(json);
}
Names outbound(Sip& sip, const std::string& json = "{}") {
    return sip.list<ListSIPOutboundTrunkResponse, ListSIPOutboundTrunkRequest>(json);
}
Names rules(Sip& sip, const std::string& json = "{}") {
    return sip.list<ListSIPDispatchRuleResponse, ListSIPDispatchRuleRequest>(json);
}
Names all_trunks(Sip& sip, const std::string& json = "{}") {
    return sip.list<ListSIPTrunkResponse, ListSIPTrunkRequest>(json);
}
void store(Sip& sip, const char* key, const std::string& id, const std::string& bytes) {
    sip.world.run({"HSET", key, id, bytes});
}
void store_trunk(Sip& sip, const std::string& id, const std::string& json) {
    SIPInboundTrunkInfo info = testing::trunk(json);
    info.set_sip_trunk_id(id);
    store(sip, "sip_inbound_trunk", id, info.SerializeAsString());
}

}  // namespace

TEST_CASE("SipStoreService: trunks and rules are kept under ids of their own [API-30] [RDS-16]") {
    Sip sip;
    const auto made = sip.create_trunk(R"({"name":"t","numbers":["+1"]})");
    CHECK(made.value().sip_trunk_id().starts_with("ST_"));
    CHECK(made.value().sip_trunk_id().size() == 15);
    CHECK_FALSE(made.value().has_media());
    CHECK(sip.world.field("sip_inbound_trunk", made.value().sip_trunk_id()) ==
          made.value().SerializeAsString());
    const auto out = sip.create_outbound(R"({"address":"h","numbers":["+1"]})");
    CHECK(sip.world.field("sip_outbound_trunk", out.value().sip_trunk_id()) ==
          out.value().SerializeAsString());
    const auto rule = sip.create_rule(R"({"rule":{"dispatchRuleDirect":{"roomName":"r"}}})");
    CHECK(rule.value().sip_dispatch_rule_id().starts_with("SDR_"));
    CHECK(rule.value().has_media());
    CHECK(sip.world.field("sip_dispatch_rule", rule.value().sip_dispatch_rule_id()) ==
          rule.value().SerializeAsString());
}

TEST_CASE("SipStoreService: the rule of an old SDK is the request itself [SIP-02]") {
    Sip sip;
    const auto made = sip.create<SIPDispatchRuleInfo, CreateSIPDispatchRuleRequest>(
        R"({"rule":{"dispatchRuleIndividual":{"roomPrefix":"c"}},"trunkIds":["a"],"name":"n",
            "hidePhoneNumber":true,"metadata":"m","inboundNumbers":["1"],"attributes":{"a":"b"},
            "roomPreset":"p","roomConfig":{"name":"x"}})");
    const SIPDispatchRuleInfo& info = made.value();
    CHECK(info.rule().dispatch_rule_individual().room_prefix() == "c");
    CHECK(info.trunk_ids(0) == "a");
    CHECK(info.inbound_numbers(0) == "1");
    CHECK(info.hide_phone_number());
    CHECK(info.name() == "n");
    CHECK(info.metadata() == "m");
    CHECK(info.attributes().at("a") == "b");
    CHECK(info.room_preset() == "p");
    CHECK(info.room_config().name() == "x");
    CHECK_FALSE(info.has_media());
}

TEST_CASE("SipStoreService: what cannot be is refused in plain text, and not kept [API-W5]") {
    Sip sip;
    CHECK(sip.create_trunk("{}").text().starts_with("!invalid_argument: for security, "));
    CHECK(sip.create_trunk(R"({"sipTrunkId":"ST_x","numbers":["1"]})").text() ==
          "!invalid_argument: trunk id must not be set");
    CHECK(sip.create<SIPInboundTrunkInfo, CreateSIPInboundTrunkRequest>("{}").text() ==
          "!invalid_argument: missing trunk");
    CHECK(sip.create<SIPOutboundTrunkInfo, CreateSIPOutboundTrunkRequest>("{}").text() ==
          "!invalid_argument: missing trunk");
    CHECK(sip.create_outbound(R"({"numbers":["1"]})").text() ==
          "!invalid_argument: no outbound address specified");
    CHECK(sip.create_rule("{}").text() == "!invalid_argument: missing rule");
    CHECK(sip.create_rule(R"({"sipDispatchRuleId":"SDR_x","rule":{"dispatchRuleDirect":{}}})")
              .text() == "!invalid_argument: rule id must not be set");
    CHECK(sip.create_trunk(R"({"numbers":["1"],"metadata":")" + std::string(1 << 20, 'm') + "\"}")
              .text() == "invalid_argument: a trunk or rule of more than 1 MiB is not stored");
    CHECK(sip.world.cluster.server.store().hash("sip_inbound_trunk") == nullptr);
    CHECK(sip.world.cluster.server.store().hash("sip_outbound_trunk") == nullptr);
    CHECK(sip.world.cluster.server.store().hash("sip_dispatch_rule") == nullptr);
}

TEST_CASE("SipStoreService: what conflicts with another is refused [SIP-01] [SIP-26]") {
    Sip sip;
    CHECK(sip.create_trunk(R"({"numbers":["+1"]})").text() == "ok");
    CHECK(
        sip.create_trunk(R"({"numbers":["1"]})")
            .text()
            .starts_with(R"(!invalid_argument: Conflicting inbound SIP Trunks: "<new>" and "ST_)"));
    const auto other = sip.create_trunk(R"({"numbers":["+2"]})");
    const std::string id = other.value().sip_trunk_id();
    CHECK(sip.update<SIPInboundTrunkInfo, UpdateSIPInboundTrunkRequest>(
                 R"({"sipTrunkId":")" + id + R"(","update":{"numbers":{"add":["1"]}}})")
              .text()
              .starts_with("!invalid_argument: Conflicting"));
    CHECK(sip.update<SIPInboundTrunkInfo, UpdateSIPInboundTrunkRequest>(
                 R"({"sipTrunkId":")" + id + R"(","update":{"numbers":{"add":["3"]}}})")
              .text() == "ok");
    CHECK(sip.create_rule(R"({"rule":{"dispatchRuleDirect":{"roomName":"a"}}})").text() == "ok");
    CHECK(sip.create_rule(R"({"rule":{"dispatchRuleDirect":{"roomName":"b"}}})")
              .text()
              .starts_with("!invalid_argument: Dispatch rule for the same"));
    CHECK(sip.create_rule(R"({"trunkIds":["T"],"numbers":["15551","+1 5551"],
                              "rule":{"dispatchRuleDirect":{"roomName":"b"}}})")
              .text()
              .ends_with(R"(exists in dispatch rule "<new>" "<blank name>")"));
    const auto twice = sip.create_rule(
        R"({"trunkIds":["T"],"numbers":["1"],"rule":{"dispatchRuleDirect":{"roomName":"b"}}})");
    CHECK(sip.update<SIPDispatchRuleInfo, UpdateSIPDispatchRuleRequest>(
                 R"({"sipDispatchRuleId":")" + twice.value().sip_dispatch_rule_id() +
                 R"(","update":{"trunkIds":{"set":["T","U","T"]}}})")
              .text()
              .starts_with("!invalid_argument: Dispatch rule for the same"));
    // Whom one calls from is nobody else's concern.
    for (int i = 0; i < 2; ++i)
        CHECK(sip.create_outbound(R"({"address":"h","numbers":["+1"]})").text() == "ok");
    // Trunks of a time before there were two kinds count.
    SIPTrunkInfo old;
    old.set_sip_trunk_id("ST_old");
    old.set_outbound_number("+9");
    store(sip, "sip_trunk", "ST_old", old.SerializeAsString());
    CHECK(sip.create_trunk(R"({"numbers":["+9"]})").text().find("ST_old") != std::string::npos);
}

TEST_CASE("SipStoreService: an update keeps what it does not know [SIP-03] [RDS-16] [RDS-17]") {
    Sip sip;
    SIPInboundTrunkInfo trunk = testing::trunk(R"({"sipTrunkId":"ST_1","numbers":["+1"]})");
    store(sip, "sip_inbound_trunk", "ST_1", trunk.SerializeAsString().append(kUnknown));
    const auto named = sip.update<SIPInboundTrunkInfo, UpdateSIPInboundTrunkRequest>(
        R"({"sipTrunkId":"ST_1","update":{"name":"z"}})");
    CHECK(named.value().name() == "z");
    CHECK(sip.world.field("sip_inbound_trunk", "ST_1").find(kUnknown) != std::string::npos);
    const auto cleared = sip.update<SIPInboundTrunkInfo, UpdateSIPInboundTrunkRequest>(
        R"({"sipTrunkId":"ST_1","update":{"numbers":{"clear":true}}})");
    CHECK(cleared.text().starts_with("invalid_argument: for security, "));
    CHECK(sip.update<SIPOutboundTrunkInfo, UpdateSIPOutboundTrunkRequest>(
                 R"({"sipTrunkId":"ST_1","update":{"name":"z"}})")
              .text() == "!not_found: requested sip trunk does not exist");
    CHECK(sip.update<SIPDispatchRuleInfo, UpdateSIPDispatchRuleRequest>(
                 R"({"sipDispatchRuleId":"SDR_x","update":{"name":"z"}})")
              .text() == "!not_found: requested sip dispatch rule does not exist");
    CHECK(sip.update<SIPDispatchRuleInfo, UpdateSIPDispatchRuleRequest>("{}").text() ==
          "!invalid_argument: rule id must be set");
    const auto rule = sip.create_rule(R"({"rule":{"dispatchRuleDirect":{"roomName":"a"}}})");
    const auto moved = sip.update<SIPDispatchRuleInfo, UpdateSIPDispatchRuleRequest>(
        R"({"sipDispatchRuleId":")" + rule.value().sip_dispatch_rule_id() +
        R"(","update":{"rule":{"dispatchRuleDirect":{"roomName":"b"}}}})");
    CHECK(moved.value().rule().dispatch_rule_direct().room_name() == "b");
    const auto out = sip.create_outbound(R"({"address":"h","numbers":["+1"]})");
    const auto changed = sip.update<SIPOutboundTrunkInfo, UpdateSIPOutboundTrunkRequest>(
        R"({"sipTrunkId":")" + out.value().sip_trunk_id() + R"(","update":{"address":"i"}})");
    CHECK(changed.value().address() == "i");
}

TEST_CASE("SipStoreService: one by its id [SIP-04]") {
    Sip sip;
    const auto get = [&sip]<typename Response, typename Request>(const std::string& id) {
        Request request;
        request.set_sip_trunk_id(id);
        Ended<Response> ended;
        sip.service.get(sip.caller(), request, ended.done());
        sip.world.pass(Duration::millis(100));
        return ended;
    };
    const auto in = [&get](const std::string& id) {
        return get.operator()<GetSIPInboundTrunkResponse, GetSIPInboundTrunkRequest>(id);
    };
    const auto out = [&get](const std::string& id) {
        return get.operator()<GetSIPOutboundTrunkResponse, GetSIPOutboundTrunkRequest>(id);
    };
    store_trunk(sip, "ST_1", R"({"numbers":["+1"]})");
    CHECK(in("ST_1").value().trunk().numbers(0) == "+1");
    CHECK(in("").text() == "!invalid_argument: trunk ID is required");
    CHECK(in("ST_2").text() == "!not_found: requested sip trunk does not exist");
    CHECK(out("ST_1").text() == "!not_found: requested sip trunk does not exist");
    CHECK(out("").text() == "!invalid_argument: trunk ID is required");
    const std::string id =
        sip.create_outbound(R"({"address":"h","numbers":["+1"]})").value().sip_trunk_id();
    CHECK(out(id).value().trunk().address() == "h");
}

TEST_CASE("SipStoreService: lists by id, of a page all behind it [SIP-05] [RDS-24]") {
    Sip sip;
    store_trunk(sip, "ST_b", R"({"numbers":["+1 2"]})");
    store_trunk(sip, "ST_a", R"({"numbers":["+3"]})");
    store_trunk(sip, "ST_c", R"({"authUsername":"u"})");
    CHECK(inbound(sip) == Names{"ST_a", "ST_b", "ST_c"});
    CHECK(inbound(sip, R"({"page":{"afterId":"ST_a","limit":1}})") == Names{"ST_b", "ST_c"});
    CHECK(inbound(sip, R"({"page":{"limit":1}})").size() == 3);
    CHECK(inbound(sip, R"({"trunkIds":["ST_c","ST_x","ST_a"]})") == Names{"ST_a", "ST_c"});
    CHECK(inbound(sip, R"({"numbers":["12"]})") == Names{"ST_b", "ST_c"});
    for (const char* id : {"ST_2", "ST_1"}) {
        SIPOutboundTrunkInfo info = from_json<SIPOutboundTrunkInfo>(R"({"numbers":["+1 2"]})");
        info.set_sip_trunk_id(id);
        store(sip, "sip_outbound_trunk", id, info.SerializeAsString());
    }
    CHECK(outbound(sip) == Names{"ST_1", "ST_2"});
    CHECK(outbound(sip, R"({"numbers":["+12"]})").empty());
    CHECK(outbound(sip, R"({"numbers":["+1 2"],"trunkIds":["ST_2"]})") == Names{"ST_2"});
    for (const char* id : {"SDR_2", "SDR_1"}) {
        SIPDispatchRuleInfo info = testing::rule(R"({"rule":{"dispatchRuleDirect":{}}})");
        info.set_sip_dispatch_rule_id(id);
        if (id[4] == '1') info.add_trunk_ids("ST_a");
        store(sip, "sip_dispatch_rule", id, info.SerializeAsString());
    }
    CHECK(rules(sip) == Names{"SDR_1", "SDR_2"});
    CHECK(rules(sip, R"({"trunkIds":["ST_b"]})") == Names{"SDR_2"});
    CHECK(rules(sip, R"({"trunkIds":["ST_a"]})") == Names{"SDR_1", "SDR_2"});
    CHECK(rules(sip, R"({"dispatchRuleIds":["SDR_2"]})") == Names{"SDR_2"});
    CHECK(rules(sip, R"({"page":{"afterId":"SDR_1"}})") == Names{"SDR_2"});
    CHECK(all_trunks(sip) == Names{"ST_1", "ST_2", "ST_a", "ST_b", "ST_c"});
    CHECK(all_trunks(sip, R"({"page":{"afterId":"ST_2"}})").size() == 3);
}

TEST_CASE("SipStoreService: trunks of before are of both kinds, or of theirs [SIP-10] [RDS-15]") {
    Sip sip;
    const char* kinds[] = {"TRUNK_LEGACY", "TRUNK_INBOUND", "TRUNK_OUTBOUND"};
    for (const char* kind : kinds)
        store(sip, "sip_trunk", kind,
              from_json<SIPTrunkInfo>(
                  R"({"sipTrunkId":")" + std::string(kind) + R"(","kind":")" + kind +
                  R"(","outboundNumber":"+1","outboundAddress":"h","inboundAddresses":["1.1.1.1"],
                      "inboundNumbers":["+7"],"inboundUsername":"iu","inboundPassword":"ip",
                      "outboundUsername":"ou","outboundPassword":"op","name":"n","metadata":"m",
                      "transport":"SIP_TRANSPORT_TLS"})")
                  .SerializeAsString());
    CHECK(inbound(sip) == Names{"TRUNK_INBOUND", "TRUNK_LEGACY"});
    CHECK(outbound(sip) == Names{"TRUNK_LEGACY", "TRUNK_OUTBOUND"});
    CHECK(all_trunks(sip).size() == 3);
    Ended<GetSIPInboundTrunkResponse> in;
    sip.service.get(sip.caller(),
                    from_json<GetSIPInboundTrunkRequest>(R"({"sipTrunkId":"TRUNK_LEGACY"})"),
                    in.done());
    Ended<GetSIPOutboundTrunkResponse> out;
    sip.service.get(sip.caller(),
                    from_json<GetSIPOutboundTrunkRequest>(R"({"sipTrunkId":"TRUNK_LEGACY"})"),
                    out.done());
    Ended<GetSIPOutboundTrunkResponse> none;
    sip.service.get(sip.caller(),
                    from_json<GetSIPOutboundTrunkRequest>(R"({"sipTrunkId":"TRUNK_INBOUND"})"),
                    none.done());
    sip.world.pass(Duration::millis(100));
    CHECK(proto::to_camel_json(in.value().trunk()) ==
          R"({"sipTrunkId":"TRUNK_LEGACY","name":"n","metadata":"m","numbers":["+1"],)"
          R"("allowedAddresses":["1.1.1.1"],"allowedNumbers":["+7"],"authUsername":"iu",)"
          R"("authPassword":"ip"})");
    CHECK(proto::to_camel_json(out.value().trunk()) ==
          R"({"sipTrunkId":"TRUNK_LEGACY","name":"n","metadata":"m","address":"h",)"
          R"("transport":"SIP_TRANSPORT_TLS","numbers":["+1"],"authUsername":"ou",)"
          R"("authPassword":"op"})");
    CHECK(none.text() == "!not_found: requested sip trunk does not exist");
}

TEST_CASE("SipStoreService: what is deleted is gone, of whatever kind [SIP-06] [SIP-07]") {
    Sip sip;
    const auto remove_trunk = [&sip](const std::string& id) {
        DeleteSIPTrunkRequest request;
        request.set_sip_trunk_id(id);
        Ended<SIPTrunkInfo> ended;
        sip.service.remove(sip.caller(), request, ended.done());
        sip.world.pass(Duration::millis(100));
        return ended;
    };
    store_trunk(sip, "ST_1", R"({"numbers":["+1"],"name":"n"})");
    CHECK(remove_trunk("ST_1").value().sip_trunk_id() == "ST_1");
    CHECK(remove_trunk("ST_1").value().name().empty());
    CHECK(inbound(sip).empty());
    CHECK(remove_trunk("").text() == "!invalid_argument: trunk ID is required");
    const auto remove_rule = [&sip](const std::string& id) {
        DeleteSIPDispatchRuleRequest request;
        request.set_sip_dispatch_rule_id(id);
        Ended<SIPDispatchRuleInfo> ended;
        sip.service.remove(sip.caller(), request, ended.done());
        sip.world.pass(Duration::millis(100));
        return ended;
    };
    const std::string id = sip.create_rule(R"({"rule":{"dispatchRuleDirect":{}},"name":"n"})")
                               .value()
                               .sip_dispatch_rule_id();
    CHECK(remove_rule(id).value().name() == "n");
    CHECK(sip.world.field("sip_dispatch_rule", id) == "-");
    CHECK(remove_rule(id).text() == "!not_found: requested sip dispatch rule does not exist");
    CHECK(remove_rule("").text() == "!invalid_argument: dispatch rule ID is required");
}

TEST_CASE("SipStoreService: without Redis nothing is known, and that is said [API-30]") {
    Sip sip;
    sip.world.port.is_away = true;
    const auto gone = [](const std::string& text) { return text.starts_with("unavailable: "); };
    CHECK(gone(sip.create_trunk(R"({"numbers":["+1"]})").text()));
    CHECK(gone(sip.create_outbound(R"({"address":"h","numbers":["+1"]})").text()));
    CHECK(gone(sip.update<SIPInboundTrunkInfo, UpdateSIPInboundTrunkRequest>(
                      R"({"sipTrunkId":"ST_1","update":{"name":"z"}})")
                   .text()));
    Ended<ListSIPTrunkResponse> listed;
    sip.service.list(sip.caller(), ListSIPTrunkRequest(), listed.done());
    CHECK(gone(listed.text()));
    Ended<SIPTrunkInfo> removed;
    sip.service.remove(sip.caller(), from_json<DeleteSIPTrunkRequest>(R"({"sipTrunkId":"x"})"),
                       removed.done());
    CHECK(gone(removed.text()));
}

}  // namespace confab::cluster::services::sip
