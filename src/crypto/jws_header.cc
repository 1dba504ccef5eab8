// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// One object by the reader of json/, held to tighter bounds.
#include "crypto/jws_header.h"

#include <algorithm>

#include "json/json.h"

namespace confab::crypto {
namespace {

// No name twice, not too many of them and not too deep, at any level.
bool is_sober(const json::Value& value, int depth) {
    if (value.kind != json::Kind::kObject && value.kind != json::Kind::kArray) return true;
    if (depth > kMaxJwsHeaderDepth || value.members.size() > kMaxJwsHeaderNames) return false;
    for (const json::Member& member : value.members)
        if (value.find(member.name) != &member.value || !is_sober(member.value, depth + 1))
            return false;
    return std::all_of(value.items.begin(), value.items.end(),
                       [depth](const json::Value& item) { return is_sober(item, depth + 1); });
}

}  // namespace

Result<std::string, JwsHeaderError> jws_header_algorithm(std::string_view text) {
    const auto header = json::parse(text);
    if (!header || header->kind != json::Kind::kObject || !is_sober(*header, 0) ||
        header->find("crit") != nullptr)
        return fail(JwsHeaderError::kJson);
    const json::Value* algorithm = header->find("alg");
    if (algorithm == nullptr || algorithm->kind != json::Kind::kString)
        return fail(JwsHeaderError::kNoAlgorithm);
    return algorithm->string;
}

}  // namespace confab::crypto
