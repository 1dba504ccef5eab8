// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/doctor/report.h"

#include "json/json.h"

namespace confab::doctor {
namespace {

constexpr std::string_view kGuide = "docs/guide/troubleshoot.md#";
constexpr std::size_t kNameWidth = 18;

std::string padded(std::string_view text, std::size_t width) {
    std::string out(text);
    out.resize(std::max(width, out.size() + 1), ' ');
    return out;
}

std::string finding_text(const Finding& finding) {
    const FindingRow& row = row_of(finding.code);
    const bool is_problem = row.level == Level::kProblem;
    std::string text = std::string(is_problem ? "PROBLEM  " : "warning  ") + std::string(row.name) +
                       ": " + std::string(row.what) + "\n";
    if (!finding.detail.empty()) text += "         " + finding.detail + "\n";
    return text + "         fix: " + std::string(row.fix) + "\n         see " +
           std::string(kGuide) + std::string(row.name) + "\n";
}

std::string count_text(std::size_t count, const char* what) {
    return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

std::string finding_json(const Finding& finding) {
    const FindingRow& row = row_of(finding.code);
    json::Writer writer;
    writer.begin_object();
    writer.string("code", row.name);
    writer.string("level", row.level == Level::kProblem ? "problem" : "warning");
    writer.string("what", row.what);
    writer.string("detail", finding.detail);
    writer.string("fix", row.fix);
    writer.string("docs", std::string(kGuide) + std::string(row.name));
    writer.end_object();
    return writer.take();
}

std::string seen_json(const Seen& seen) {
    json::Writer writer;
    writer.begin_object();
    writer.string("what", seen.what);
    writer.string("text", seen.text);
    writer.end_object();
    return writer.take();
}

template <typename List, typename ToJson>
std::string array_json(const List& list, const ToJson& to_json) {
    std::string text = "[";
    for (const auto& one : list)
        text += (text.size() > 1 ? "," : "") + to_json(one);
    return text + "]";
}

}  // namespace

std::string report_text(const Diagnosis& diagnosis) {
    std::string text;
    for (const Level level : {Level::kProblem, Level::kWarning})
        for (const Finding& finding : diagnosis.findings)
            if (row_of(finding.code).level == level) text += finding_text(finding);
    for (const Seen& seen : diagnosis.seen)
        text += "ok       " + padded(seen.what, kNameWidth) + seen.text + "\n";
    for (const std::string& one : diagnosis.skipped)
        text += "skipped  " + one + "\n";
    return text + count_text(diagnosis.count(Level::kProblem), "problem") + ", " +
           count_text(diagnosis.count(Level::kWarning), "warning") + "\n";
}

std::string report_json(const Diagnosis& diagnosis) {
    json::Writer writer;
    writer.begin_object();
    writer.boolean("healthy", diagnosis.count(Level::kProblem) == 0);
    writer.integer("problems", static_cast<std::int64_t>(diagnosis.count(Level::kProblem)));
    writer.integer("warnings", static_cast<std::int64_t>(diagnosis.count(Level::kWarning)));
    writer.raw("findings", array_json(diagnosis.findings, finding_json));
    writer.raw("seen", array_json(diagnosis.seen, seen_json));
    writer.strings("skipped", diagnosis.skipped);
    writer.end_object();
    return writer.take();
}

Exit exit_of(const Diagnosis& diagnosis, bool strict) {
    if (diagnosis.count(Level::kProblem) > 0) return Exit::kProblems;
    if (strict && diagnosis.count(Level::kWarning) > 0) return Exit::kWarnings;
    return Exit::kHealthy;
}

}  // namespace confab::doctor
