// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/services/sip/rules/conflicts.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "cluster/services/sip/sip_testing.h"

namespace confab::cluster::services::sip {
namespace {

using testing::SIPDispatchRuleInfo;
using testing::SIPInboundTrunkInfo;

SIPInboundTrunkInfo trunk(const std::string& id, const std::string& numbers,
                          const std::string& allowed = "[]") {
    SIPInboundTrunkInfo info =
        testing::trunk(R"({"numbers":)" + numbers + R"(,"allowedNumbers":)" + allowed + "}");
    info.set_sip_trunk_id(id);
    return info;
}
std::string clash(const SIPInboundTrunkInfo& changed, const SIPInboundTrunkInfo& other) {
    return trunk_conflict(changed, {other}).value_or("");
}

SIPDispatchRuleInfo rule(const std::string& id, const std::string& pin,
                         const std::string& more = "{}") {
    SIPDispatchRuleInfo info = testing::rule(more);
    info.set_sip_dispatch_rule_id(id);
    info.mutable_rule()->mutable_dispatch_rule_direct()->set_pin(pin);
    return info;
}
std::string clash(const SIPDispatchRuleInfo& changed, const SIPDispatchRuleInfo& other) {
    return rule_conflict(changed, {other}).value_or("");
}

}  // namespace

TEST_CASE("Conflicts: trunks of one number, for all callers [SIP-01] [API-30]") {
    const std::string pair = R"(Conflicting inbound SIP Trunks: "<new>" and "ST_1", using the )"
                             "same number(s) ";
    CHECK(clash(trunk("", R"(["+1","+5"])"), trunk("ST_1", R"(["+1"])")) ==
          pair + R"(["+1" "+5"] without AllowedNumbers set)");
    CHECK(clash(trunk("", R"(["1 2"])"), trunk("ST_1", R"(["+12"])")) ==
          pair + R"(["1 2"] without AllowedNumbers set)");
    CHECK(clash(trunk("", "[]"), trunk("ST_1", "[]")) == pair + "<any> without AllowedNumbers set");
    CHECK(clash(trunk("", R"(["+1"])"), trunk("ST_1", "[]")).empty());
    CHECK(clash(trunk("", R"(["+1"])"), trunk("ST_1", R"(["+2"])")).empty());
}

TEST_CASE("Conflicts: trunks of one number, for callers of both [SIP-01]") {
    CHECK(clash(trunk("", R"(["+1"])", R"(["+7","8"])"), trunk("ST_1", R"(["+1"])", R"(["+8"])")) ==
          R"(Conflicting inbound SIP Trunks: "<new>" and "ST_1", using the same number(s) ["+1"] )"
          R"(and AllowedNumber "8")");
    CHECK(clash(trunk("", R"(["+1"])", R"(["+7"])"), trunk("ST_1", R"(["+1"])", R"(["+8"])"))
              .empty());
    // Who of them gets a call is found out when it comes (SIP-22).
    CHECK(clash(trunk("", R"(["+1"])", R"(["+7"])"), trunk("ST_1", R"(["+1"])")).empty());
}

TEST_CASE("Conflicts: a changed trunk with the others, not with itself [SIP-03]") {
    CHECK(clash(trunk("ST_1", R"(["+1"])"), trunk("ST_1", R"(["+1"])")).empty());
    CHECK(clash(trunk("ST_1", R"(["+1"])"), trunk("ST_2", R"(["+1"])"))
              .find(R"("ST_2" and "ST_1")") != std::string::npos);
    CHECK(clash(trunk("ST_3", R"(["+1"])"), trunk("ST_2", R"(["+1"])"))
              .find(R"("ST_3" and "ST_2")") != std::string::npos);
}

TEST_CASE("Conflicts: rules of one pin, trunk, caller and number [SIP-26] [API-32]") {
    const std::string text =
        "Dispatch rule for the same trunk, inbound number, number, and PIN combination already "
        "exists in dispatch rule ";
    CHECK(clash(rule("", ""), rule("SDR_1", "", R"({"name":"n"})")) ==
          text + R"("<new>" "<blank name>")");
    CHECK(clash(rule("", "", R"({"name":"a\"b"})"), rule("SDR_1", "")) ==
          text + R"("<new>" "a\"b")");
    CHECK(clash(rule("SDR_2", ""), rule("SDR_1", "", R"({"name":"n"})")) ==
          text + R"("SDR_1" "n")");
    CHECK(clash(rule("SDR_1", ""), rule("SDR_1", "")).empty());
    CHECK(clash(rule("", "1"), rule("SDR_1", "2")).empty());
    const char* of_one = R"({"trunkIds":["a","b"],"numbers":["1 2"],"inboundNumbers":["3"]})";
    CHECK_FALSE(
        clash(rule("", "", of_one), rule("SDR_1", "", R"({"trunkIds":["b"],"numbers":["9","+12"],
                                            "inboundNumbers":["+3"]})"))
            .empty());
    for (const char* other : {R"({"trunkIds":["c"],"numbers":["12"],"inboundNumbers":["3"]})",
                              R"({"trunkIds":["a"],"numbers":["13"],"inboundNumbers":["3"]})",
                              R"({"trunkIds":["a"],"numbers":["12"],"inboundNumbers":["4"]})",
                              R"({"trunkIds":["a"],"numbers":["12"]})", "{}"})
        CHECK(clash(rule("", "", of_one), rule("SDR_1", "", other)).empty());
}

TEST_CASE("Conflicts: a rule that names a number or a trunk twice, in whatever form [SIP-26]") {
    const std::string text =
        "Dispatch rule for the same trunk, inbound number, number, and PIN combination already "
        "exists in dispatch rule ";
    const auto alone = [](const SIPDispatchRuleInfo& made) {
        return rule_conflict(made, {made}).value_or("");
    };
    CHECK(alone(rule("", "", R"({"numbers":["15551","+1 5551"]})")) ==
          text + R"("<new>" "<blank name>")");
    CHECK(alone(rule("SDR_1", "7", R"({"name":"n","inboundNumbers":["2","1","+2"]})")) ==
          text + R"("SDR_1" "n")");
    CHECK_FALSE(alone(rule("", "", R"({"trunkIds":["ST_1","ST_1"]})")).empty());
    CHECK(alone(rule("", "", R"({"trunkIds":["a","b"],"numbers":["1","2"],
                                 "inboundNumbers":["1","2"]})"))
              .empty());
}

TEST_CASE("Conflicts: rules of all kinds have pins [SIP-26]") {
    for (const char* kind : {"Direct", "Individual", "Callee"}) {
        const auto made =
            testing::rule(R"({"rule":{"dispatchRule)" + std::string(kind) + R"(":{"pin":"7"}}})");
        CHECK(pin_of(made) == "7");
        CHECK_FALSE(clash(made, rule("SDR_1", "7")).empty());
        CHECK(clash(made, rule("SDR_1", "")).empty());
    }
}

TEST_CASE("Conflicts: two rules that are the same do not take for ever [SIP-26]") {
    SIPDispatchRuleInfo large = rule("SDR_1", "");
    for (int i = 0; i < 1000; ++i) {
        large.add_trunk_ids("ST_" + std::to_string(i));
        large.add_numbers(std::to_string(i));
        large.add_inbound_numbers(std::to_string(i));
    }
    SIPDispatchRuleInfo other = large;
    other.set_sip_dispatch_rule_id("SDR_2");
    CHECK_FALSE(clash(large, other).empty());
}

}  // namespace confab::cluster::services::sip
