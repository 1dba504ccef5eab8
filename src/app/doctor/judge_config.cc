// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What loading the configuration had to say, by code.
#include "app/doctor/judge.h"

namespace confab::doctor {
namespace {

constexpr unsigned kOthers = 07;  // permission bits

bool has(std::string_view text, std::string_view part) {
    return text.find(part) != text.npos;
}

// By the key that is to blame; a text of its own only where one key has several mistakes.
Code code_of_error(const config::Diagnostic& error) {
    if (has(error.message, " not found in ")) return Code::kConfigUnknownKey;
    if (has(error.message, "others permissions must be set to 0")) return Code::kKeyFileMode;
    if (error.path == "keys") return Code::kKeysMissing;
    if (error.path == "turn.domain") return Code::kTurnDomainMissing;
    if (error.message.starts_with("open ")) return Code::kConfigUnreadable;
    return Code::kConfigInvalid;
}

Code code_of_warning(const config::Diagnostic& warning) {
    if (warning.path == "keys") return Code::kSecretWeak;
    return Code::kConfigWarning;
}

}  // namespace

bool lacks_turn_certificate(const config::Config& config) {
    const config::Turn& turn = config.turn;
    return turn.enabled && turn.tls_port != 0 && !turn.external_tls && !config.shares_turn_tls() &&
           (turn.cert_file.empty() || turn.key_file.empty());
}

void judge_config(const ConfigFacts& facts, Diagnosis& out) {
    for (const config::Diagnostic& error : facts.errors)
        out.add(code_of_error(error), config::to_text(error, facts.file));
    for (const config::Diagnostic& warning : facts.warnings)
        out.add(code_of_warning(warning), config::to_text(warning, facts.file));
    if (facts.errors.empty() && !facts.has_keys)
        out.add(Code::kKeysMissing, facts.file.empty() ? "the configuration" : facts.file);
    if (facts.errors.empty() && facts.lacks_turn_certificate)
        out.add(Code::kTurnCertificateMissing, "turn.cert_file and turn.key_file");
    if (!facts.file.empty() && facts.has_keys && (facts.file_mode & kOthers) != 0)
        out.add(Code::kConfigFileMode, facts.file);
    if (facts.errors.empty() && facts.has_keys)
        out.good("configuration", facts.file.empty() ? "as given" : facts.file);
}

}  // namespace confab::doctor
