// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "acme/messages.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "json/json.h"

namespace confab::acme {
namespace {

constexpr std::string_view kErrorPrefix = "urn:ietf:params:acme:error:";
constexpr Duration kLongestRetry = Duration::seconds(7 * 86'400);

// Empty where there is none, or it is no string.
std::string text_of(const json::Value& object, std::string_view name) {
    const json::Value* const found = object.find(name);
    return found != nullptr && found->kind == json::Kind::kString ? found->string : std::string();
}

std::string url_of(const json::Value& object, std::string_view name) {
    std::string url = text_of(object, name);
    return is_url(url) ? url : std::string();
}

std::optional<Status> status_of(const json::Value& object) {
    const std::string text = text_of(object, "status");
    if (text == "pending") return Status::kPending;
    if (text == "ready") return Status::kReady;
    if (text == "processing") return Status::kProcessing;
    if (text == "valid") return Status::kValid;
    // Deactivated, expired and revoked are as little of use.
    return text.empty() ? std::nullopt : std::optional(Status::kInvalid);
}

std::string error_of(const json::Value& object) {
    const json::Value* const error = object.find("error");
    if (error == nullptr || error->kind != json::Kind::kObject) return {};
    return plain_text(text_of(*error, "detail"));
}

std::optional<json::Value> parse_object(std::string_view text) {
    auto value = json::parse(text);
    if (!value || value->kind != json::Kind::kObject) return std::nullopt;
    return *std::move(value);
}

std::optional<Authorization::Challenge> challenge_of(const json::Value& value) {
    Authorization::Challenge made;
    const std::string type = text_of(value, "type");
    if (type == to_text(ChallengeKind::kHttp01))
        made.kind = ChallengeKind::kHttp01;
    else if (type == to_text(ChallengeKind::kTlsAlpn01))
        made.kind = ChallengeKind::kTlsAlpn01;
    else
        return std::nullopt;
    made.url = url_of(value, "url");
    made.token = text_of(value, "token");
    made.status = status_of(value).value_or(Status::kPending);
    if (made.url.empty() || !is_base64url(made.token, kMaxToken)) return std::nullopt;
    return made;
}

// Days from 1970 to a date of the Gregorian calendar.
std::int64_t days_to(std::int64_t year, std::int64_t month, std::int64_t day) {
    year -= month <= 2 ? 1 : 0;
    const std::int64_t era = year / 400;
    const std::int64_t of_era = year - era * 400;
    const std::int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146'097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719'468;
}

// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 §5.6.7).
std::optional<UnixTime> parse_date(std::string_view text) {
    constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    if (text.size() != 29 || !text.ends_with(" GMT")) return std::nullopt;
    const auto month = std::find(kMonths.begin(), kMonths.end(), text.substr(8, 3));
    const auto day = parse_decimal<std::uint16_t>(text.substr(5, 2));
    const auto year = parse_decimal<std::uint16_t>(text.substr(12, 4));
    const auto hour = parse_decimal<std::uint16_t>(text.substr(17, 2));
    const auto minute = parse_decimal<std::uint16_t>(text.substr(20, 2));
    const auto second = parse_decimal<std::uint16_t>(text.substr(23, 2));
    if (month == kMonths.end() || !day || !year || !hour || !minute || !second) return std::nullopt;
    const std::int64_t days = days_to(*year, month - kMonths.begin() + 1, *day);
    return UnixTime::seconds(days * 86'400 + *hour * 3600 + *minute * 60 + *second);
}

}  // namespace

bool is_url(std::string_view text) {
    constexpr std::string_view kScheme = "https://";
    return text.starts_with(kScheme) && text.size() > kScheme.size() && text.size() <= kMaxUrl &&
           std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7F; });
}

bool is_base64url(std::string_view text, std::size_t limit) {
    const auto fits = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '_';
    };
    return !text.empty() && text.size() <= limit && std::all_of(text.begin(), text.end(), fits);
}

std::string plain_text(std::string_view text) {
    std::string plain(text.substr(0, kMaxDetail));
    std::replace_if(plain.begin(), plain.end(), [](char c) { return c < ' ' || c > '~'; }, ' ');
    return plain;
}

std::string_view to_text(ChallengeKind kind) {
    return kind == ChallengeKind::kHttp01 ? "http-01" : "tls-alpn-01";
}

std::optional<Directory> parse_directory(std::string_view json) {
    const auto value = parse_object(json);
    if (!value) return std::nullopt;
    Directory directory{url_of(*value, "newNonce"), url_of(*value, "newAccount"),
                        url_of(*value, "newOrder")};
    if (directory.new_nonce.empty() || directory.new_account.empty() || directory.new_order.empty())
        return std::nullopt;
    return directory;
}

Problem parse_problem(const Response& response) {
    Problem problem;
    if (const auto value = parse_object(response.body)) {
        problem.type = plain_text(text_of(*value, "type"));
        problem.detail = plain_text(text_of(*value, "detail"));
    }
    if (problem.type.starts_with(kErrorPrefix)) problem.type.erase(0, kErrorPrefix.size());
    if (problem.type.empty()) problem.type = "status " + std::to_string(response.status);
    return problem;
}

std::optional<Order> parse_order(std::string_view json) {
    const auto value = parse_object(json);
    if (!value) return std::nullopt;
    const auto status = status_of(*value);
    Order order;
    order.finalize = url_of(*value, "finalize");
    order.certificate = url_of(*value, "certificate");
    order.error = error_of(*value);
    const json::Value* const list = value->find("authorizations");
    if (!status || order.finalize.empty() || list == nullptr || list->kind != json::Kind::kArray ||
        list->items.size() > kMaxAuthorizations)
        return std::nullopt;
    order.status = *status;
    for (const json::Value& one : list->items) {
        if (one.kind != json::Kind::kString || !is_url(one.string)) return std::nullopt;
        order.authorizations.push_back(one.string);
    }
    return order;
}

std::optional<Authorization> parse_authorization(std::string_view json) {
    const auto value = parse_object(json);
    if (!value) return std::nullopt;
    const auto status = status_of(*value);
    const json::Value* const identifier = value->find("identifier");
    const json::Value* const list = value->find("challenges");
    if (!status || identifier == nullptr || list == nullptr || list->kind != json::Kind::kArray)
        return std::nullopt;
    Authorization made;
    made.status = *status;
    made.domain = to_lower(text_of(*identifier, "value"));
    for (const json::Value& one : list->items) {
        if (const std::string error = error_of(one); !error.empty()) made.error = error;
        if (auto challenge = challenge_of(one)) made.challenges.push_back(*std::move(challenge));
    }
    return made;
}

std::optional<Duration> parse_retry_after(std::string_view text, UnixTime wall) {
    if (const auto seconds = parse_decimal<std::uint32_t>(text))
        return std::min(Duration::seconds(*seconds), kLongestRetry);
    const auto date = parse_date(text);
    if (!date) return std::nullopt;
    return std::clamp(*date - wall, Duration::zero(), kLongestRetry);
}

}  // namespace confab::acme
