// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include <doctest/doctest.h>

#include "app/doctor/judge_testing.h"
#include "config/load.h"

namespace confab::doctor {
namespace {

using namespace testing;

// As the command reads it.
std::string found(std::string_view yaml, unsigned mode = 0600) {
    ConfigFacts facts;
    facts.file = "confab.yaml";
    facts.file_mode = mode;
    auto loaded = config::parse_yaml(yaml);
    if (loaded) {
        const auto finished = config::finish(*loaded, {.require_keys = false});
        if (!finished) facts.errors = finished.error();
        facts.warnings = loaded->warnings;
        facts.has_keys = !loaded->config.keys.empty();
        facts.lacks_turn_certificate = lacks_turn_certificate(loaded->config);
    } else {
        facts.errors = loaded.error();
    }
    Diagnosis out;
    judge_config(facts, out);
    return codes(out);
}

constexpr const char* kKeys = "keys: {APIk: 0123456789012345678901234567890123456789}\n";

TEST_CASE("judge_config: each mistake has its code") {
    const std::string keys = kKeys;
    const std::pair<std::string, const char*> cases[] = {
        {keys, ""},
        {keys + "rtc: {udp_prot: 7882}", "config-unknown-key"},
        {keys + "rtc: {tcp_port: 7880}", "config-invalid"},
        {keys + "port: many", "config-invalid"},
        {"port: 7880", "keys-missing"},
        {"keys: {APIk: short}", "secret-weak"},
        {keys + "turn: {enabled: true, tls_port: 5349}", "turn-domain-missing"},
        {keys + "turn: {enabled: true, tls_port: 5349, domain: a.test}",
         "turn-certificate-missing"},
        {keys + "turn: {enabled: true, tls_port: 5349, domain: a.test, cert_file: c}",
         "turn-certificate-missing"},
        {keys + "turn: {enabled: true, tls_port: 5349, domain: a.test, cert_file: c, key_file: k}",
         ""},
        {keys + "turn: {enabled: true, tls_port: 5349, domain: a.test, external_tls: true}", ""},
        {keys + "turn: {enabled: true, udp_port: 3478}", ""},
        {keys + "logging: {level: loud}", "config-warning"},
    };
    for (const auto& [yaml, codes] : cases) {
        CAPTURE(yaml);
        CHECK(found(yaml) == codes);
    }
}

TEST_CASE("judge_config: a file that others can read, if there are secrets in it") {
    CHECK(found(kKeys, 0640).empty());
    CHECK(found(kKeys, 0644) == "config-file-mode");
    CHECK(found("port: 7880", 0644) == "keys-missing");
}

TEST_CASE("judge_config: files that cannot be read or are open to all") {
    const auto found_for = [](const char* path, const char* message) {
        ConfigFacts facts;
        facts.errors = {{config::Severity::kError, 0, path, message}};
        Diagnosis out;
        judge_config(facts, out);
        return codes(out);
    };
    CHECK(found_for("", "open a.yaml: no such file or directory") == "config-unreadable");
    CHECK(
        found_for("key_file", "key file others permissions must be set to 0; run: chmod o= keys") ==
        "key-file-mode");
}

TEST_CASE("judge_config: the detail names file and line, and what may be meant") {
    ConfigFacts facts;
    facts.file = "confab.yaml";
    facts.errors = config::parse_yaml("port: 1\nrtc:\n  udp_prot: 7882\n").error();
    Diagnosis out;
    judge_config(facts, out);
    REQUIRE(out.findings.size() == 1);
    CHECK(out.findings[0].detail ==
          "confab.yaml:3: field udp_prot not found in rtc; did you mean rtc.udp_port?");
}

}  // namespace
}  // namespace confab::doctor
