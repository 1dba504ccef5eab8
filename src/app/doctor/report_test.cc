// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/doctor/report.h"

#include <doctest/doctest.h>

#include "json/json.h"

namespace confab::doctor {
namespace {

Diagnosis some() {
    Diagnosis diagnosis;
    diagnosis.add(Code::kSecretWeak, "APIk");
    diagnosis.add(Code::kUdpBlocked, "203.0.113.10:7882");
    diagnosis.good("DNS", "live.example.org is 203.0.113.10");
    diagnosis.skipped = {"TURN"};
    return diagnosis;
}

TEST_CASE("report: problems before warnings, each with its fix and its section") {
    CHECK(report_text(some()) ==
          "PROBLEM  udp-blocked: media gets through by TCP only: it comes late and jerky\n"
          "         203.0.113.10:7882\n"
          "         fix: open the UDP ports for media in the firewall and in the provider's "
          "security group\n"
          "         see docs/guide/troubleshoot.md#udp-blocked\n"
          "warning  secret-weak: the secret of an API key is shorter than 32 characters and may be "
          "guessed\n"
          "         APIk\n"
          "         fix: make another pair with `confab generate-keys`\n"
          "         see docs/guide/troubleshoot.md#secret-weak\n"
          "ok       DNS               live.example.org is 203.0.113.10\n"
          "skipped  TURN\n"
          "1 problem, 1 warning\n");
}

TEST_CASE("report: as JSON") {
    const std::string text = report_json(some());
    const auto json = json::parse(text);
    REQUIRE(json);
    CHECK_FALSE(json->find("healthy")->boolean);
    CHECK(json->find("problems")->number == 1);
    CHECK(json->find("warnings")->number == 1);
    const auto& findings = json->find("findings")->items;
    REQUIRE(findings.size() == 2);
    CHECK(findings[1].find("code")->string == "udp-blocked");
    CHECK(findings[1].find("level")->string == "problem");
    CHECK(findings[1].find("docs")->string == "docs/guide/troubleshoot.md#udp-blocked");
    CHECK(json->find("seen")->items.size() == 1);
    CHECK(json->find("skipped")->items.size() == 1);
}

TEST_CASE("report: exit codes") {
    CHECK(exit_of({}, true) == Exit::kHealthy);
    CHECK(exit_of(some(), false) == Exit::kProblems);
    Diagnosis warned;
    warned.add(Code::kSecretWeak, "");
    CHECK(exit_of(warned, false) == Exit::kHealthy);
    CHECK(exit_of(warned, true) == Exit::kWarnings);
}

}  // namespace
}  // namespace confab::doctor
