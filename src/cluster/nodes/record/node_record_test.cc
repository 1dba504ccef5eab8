// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/nodes/record/node_record.h"

#include <doctest/doctest.h>

#include <limits>
#include <string>

#include "livekit_internal.pb.h"

namespace confab::cluster::nodes {
namespace {

// Every field another value.
NodeRecord full_record() {
    NodeRecord record;
    record.id = "ND_iqArWe5kZYee";
    record.ip = "127.0.0.1";
    record.region = "eu";
    record.num_cpus = 2;
    record.state = NodeState::kShuttingDown;
    record.limits = NodeLimits{400, 1'000'000'000'000};
    record.link = "10.0.0.1:7001";
    NodeStats& stats = record.stats.emplace();
    stats.started_at = 1'795'161'952;
    stats.updated_at = 1'795'161'954;
    NodeFigures& figures = stats.figures;
    figures.num_rooms = 1;
    figures.num_clients = 2;
    figures.num_tracks_in = 3;
    figures.num_tracks_out = 4;
    for (std::size_t i = 0; i < kCounters; ++i)
        figures.counters[i] = 100 + i;
    figures.num_cpus = 8;
    figures.load_avg_1min = 1.5F;
    figures.load_avg_5min = 2.5F;
    figures.load_avg_15min = 3.5F;
    figures.cpu_load = 0.25F;
    figures.memory_total = 25'276'502'016;
    figures.memory_used = 1'001'148'416;
    figures.forward_latency_ns = 7;
    figures.forward_jitter_ns = 9;
    RateFigures& rate = stats.rates.emplace_back();
    rate.started = UnixTime::seconds(1'795'161'944);
    rate.ended = UnixTime::seconds(1'795'161'954);
    rate.duration = Duration::seconds(10);
    for (std::size_t i = 0; i < kCounters; ++i)
        rate.per_second[i] = 0.5F + static_cast<float>(i);
    rate.cpu_load = 0.125F;
    rate.memory_load = 0.5F;
    rate.memory_used = 4;
    rate.memory_total = 8;
    return record;
}

}  // namespace

TEST_CASE(
    "NodeRecord: what is written is read again, and the wire has the published fields "
    "[NODE-01] [NODE-03]") {
    const NodeRecord record = full_record();
    const std::string bytes = write_record(record);
    const auto back = read_record(bytes);
    REQUIRE(back);
    CHECK(*back == record);

    livekit::Node node;
    REQUIRE(node.ParseFromString(bytes));
    CHECK(node.state() == livekit::SHUTTING_DOWN);
    CHECK(node.type() == livekit::SERVER);
    const livekit::NodeStats& stats = node.stats();
    CHECK(stats.updated_at() == 1'795'161'954);
    CHECK(stats.bytes_in() == 100);
    CHECK(stats.nack_total() == 104);
    CHECK(stats.sys_packets_dropped() == 108);
    CHECK(stats.num_track_publish_cancels() == 111);
    CHECK(stats.num_track_subscribe_success() == 113);
    CHECK(stats.participant_signal_failed() == 116);
    CHECK(stats.participant_rtc_active() == 121);
    CHECK(stats.forward_jitter() == 9);
    REQUIRE(stats.rates_size() == 1);
    CHECK(stats.rates(0).duration() == 10);
    CHECK(stats.rates(0).bytes_out() == 1.5F);
    CHECK(stats.rates(0).participant_rtc_active() == 21.5F);
    CHECK(stats.rates(0).memory_total() == 8);
}

// As livekit-server 1.13.5 wrote it, three pings after its start.
TEST_CASE("NodeRecord: a record of livekit-server is read [NODE-03]") {
    livekit::Node node;
    node.set_id("ND_iqArWe5kZYee");
    node.set_ip("127.0.0.1");
    node.set_num_cpus(2);
    node.set_region("n1");
    node.set_state(livekit::SERVING);
    livekit::NodeStats& stats = *node.mutable_stats();
    stats.set_started_at(1'795'161'952);
    stats.set_updated_at(1'795'161'958);
    stats.set_num_cpus(2);
    stats.set_load_avg_last1min(1.8427734F);
    stats.set_cpu_load(0.010050251F);
    stats.set_sys_packets_out(50'783);
    livekit::NodeStatsRate& rate = *stats.add_rates();
    rate.set_duration(10);
    rate.set_bytes_in(34.2F);
    rate.set_bytes_out(1037.7F);
    const auto record = read_record(node.SerializeAsString());
    REQUIRE(record);
    CHECK(record->region == "n1");
    CHECK(record->state == NodeState::kServing);
    CHECK(record->is_server);
    CHECK_FALSE(record->limits);
    CHECK(record->stats->figures[Counter::kSystemPacketsOut] == 50'783);
    CHECK(bytes_per_sec_of(*record->stats) == doctest::Approx(1071.9));
    CHECK(*sysload_of(*record) == doctest::Approx(0.9213867));
}

TEST_CASE("NodeRecord: garbage is no record, at every length [RDS-07]") {
    const std::string bytes = write_record(full_record());
    for (std::size_t length = 0; length < bytes.size(); ++length)
        (void)read_record(std::string_view(bytes).substr(0, length));
    CHECK_FALSE(read_record(""));
    CHECK_FALSE(read_record("not a record at all"));
    CHECK_FALSE(read_record(std::string(kMaxRecordBytes + 1, 'a')));

    const auto with_id = [](const std::string& id) {
        NodeRecord record = full_record();
        record.id = id;
        return read_record(write_record(record)).has_value();
    };
    CHECK(with_id("x"));
    CHECK(with_id(std::string(kMaxNodeId, 'x')));
    CHECK_FALSE(with_id(std::string(kMaxNodeId + 1, 'x')));
    CHECK_FALSE(with_id(""));
    CHECK_FALSE(with_id("a b"));
    CHECK_FALSE(with_id("a|b"));
    CHECK_FALSE(with_id("a\n"));
    CHECK_FALSE(with_id("\xc3\xa9"));
}

TEST_CASE("NodeRecord: figures that cannot be are 0, and there are not more than fit") {
    livekit::Node node;
    node.set_id("a");
    node.set_ip(std::string(1000, 'i'));
    node.set_state(static_cast<livekit::NodeState>(77));
    node.set_type(livekit::CONTROLLER);
    livekit::NodeStats& stats = *node.mutable_stats();
    stats.set_updated_at(std::numeric_limits<std::int64_t>::min());
    stats.set_started_at(std::numeric_limits<std::int64_t>::max());
    stats.set_num_rooms(-5);
    stats.set_num_track_publish_attempts(-1);
    stats.set_cpu_load(std::numeric_limits<float>::quiet_NaN());
    stats.set_load_avg_last1min(-std::numeric_limits<float>::infinity());
    for (int i = 0; i < 20; ++i)
        stats.add_rates()->set_bytes_in(std::numeric_limits<float>::infinity());
    const auto record = read_record(node.SerializeAsString());
    REQUIRE(record);
    CHECK(record->ip.size() == kMaxNodeText);
    CHECK(record->state == NodeState::kSuspended);
    CHECK_FALSE(record->is_server);
    CHECK(record->stats->updated_at == 0);
    CHECK(record->stats->started_at == std::int64_t{1} << 40);
    CHECK(record->stats->figures.num_rooms == 0);
    CHECK(record->stats->figures[Counter::kPublishAttempts] == 0);
    CHECK(record->stats->figures.cpu_load == 0);
    CHECK(record->stats->figures.load_avg_1min == 0);
    CHECK(record->stats->rates.size() == kMaxNodeRates);
    CHECK(bytes_per_sec_of(*record->stats) == 0);
    CHECK_FALSE(sysload_of(*record));  // no CPUs
}

TEST_CASE("NodeRecord: counters beyond their field stay at its end") {
    NodeRecord record = full_record();
    record.stats->figures[Counter::kPublishAttempts] = ~std::uint64_t{0};
    record.stats->figures[Counter::kSystemPacketsOut] = ~std::uint64_t{0};
    const auto back = read_record(write_record(record));
    REQUIRE(back);
    CHECK(back->stats->figures[Counter::kPublishAttempts] == 2'147'483'647);
    CHECK(back->stats->figures[Counter::kSystemPacketsOut] == 4'294'967'295);
}

TEST_CASE("NodeRecord: full is who reaches one of its own limits [NODE-12]") {
    NodeRecord record = full_record();  // 7 tracks, 2 bytes a second
    record.limits.reset();
    CHECK_FALSE(is_full(record, {}));
    CHECK_FALSE(is_full(record, {8, 0}));
    CHECK(is_full(record, {7, 0}));
    CHECK_FALSE(is_full(record, {0, 3}));
    CHECK(is_full(record, {0, 2}));
    record.limits = NodeLimits{};  // it says that it has none
    CHECK_FALSE(is_full(record, {7, 2}));
    record.limits = NodeLimits{7, 0};
    CHECK(is_full(record, {}));
    record.stats.reset();
    CHECK_FALSE(is_full(record, {1, 1}));
}

}  // namespace confab::cluster::nodes
