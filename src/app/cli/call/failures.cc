// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/cli/call/failures.h"

#include <array>
#include <chrono>
#include <optional>

#include "app/cli/output/table_text.h"
#include "base/text.h"
#include "json/json.h"

namespace confab::app::cli {
namespace {

constexpr Duration kClockLeeway = Duration::seconds(30);
constexpr std::string_view kCodePrefix = "SIP_STATUS_";
constexpr std::size_t kMaxText = 500;  // of an answer that is shown

struct Said {
    std::string code;  // of Twirp; empty: it was none
    std::string text;
};

Said said_by(const net::HttpResponse& answer) {
    Said said;
    if (const auto json = json::parse(answer.body)) {
        if (const auto* code = json->find("code")) said.code = code->string;
        for (const char* name : {"msg", "message", "error"})
            if (const auto* text = json->find(name); text != nullptr && said.text.empty())
                said.text = text->string;
    } else {
        said.text = std::string(trim(answer.body));
    }
    said.text = printable(said.text.substr(0, kMaxText));
    return said;
}

// Of the Date header, RFC 9110 §5.6.7.
std::optional<UnixTime> server_time(const net::HttpResponse& answer) {
    static constexpr std::array<std::string_view, 12> kMonths{
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const std::string_view text = answer.headers.get("Date");
    if (text.size() < 29) return std::nullopt;
    const auto number = [&](std::size_t at, std::size_t size) {
        return parse_decimal<unsigned>(text.substr(at, size)).value_or(0);
    };
    unsigned month = 0;
    while (month < kMonths.size() && kMonths[month] != text.substr(8, 3))
        ++month;
    using namespace std::chrono;
    const year_month_day date{year(static_cast<int>(number(12, 4))), std::chrono::month(month + 1),
                              day(number(5, 2))};
    if (!date.ok()) return std::nullopt;
    const sys_seconds at =
        sys_days(date) + hours(number(17, 2)) + minutes(number(20, 2)) + seconds(number(23, 2));
    return UnixTime::seconds(at.time_since_epoch().count());
}

bool has(std::string_view text, std::string_view part) {
    return text.find(part) != text.npos;
}

std::string clock_remedy(const net::HttpResponse& answer, UnixTime now) {
    const auto theirs = server_time(answer);
    if (!theirs) return "set the clocks of both machines (NTP)";
    const Duration ahead = now - *theirs;
    if (ahead < kClockLeeway && -kClockLeeway < ahead)
        return "set the clocks of both machines (NTP)";
    const std::int64_t seconds = ahead.us() / 1'000'000;
    return "the clock of this machine is " + std::to_string(seconds < 0 ? -seconds : seconds) +
           " s " + (seconds < 0 ? "behind" : "ahead of") + " that of the server; set them (NTP)";
}

std::string key_remedy(const std::string& text, const net::HttpResponse& answer,
                       const Credentials& server, UnixTime now) {
    if (has(text, "expired") || has(text, "not valid yet")) return clock_remedy(answer, now);
    if (has(text, "API key"))
        return "the server has no key " + server.api_key +
               "; take one of its configuration, and mind which of the two is the secret";
    if (has(text, "signature") || has(text, "cryptographic"))
        return "the secret is not that of key " + server.api_key + "; check --api-secret";
    return "key " + server.api_key + " may not do that; take one of the server's operator";
}

std::string remedy(const Said& said, const net::HttpResponse& answer, const Credentials& server,
                   UnixTime now) {
    if (answer.status == 401 || answer.status == 403)
        return key_remedy(said.text, answer, server, now);
    if (said.code == "bad_route")
        return "the server is older than this verb, or has no such service";
    if (has(said.text, "redis required"))
        return "the server needs `redis:` and that service beside it, see docs/guide/cluster.md";
    if (has(said.text, "no response from servers"))
        return "the service that does this is not running, or busy";
    return {};
}

}  // namespace

std::string no_server(const Credentials& server) {
    return "what answers at " + server.url +
           " is no server of this protocol; check --url: the address that clients get, without a "
           "path";
}

std::string unreachable(net::HttpClientError error, const Credentials& server) {
    using Error = net::HttpClientError;
    switch (error) {
        case Error::kBadUrl:
            return "--url " + server.url +
                   " is no address of a server; it looks like wss://media.example.com";
        case Error::kResolve:
            return "the host of " + server.url + " is not found; check --url and the DNS";
        case Error::kConnect:
            return "cannot connect to " + server.url +
                   "; is the server running there? check --url, the port and firewalls";
        case Error::kTls:
            return "no TLS with " + server.url +
                   ": its certificate is not of an authority that this machine knows, is not for "
                   "that name, or the port has no TLS; set SSL_CERT_FILE to the authority's "
                   "certificate, or take ws:// where there is none";
        case Error::kTimeout:
            return server.url + " does not answer in time; try again, or see the server's log";
        case Error::kBadResponse:
        case Error::kTooLarge:
            return no_server(server);
        default:
            return server.url + ": " + std::string(net::to_string(error)) +
                   "; try again, or see the server's log";
    }
}

std::optional<SipStatus> sip_status(const net::HttpResponse& answer) {
    const auto json = json::parse(answer.body);
    const json::Value* const meta = json ? json->find("meta") : nullptr;
    const json::Value* const given = meta != nullptr ? meta->find("sip_status_code") : nullptr;
    const auto code = parse_decimal<std::uint32_t>(given != nullptr ? given->string : "");
    if (!code) return std::nullopt;
    const json::Value* const text = meta->find("sip_status");
    SipStatus status{*code, text != nullptr ? text->string : ""};
    if (status.text.starts_with(kCodePrefix)) status.text.erase(0, kCodePrefix.size());
    return status;
}

std::string refused(const net::HttpResponse& answer, const Credentials& server, UnixTime now) {
    const Said said = said_by(answer);
    const bool is_html = answer.headers.get("Content-Type").starts_with("text/html");
    if (said.code.empty() &&
        (is_html || answer.status / 100 == 3 || answer.status == 404 || answer.status == 405))
        return no_server(server);
    std::string out = said.code.empty() ? "status " + std::to_string(answer.status) : said.code;
    if (!said.text.empty()) out += ": " + said.text;
    const std::string hint = remedy(said, answer, server, now);
    return hint.empty() ? out : out + "; " + hint;
}

}  // namespace confab::app::cli
