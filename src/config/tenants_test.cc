// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// confab.tenants: as it is written, and what is refused.
#include <doctest/doctest.h>

#include "config/changes.h"
#include "config/load_testing.h"

namespace confab::config {
namespace {

std::string error_in(const std::string& yaml) {
    Loaded loaded = parsed(yaml);
    const auto done = finish(loaded, {.require_keys = false});
    return done ? "" : to_text(done.error());
}
std::string with_tenants(const std::string& tenants) {
    return "{keys: {a: x, b: y}, confab: {tenants: " + tenants + "}}";
}
// `count` tenants without a key.
std::string many(std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i)
        text += (i == 0 ? "t" : ", t") + std::to_string(i) + ": []";
    return "{" + text + "}";
}

}  // namespace

TEST_CASE("confab.tenants: names and their keys [TEN-02]") {
    const Config config = parsed("confab:\n  tenants:\n    acme: [a, b]\n    globex: [c]\n").config;
    CHECK(config.own.tenants == StringLists{{"acme", {"a", "b"}}, {"globex", {"c"}}});
    CHECK(parsed("{}").config.own.tenants.empty());
    CHECK(error_in(with_tenants("{acme: [a], globex: [b]}")).empty());
    CHECK(error_in(with_tenants("{acme: [a]}")).empty());  // b is the operator's
    for (const std::string_view bad : {"{acme: a}", "[acme]", "{acme: [[a]]}", "{acme: {a: b}}"})
        CHECK_MESSAGE(!error_of("confab: {tenants: " + std::string(bad) + "}").empty(), bad);
}

TEST_CASE("confab.tenants: a webhook key of a tenant is warned of: the others get none [TEN-10]") {
    const auto warnings = [](const std::string& key) {
        Loaded loaded = parsed(
            "{keys: {a: x, b: y}, confab: {tenants: {acme: [a]}}, webhook: {api_key: " + key +
            ", urls: [\"https://example.org/\"]}}");
        REQUIRE(finish(loaded, {.require_keys = false}));
        std::string all;
        for (const Diagnostic& warning : loaded.warnings)
            all += to_text(warning);
        return all;
    };
    CHECK(warnings("a").find("webhook.api_key belongs to tenant acme") != std::string::npos);
    CHECK(warnings("b").find("belongs to") == std::string::npos);
}

TEST_CASE("confab.tenants: a key of nobody, of two, and bad names are refused [TEN-02]") {
    CHECK(error_in(with_tenants("{acme: [a, c]}"))
              .find("API key c of tenant acme is not one of the keys") != std::string::npos);
    CHECK(error_in(with_tenants("{acme: [a], globex: [b, a]}"))
              .find("API key a is given twice in confab.tenants: acme and globex") !=
          std::string::npos);
    CHECK(error_in(with_tenants("{acme: [a, a]}")).find("given twice") != std::string::npos);
    // Commands that serve nobody may have no keys.
    CHECK(error_in("confab: {tenants: {acme: [a]}}").empty());
    const auto named = [](const std::string& name) {
        return error_in(with_tenants("{\"" + name + "\": [a]}"));
    };
    for (const char* good : {"a", "acme", "Acme-2_x.y", "0"})
        CHECK_MESSAGE(named(good).empty(), good);
    for (const char* bad : {"", "a b", "a\\x1fb", "a/b", "ä", "a:", "*"})
        CHECK_MESSAGE(named(bad).find("has no good name") != std::string::npos, bad);
    CHECK(named(std::string(kMaxTenantName - 1, 'a')).empty());
    CHECK(named(std::string(kMaxTenantName, 'a')).empty());
    CHECK_FALSE(named(std::string(kMaxTenantName + 1, 'a')).empty());
}

TEST_CASE("confab.tenants: so many and no more [TEN-02]") {
    CHECK(error_in(with_tenants(many(kMaxTenants - 1))).empty());
    CHECK(error_in(with_tenants(many(kMaxTenants))).empty());
    CHECK(error_in(with_tenants(many(kMaxTenants + 1))).find("more than 1000 tenants") !=
          std::string::npos);
}

TEST_CASE("confab.tenants: a change holds without a restart [TEN-11]") {
    const Config before = parsed("confab: {tenants: {acme: [a]}}").config;
    const Config after = parsed("confab: {tenants: {acme: [a], globex: [b]}}").config;
    CHECK(changes(before, after).live == std::vector<std::string_view>{"confab.tenants"});
    CHECK(changes(before, before).empty());
    CHECK(with_live(before, after).own.tenants == after.own.tenants);
}

}  // namespace confab::config
