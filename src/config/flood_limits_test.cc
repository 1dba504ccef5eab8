// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// confab.limits and confab.trusted_proxies: as they are written, and what is refused.
#include <doctest/doctest.h>

#include "config/changes.h"
#include "config/load_testing.h"
#include "config/options.h"

namespace confab::config {

TEST_CASE("confab.limits: each one by itself, the others as they were [OPS-05]") {
    const Config config = parsed(
                              "confab:\n  trusted_proxies: [203.0.113.0/24]\n  limits:\n"
                              "    trusted: []\n    connections: 7\n    signals: 0\n")
                              .config;
    CHECK(config.own.limits.connections == 7);
    CHECK(config.own.limits.signals == 0);
    CHECK(config.own.limits.requests == FloodLimits().requests);
    CHECK(config.own.limits.trusted.empty());
    CHECK(config.own.trusted_proxies == std::vector<std::string>{"203.0.113.0/24"});
    CHECK(parsed("{}").config.own.limits.trusted.size() == 9);
}

TEST_CASE("confab.limits: blocks and numbers that are none are refused, with the key [OPS-05]") {
    for (const std::string key : {"confab.trusted_proxies", "confab.limits.trusted"}) {
        CAPTURE(key);
        const bool nested = key.ends_with(".trusted");
        for (const std::string block : {"10.0.0.0", "10.0.0.0/33", "here"}) {
            CAPTURE(block);
            std::string text =
                nested ? "confab: {limits: {trusted: [\"" : "confab: {trusted_proxies: [\"";
            text.append(block).append(nested ? "\"]}}" : "\"]}");
            const auto refused = finished(text);
            REQUIRE_FALSE(refused);
            std::string why = "invalid CIDR ";
            why.append(block).append(" in ").append(key);
            CHECK(has(refused.error(), why));
        }
    }
    CHECK_FALSE(error_of("confab: {limits: {connections: -1}}").empty());
    CHECK_FALSE(error_of("confab: {limits: {connections: 1000001}}").empty());
    CHECK_FALSE(error_of("confab: {limits: {connection: 1}}").empty());
}

TEST_CASE("confab.limits: all of it holds after a reload [OPS-05]") {
    int limits = 0;
    for (const Option& option : options()) {
        if (!option.path.starts_with("confab.limits.") && option.path != "confab.trusted_proxies")
            continue;
        CHECK_MESSAGE(option.live, option.path);
        ++limits;
    }
    CHECK(limits == 17);
    Config now;
    now.own.limits.connections = 5;
    now.own.trusted_proxies = {"10.0.0.0/8"};
    const Changes found = changes(Config(), now);
    CHECK(found.restart.empty());
    CHECK(found.live.size() == 2);
    CHECK(with_live(Config(), now).own.limits.connections == 5);
}

}  // namespace confab::config
