// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/services/sip/rules/conflicts.h"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <tuple>

#include "cluster/services/sip/rules/numbers.h"

namespace confab::cluster::services::sip {
namespace {

using Trunk = livekit::SIPInboundTrunkInfo;
using Rule = livekit::SIPDispatchRuleInfo;
using Numbers = google::protobuf::RepeatedPtrField<std::string>;

std::string quoted(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') out.push_back('\\');
        out.push_back(c);
    }
    return out + "\"";
}

std::string id_text(const std::string& id) {
    return quoted(id.empty() ? "<new>" : id);
}

// ["+1" "+2"]
std::string list_text(const Numbers& numbers) {
    if (numbers.empty()) return "<any>";
    std::string text;
    for (const std::string& number : numbers)
        text += (text.empty() ? "" : " ") + quoted(number);
    return "[" + text + "]";
}

// What a list stands for, in order; an empty one for all that nobody names.
std::vector<std::string> keys(const Numbers& numbers) {
    std::vector<std::string> all;
    for (const std::string& number : numbers)
        all.push_back(normalized(number));
    if (all.empty()) all.emplace_back();
    std::sort(all.begin(), all.end());
    return all;
}

bool has(const std::vector<std::string>& sorted, const std::string& key) {
    return std::binary_search(sorted.begin(), sorted.end(), key);
}

bool share(const std::vector<std::string>& a, const std::vector<std::string>& b) {
    return std::any_of(a.begin(), a.end(), [&b](const std::string& key) { return has(b, key); });
}

struct TrunkKeys {
    explicit TrunkKeys(const Trunk& of)
        : trunk(&of), numbers(keys(of.numbers())), allowed(keys(of.allowed_numbers())) {}
    const Trunk* trunk;
    std::vector<std::string> numbers;
    std::vector<std::string> allowed;
};

// `later` is the one that is called at fault.
Fault pair_conflict(const TrunkKeys& later, const TrunkKeys& earlier) {
    if (!share(later.numbers, earlier.numbers) || !share(later.allowed, earlier.allowed))
        return std::nullopt;
    const std::string what =
        "Conflicting inbound SIP Trunks: " + id_text(later.trunk->sip_trunk_id()) + " and " +
        id_text(earlier.trunk->sip_trunk_id()) + ", using the same number(s) " +
        list_text(later.trunk->numbers());
    for (const std::string& number : later.trunk->allowed_numbers())
        if (has(earlier.allowed, normalized(number)))
            return what + " and AllowedNumber " + quoted(number);
    return what + " without AllowedNumbers set";
}

// Pin, trunk, number that calls, number that is called.
using RuleKey = std::tuple<std::string, std::string, std::string, std::string>;

// In order; an empty one for all.
std::vector<std::string> trunks_of(const Rule& rule) {
    std::vector<std::string> trunks(rule.trunk_ids().begin(), rule.trunk_ids().end());
    if (trunks.empty()) trunks.emplace_back();
    std::sort(trunks.begin(), trunks.end());
    return trunks;
}

bool repeats(const std::vector<std::string>& sorted) {
    return std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end();
}

std::set<RuleKey> keys_of(const Rule& rule) {
    std::set<RuleKey> all;
    for (const std::string& trunk : trunks_of(rule))
        for (const std::string& caller : keys(rule.inbound_numbers()))
            for (const std::string& called : keys(rule.numbers())) {
                if (all.size() == kMaxCombinations) return all;
                all.insert({pin_of(rule), trunk, caller, called});
            }
    return all;
}

std::string conflict_text(const Rule& rule) {
    return "Dispatch rule for the same trunk, inbound number, number, and PIN combination already "
           "exists in dispatch rule " +
           id_text(rule.sip_dispatch_rule_id()) + " " +
           quoted(rule.name().empty() ? "<blank name>" : rule.name());
}

}  // namespace

const std::string& pin_of(const Rule& rule) {
    switch (rule.rule().rule_case()) {
        case livekit::SIPDispatchRule::kDispatchRuleIndividual:
            return rule.rule().dispatch_rule_individual().pin();
        case livekit::SIPDispatchRule::kDispatchRuleCallee:
            return rule.rule().dispatch_rule_callee().pin();
        default:
            return rule.rule().dispatch_rule_direct().pin();
    }
}

Fault trunk_conflict(const Trunk& changed, const std::vector<Trunk>& all) {
    const TrunkKeys mine(changed);
    const std::string& id = changed.sip_trunk_id();
    for (const Trunk& other : all) {
        if (other.sip_trunk_id() == id) continue;
        const TrunkKeys theirs(other);
        const bool is_last = id.empty() || other.sip_trunk_id() < id;
        if (auto fault = is_last ? pair_conflict(mine, theirs) : pair_conflict(theirs, mine))
            return fault;
    }
    return std::nullopt;
}

Fault rule_conflict(const Rule& changed, const std::vector<Rule>& all) {
    for (const Rule& other : all)
        if (other.sip_dispatch_rule_id() != changed.sip_dispatch_rule_id())
            if (auto fault = rule_conflict({&changed, &other})) return fault;
    // Upstream's nodes fail every call that they compare such a rule for.
    if (repeats(trunks_of(changed)) || repeats(keys(changed.inbound_numbers())) ||
        repeats(keys(changed.numbers())))
        return conflict_text(changed);
    return std::nullopt;
}

// Of two the one with the lesser id is named.
Fault rule_conflict(const std::vector<const Rule*>& rules) {
    std::map<RuleKey, const Rule*> taken;
    for (const Rule* rule : rules)
        for (const RuleKey& key : keys_of(*rule))
            if (const auto [at, is_new] = taken.emplace(key, rule); !is_new) {
                const bool is_first =
                    rule->sip_dispatch_rule_id() < at->second->sip_dispatch_rule_id();
                return conflict_text(is_first ? *rule : *at->second);
            }
    return std::nullopt;
}

}  // namespace confab::cluster::services::sip
