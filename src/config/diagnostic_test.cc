// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "config/diagnostic.h"

#include <doctest/doctest.h>

namespace confab::config {
namespace {

Diagnostic at(int line, std::string message, Severity severity = Severity::kError) {
    return {severity, line, "", std::move(message)};
}

}  // namespace

TEST_CASE("to_text: says the place if there is one [CFG-07]") {
    CHECK(to_text(at(3, "m")) == "line 3: m");
    CHECK(to_text(at(3, "m"), "/etc/c.yaml") == "/etc/c.yaml:3: m");
    // Not from a file: a variable or a flag.
    CHECK(to_text(at(0, "m")) == "m");
    CHECK(to_text(at(0, "m"), "/etc/c.yaml") == "m");
}

TEST_CASE("to_text: the heading of upstream stands above errors of a file only [CFG-01][CFG-07]") {
    CHECK(to_text(Diagnostics{}).empty());
    CHECK(to_text({at(0, "a"), at(0, "b")}) == "a\nb");
    CHECK(to_text({at(1, "a"), at(2, "b")}) ==
          "could not parse config: yaml: unmarshal errors:\n  line 1: a\n  line 2: b");
    CHECK(to_text({at(0, "a"), at(2, "b")}, "f") ==
          "could not parse config: yaml: unmarshal errors:\n  a\n  f:2: b");
}

TEST_CASE("to_text: warnings are no errors") {
    CHECK(to_text({at(0, "a", Severity::kWarning), at(0, "b")}) == "b");
    CHECK(to_text(Diagnostics{at(0, "a", Severity::kWarning)}).empty());
}

}  // namespace confab::config
