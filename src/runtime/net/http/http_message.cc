// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/net/http/http_message.h"

#include <algorithm>
#include <array>
#include <ctime>

#include "base/text.h"

namespace confab::net {

namespace {

bool is_token_char(char c) {
    const bool alphanumeric =
        (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return alphanumeric || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool is_ours(std::string_view name) {
    for (const std::string_view own : {"content-length", "transfer-encoding", "connection", "date"})
        if (equals_ignore_case(name, own)) return true;
    return false;
}

// RFC 9110 §6.4.1, §8.6: these answers have neither body nor length.
bool has_no_body(int status) {
    return status < 200 || status == 204 || status == 304;
}

}  // namespace

std::optional<std::string_view> HttpHeaders::find(std::string_view name) const {
    for (const HttpHeader& header : list_)
        if (equals_ignore_case(header.name, name)) return header.value;
    return std::nullopt;
}

void HttpHeaders::set(std::string_view name, std::string value) {
    std::erase_if(list_, [name](const HttpHeader& h) { return equals_ignore_case(h.name, name); });
    list_.push_back({std::string(name), std::move(value)});
}

bool HttpHeaders::has_token(std::string_view name, std::string_view token) const {
    for (const HttpHeader& header : list_) {
        if (!equals_ignore_case(header.name, name)) continue;
        std::string_view rest = header.value;
        while (!rest.empty())
            if (equals_ignore_case(trim(next_token(rest, ',')), token)) return true;
    }
    return false;
}

bool is_writable(const HttpHeader& header) {
    return !header.name.empty() && header.name.size() + header.value.size() <= kMaxWrittenHeader &&
           std::all_of(header.name.begin(), header.name.end(), is_token_char) &&
           header.value.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos &&
           !is_ours(header.name);
}

HttpResponse HttpResponse::text(int status, std::string body) {
    return {status, {{"Content-Type", "text/plain; charset=utf-8"}}, std::move(body)};
}

std::string_view reason_phrase(int status) {
    struct Reason {
        int status;
        std::string_view phrase;
    };
    static constexpr std::array kReasons = std::to_array<Reason>({
        {100, "Continue"},
        {101, "Switching Protocols"},
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {206, "Partial Content"},
        {301, "Moved Permanently"},
        {302, "Found"},
        {304, "Not Modified"},
        {307, "Temporary Redirect"},
        {308, "Permanent Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {410, "Gone"},
        {412, "Precondition Failed"},
        {413, "Request Entity Too Large"},
        {415, "Unsupported Media Type"},
        {417, "Expectation Failed"},
        {422, "Unprocessable Entity"},
        {426, "Upgrade Required"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {499, "Client Closed Request"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
    });
    for (const Reason& reason : kReasons)
        if (reason.status == status) return reason.phrase;
    return "Unknown";
}

std::string http_date(UnixTime time) {
    static constexpr std::array<std::string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed",
                                                              "Thu", "Fri", "Sat"};
    static constexpr std::array<std::string_view, 12> kMonths = {
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const std::time_t seconds = time.s();
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    const auto two = [](int n) {
        return std::string{static_cast<char>('0' + n / 10 % 10), static_cast<char>('0' + n % 10)};
    };
    return std::string(kDays[static_cast<std::size_t>(parts.tm_wday)]) + ", " + two(parts.tm_mday) +
           " " + std::string(kMonths[static_cast<std::size_t>(parts.tm_mon)]) + " " +
           std::to_string(1900 + parts.tm_year) + " " + two(parts.tm_hour) + ":" +
           two(parts.tm_min) + ":" + two(parts.tm_sec) + " GMT";
}

bool split_target(std::string_view target, std::string& path, std::string& query) {
    if (target == "*") {
        path = "*";
        return true;
    }
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (target.size() < scheme.size() ||
            !equals_ignore_case(target.substr(0, scheme.size()), scheme))
            continue;
        target.remove_prefix(scheme.size());
        target.remove_prefix(std::min(target.find_first_of("/?"), target.size()));
        if (target.empty() || target.front() == '?') {
            path = "/";
            query = target.empty() ? "" : std::string(target.substr(1));
            return true;
        }
        break;
    }
    if (target.empty() || target.front() != '/') return false;
    target = target.substr(0, target.find('#'));
    const std::size_t mark = target.find('?');
    path = std::string(target.substr(0, mark));
    query = mark == std::string_view::npos ? "" : std::string(target.substr(mark + 1));
    return true;
}

std::string serialize(const HttpResponse& response, const ResponseForm& form, UnixTime now) {
    std::string out = form.version == 10 ? "HTTP/1.0 " : "HTTP/1.1 ";
    out += std::to_string(response.status) + " " + std::string(reason_phrase(response.status)) +
           "\r\n";
    for (const HttpHeader& header : response.headers)
        if (is_writable(header)) out += header.name + ": " + header.value + "\r\n";
    out += "Date: " + http_date(now) + "\r\n";
    if (!has_no_body(response.status))
        out += "Content-Length: " + std::to_string(response.body.size()) + "\r\n";
    if (!form.keep_alive)
        out += "Connection: close\r\n";
    else if (form.version == 10)
        out += "Connection: keep-alive\r\n";
    out += "\r\n";
    if (!form.head_only && !has_no_body(response.status)) out += response.body;
    return out;
}

}  // namespace confab::net
