// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/telemetry/log.h"

#include <doctest/doctest.h>

#include <vector>

namespace confab::telemetry {

namespace {
constexpr UnixTime kTime = UnixTime::millis(1'700'000'000'042);
constexpr std::string_view kJwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJib2IifQ.c2lnbmF0dXJlLW9m";
}  // namespace

TEST_CASE("format_json: types, escapes, one line") {
    CHECK(format_json(kTime, LogLevel::kInfo, "room.created",
                      {{"room", "a\"b\\c\nd\x01"},
                       {"n", -3},
                       {"u", 18446744073709551615ULL},
                       {"r", 0.5},
                       {"ok", true}}) ==
          "{\"level\":\"info\",\"ts\":\"2023-11-14T22:13:20.042Z\",\"msg\":\"room.created\","
          "\"room\":\"a\\\"b\\\\c\\nd\\u0001\",\"n\":-3,\"u\":18446744073709551615,\"r\":0.5,"
          "\"ok\":true}");
    const std::string broken = format_json(kTime, LogLevel::kWarn, "x", {{"name", "\xFF\xFE"}});
    CHECK(broken.find("\"name\":\"??\"") != std::string::npos);
}

TEST_CASE("format_text: a readable line") {
    CHECK(format_text(kTime, LogLevel::kWarn, "room.closed", {{"room", "blue"}, {"n", 2}}) ==
          "22:13:20.042 warn  room.closed room=\"blue\" n=2");
}

TEST_CASE("LogField::if_any: what has nothing to say is left out") {
    const auto fields = [](std::string_view tenant) {
        return format_json(kTime, LogLevel::kInfo, "x",
                           {{"room", "r"}, LogField::if_any("tenant", tenant), {"n", 1}});
    };
    CHECK(fields("acme").ends_with(R"("room":"r","tenant":"acme","n":1})"));
    CHECK(fields("").ends_with(R"("room":"r","n":1})"));
    CHECK(format_text(kTime, LogLevel::kWarn, "x", {LogField::if_any("tenant", "")}) ==
          "22:13:20.042 warn  x");
    CHECK(format_text(kTime, LogLevel::kWarn, "x", {LogField::if_any("tenant", "a")}) ==
          "22:13:20.042 warn  x tenant=\"a\"");
}

TEST_CASE("redact: nothing secret stays, the rest does [IMM-16]") {
    const std::string jwt(kJwt);
    const std::vector<std::pair<std::string, std::string>> cases = {
        {"/rtc?access_token=" + jwt + "&auto_subscribe=1",
         "/rtc?access_token=[redacted]&auto_subscribe=1"},
        {"/rtc?auto=1&ACCESS_TOKEN=abc", "/rtc?auto=1&ACCESS_TOKEN=[redacted]"},
        {"/rtc/v1?join_request=CgA%3D", "/rtc/v1?join_request=[redacted]"},
        {"Authorization: Bearer " + jwt, "Authorization: Bearer [redacted]"},
        {"authorization: bearer opaque-token", "authorization: bearer [redacted]"},
        {"Basic dXNlcjpwYXNz==", "Basic [redacted]"},
        {"bad token " + jwt + ", refused", "bad token [redacted], refused"},
        {R"({"api_secret":"s3cr\"et","room":"r"})", R"({"api_secret":"[redacted]","room":"r"})"},
        {"redis://user:pass@host:6379/0", "redis://[redacted]@host:6379/0"},
        {"password: hunter2", "password: [redacted]"},
        {"a=ice-ufrag:x a=ice-pwd:y", "a=ice-ufrag:x a=ice-pwd:y"},
        {"token_count=3 tokens=4", "token_count=3 tokens=4"},
        {"http://host/path@x", "http://host/path@x"},
        {"", ""},
    };
    for (const auto& [in, out] : cases)
        CHECK(redact(in) == out);
}

TEST_CASE("redact: a token is found at any place and survives no cut of the line [IMM-16]") {
    const std::string target = "GET /rtc?x=1&access_token=" + std::string(kJwt) + "&y=2 HTTP/1.1";
    for (std::size_t from = 0; from < target.size(); ++from) {
        const std::string line = redact(target.substr(from));
        const std::size_t jwt_at = target.find("eyJ");
        if (from <= jwt_at) CHECK(line.find("c2lnbmF0dXJl") == std::string::npos);
    }
}

TEST_CASE("log: level, sink, and no secret at full verbosity [IMM-16]") {
    std::vector<std::string> lines;
    LogOptions options;
    options.level = LogLevel::kDebug;
    options.sink = [&](std::string_view line) { lines.emplace_back(line); };
    init_log(options);
    log_debug("request",
              {{"target", "/rtc?access_token=" + std::string(kJwt)}, {"token", "opaque"}});
    log_error("failed for " + std::string(kJwt), {{"api_secret", "abc"}, {"password", ""}});
    options.level = LogLevel::kWarn;
    options.json = false;
    init_log(options);
    CHECK_FALSE(log_enabled(LogLevel::kInfo));
    log_info("not written");
    log_warn("written");
    init_log({});
    REQUIRE(lines.size() == 3);
    for (const std::string& line : lines) {
        CHECK(line.find("eyJ") == std::string::npos);
        CHECK(line.find("opaque") == std::string::npos);
        CHECK(line.find("abc") == std::string::npos);
        CHECK(line.find('\n') == std::string::npos);
    }
    CHECK(lines[0].find("\"token\":\"[redacted]\"") != std::string::npos);
    CHECK(lines[1].find("\"password\":\"\"") != std::string::npos);
    CHECK(lines[2].ends_with("warn  written"));
}

TEST_CASE("format_text, format_json: no secret leaves in the message nor in a field [IMM-16]") {
    const std::string jwt(kJwt);
    for (const std::string& secret :
         {"Authorization: Bearer " + jwt, "GET /rtc?access_token=" + jwt, "token " + jwt,
          "redis://user:" + jwt + "@host"}) {
        const LogFields fields = {{"where", secret}};
        for (const std::string& line :
             {format_text(UnixTime{}, LogLevel::kInfo, "failed: " + secret, {}),
              format_text(UnixTime{}, LogLevel::kInfo, "failed", fields),
              format_json(UnixTime{}, LogLevel::kInfo, "failed: " + secret, {}),
              format_json(UnixTime{}, LogLevel::kInfo, "failed", fields)}) {
            CAPTURE(line);
            CHECK(line.find(jwt) == std::string::npos);
            CHECK(line.find("[redacted]") != std::string::npos);
        }
    }
}

TEST_CASE("LogLimiter: a burst per key and interval, with the number left out") {
    LogLimiter limiter(Duration::seconds(60), 2);
    const Timestamp start = Timestamp::micros(1);
    CHECK(limiter.check("a", start).allowed);
    CHECK(limiter.check("a", start).allowed);
    CHECK_FALSE(limiter.check("a", start).allowed);
    CHECK_FALSE(limiter.check("a", start + Duration::seconds(59)).allowed);
    CHECK(limiter.check("b", start).allowed);
    const LogLimiter::Verdict later = limiter.check("a", start + Duration::seconds(60));
    CHECK(later.allowed);
    CHECK(later.suppressed == 2);
    for (std::size_t i = 0; i < 2 * LogLimiter::kMaxKeys; ++i)
        (void)limiter.check(std::to_string(i), start);
    CHECK_FALSE(limiter.check("new", start).allowed);
    CHECK(limiter.check("new", start + Duration::seconds(120)).allowed);
}

TEST_CASE("parse_log_level: names") {
    CHECK(parse_log_level("DEBUG") == LogLevel::kDebug);
    CHECK(parse_log_level("warning") == LogLevel::kWarn);
    CHECK(parse_log_level("error") == LogLevel::kError);
    CHECK(parse_log_level("chatty") == LogLevel::kInfo);
}

}  // namespace confab::telemetry
