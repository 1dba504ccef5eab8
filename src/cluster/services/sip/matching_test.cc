// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/services/sip/matching.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "cluster/services/sip/sip_testing.h"

namespace confab::cluster::services::sip {
namespace {

using testing::from_json;
using testing::SIPDispatchRuleInfo;
using testing::SIPInboundTrunkInfo;
using Evaluate = ::rpc::EvaluateSIPDispatchRulesRequest;

SIPInboundTrunkInfo trunk(const std::string& id, const std::string& json) {
    SIPInboundTrunkInfo info = testing::trunk(json);
    info.set_sip_trunk_id(id);
    return info;
}
// Its id, "-" for none, or the error.
std::string matched(const std::vector<SIPInboundTrunkInfo>& trunks, const std::string& from = "+7",
                    const std::string& to = "+1", const std::string& source = "10.1.2.3",
                    const std::string& host = "h.example") {
    const auto found = match_trunk({"SCL_1", source, from, host, to}, trunks);
    if (!found) return std::string(rpc::to_text(found.error().code)) + ": " + found.error().text;
    return *found == nullptr ? "-" : (*found)->sip_trunk_id();
}
std::string allowed(const std::string& masks, const std::string& source,
                    const std::string& host = "h.example") {
    return matched({trunk("T", R"({"numbers":["+1"],"allowedAddresses":)" + masks + "}")}, "+7",
                   "+1", source, host);
}

SIPDispatchRuleInfo rule(const std::string& room, const std::string& more = "",
                         const std::string& kind = "Direct", const std::string& pin = "") {
    const std::string name = kind == "Direct" ? "roomName" : "roomPrefix";
    return testing::rule(R"({"sipDispatchRuleId":")" + room + pin + R"(","rule":{"dispatchRule)" +
                         kind + R"(":{")" + name + R"(":")" + room + R"(","pin":")" + pin +
                         R"("}})" + (more.empty() ? "" : "," + more) + "}");
}
std::string chosen(const std::vector<SIPDispatchRuleInfo>& rules, const std::string& more = "",
                   const char* trunk_id = "T") {
    const auto request = from_json<Evaluate>(R"({"callingNumber":"+7","calledNumber":"+1")" +
                                             (more.empty() ? "" : "," + more) + "}");
    SIPInboundTrunkInfo of;
    of.set_sip_trunk_id(trunk_id);
    const auto found = match_rule(request, *trunk_id == 0 ? nullptr : &of, rules);
    if (!found) return std::string(rpc::to_text(found.error().code));
    return *found == nullptr ? "-" : (*found)->sip_dispatch_rule_id();
}

}  // namespace

TEST_CASE("Matching: a trunk by the number that is called, or one for all [SIP-20] [SIP-22]") {
    const auto one = trunk("A", R"({"numbers":["1"]})");
    const auto all = trunk("B", "{}");
    CHECK(matched({all, one}) == "A");
    CHECK(matched({all, one}, "+7", "+2") == "B");
    CHECK(matched({one}, "+7", "+2") == "-");
    CHECK(matched({}) == "-");
    CHECK(matched({one, trunk("C", R"({"numbers":["+1","1"]})")}) ==
          "failed_precondition: Multiple SIP Trunks matched for \"+1\"");
    CHECK(matched({all, trunk("C", "{}")}) ==
          "failed_precondition: Multiple default SIP Trunks matched for \"+1\"");
    CHECK(matched({all, trunk("C", "{}"), one}) == "A");
    CHECK(matched({trunk("D", R"({"numbers":["bob"]})")}, "+7", "bob") == "D");
}

TEST_CASE("Matching: a trunk that names its callers is for these [SIP-20]") {
    const auto of = trunk("A", R"({"numbers":["+1"],"allowedNumbers":["7","al"]})");
    CHECK(matched({of}) == "A");
    CHECK(matched({of}, "+8") == "-");
    CHECK(matched({of}, "al") == "A");
    CHECK(matched({of, trunk("B", R"({"numbers":["+1"],"allowedNumbers":["+8"]})")}, "+8") == "B");
}

TEST_CASE("Matching: a trunk that names its peers is for these [SIP-21]") {
    for (const char* in : {R"(["10.1.2.3"])", R"(["10.0.0.0/8"])", R"(["h.example"])",
                           R"(["9.9.9.9","10.1.2.0/24"])"})
        CHECK(allowed(in, "10.1.2.3") == "T");
    for (const char* out : {R"(["10.1.2.4"])", R"(["11.0.0.0/8"])", R"(["H.example"])",
                            R"(["10.1.2.3/33"])", R"(["::/0"])"})
        CHECK(allowed(out, "10.1.2.3") == "-");
    CHECK(allowed(R"(["2001:db8::/32"])", "2001:db8::1") == "T");
    CHECK(allowed(R"(["2001:db8::/32"])", "2001:db9::1") == "-");
    CHECK(allowed(R"(["::ffff:10.1.2.3"])", "10.1.2.3") == "-");
}

TEST_CASE("Matching: masks that are none, and sources that are not told [SIP-21]") {
    // None that could be left: as if there were none.
    CHECK(allowed(R"(["10.1.2.4;","sip://h"])", "10.1.2.3") == "T");
    CHECK(allowed(R"(["10.1.2.4;","10.1.2.4"])", "10.1.2.3") == "-");
    CHECK(allowed(R"(["1.1.1.1"])", "") == "T");
    CHECK(allowed(R"(["1.1.1.1"])", "nowhere") ==
          "invalid_argument: the source of the call is no IP address: nowhere");
}

TEST_CASE("Matching: the interface that an IPv6 call came by is not looked at [SIP-21] [SIP-35]") {
    CHECK(allowed(R"(["fe80::1"])", "fe80::1%eth0") == "T");
    CHECK(allowed(R"(["fe80::/10"])", "fe80::1%2") == "T");
    CHECK(allowed(R"(["fe80::2"])", "fe80::1%eth0") == "-");
    for (const char* none : {"fe80::1%", "10.1.2.3%eth0", "%eth0", "x:%eth0"})
        CHECK(allowed("[]", none).starts_with("invalid_argument: "));
    for (const char* address : {"[fe80::1%eth0]:5060", "[fe80::1]:5060"})
        CHECK(call_of(from_json<Evaluate>(R"({"srcAddress":")" + std::string(address) + "\"}"))
                  .source_ip == "fe80::1");
}

TEST_CASE("Matching: what older services say of a call [SIP-35]") {
    const InboundCall flat = call_of(from_json<::rpc::GetSIPTrunkAuthenticationRequest>(
        R"({"from":"a","fromHost":"h","to":"b","srcAddress":"1.2.3.4:5060","sipCallId":"c"})"));
    CHECK(flat.from_user == "a");
    CHECK(flat.from_host == "h");
    CHECK(flat.to_user == "b");
    CHECK(flat.source_ip == "1.2.3.4");
    CHECK(flat.id == "c");
    CHECK(call_of(from_json<::rpc::GetSIPTrunkAuthenticationRequest>(R"({"srcAddress":"[::1]:5"})"))
              .source_ip == "::1");
    const InboundCall rules = call_of(from_json<Evaluate>(
        R"({"callingNumber":"a","callingHost":"h","calledNumber":"b","srcAddress":"1.2.3.4",
            "sipCallId":"c"})"));
    CHECK(rules.from_user == "a");
    CHECK(rules.source_ip == "1.2.3.4");
    CHECK(rules.to_user == "b");
    const InboundCall whole = call_of(from_json<Evaluate>(
        R"({"callingNumber":"x","srcAddress":"x","call":{"lkCallId":"c","sourceIp":"1.1.1.1",
            "from":{"user":"a","host":"h"},"to":{"user":"b"}}})"));
    CHECK(whole.from_user == "a");
    CHECK(whole.source_ip == "1.1.1.1");
    CHECK(whole.id == "c");
}

TEST_CASE("Matching: a rule by trunk, caller and called number [SIP-24]") {
    CHECK(chosen({rule("a")}) == "a");
    CHECK(chosen({}) == "-");
    CHECK(chosen({rule("a", R"("trunkIds":["T"])")}) == "a");
    CHECK(chosen({rule("a", R"("trunkIds":["U"])")}) == "-");
    CHECK(chosen({rule("a", R"("trunkIds":["T"])")}, "", "") == "-");
    CHECK(chosen({rule("a")}, "", "") == "a");
    // As they are written.
    CHECK(chosen({rule("a", R"("inboundNumbers":["+7"])")}) == "a");
    CHECK(chosen({rule("a", R"("inboundNumbers":["7"])")}) == "-");
    CHECK(chosen({rule("a", R"("numbers":["+1"])")}) == "a");
    CHECK(chosen({rule("a", R"("numbers":["1"])")}) == "-");
    // Of a service that says it in `call` only.
    const auto request =
        from_json<Evaluate>(R"({"call":{"from":{"user":"+7"},"to":{"user":"+1"}}})");
    const std::vector<SIPDispatchRuleInfo> named{
        rule("a", R"("numbers":["+1"],"inboundNumbers":["+7"])")};
    CHECK(match_rule(request, nullptr, named).value() == named.data());
}

TEST_CASE("Matching: pins leave those rules that have them [SIP-24]") {
    const std::vector<SIPDispatchRuleInfo> rules{rule("open"), rule("p", "", "Direct", "1")};
    CHECK(chosen(rules) == "p1");
    CHECK(chosen(rules, R"("noPin":true)") == "open");
    CHECK(chosen(rules, R"("noPin":true,"pin":"1")") == "open");
    CHECK(chosen(rules, R"("pin":"1")") == "p1");
    CHECK(chosen(rules, R"("pin":"2")") == "-");
    CHECK(chosen({rule("open")}, R"("pin":"2")") == "-");
}

TEST_CASE("Matching: of several rules the one that says most [SIP-25]") {
    const std::string trunk = R"("trunkIds":["T"])";
    const std::string caller = R"("inboundNumbers":["+7"])";
    const std::string called = R"("numbers":["+1"])";
    // Each goes before the next.
    const std::vector<SIPDispatchRuleInfo> order{rule("a", trunk + "," + caller + "," + called),
                                                 rule("b", trunk + "," + caller, "Direct", "1"),
                                                 rule("c", trunk + "," + called, "Individual"),
                                                 rule("d", trunk, "Direct", "2"),
                                                 rule("e", trunk, "Individual", "3"),
                                                 rule("f", trunk, "Callee", "4"),
                                                 rule("g", trunk),
                                                 rule("h", caller),
                                                 rule("i", "", "Individual", "5"),
                                                 rule("j", "", "Callee")};
    for (std::size_t i = 0; i < order.size(); ++i) {
        const std::vector<SIPDispatchRuleInfo> rest(order.rbegin(),
                                                    order.rend() - static_cast<std::ptrdiff_t>(i));
        CHECK(chosen(rest) == order[i].sip_dispatch_rule_id());
    }
    CHECK(chosen({rule("z", "", "Direct", "1"), rule("y", "", "Direct", "2")}) == "y2");
}

TEST_CASE("Matching: rules that conflict let no call in [SIP-26]") {
    CHECK(chosen({rule("a"), rule("b")}) == "invalid_argument");
    CHECK(chosen({rule("a"), rule("b", R"("trunkIds":["T"])")}) == "b");
    // Of another trunk: nobody asks.
    const auto other = R"("trunkIds":["U"])";
    CHECK(chosen({rule("a", other), rule("b", other), rule("c")}) == "c");
    // Without a trunk all are looked at.
    CHECK(chosen({rule("a", other), rule("b", other), rule("c")}, "", "") == "invalid_argument");
    // One that is of no kind is passed over.
    CHECK(chosen({testing::rule(R"({"sipDispatchRuleId":"x"})"), rule("a")}) == "a");
}

}  // namespace confab::cluster::services::sip
