// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/services/sip/rules/info_rules.h"

#include <doctest/doctest.h>

#include <string>

#include "cluster/services/sip/sip_testing.h"

namespace confab::cluster::services::sip {
namespace {

using testing::from_json;

std::string inbound(const std::string& json) {
    return inbound_fault(testing::trunk(json)).value_or("");
}
std::string outbound(const std::string& json) {
    return outbound_fault(from_json<livekit::SIPOutboundTrunkInfo>(json)).value_or("");
}
// Over a request that could be.
std::string call(const std::string& more, const char* base = R"("sipTrunkId":"ST_x",)"
                                                             R"("sipCallTo":"+1","roomName":"r")") {
    return call_fault(from_json<livekit::CreateSIPParticipantRequest>(
                          "{" + std::string(base) + (more.empty() ? "" : ",") + more + "}"))
        .value_or("");
}

}  // namespace

TEST_CASE("Rules: an inbound trunk names who may call, or whom [SIP-11] [API-30]") {
    const std::string unsafe =
        "for security, one of the fields must be set: AuthUsername+AuthPassword, AllowedAddresses "
        "or Numbers";
    CHECK(inbound("{}") == unsafe);
    CHECK(inbound(R"({"allowedNumbers":["+1"]})") == unsafe);
    for (const char* one : {R"({"numbers":["+1"]})", R"({"allowedAddresses":["1.2.3.4"]})",
                            R"({"authUsername":"u"})", R"({"authPassword":"p"})"})
        CHECK(inbound(one).empty());
    CHECK(inbound(R"({"numbers":["+1"],"headers":{"From":"x"}})") ==
          "invalid header name: header name From not supported");
    CHECK_FALSE(inbound(R"({"numbers":["+1"],"headersToAttributes":{"a b":"x"}})").empty());
    CHECK_FALSE(inbound(R"({"numbers":["+1"],"attributesToHeaders":{"x":"a b"}})").empty());
    CHECK(inbound(R"({"numbers":["+1"],"media":{"codecs":[{"rate":8000}]}})") ==
          "missing codec name");
}

TEST_CASE("Rules: an outbound trunk has numbers and a bare address [SIP-12] [API-31]") {
    CHECK(outbound(R"({"numbers":["+1"],"address":"127.0.0.1:5060","fromHost":"h"})").empty());
    CHECK(outbound(R"({"address":"127.0.0.1"})") == "no trunk numbers specified");
    CHECK(outbound(R"({"numbers":["+1"]})") == "no outbound address specified");
    for (const char* uri : {"sip:h", "sips:h", "a@h", "h;x=1"}) {
        CHECK(outbound(R"({"numbers":["+1"],"address":")" + std::string(uri) + "\"}") ==
              "trunk address should be a hostname or IP, not SIP URI");
        CHECK(outbound(R"({"numbers":["+1"],"address":"h","fromHost":")" + std::string(uri) +
                       "\"}") == "from_host should be a hostname or IP, not SIP URI");
    }
    CHECK(outbound(R"({"numbers":["+1"],"address":"h;transport=tcp"})") ==
          "trunk address should not contain transport parameter");
    CHECK_FALSE(outbound(R"({"numbers":["+1"],"address":"h","headers":{"a b":"x"}})").empty());
    CHECK_FALSE(
        outbound(R"({"numbers":["+1"],"address":"h","headersToAttributes":{"a b":"x"}})").empty());
    CHECK_FALSE(
        outbound(R"({"numbers":["+1"],"address":"h","attributesToHeaders":{"x":"a b"}})").empty());
}

TEST_CASE("Rules: a dispatch rule is of a kind, and no larger than can be compared [API-32]") {
    CHECK(rule_fault(testing::rule("{}")).value() == "missing rule");
    CHECK(rule_fault(testing::rule(R"({"rule":{}})")).value() == "missing rule");
    CHECK_FALSE(rule_fault(testing::rule(R"({"rule":{"dispatchRuleDirect":{}}})")));
    auto large = testing::rule(R"({"rule":{"dispatchRuleDirect":{}}})");
    for (int i = 0; i < 100; ++i) {
        large.add_trunk_ids("ST_" + std::to_string(i));
        large.add_numbers(std::to_string(i));
    }
    CHECK_FALSE(rule_fault(large));
    large.add_inbound_numbers("1");
    CHECK_FALSE(rule_fault(large));
    large.add_inbound_numbers("2");
    CHECK(rule_fault(large).value() ==
          "a rule may not have more than 10000 combinations of trunks, callers and numbers");
}

TEST_CASE("Rules: media of a trunk, a rule, a call [SIP-16]") {
    const auto fault = [](const std::string& media) { return call(R"("media":)" + media); };
    CHECK(fault(R"({"codecs":[{"name":"PCMU","rate":8000}],"mediaTimeout":"600s"})").empty());
    CHECK(fault(R"({"codecs":[{"name":"a/b","rate":8000}]})") == "codec name must not contain '/'");
    CHECK(fault(R"({"codecs":[{"name":"a b","rate":8000}]})") == "invalid codec name");
    CHECK(fault(R"({"codecs":[{"name":"a"}]})").empty());
    CHECK(fault(R"({"mediaTimeout":"660s"})") == "media_timeout must not exceed 10m0s");
    CHECK(fault(R"({"mediaTimeout":"600.1s"})") == "media_timeout must not exceed 10m0s");
    CHECK(fault(R"({"mediaTimeout":"-0.1s"})") == "media_timeout must not be negative");
}

TEST_CASE("Rules: a call out has a trunk or a number, somebody to call, a room [SIP-13] [API-33]") {
    CHECK(call("").empty());
    CHECK(call("", R"("sipCallTo":"+1","roomName":"r")") == "missing sip trunk id and sip number");
    CHECK(call("", R"("sipNumber":"+2","sipCallTo":"+1","roomName":"r")").empty());
    CHECK(call("", R"("sipTrunkId":"x","roomName":"r")") == "missing sip callee number");
    CHECK(call("", R"("sipTrunkId":"x","sipCallTo":"+1")") == "missing room name");
    CHECK(call("", R"("sipTrunkId":"x","sipCallTo":"a@b","roomName":"r")") ==
          "SipCallTo should be a phone number or SIP user, not a full SIP URI");
    CHECK(call(R"("toUserOverride":"a@b")") ==
          "ToUserOverride should be a phone number or SIP user, not a full SIP URI");
    CHECK(call(R"("toUserOverride":"a b")") ==
          "ToUserOverride contains invalid characters: char 32 not allowed");
    CHECK(call(R"("trunk":{})") == "no outbound hostname specified");
    CHECK(call(R"("trunk":{"hostname":"sip:h"})") ==
          "trunk hostname should be a hostname or IP, not SIP URI");
    CHECK(call(R"("trunk":{"hostname":"h","fromHost":"a@h"})") ==
          "from_host should be a hostname or IP, not SIP URI");
    CHECK_FALSE(call(R"("trunk":{"hostname":"h","headersToAttributes":{"a b":"x"}})").empty());
    CHECK_FALSE(call(R"("trunk":{"hostname":"h","attributesToHeaders":{"x":"a b"}})").empty());
    CHECK_FALSE(call(R"("headers":{"a b":"x"})").empty());
}

TEST_CASE("Rules: the name that is shown fits between quotation marks [SIP-16] [API-33]") {
    CHECK(call(R"("displayName":")" + std::string(128, 'd') + "\"").empty());
    CHECK(call(R"("displayName":")" + std::string(129, 'd') + "\"") ==
          "DisplayName too long (max 128 characters)");
    CHECK(call(R"("displayName":"J. \\\"Jo\\\" \u00e4\t\\\\")").empty());
    for (const char* bad : {R"(a\"b)", R"(\\)", R"(\\q)", R"(a\nb)", R"(a\rb)"})
        CHECK(call(R"("displayName":")" + std::string(bad) + "\"") ==
              "DisplayName must be a valid quoted string: invalid syntax");
}

TEST_CASE("Rules: where a call goes is a country by its code [SIP-16]") {
    const std::string country =
        "country must be a valid ISO 3166-1 alpha-2 code (2-letter like 'US', 'IN', 'UK')";
    for (const char* good : {"US", "AD", "ZW", "UK", "XK", "AC", "AN", "ZR"})
        CHECK(call(R"("destination":{"city":"x","country":")" + std::string(good) + "\"}").empty());
    for (const char* bad : {"us", "uk", "EU", "XX", "QO", "D A", "DA", "U", "USA", " A", "A "})
        CHECK(call(R"("destination":{"country":")" + std::string(bad) + "\"}") == country);
    CHECK(call(R"("destination":{"city":"x"})") ==
          "if city is specified, country or region must also be specified");
    CHECK(call(R"("destination":{"city":"x","region":"y"})").empty());
}

}  // namespace confab::cluster::services::sip
