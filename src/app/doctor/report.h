// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What the doctor says, for people and for programs.
#pragma once

#include <string>

#include "app/doctor/findings.h"

namespace confab::doctor {

// Problems first, then warnings, each with its fix; then what was seen to be well.
std::string report_text(const Diagnosis& diagnosis);
// One JSON object, a line: healthy, problems, warnings, findings, seen, skipped.
std::string report_json(const Diagnosis& diagnosis);

// docs/guide/doctor.md has the same numbers.
enum class Exit : int { kHealthy = 0, kWarnings = 1, kProblems = 2, kCouldNotRun = 3 };
// Warnings count with `strict` only.
Exit exit_of(const Diagnosis& diagnosis, bool strict);

}  // namespace confab::doctor
