// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What goes to an ACME server and what comes back, as values (RFC 8555 §7). Everything of an answer
// is anybody's: sizes and forms are checked here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace confab::acme {

struct Request {
    std::string method;        // GET, HEAD or POST
    std::string url;           // https
    std::string content_type;  // empty without a body
    std::string body;
};

struct Response {
    int status = 0;
    std::string body;
    // Of the header fields Replay-Nonce, Location and Retry-After; empty: not there.
    std::string nonce;
    std::string location;
    std::string retry_after;
};

inline constexpr std::size_t kMaxUrl = 2048;
inline constexpr std::size_t kMaxNonce = 512;
inline constexpr std::size_t kMaxToken = 512;
inline constexpr std::size_t kMaxDetail = 300;  // characters of a problem that are told
inline constexpr std::size_t kMaxAuthorizations = 100;

// An https URL that can be asked for.
bool is_url(std::string_view text);
// Characters of base64url alone (RFC 8555 §6.5.1, §8.3), at most `limit`.
bool is_base64url(std::string_view text, std::size_t limit);
// What can be told in a line of the log.
std::string plain_text(std::string_view text);

// RFC 8555 §7.1.1.
struct Directory {
    std::string new_nonce;
    std::string new_account;
    std::string new_order;
};
std::optional<Directory> parse_directory(std::string_view json);

// RFC 8555 §6.7; the type without its prefix: "badNonce".
struct Problem {
    std::string type;
    std::string detail;
};
Problem parse_problem(const Response& response);

enum class Status : std::uint8_t { kPending, kReady, kProcessing, kValid, kInvalid };

// RFC 8555 §7.1.3.
struct Order {
    Status status = Status::kPending;
    std::vector<std::string> authorizations;
    std::string finalize;
    std::string certificate;  // with kValid
    std::string error;        // with kInvalid, where the server says why
};
std::optional<Order> parse_order(std::string_view json);

enum class ChallengeKind : std::uint8_t { kHttp01, kTlsAlpn01 };
std::string_view to_text(ChallengeKind kind);

// RFC 8555 §7.1.4; of its challenges those of the two kinds.
struct Authorization {
    struct Challenge {
        ChallengeKind kind{};
        std::string url;
        std::string token;
        Status status = Status::kPending;
    };
    Status status = Status::kPending;
    std::string domain;
    std::vector<Challenge> challenges;
    std::string error;  // why a challenge failed
};
std::optional<Authorization> parse_authorization(std::string_view json);

// Seconds, or a date (RFC 9110 §10.2.3); nullopt if it is none.
std::optional<Duration> parse_retry_after(std::string_view text, UnixTime wall);

}  // namespace confab::acme
