// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// For the tests of this folder: recorded HTTP exchanges (testdata/*.jsonl), tokens made from their
// claims, and comparison of JSON that leaves out what differs from run to run.
#pragma once

#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/http/query.h"
#include "base/text.h"
#include "crypto/jws.h"
#include "json/json.h"
#include "token/key_testing.h"

namespace confab::api::testing {

using token::testing::golden_keys;
using token::testing::kGoldenNow;
using token::testing::kGoldenSecret;

struct Exchange {
    std::unique_ptr<std::string> line;  // what the JSON views
    json::Value json;

    std::string text(std::string_view name) const {
        const json::Value* value = json.find(name);
        return value == nullptr ? std::string() : value->string;
    }
    int status() const {
        const json::Value* value = json.find("status");
        return value == nullptr ? 0 : static_cast<int>(value->number);
    }
    // Looked up without regard to case; empty if absent.
    std::string header(std::string_view group, std::string_view name) const {
        const json::Value* headers = json.find(group);
        if (headers == nullptr) return {};
        for (const json::Member& member : headers->members)
            if (equals_ignore_case(member.name, name)) return member.value.string;
        return {};
    }
    bool has_header(std::string_view group, std::string_view name) const {
        const json::Value* headers = json.find(group);
        if (headers == nullptr) return false;
        for (const json::Member& member : headers->members)
            if (equals_ignore_case(member.name, name)) return true;
        return false;
    }
    std::string path() const {
        const std::string target = text("path");
        return target.substr(0, target.find('?'));
    }
    std::string query() const {
        const std::string target = text("path");
        const std::size_t mark = target.find('?');
        return mark == target.npos ? std::string() : target.substr(mark + 1);
    }
    // Body or bodyBase64 (response, responseBase64).
    std::string octets(const std::string& name) const {
        if (json.find(name + "Base64") == nullptr) return text(name);
        const auto decoded = base64_decode(text(name + "Base64"));
        return decoded ? std::string(as_text(*decoded)) : std::string();
    }
};

inline std::vector<Exchange> load_golden(const std::string& file) {
    std::ifstream in(std::string(CONFAB_SOURCE_DIR) + "/src/api/testdata/" + file);
    std::vector<Exchange> out;
    for (std::string line; std::getline(in, line);) {
        Exchange exchange{std::make_unique<std::string>(std::move(line)), {}};
        auto json = json::parse(*exchange.line);
        if (!json) continue;
        exchange.json = *std::move(json);
        out.push_back(std::move(exchange));
    }
    return out;
}

// The token of an exchange; empty if it has none. `add_defaults`: missing iss and exp are filled
// in.
inline std::string golden_token(const Exchange& exchange, bool add_defaults) {
    const json::Value* claims = exchange.json.find("token");
    if (claims == nullptr || claims->kind != json::Kind::kObject) return {};
    json::Writer out;
    out.begin_object();
    std::string alg = "HS256";
    std::string secret = kGoldenSecret;
    for (const json::Member& member : claims->members) {
        const std::string& text = member.value.string;
        if (member.name == "alg")
            alg = text;
        else if (member.name == "wrongSecret")
            secret = "another secret";
        else if (text.starts_with("now"))
            out.integer(member.name, kGoldenNow.s() + std::stoll(text.substr(3)));
        else
            out.raw(member.name, member.value.raw);
    }
    if (add_defaults && claims->find("iss") == nullptr) out.string("iss", "devkey");
    if (add_defaults && claims->find("exp") == nullptr) out.integer("exp", kGoldenNow.s() + 3600);
    out.end_object();
    std::string token = crypto::jws_sign(as_bytes(out.take()), as_bytes(secret));
    if (alg == "HS256") return token;
    const std::string header =
        base64_encode(as_bytes("{\"alg\":\"" + alg + "\",\"typ\":\"JWT\"}"), Base64::kUrlNoPadding);
    const std::string rest = token.substr(token.find('.'));
    return header + (alg == "none" ? rest.substr(0, rest.rfind('.') + 1) : rest);
}

inline bool varies(std::string_view name) {
    for (const std::string_view known :
         {"sid", "id", "creation_time", "creation_time_ms", "joined_at", "joined_at_ms", "version",
          "turn_password", "created_at", "createdAt", "creationTime", "creationTimeMs", "joinedAt",
          "joinedAtMs", "turnPassword"})
        if (name == known) return true;
    return false;
}

// Empty if `ours` says the same as `golden`, else the first difference. Null members of golden may
// be absent; values of varying members only need to be of the same kind.
inline std::string difference(const json::Value& golden, const json::Value& ours,
                              const std::string& path = "$") {
    if (golden.kind != ours.kind)
        return path + ": " + std::string(golden.raw) + " became " + std::string(ours.raw);
    if (golden.kind == json::Kind::kArray) {
        if (golden.items.size() != ours.items.size()) return path + ": number of items";
        for (std::size_t i = 0; i < golden.items.size(); ++i) {
            const std::string inner =
                difference(golden.items[i], ours.items[i], path + "[" + std::to_string(i) + "]");
            if (!inner.empty()) return inner;
        }
        return {};
    }
    if (golden.kind != json::Kind::kObject) {
        const bool same = golden.string == ours.string && golden.boolean == ours.boolean &&
                          golden.number >= ours.number && golden.number <= ours.number;
        return same ? std::string()
                    : path + ": " + std::string(golden.raw) + " became " + std::string(ours.raw);
    }
    for (const json::Member& member : ours.members)
        if (golden.find(member.name) == nullptr) return path + "." + member.name + ": not expected";
    for (const json::Member& member : golden.members) {
        const json::Value* value = ours.find(member.name);
        if (value == nullptr && member.value.is_null()) continue;
        if (value == nullptr) return path + "." + member.name + ": missing";
        if (varies(member.name) && value->kind == member.value.kind) continue;
        const std::string inner = difference(member.value, *value, path + "." + member.name);
        if (!inner.empty()) return inner;
    }
    return {};
}

inline std::string difference(std::string_view golden, std::string_view ours) {
    const auto a = json::parse(golden);
    const auto b = json::parse(ours);
    if (!a || !b) return golden == ours ? std::string() : "not JSON: " + std::string(ours);
    return difference(*a, *b);
}

}  // namespace confab::api::testing
