// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "websocket/deflate_offer.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/text.h"

namespace confab::websocket {
namespace {

constexpr std::string_view kName = "permessage-deflate";
constexpr std::array<std::string_view, 4> kParameters = {
    "server_no_context_takeover", "client_no_context_takeover", "server_max_window_bits",
    "client_max_window_bits"};
constexpr std::size_t kServerPlace = 2;

std::string_view without_quotes(std::string_view value) {
    const bool quoted = value.size() >= 2 && value.front() == '"' && value.back() == '"';
    return quoted ? value.substr(1, value.size() - 2) : value;
}

// §7.1.2: 8 to 15, without a leading zero.
bool is_window(std::string_view value) {
    const auto bits = parse_decimal<int>(value);
    return bits && *bits >= 8 && *bits <= 15 && !value.starts_with('0');
}

// The parameter's place in kParameters; nullopt if the whole offer is to be passed over.
std::optional<std::size_t> place_of(std::string_view name, std::optional<std::string_view> value) {
    const auto* const found = std::ranges::find_if(
        kParameters, [&](std::string_view known) { return equals_ignore_case(name, known); });
    const auto place = static_cast<std::size_t>(found - kParameters.begin());
    if (place < kServerPlace) return value ? std::nullopt : std::optional(place);
    const bool fits = value ? is_window(*value) : place == kServerPlace + 1;
    return place < kParameters.size() && fits ? std::optional(place) : std::nullopt;
}

std::optional<DeflateAgreement> answer(std::string_view offer) {
    if (!equals_ignore_case(trim(next_token(offer, ';')), kName)) return std::nullopt;
    std::array<bool, kParameters.size()> seen{};
    DeflateAgreement agreement{std::string(kName), true};
    for (const std::string_view known : {kParameters[0], kParameters[1]})
        agreement.response += "; " + std::string(known);
    while (!offer.empty()) {
        std::string_view value = next_token(offer, ';');
        const bool has_value = value.find('=') != value.npos;
        const std::string_view name = trim(next_token(value, '='));
        value = without_quotes(trim(value));
        const auto place = place_of(name, has_value ? std::optional(value) : std::nullopt);
        if (!place || std::exchange(seen[*place], true)) return std::nullopt;
        if (*place < kServerPlace || !has_value) continue;
        agreement.response += "; " + std::string(kParameters[*place]) + "=" + std::string(value);
        // All but the whole window, which is what we pack with.
        if (*place == kServerPlace && value != "15") agreement.may_send = false;
    }
    return agreement;
}

}  // namespace

DeflateAgreement agree_on_deflate(std::string_view offers) {
    while (!offers.empty())
        if (auto agreement = answer(next_token(offers, ','))) return *std::move(agreement);
    return {};
}

}  // namespace confab::websocket
