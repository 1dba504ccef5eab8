// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "api/webhook/webhook_shares.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "base/rng.h"

namespace confab::api {
namespace {

Timestamp at(std::int64_t seconds) {
    return Timestamp() + Duration::seconds(seconds);
}

std::vector<std::string> keys(const WebhookShares& shares, const std::string& url) {
    std::vector<std::string> out;
    for (const auto& [length, first, key] : shares.longest_first(url))
        out.push_back(key);
    return out;
}

}  // namespace

TEST_CASE("WebhookShares: who has the most, by events and by bytes [IMM-15]") {
    WebhookShares shares;
    CHECK(shares.with_most_events() == nullptr);
    CHECK(shares.with_most_bytes() == nullptr);
    shares.change("http://a", "r", {}, {1, at(5)}, 100);
    shares.change("http://b", "r", {}, {1, at(1)}, 10);
    shares.change("http://b", "s", {}, {1, at(2)}, 10);
    shares.change("http://b", "s", {1, at(2)}, {2, at(2)}, 10);
    CHECK(*shares.with_most_events() == "http://b");
    CHECK(*shares.with_most_bytes() == "http://a");
    CHECK(shares.events() == 4);
    CHECK(shares.bytes() == 130);
    CHECK(shares.queues("http://b") == 2);
    CHECK(shares.queues("http://c") == 0);
    CHECK(shares.addresses() == 2);
    CHECK(keys(shares, "http://b") == std::vector<std::string>{"s", "r"});
    shares.change("http://b", "s", {2, at(2)}, {1, at(3)}, -10);
    CHECK(keys(shares, "http://b") == std::vector<std::string>{"r", "s"});  // r waits longer
    shares.change("http://a", "r", {1, at(5)}, {}, -100);
    CHECK(*shares.with_most_bytes() == "http://b");
    CHECK(shares.addresses() == 1);
    shares.clear();
    CHECK(shares.with_most_bytes() == nullptr);
    CHECK(shares.events() + shares.bytes() + shares.addresses() == 0);
}

TEST_CASE("WebhookShares: as a slow model counts it [IMM-15]") {
    struct Model {
        std::size_t events = 0;
        std::size_t bytes = 0;
    };
    Rng rng(7);
    WebhookShares shares;
    std::map<std::string, std::map<std::string, Model>> model;
    for (int step = 0; step < 5000; ++step) {
        const std::string url(1, static_cast<char>('a' + rng.below(4)));
        const std::string key(1, static_cast<char>('r' + rng.below(5)));
        Model& queue = model[url][key];
        const WebhookShares::Size before{queue.events, {}};
        const std::size_t bytes = queue.events;
        if (queue.events > 0 && rng.below(2) == 0)
            queue = {queue.events - 1, queue.bytes - (queue.events - 1)};
        else
            queue = {queue.events + 1, queue.bytes + bytes};
        const auto change =
            static_cast<std::int64_t>(queue.events > before.events ? bytes : -(bytes - 1));
        shares.change(url, key, before, {queue.events, {}}, change);
        Model all;
        Model most;
        for (const auto& [address, queues] : model) {
            Model sum;
            for (const auto& [name, one] : queues)
                sum = {sum.events + one.events, sum.bytes + one.bytes};
            all = {all.events + sum.events, all.bytes + sum.bytes};
            most = {std::max(most.events, sum.events), std::max(most.bytes, sum.bytes)};
        }
        REQUIRE(shares.events() == all.events);
        REQUIRE(shares.bytes() == all.bytes);
        if (all.events == 0) continue;
        const auto sum_of = [&](const std::string& address) {
            Model sum;
            for (const auto& [name, one] : model[address])
                sum = {sum.events + one.events, sum.bytes + one.bytes};
            return sum;
        };
        REQUIRE(sum_of(*shares.with_most_events()).events == most.events);
        REQUIRE(sum_of(*shares.with_most_bytes()).bytes == most.bytes);
    }
}

}  // namespace confab::api
