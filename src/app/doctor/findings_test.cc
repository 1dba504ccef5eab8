// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/doctor/findings.h"

#include <doctest/doctest.h>

#include <set>

#include "app/source_file_testing.h"

namespace confab::doctor {
namespace {

// The headings of a page, as links name them.
std::set<std::string> sections_of(const std::string& page) {
    std::set<std::string> found;
    for (std::size_t at = page.find("\n### "); at != page.npos; at = page.find("\n### ", at + 1))
        found.insert(page.substr(at + 5, page.find('\n', at + 5) - at - 5));
    return found;
}

TEST_CASE("findings: each code has a name of its own, a sentence and a fix") {
    std::set<std::string_view> names;
    for (const FindingRow& row : finding_rows()) {
        CAPTURE(row.name);
        CHECK(names.insert(row.name).second);
        CHECK(row.what.size() > 10);
        CHECK(row.fix.size() > 3);
        CHECK_FALSE(row.what.ends_with('.'));
        CHECK(row.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") ==
              std::string_view::npos);
        CHECK(&row_of(row.code) == &row);
    }
}

TEST_CASE("findings: each code has its section in the guide, and the guide has no others") {
    const std::set<std::string> sections =
        sections_of(app::testing::read_source("docs/guide/troubleshoot.md"));
    std::set<std::string> names;
    for (const FindingRow& row : finding_rows())
        names.insert(std::string(row.name));
    for (const std::string& name : names)
        CHECK_MESSAGE(sections.contains(name), name, " has no section");
    for (const std::string& section : sections)
        CHECK_MESSAGE(names.contains(section), section, " is no finding");
}

TEST_CASE("Diagnosis: counts by level") {
    Diagnosis diagnosis;
    CHECK(diagnosis.count(Level::kProblem) == 0);
    diagnosis.add(Code::kSecretWeak, "key");
    diagnosis.add(Code::kKeysMissing, "file");
    diagnosis.add(Code::kDnsMissing, "host");
    CHECK(diagnosis.count(Level::kProblem) == 2);
    CHECK(diagnosis.count(Level::kWarning) == 1);
    CHECK(diagnosis.has(Code::kDnsMissing));
    CHECK_FALSE(diagnosis.has(Code::kDnsElsewhere));
}

}  // namespace
}  // namespace confab::doctor
