// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/live_keys.h"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>

namespace confab::control {
namespace {

token::KeyMap keys(const std::string& name, const std::string& secret) {
    return token::KeyMap(std::map<std::string, std::string, std::less<>>{{name, secret}});
}

}  // namespace

TEST_CASE("LiveKeys: replaced as a whole [TOK-02]") {
    LiveKeys live(keys("a", "one"));
    CHECK(live.find_secret("a") == "one");
    live.replace(keys("b", "two"));
    CHECK_FALSE(live.find_secret("a"));
    CHECK(live.find_secret("b") == "two");
    CHECK(live.signing_key()->name == "b");
}

TEST_CASE("LiveKeys: tenants change with the keys [TEN-11]") {
    LiveKeys live(keys("a", "one"));
    CHECK(live.tenants().empty());
    CHECK(live.find_key("a")->tenant.empty());
    token::KeyMap next = keys("a", "one");
    next.set_tenants({{"a", "acme"}});
    live.replace(next);
    CHECK(live.find_key("a")->tenant == "acme");
    CHECK(live.tenants() == std::set<std::string>{"acme"});
    CHECK(live.signing_key_of("acme")->name == "a");
    CHECK_FALSE(live.signing_key());
}

TEST_CASE("LiveKeys: a name and its secret are of the same moment, from any thread") {
    LiveKeys live(keys("a", "a"));
    std::atomic<bool> stop{false};
    std::jthread other([&] {
        for (bool even = false; !stop; even = !even)
            live.replace(even ? keys("a", "a") : keys("b", "b"));
    });
    for (int i = 0; i < 2'000; ++i) {
        const auto key = live.signing_key();
        REQUIRE(key);
        REQUIRE(key->name == key->secret);
    }
    stop = true;
}

}  // namespace confab::control
