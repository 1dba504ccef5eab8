// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/serve/cluster/cluster_options.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "app/version.h"

namespace confab::app {
namespace {

namespace nodes = cluster::nodes;

config::Config with_redis() {
    config::Config config;
    config.redis.address = "r:6379";
    return config;
}

std::string refusal(const config::Config& config) {
    const auto options = cluster_options(config, "ND_x", 1);
    return options ? "" : options.error();
}

}  // namespace

TEST_CASE("cluster_options: what a node tells of itself [NODE-02] [NODE-03]") {
    config::Config config = with_redis();
    config.rtc.node_ip = "192.0.2.1";
    config.region = "eu";
    config.limit.num_tracks = 7;
    config.limit.bytes_per_sec = 1e9F;
    config.node_stats.update_interval = Duration::millis(700);
    config.node_stats.rate_intervals = {Duration::seconds(3), Duration::seconds(30)};
    const auto options = cluster_options(config, "ND_x", 5);
    REQUIRE(options);
    CHECK(options->seed == 5);
    CHECK(options->place == "r:6379");
    CHECK(options->registry.id == "ND_x");
    CHECK(options->registry.ip == "192.0.2.1");
    CHECK(options->registry.region == "eu");
    CHECK(options->registry.num_cpus >= 1);
    CHECK(options->registry.version == kLiveKitVersion);
    CHECK(options->registry.limits == nodes::NodeLimits{7, 1'000'000'000});
    CHECK(options->registry.heartbeat == Duration::millis(700));
    CHECK(options->registry.rate_windows ==
          std::vector<Duration>{Duration::seconds(3), Duration::seconds(30)});
}

TEST_CASE("cluster_options: what nodes are planned for [OPS-04]") {
    const auto as_it_is = cluster_options(with_redis(), "ND_x", 1);
    REQUIRE(as_it_is);
    CHECK(as_it_is->scale.cpu_target == 0.6);
    CHECK(as_it_is->scale.hold == Duration::seconds(600));
    CHECK(as_it_is->scale.participants_per_node == 0);
    CHECK(as_it_is->scale.ahead == Duration::zero());
    CHECK(as_it_is->scale_command.program.empty());
    CHECK(as_it_is->scale.tracks_per_node == 0);
    config::Config config = with_redis();
    config.limit.num_tracks = 400;
    config.limit.bytes_per_sec = 1e9F;
    config.own.scale_cpu_load = 0.5;
    config.own.scale_participants = 300;
    config.own.scale_hold = Duration::seconds(60);
    config.own.scale_ahead = Duration::seconds(900);
    config.own.scale_command = "/usr/local/bin/scale";
    config.own.scale_command_timeout = Duration::seconds(9);
    const auto options = cluster_options(config, "ND_x", 1);
    REQUIRE(options);
    CHECK(options->scale.cpu_target == 0.5);
    CHECK(options->scale.hold == Duration::seconds(60));
    CHECK(options->scale.participants_per_node == 300);
    CHECK(options->scale.ahead == Duration::seconds(900));
    CHECK(options->scale_command.program == "/usr/local/bin/scale");
    CHECK(options->scale_command.patience == Duration::seconds(9));
    CHECK(options->scale.tracks_per_node == doctest::Approx(320));
    CHECK(options->scale.bytes_per_node == doctest::Approx(8e8));
}

TEST_CASE("cluster_options: how nodes call and relay to each other [NODE-20] [PSR-17] [CON-41]") {
    const auto as_it_is = cluster_options(with_redis(), "ND_x", 1);
    REQUIRE(as_it_is);
    CHECK(as_it_is->relay.retry_timeout == Duration::millis(7500));
    CHECK(as_it_is->relay.connect_attempts == 3);
    config::Config config = with_redis();
    config.signal_relay = {Duration::seconds(1), Duration::millis(20), Duration::millis(300), 40,
                           5};
    config.psrpc = {6, Duration::seconds(7), Duration::seconds(8)};
    config.limit.signal_message_size_limit = 999;
    const auto options = cluster_options(config, "ND_x", 1);
    REQUIRE(options);
    CHECK(options->relay.retry_timeout == Duration::seconds(1));
    CHECK(options->relay.min_retry_interval == Duration::millis(20));
    CHECK(options->relay.max_retry_interval == Duration::millis(300));
    CHECK(options->relay.stream_buffer_size == 40);
    CHECK(options->relay.connect_attempts == 5);
    CHECK(options->retry.attempts == 6);
    CHECK(options->retry.timeout == Duration::seconds(7));
    CHECK(options->retry.added == Duration::seconds(8));
    CHECK(options->websocket.max_message_bytes == 999);
}

TEST_CASE("cluster_options: the machine of what is configured, and who knows listeners [RDS-28]") {
    const redis::Events events{{}, {}, {}, {}, {}};
    const auto links = [&](const control::ClusterOptions& options) {
        return options.machine(events, Timestamp::micros(1))->links();
    };
    const auto server = cluster_options(with_redis(), "ND_x", 1);
    REQUIRE(server);
    CHECK(server->listeners_are_known);
    CHECK(links(*server) == 2);

    config::Config config;
    config.redis.cluster_addresses = {"c:1", "d:2"};
    const auto many = cluster_options(config, "ND_x", 1);
    REQUIRE(many);
    // PUBLISH tells of the listeners at one node of it only.
    CHECK_FALSE(many->listeners_are_known);

    config.redis.sentinel_addresses = {"s:1"};
    config.redis.sentinel_master_name = "main";
    const auto watched = cluster_options(config, "ND_x", 1);
    REQUIRE(watched);
    CHECK(watched->listeners_are_known);
    CHECK(links(*watched) == 3);
}

TEST_CASE("cluster_options: the node selector with its regions [NODE-05]") {
    config::Config config = with_redis();
    config.region = "eu";
    config.node_selector.kind = "regionaware";
    config.node_selector.sort_by = "clients";
    config.node_selector.algorithm = "twochoice";
    config.node_selector.cpu_load_limit = 0.5;
    config.node_selector.sysload_limit = 0.6;
    config.node_selector.regions.items = {R"({"name":"us","lat":37.8,"lon":-122.4})",
                                          R"({"name":"eu","lat":52.5,"lon":13.4,"more":true})"};
    const auto options = cluster_options(config, "ND_x", 1);
    REQUIRE(options);
    const nodes::SelectorOptions& selector = options->placement.selector;
    CHECK(selector.kind == nodes::SelectorOptions::Kind::kRegionAware);
    CHECK(selector.sort_by == nodes::SelectorOptions::SortBy::kClients);
    CHECK(selector.algorithm == nodes::SelectorOptions::Algorithm::kTwoChoice);
    CHECK(selector.cpu_load_limit == 0.5);
    CHECK(selector.sysload_limit == 0.6);
    REQUIRE(selector.regions.size() == 2);
    CHECK(selector.regions[0].name == "us");
    CHECK(selector.regions[0].latitude == 37.8);
    CHECK(selector.regions[0].longitude == -122.4);
    CHECK(selector.regions[1].name == "eu");
}

TEST_CASE("cluster_options: what is no region stops the start, with the remedy [CFG-07]") {
    for (const char* entry :
         {"", "eu", "[]", R"({"name":"eu"})", R"({"name":"eu","lat":1})",
          R"({"name":"eu","lon":1})", R"({"lat":1,"lon":1})", R"({"name":1,"lat":1,"lon":1})",
          R"({"name":"eu","lat":"1","lon":1})", R"({"name":"eu","lat":1,"lon":null})"}) {
        CAPTURE(entry);
        config::Config config = with_redis();
        config.node_selector.regions.items = {entry};
        CHECK(refusal(config) ==
              "an entry of node_selector.regions is no region: " + std::string(entry) +
                  "; write {name: eu, lat: 52.5, lon: 13.4}");
    }
    config::Config config = with_redis();
    config.node_selector.kind = "best";
    CHECK(refusal(config).find("node_selector.kind") == 0);
    config = with_redis();
    config.node_selector.kind = "regionaware";  // and which is this node's?
    CHECK(refusal(config).find("region") == 0);
    config = with_redis();
    config.redis.tls.ca_cert_file = "/nowhere/ca.pem";
    CHECK(refusal(config).find("redis.tls.ca_cert_file") == 0);
}

TEST_CASE("node_figures: the rooms of all shards and the media of all workers [NODE-03]") {
    std::vector<std::unique_ptr<worker::WorkerInbox>> inboxes;
    inboxes.reserve(2);
    for (int i = 0; i < 2; ++i)
        inboxes.push_back(std::make_unique<worker::WorkerInbox>(2));
    worker::ControlPort media(inboxes);
    for (std::size_t i = 0; i < 2; ++i) {
        sfu::ShardSnapshot& shard = media.mailbox(i).snapshot.back().shard;
        shard.receivers = 1 + i;
        shard.down_tracks = 10 + i;
        shard.rtp_bytes_in = 100 + i;
        shard.rtp_bytes_out = 200 + i;
        shard.rtp_in = 300 + i;
        shard.rtp_out = 400 + i;
        shard.nacks_in = 500 + i;
        shard.rtx_bytes_out = 600 + i;
        shard.rtx_out = 700 + i;
        media.mailbox(i).snapshot.back().latency.add(Duration::micros(80), 10);
        media.mailbox(i).snapshot.publish();
    }
    control::ControlReport report;
    report.rooms.rooms = 4;
    report.rooms.participants = 9;
    for (std::size_t i = 0; i < report.steps.counts.size(); ++i)
        report.steps.counts[i] = 50 + i;
    const MachineReading machine{{1000, 400}, {70, 7}};
    const nodes::NodeFigures figures = node_figures(media, report, {1.5, 0.25, true}, machine);
    using nodes::Counter;
    CHECK(figures.num_rooms == 4);
    CHECK(figures.num_clients == 9);
    CHECK(figures.num_tracks_in == 3);
    CHECK(figures.num_tracks_out == 21);
    CHECK(figures[Counter::kBytesIn] == 201);
    CHECK(figures[Counter::kBytesOut] == 401);
    CHECK(figures[Counter::kPacketsIn] == 601);
    CHECK(figures[Counter::kPacketsOut] == 801);
    CHECK(figures[Counter::kNacks] == 1001);
    CHECK(figures[Counter::kRetransmitBytesOut] == 1201);
    CHECK(figures[Counter::kRetransmitPacketsOut] == 1401);
    CHECK(figures[Counter::kSignalConnected] == 50);
    CHECK(figures[Counter::kSignalFailed] == 51);
    CHECK(figures[Counter::kSignalValidationFailed] == 52);
    CHECK(figures[Counter::kRtcInit] == 53);
    CHECK(figures[Counter::kRtcConnected] == 54);
    CHECK(figures[Counter::kRtcActive] == 55);
    CHECK(figures[Counter::kRtcCanceled] == 56);
    CHECK(figures[Counter::kPublishAttempts] == 57);
    CHECK(figures[Counter::kPublishSuccesses] == 58);
    CHECK(figures[Counter::kPublishCancels] == 59);
    CHECK(figures[Counter::kSubscribeAttempts] == 60);
    CHECK(figures[Counter::kSubscribeSuccesses] == 61);
    CHECK(figures[Counter::kSubscribeCancels] == 62);
    CHECK(figures[Counter::kSystemPacketsOut] == 70);
    CHECK(figures[Counter::kSystemPacketsDropped] == 7);
    CHECK(figures.memory_total == 1000);
    CHECK(figures.memory_used == 400);
    CHECK(figures.forward_latency_ns > 0);
    CHECK(figures.num_cpus == 2);
    CHECK(figures.cpu_load == 0.25F);
    const nodes::NodeFigures whole = node_figures(media, report, {0.1, 0, false}, {});
    CHECK(whole.num_cpus == 1);
    CHECK(whole.load_avg_1min >= figures.load_avg_1min);  // of which that is a part
}

}  // namespace confab::app
