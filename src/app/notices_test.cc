// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What is shipped beside our own code is named with its licence, and comes from a lock file that
// says exactly what was built (05 DEMO-06).
#include <doctest/doctest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "app/source_file_testing.h"
#include "base/text.h"

namespace confab::app {
namespace {

using testing::read_source;

struct LockedPackage {
    std::string name;
    std::string version;
    bool has_integrity = false;
    bool development = false;
};

// The value of `"key": "value"` on a line of an npm lock file.
std::optional<std::string> value_of(const std::string& line, const std::string& key) {
    const std::string mark = "\"" + key + "\": \"";
    const std::size_t at = line.find(mark);
    if (at == line.npos) return std::nullopt;
    const std::size_t begin = at + mark.size();
    return line.substr(begin, line.find('"', begin) - begin);
}

// npm writes one member per line, packages indented by four blanks.
std::vector<LockedPackage> packages_of(const std::string& lock) {
    constexpr std::string_view kOpens = "    \"node_modules/";
    std::vector<LockedPackage> packages;
    bool inside = false;
    std::istringstream lines(lock);
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with(kOpens)) {
            const std::size_t name = line.rfind("node_modules/") + 13;
            packages.push_back({line.substr(name, line.find('"', name) - name), {}, false, false});
            inside = true;
        } else if (line.starts_with("    }")) {
            inside = false;
        } else if (inside) {
            LockedPackage& package = packages.back();
            if (!line.starts_with("      \"")) continue;
            if (const auto version = value_of(line, "version")) package.version = *version;
            package.has_integrity = package.has_integrity || value_of(line, "integrity");
            package.development = package.development || line.find("\"dev\": true") != line.npos;
        }
    }
    return packages;
}

}  // namespace

TEST_CASE("The demo page's packages are locked by digest and named with their licence [DEMO-06]") {
    const auto packages = packages_of(read_source("web/package-lock.json"));
    CHECK(packages.size() > 30);
    const std::string notices = read_source("web/THIRD-PARTY.md");
    const auto row_of = [&](const LockedPackage& package) {
        return notices.find("| " + package.name + " | " + package.version + " | ");
    };
    std::size_t shipped = 0;
    for (const LockedPackage& package : packages) {
        CAPTURE(package.name);
        CHECK(package.has_integrity);
        if (!package.development && row_of(package) != notices.npos) ++shipped;
    }
    CHECK(shipped > 15);
    for (const std::string_view name :
         {"livekit-client", "@livekit/components-react", "react", "react-dom"}) {
        const auto own = std::find_if(packages.begin(), packages.end(),
                                      [&](const auto& package) { return package.name == name; });
        REQUIRE(own != packages.end());
        CHECK_MESSAGE(row_of(*own) != notices.npos, name, " ", own->version,
                      ": run npm run notices in web/");
    }
    for (const std::string_view licence : {"Apache License", "MIT License", "Permission is hereby"})
        CHECK(notices.find(licence) != notices.npos);
}

TEST_CASE("No logo of others is shipped [DEMO-06]") {
    for (const char* file : {"web/index.html", "web/src/strings/en.ts", "web/src/strings/de.ts"}) {
        const std::string text = to_lower(read_source(file));
        REQUIRE_FALSE(text.empty());
        CHECK(text.find("livekit-logo") == text.npos);
        CHECK(text.find("powered by livekit") == text.npos);
    }
}

}  // namespace confab::app
