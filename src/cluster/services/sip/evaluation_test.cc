// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/services/sip/evaluation.h"

#include <doctest/doctest.h>

#include <string>

#include "cluster/services/sip/sip_testing.h"

namespace confab::cluster::services::sip {
namespace {

using testing::from_json;
using Evaluate = ::rpc::EvaluateSIPDispatchRulesRequest;
using Response = ::rpc::EvaluateSIPDispatchRulesResponse;

Evaluate request(const std::string& more = "") {
    return from_json<Evaluate>(
        R"({"call":{"lkCallId":"SCL_1","from":{"user":"+15550001","host":"10.0.0.1"},)"
        R"("to":{"user":"+17770002"}},"sipTrunkId":"ST_asked")" +
        (more.empty() ? "" : "," + more) + "}");
}
Response answer(const std::string& rule, const char* trunk = nullptr,
                const std::string& more = "") {
    Rng rng(3);
    const auto info = trunk == nullptr ? testing::SIPInboundTrunkInfo() : testing::trunk(trunk);
    return evaluate(request(more), trunk == nullptr ? nullptr : &info, testing::rule(rule), rng);
}
std::string room(const std::string& rule) {
    return answer(R"({"rule":)" + rule + "}").room_name();
}

}  // namespace

TEST_CASE("Evaluation: a caller comes into a room as a participant [SIP-29] [SIP-37]") {
    const Response said = answer(
        R"({"sipDispatchRuleId":"SDR_1","rule":{"dispatchRuleDirect":{"roomName":"r"}},
            "metadata":"m","attributes":{"a":"1","b":"1","sip.callID":"x"},"roomPreset":"p",
            "roomConfig":{"name":"c"}})",
        nullptr, R"("extraAttributes":{"b":"2"})");
    CHECK(said.result() == ::rpc::ACCEPT);
    CHECK_FALSE(said.request_pin());
    CHECK(said.room_name() == "r");
    CHECK(said.participant_identity() == "sip_+15550001");
    CHECK(said.participant_name() == "Phone +15550001");
    CHECK(said.participant_metadata() == "m");
    CHECK(said.sip_dispatch_rule_id() == "SDR_1");
    CHECK(said.sip_trunk_id().empty());
    CHECK(said.room_preset() == "p");
    CHECK(said.room_config().name() == "c");
    CHECK(said.token().empty());
    CHECK(said.ws_url().empty());
    const std::map<std::string, std::string> attributes(said.participant_attributes().begin(),
                                                        said.participant_attributes().end());
    CHECK(attributes == std::map<std::string, std::string>{{"a", "1"},
                                                           {"b", "2"},
                                                           {"sip.callID", "SCL_1"},
                                                           {"sip.trunkID", "ST_asked"},
                                                           {"sip.ruleID", "SDR_1"},
                                                           {"sip.phoneNumber", "+15550001"},
                                                           {"sip.hostname", "10.0.0.1"},
                                                           {"sip.trunkPhoneNumber", "+17770002"}});
    CHECK_FALSE(said.has_ringing_timeout());
    CHECK(said.enabled_features().empty());
}

TEST_CASE("Evaluation: rooms by caller or number, for each call if one likes [SIP-28]") {
    CHECK(room(R"({"dispatchRuleIndividual":{"roomPrefix":"c","noRandomness":true}})") ==
          "c_+15550001");
    CHECK(room(R"({"dispatchRuleIndividual":{"noRandomness":true}})") == "+15550001");
    const std::string drawn = room(R"({"dispatchRuleIndividual":{"roomPrefix":"c"}})");
    CHECK(drawn.starts_with("c_+15550001_"));
    CHECK(drawn.size() == std::string("c_+15550001_").size() + 12);
    CHECK(room(R"({"dispatchRuleCallee":{"roomPrefix":"c"}})") == "c_+17770002");
    CHECK(room(R"({"dispatchRuleCallee":{}})") == "+17770002");
    const std::string random = room(R"({"dispatchRuleCallee":{"randomize":true}})");
    CHECK(random.starts_with("+17770002_"));
    CHECK(random.size() == std::string("+17770002_").size() + 12);
}

TEST_CASE("Evaluation: a hidden number is in nothing that the room sees [SIP-29]") {
    const std::string rule =
        R"({"rule":{"dispatchRuleIndividual":{"roomPrefix":"c","noRandomness":true}},)"
        R"("hidePhoneNumber":true})";
    const Response said = answer(rule);
    CHECK(said.participant_identity() == "sip_ada37e314e8deb5e");
    CHECK(said.participant_name() == "Phone 0001");
    CHECK(said.room_name() == "c_0001");
    for (const char* name : {"sip.phoneNumber", "sip.hostname", "sip.trunkPhoneNumber"})
        CHECK_FALSE(said.participant_attributes().contains(name));
    CHECK(said.participant_attributes().contains("sip.callID"));
    Rng rng(3);
    for (const auto& [from, shown] : std::map<std::string, std::string>{
             {"1234", "4"}, {"", ""}, {"9", "9"}, {"12345", "2345"}, {"abc\xc3\xa4xyz", "xyz"}}) {
        Evaluate call = request();
        call.mutable_call()->mutable_from()->set_user(from);
        const Response hidden = evaluate(call, nullptr, testing::rule(rule), rng);
        CHECK(hidden.participant_name() == "Phone " + shown);
        CHECK(hidden.participant_identity().size() == 4 + 16);
    }
}

TEST_CASE("Evaluation: a room with a pin is asked about first [SIP-31]") {
    const std::string rule =
        R"({"sipDispatchRuleId":"SDR_1","rule":{"dispatchRuleDirect":{"roomName":"r","pin":"12"}},)"
        R"("mediaEncryption":"SIP_MEDIA_ENCRYPT_ALLOW"})";
    const Response asked = answer(rule, R"({"sipTrunkId":"ST_1"})");
    CHECK(asked.result() == ::rpc::REQUEST_PIN);
    CHECK(asked.request_pin());
    CHECK(asked.room_name().empty());
    CHECK(asked.participant_identity().empty());
    CHECK(asked.participant_attributes().empty());
    CHECK(asked.sip_trunk_id() == "ST_1");
    CHECK(asked.sip_dispatch_rule_id() == "SDR_1");
    CHECK(asked.media().encryption() == livekit::SIP_MEDIA_ENCRYPT_ALLOW);
    CHECK(asked.media_encryption() == livekit::SIP_MEDIA_ENCRYPT_ALLOW);
    CHECK(answer(rule, nullptr, R"("pin":"12")").result() == ::rpc::ACCEPT);
}

TEST_CASE("Evaluation: what the trunk says of its calls [SIP-30] [NC-30]") {
    const char* trunk =
        R"({"sipTrunkId":"ST_1","headers":{"X-A":"1"},"headersToAttributes":{"X-B":"b"},
            "attributesToHeaders":{"c":"X-C"},"includeHeaders":"SIP_ALL_HEADERS",
            "ringingTimeout":"5s","maxCallDuration":"60s","krispEnabled":true,
            "media":{"encryption":"SIP_MEDIA_ENCRYPT_REQUIRE","mediaTimeout":"9s"}})";
    const Response said = answer(
        R"({"rule":{"dispatchRuleDirect":{}},"media":{"encryption":"SIP_MEDIA_ENCRYPT_DISABLE"}})",
        trunk);
    CHECK(said.sip_trunk_id() == "ST_1");
    CHECK(said.participant_attributes().at("sip.trunkID") == "ST_1");
    CHECK(said.headers().at("X-A") == "1");
    CHECK(said.headers_to_attributes().at("X-B") == "b");
    CHECK(said.attributes_to_headers().at("c") == "X-C");
    CHECK(said.include_headers() == livekit::SIP_ALL_HEADERS);
    CHECK(said.ringing_timeout().seconds() == 5);
    CHECK(said.max_call_duration().seconds() == 60);
    REQUIRE(said.enabled_features_size() == 1);
    CHECK(said.enabled_features(0) == livekit::KRISP_ENABLED);
    CHECK(said.media_encryption() == livekit::SIP_MEDIA_ENCRYPT_REQUIRE);
    CHECK(said.media().media_timeout().seconds() == 9);
    CHECK(answer(R"({"rule":{"dispatchRuleDirect":{}},"krispEnabled":true})")
              .enabled_features_size() == 1);
}

}  // namespace confab::cluster::services::sip
