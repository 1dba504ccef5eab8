// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/services/sip/rules/changes.h"

#include <doctest/doctest.h>

#include <string>

#include "cluster/services/sip/sip_testing.h"

namespace confab::cluster::services::sip {
namespace {

using livekit::UpdateSIPDispatchRuleRequest;
using livekit::UpdateSIPInboundTrunkRequest;
using livekit::UpdateSIPOutboundTrunkRequest;
using testing::from_json;
using testing::SIPDispatchRuleInfo;
using testing::SIPInboundTrunkInfo;
using testing::SIPOutboundTrunkInfo;

std::string fault(const std::string& action) {
    return request_fault(
               from_json<UpdateSIPInboundTrunkRequest>(R"({"sipTrunkId":"ST_1",)" + action + "}"))
        .value_or("");
}
std::string list_fault(const std::string& update) {
    return fault(R"("update":{"numbers":)" + update + "}");
}
std::string numbers_after(const std::string& update) {
    auto info = testing::trunk(R"({"numbers":["a","b","a"]})");
    apply(from_json<UpdateSIPInboundTrunkRequest>(R"({"update":{"numbers":)" + update + "}}"),
          info);
    std::string all;
    for (const std::string& number : info.numbers())
        all += number;
    return all;
}

}  // namespace

TEST_CASE("Changes: a request says of what, and what [SIP-03]") {
    CHECK(request_fault(from_json<UpdateSIPInboundTrunkRequest>("{}")).value() ==
          "trunk id must be set");
    CHECK(request_fault(from_json<UpdateSIPDispatchRuleRequest>("{}")).value() ==
          "rule id must be set");
    CHECK(request_fault(from_json<UpdateSIPOutboundTrunkRequest>(R"({"sipTrunkId":"x"})")) ==
          "missing or unsupported update action");
    CHECK(fault(R"("replace":{"sipTrunkId":"ST_2","numbers":["+1"]})") ==
          "trunk id in the info must be empty or match the id in the update");
    CHECK(fault(R"("replace":{"sipTrunkId":"ST_1","numbers":["+1"]})").empty());
    CHECK(fault(R"("replace":{"numbers":["+1"]})").empty());
    CHECK(fault(R"("replace":{})").starts_with("for security, "));
    CHECK(request_fault(from_json<UpdateSIPOutboundTrunkRequest>(
              R"({"sipTrunkId":"x","replace":{"address":"h"}})")) == "no trunk numbers specified");
    CHECK(request_fault(from_json<UpdateSIPDispatchRuleRequest>(
              R"({"sipDispatchRuleId":"x","replace":{}})")) == "missing rule");
    CHECK(request_fault(from_json<UpdateSIPDispatchRuleRequest>(
              R"({"sipDispatchRuleId":"x","replace":{"sipDispatchRuleId":"y"}})")) ==
          "rule id in the info must be empty or match the id in the update");
}

TEST_CASE("Changes: a list is set, changed or cleared [SIP-03]") {
    CHECK(list_fault("{}") == "unsupported list update operation");
    CHECK(list_fault(R"({"set":["a"],"add":["b"]})") ==
          "cannot set and change the list at the same time");
    CHECK(list_fault(R"({"set":["a"],"clear":true})") ==
          "cannot clear and change the list at the same time");
    for (const char* empty : {R"({"set":[""]})", R"({"add":[""]})", R"({"remove":["a",""]})"})
        CHECK(list_fault(empty) == "empty element in the list");
    CHECK(fault(R"("update":{"allowedNumbers":{}})") == "unsupported list update operation");
    CHECK(fault(R"("update":{"allowedAddresses":{}})") == "unsupported list update operation");
    CHECK(fault(R"("update":{"media":{"mediaTimeout":"700s"}})") ==
          "media_timeout must not exceed 10m0s");
    CHECK(request_fault(
        from_json<UpdateSIPOutboundTrunkRequest>(R"({"sipTrunkId":"x","update":{"numbers":{}}})")));
    CHECK(request_fault(from_json<UpdateSIPDispatchRuleRequest>(
        R"({"sipDispatchRuleId":"x","update":{"trunkIds":{}}})")));
    CHECK(numbers_after(R"({"set":["c","c"]})") == "cc");
    CHECK(numbers_after(R"({"add":["b","c"]})") == "abac");
    CHECK(numbers_after(R"({"remove":["a","x"],"add":["c"]})") == "bac");
    CHECK(numbers_after(R"({"clear":true})").empty());
}

TEST_CASE("Changes: what an update does not name stays, also what is not known of it [SIP-03]") {
    SIPInboundTrunkInfo info = testing::trunk(
        R"({"sipTrunkId":"ST_1","name":"n","metadata":"m","numbers":["+1"],"authUsername":"u",
            "authPassword":"p","authRealm":"r","headers":{"X":"y"}})");
    REQUIRE(info.ParseFromString(info.SerializeAsString().append(testing::kUnknown)));
    SIPInboundTrunkInfo as_it_was = info;
    apply(from_json<UpdateSIPInboundTrunkRequest>(
              R"({"sipTrunkId":"ST_1","update":{"name":"z","authPassword":"","authRealm":"s",
                  "allowedAddresses":{"set":["h"]},"allowedNumbers":{"add":["+2"]}}})"),
          info);
    as_it_was.set_name("z");
    as_it_was.clear_auth_password();
    as_it_was.set_auth_realm("s");
    as_it_was.add_allowed_addresses("h");
    as_it_was.add_allowed_numbers("+2");
    as_it_was.mutable_media();
    CHECK(info.SerializeAsString() == as_it_was.SerializeAsString());

    SIPOutboundTrunkInfo out =
        from_json<SIPOutboundTrunkInfo>(R"({"sipTrunkId":"x","address":"h","numbers":["+1"]})");
    apply(from_json<UpdateSIPOutboundTrunkRequest>(
              R"({"sipTrunkId":"x","update":{"address":"i","transport":"SIP_TRANSPORT_TCP",
                  "destinationCountry":"DE","fromHost":"f","metadata":"m","authUsername":"u"}})"),
          out);
    CHECK(out.address() == "i");
    CHECK(out.transport() == livekit::SIP_TRANSPORT_TCP);
    CHECK(out.destination_country() == "DE");
    CHECK(out.from_host() == "f");
    CHECK(out.metadata() == "m");
    CHECK(out.auth_username() == "u");
    CHECK(out.numbers_size() == 1);
}

TEST_CASE("Changes: attributes of a rule one by one, its rule as a whole [SIP-03]") {
    SIPDispatchRuleInfo info = testing::rule(
        R"({"sipDispatchRuleId":"d","rule":{"dispatchRuleDirect":{"roomName":"r","pin":"1"}},
            "attributes":{"a":"1","b":"2"},"trunkIds":["x"]})");
    apply(from_json<UpdateSIPDispatchRuleRequest>(
              R"({"sipDispatchRuleId":"d","update":{"attributes":{"a":"","c":"3"},
                  "rule":{"dispatchRuleCallee":{"roomPrefix":"p"}},"trunkIds":{"add":["y"]}}})"),
          info);
    CHECK(info.attributes_size() == 2);
    CHECK(info.attributes().at("c") == "3");
    CHECK(info.rule().dispatch_rule_callee().room_prefix() == "p");
    CHECK(info.trunk_ids_size() == 2);
    apply(from_json<UpdateSIPDispatchRuleRequest>(
              R"({"sipDispatchRuleId":"d","replace":{"rule":{"dispatchRuleDirect":{}}}})"),
          info);
    CHECK(info.sip_dispatch_rule_id() == "d");
    CHECK(info.attributes().empty());
    CHECK_FALSE(info.has_media());
}

TEST_CASE("Changes: both fields of the encryption say the same [SIP-03]") {
    SIPInboundTrunkInfo info = testing::trunk(
        R"({"sipTrunkId":"x","numbers":["1"],"mediaEncryption":"SIP_MEDIA_ENCRYPT_ALLOW"})");
    apply(from_json<UpdateSIPInboundTrunkRequest>(R"({"sipTrunkId":"x","update":{"name":"n"}})"),
          info);
    CHECK(info.media().encryption() == livekit::SIP_MEDIA_ENCRYPT_ALLOW);
    apply(
        from_json<UpdateSIPInboundTrunkRequest>(
            R"({"sipTrunkId":"x","update":{"media":{"encryption":"SIP_MEDIA_ENCRYPT_REQUIRE"}}})"),
        info);
    CHECK(info.media_encryption() == livekit::SIP_MEDIA_ENCRYPT_REQUIRE);
}

}  // namespace confab::cluster::services::sip
