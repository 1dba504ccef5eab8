// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/services/sip/sip_io.h"

#include <doctest/doctest.h>

#include <string>

#include "cluster/services/sip/sip_testing.h"

namespace confab::cluster::services::sip {
namespace {

using testing::from_json;
using testing::Sip;
using Authentication = ::rpc::GetSIPTrunkAuthenticationResponse;
using rpc::testing::text_of;

const char* const kCall =
    R"("call":{"lkCallId":"SCL_1","sourceIp":"10.0.0.9","from":{"user":"+7","host":"h"},)"
    R"("to":{"user":"+1"}},"callingNumber":"+7","calledNumber":"+1")";

rpc::Outcome authenticate(Sip& sip, std::string_view of = kSipIoServices[0]) {
    return sip.ask(
        kGetTrunkAuthentication,
        from_json<::rpc::GetSIPTrunkAuthenticationRequest>(
            R"({"call":{"sourceIp":"10.0.0.9","from":{"user":"+7"},"to":{"user":"+1"}}})")
            .SerializeAsString(),
        of);
}
std::string evaluated(Sip& sip, const std::string& more = "") {
    const auto said =
        sip.evaluate("{" + std::string(kCall) + (more.empty() ? "" : "," + more) + "}");
    return ::rpc::SIPDispatchResult_Name(said.result()) + " " + said.room_name() + " " +
           said.sip_trunk_id();
}

}  // namespace

TEST_CASE("SipIo: the service asks for the password of a trunk, by both names [SIP-36] [RPC-14]") {
    for (const std::string_view name : kSipIoServices) {
        Sip sip;
        const auto trunk = sip.create_trunk(
            R"({"name":"n","numbers":["+1"],"authUsername":"u","authPassword":"p","authRealm":"r"})");
        const auto answer = authenticate(sip, name);
        REQUIRE_MESSAGE(answer.has_value(), text_of(answer));
        Authentication said;
        REQUIRE(said.ParseFromString(*answer));
        CHECK(said.username() == "u");
        CHECK(said.password() == "p");
        CHECK(said.realm() == "r");
        CHECK(said.sip_trunk_id() == trunk.value().sip_trunk_id());
        CHECK(said.provider_info().id() == trunk.value().sip_trunk_id());
        CHECK(said.provider_info().name() == "n");
        CHECK(said.provider_info().type() == livekit::PROVIDER_TYPE_EXTERNAL);
        CHECK_FALSE(said.drop());
        CHECK(said.error_code() == ::rpc::SIP_TRUNK_AUTH_ERROR_NONE);
    }
}

TEST_CASE("SipIo: a call that no trunk is for needs none [SIP-23]") {
    Sip sip;
    CHECK(authenticate(sip).value().empty());
    CHECK(sip.create_trunk(R"({"numbers":["+2"]})").text() == "ok");
    CHECK(authenticate(sip).value().empty());
    CHECK(evaluated(sip) == "DROP  ");
    CHECK(sip.create_rule(R"({"rule":{"dispatchRuleDirect":{"roomName":"r"}}})").text() == "ok");
    CHECK(evaluated(sip) == "ACCEPT r ");
}

TEST_CASE("SipIo: where a call goes, by its trunk and the rules [SIP-27] [SIP-37] [RPC-13]") {
    Sip sip;
    const std::string trunk = sip.create_trunk(R"({"numbers":["+1"]})").value().sip_trunk_id();
    CHECK(evaluated(sip) == "DROP  " + trunk);
    CHECK(sip.create_rule(R"({"rule":{"dispatchRuleDirect":{"roomName":"r","pin":"5"}},
                              "trunkIds":[")" +
                          trunk + "\"]}")
              .text() == "ok");
    CHECK(evaluated(sip) == "REQUEST_PIN  " + trunk);
    CHECK(evaluated(sip, R"("pin":"6")") == "DROP  " + trunk);
    CHECK(evaluated(sip, R"("pin":"5")") == "ACCEPT r " + trunk);
    CHECK(evaluated(sip, R"("noPin":true)") == "DROP  " + trunk);
}

TEST_CASE("SipIo: the trunk that asked for the password stays, if it still fits [SIP-21]") {
    Sip sip;
    const auto put = [&sip](const char* id, const std::string& json) {
        auto info = testing::trunk(json);
        info.set_sip_trunk_id(id);
        sip.world.run({"HSET", "sip_inbound_trunk", id, info.SerializeAsString()});
    };
    put("ST_a", R"({"numbers":["+1"]})");
    put("ST_b", R"({"authUsername":"u"})");
    CHECK(evaluated(sip) == "DROP  ST_a");
    CHECK(evaluated(sip, R"("sipTrunkId":"ST_b")") == "DROP  ST_b");
    put("ST_b", R"({"authUsername":"u","allowedNumbers":["+8"]})");
    CHECK(evaluated(sip, R"("sipTrunkId":"ST_b")") == "DROP  ST_a");
    CHECK(evaluated(sip, R"("sipTrunkId":"ST_x")") == "DROP  ST_a");
    // Of two that both fit, the one that was chosen before.
    put("ST_b", R"({"numbers":["+1"]})");
    CHECK(evaluated(sip, R"("sipTrunkId":"ST_b")") == "DROP  ST_b");
    CHECK(text_of(authenticate(sip)) ==
          "failed_precondition: Multiple SIP Trunks matched for \"+1\"");
}

TEST_CASE("SipIo: what cannot be told is an error, at once [SIP-22] [SIP-26]") {
    Sip sip;
    const std::string request =
        from_json<::rpc::EvaluateSIPDispatchRulesRequest>("{" + std::string(kCall) + "}")
            .SerializeAsString();
    for (const char* id : {"SDR_1", "SDR_2"})
        sip.world.run({"HSET", "sip_dispatch_rule", id,
                       testing::rule(R"({"rule":{"dispatchRuleDirect":{}}})").SerializeAsString()});
    CHECK(text_of(sip.ask(kEvaluateRules, request)).starts_with("invalid_argument: Dispatch rule"));
    CHECK(text_of(sip.ask(kEvaluateRules, from_json<::rpc::EvaluateSIPDispatchRulesRequest>(
                                              R"({"call":{"sourceIp":"x"}})")
                                              .SerializeAsString()))
              .starts_with("invalid_argument: the source of the call is no IP address"));
    for (const std::string_view name :
         {kGetTrunkAuthentication, kEvaluateRules, kUpdateCallState, kRecordCallContext})
        CHECK(text_of(sip.ask(name, "\xff")) == "malformed_request: request cannot be read");
    sip.world.port.is_away = true;
    CHECK(text_of(authenticate(sip)).starts_with("unavailable: "));
    CHECK(text_of(sip.ask(kEvaluateRules, request)).starts_with("unavailable: "));
}

TEST_CASE("SipIo: what becomes of a call is heard, without a store [SIP-104]") {
    Sip sip;
    sip.world.port.is_away = true;
    ::rpc::UpdateSIPCallStateRequest state;
    state.mutable_call_info()->set_call_id("SCL_1");
    for (const std::string_view name : kSipIoServices) {
        CHECK(sip.ask(kUpdateCallState, state.SerializeAsString(), name).value().empty());
        CHECK(sip.ask(kRecordCallContext, state.SerializeAsString(), name).value().empty());
    }
    CHECK(sip.world.told.empty());
}

}  // namespace confab::cluster::services::sip
