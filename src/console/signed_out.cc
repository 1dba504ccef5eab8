// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "console/signed_out.h"

#include <algorithm>
#include <cstdint>

#include "base/text.h"

namespace confab::console {
namespace {

constexpr std::int64_t kLastSecond = 100'000'000'000;

}  // namespace

void SignedOut::add(const std::string& id, UnixTime until, UnixTime now) {
    std::erase_if(until_, [now](const auto& one) { return one.second <= now; });
    if (until <= now || id.empty() || id.size() > kMaxId) return;
    if (until_.size() >= kMax && !until_.contains(id))
        until_.erase(
            std::min_element(until_.begin(), until_.end(),
                             [](const auto& a, const auto& b) { return a.second < b.second; }));
    until_[id] = until;
}

std::string SignedOut::text() const {
    std::string all;
    for (const auto& [id, until] : until_)
        all.append(id).append(" ").append(std::to_string(until.s())).append("\n");
    return all;
}

SignedOut SignedOut::parse(std::string_view text, UnixTime now) {
    SignedOut all;
    text = text.substr(0, kMaxText);
    while (!text.empty()) {
        std::string_view line = next_token(text, '\n');
        const std::string_view id = next_token(line, ' ');
        const auto seconds = parse_decimal<std::int64_t>(line);
        if (!seconds || *seconds > kLastSecond || id.empty() || id.size() > kMaxId) continue;
        const UnixTime until = UnixTime::seconds(*seconds);
        if (until > now && all.until_.size() < kMax) all.until_[std::string(id)] = until;
    }
    return all;
}

}  // namespace confab::console
