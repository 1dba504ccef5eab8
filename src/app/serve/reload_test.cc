// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/serve/reload.h"

#include <doctest/doctest.h>

#include <optional>

namespace confab::app {
namespace {

using telemetry::Metric;

// A server that notes what it is told to take over, and the text that its file has.
struct Running {
    net::EventLoop loop;
    telemetry::Metrics metrics{"ND_test"};
    std::string yaml = "keys: {a: first}\nport: 7880\n";
    std::vector<config::Config> applied;
    std::optional<std::string> refusal;
    std::size_t looked = 0;
    Reload reload{loop,
                  metrics,
                  load()->config,
                  {.load = [this] { return load(); },
                   .files =
                       [this](const config::Config&) {
                           ++looked;
                           return std::vector<std::string>{};
                       }},
                  [this](const config::Config& wanted) -> Result<void, std::string> {
                      if (refusal) return tl::make_unexpected(*refusal);
                      applied.push_back(wanted);
                      return {};
                  }};

    Result<config::Loaded, std::string> load() const {
        auto parsed = config::parse_yaml(yaml);
        if (!parsed) return tl::make_unexpected(config::to_text(parsed.error()));
        return *std::move(parsed);
    }
    double count(std::string_view status) const {
        return metrics.value(Metric::kConfigReloadTotal, {status});
    }
};

}  // namespace

TEST_CASE("Reload: what may change at once does, the rest waits for a restart") {
    Running server;
    server.yaml = "keys: {b: second}\nport: 7999\nlimit: {num_tracks: 5}\n";
    server.reload.reload();
    REQUIRE(server.applied.size() == 1);
    CHECK(server.applied[0].keys.count("a") == 0);
    CHECK(server.applied[0].keys.at("b").reveal() == "second");
    CHECK(server.applied[0].limit.num_tracks == 5);
    CHECK(server.applied[0].port == 7880);
    CHECK(server.reload.running().limit.num_tracks == 5);
    CHECK(server.count("success") == 1);

    // Once more: nothing to take over, the port still waits.
    server.reload.reload();
    CHECK(server.applied.size() == 1);
    CHECK(server.reload.running().port == 7880);
    CHECK(server.count("success") == 2);
}

TEST_CASE("Reload: a configuration with a mistake changes nothing") {
    Running server;
    server.yaml = "keys: {b: second}\nlimits: {num_tracks: 5}\n";
    server.reload.reload();
    CHECK(server.applied.empty());
    CHECK(server.count("failure") == 1);
    CHECK(server.reload.running().keys.count("a") == 1);

    // One that the server refuses for reasons of its own, neither.
    server.yaml = "keys: {b: second}\n";
    server.refusal = "no such key for webhooks";
    server.reload.reload();
    CHECK(server.reload.running().keys.count("a") == 1);
    CHECK(server.count("failure") == 2);

    server.refusal.reset();
    server.reload.reload();
    CHECK(server.reload.running().keys.count("b") == 1);
    CHECK(server.count("success") == 1);
}

TEST_CASE("Reload: without a way to read it again, it says so") {
    net::EventLoop loop;
    telemetry::Metrics metrics{"ND_test"};
    Reload reload(loop, metrics, {}, {}, [](const config::Config&) -> Result<void, std::string> {
        FAIL("there is nothing to apply");
        return {};
    });
    reload.reload();
    reload.watch_files();
    CHECK(metrics.value(Metric::kConfigReloadTotal, {"failure"}) == 1);
}

}  // namespace confab::app
