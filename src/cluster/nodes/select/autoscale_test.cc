// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/nodes/select/autoscale.h"

#include <doctest/doctest.h>

#include <deque>
#include <string>

namespace confab::cluster::nodes {
namespace {

struct Field {
    NodeRecord& add(const std::string& id, float cpu, int clients = 0, float bytes = 0) {
        NodeRecord& record = records.emplace_back();
        record.id = id;
        record.stats.emplace().figures.cpu_load = cpu;
        record.stats->figures.num_clients = clients;
        record.stats->rates.emplace_back()[Counter::kBytesOut] = bytes;
        views.push_back({&record, true});
        return record;
    }
    std::deque<NodeRecord> records;
    std::vector<NodeView> views;
};

Timestamp at(std::int64_t seconds) {
    return Timestamp() + Duration::seconds(seconds);
}

}  // namespace

TEST_CASE("Autoscale: the greatest of CPU, bytes and participants [OPS-04]") {
    Field field;
    for (const char* id : {"a", "b", "c"})
        field.add(id, 0.2F, 40, 1000);
    ScaleOptions options;
    CHECK(desired_nodes(field.views, options) == 1);  // 0.6 / 0.6
    field.records[0].stats->figures.cpu_load = 0.21F;
    CHECK(desired_nodes(field.views, options) == 2);
    options.participants_per_node = 40;
    CHECK(desired_nodes(field.views, options) == 3);
    options.bytes_per_node = 600;
    CHECK(desired_nodes(field.views, options) == 5);
    options.tracks_per_node = 50;
    field.records[1].stats->figures.num_tracks_in = 100;
    field.records[2].stats->figures.num_tracks_out = 201;
    CHECK(desired_nodes(field.views, options) == 7);
    options.most = 4;
    CHECK(desired_nodes(field.views, options) == 4);
    CHECK(desired_nodes({}, options) == 1);
    options.least = 3;
    CHECK(desired_nodes({}, options) == 3);
    options = {};
    options.cpu_target = 0;
    CHECK(desired_nodes(field.views, options) == 1);
}

TEST_CASE("Autoscale: the dead do not count, what drains does [OPS-04]") {
    Field field;
    field.add("a", 0.6F);
    field.add("b", 0.6F).state = NodeState::kShuttingDown;
    field.add("c", 0.6F);
    field.views.back().is_alive = false;
    field.add("d", 0.6F).is_server = false;
    field.add("e", 0).stats.reset();
    CHECK(desired_nodes(field.views, {}) == 2);
}

TEST_CASE("Autoscale: up at once, down after ten minutes [OPS-04]") {
    Field field;
    for (const char* id : {"a", "b", "c"})
        field.add(id, 0.6F, 5);
    Autoscaler scaler({});
    CHECK(scaler.update(at(0), field.views).desired == 3);
    for (NodeRecord& record : field.records)
        record.stats->figures.cpu_load = 0.1F;
    CHECK(scaler.update(at(10), field.views).desired == 3);
    CHECK(scaler.update(at(600), field.views).desired == 3);
    CHECK_FALSE(scaler.update(at(600), field.views).drain);
    CHECK(scaler.update(at(601), field.views).desired == 1);
    // A short rise begins it anew.
    field.records[0].stats->figures.cpu_load = 0.9F;
    CHECK(scaler.update(at(700), field.views).desired == 2);
    field.records[0].stats->figures.cpu_load = 0.1F;
    CHECK(scaler.update(at(1300), field.views).desired == 2);
    CHECK(scaler.update(at(1301), field.views).desired == 1);
}

TEST_CASE("Autoscale: who has just begun to look ends nothing [OPS-04]") {
    Field field;
    for (const char* id : {"a", "b", "c"})
        field.add(id, 0.1F);
    Autoscaler scaler({});
    CHECK(scaler.update(at(1000), field.views).desired == 3);
    CHECK(scaler.update(at(1599), field.views).desired == 3);
    CHECK(scaler.update(at(1600), field.views).desired == 1);
}

TEST_CASE("Autoscale: the node with the fewest participants drains, one at a time [OPS-04]") {
    Field field;
    field.add("a", 0.1F, 9);
    field.add("b", 0.1F, 2).stats->figures.num_rooms = 2;
    field.add("c", 0.1F, 2).stats->figures.num_rooms = 1;
    field.add("d", 0.1F, 1);
    field.views.back().is_alive = false;
    Autoscaler scaler({});
    (void)scaler.update(at(0), field.views);
    const ScaleAdvice advice = scaler.update(at(700), field.views);
    CHECK(advice.serving == 3);
    CHECK(advice.desired == 1);
    CHECK(advice.drain == "c");
    field.records[2].state = NodeState::kShuttingDown;
    CHECK_FALSE(scaler.update(at(710), field.views).drain);
    field.views.erase(field.views.begin() + 2);
    CHECK(scaler.update(at(720), field.views).drain == "b");
    field.views.erase(field.views.begin() + 1);
    CHECK_FALSE(scaler.update(at(730), field.views).drain);
}

TEST_CASE("Autoscale: of many nodes a tenth drains at a time [OPS-04]") {
    Field field;
    for (int i = 0; i < 30; ++i)
        field.add("n" + std::to_string(i), 0.1F, i);
    Autoscaler scaler({});
    (void)scaler.update(at(0), field.views);
    std::vector<std::string> order;
    for (int round = 0; round < 5; ++round) {
        const ScaleAdvice advice = scaler.update(at(700 + round), field.views);
        CHECK(advice.desired == 5);
        if (!advice.drain) break;
        order.push_back(*advice.drain);
        for (NodeRecord& record : field.records)
            if (record.id == order.back()) record.state = NodeState::kShuttingDown;
    }
    CHECK(order == std::vector<std::string>{"n0", "n1", "n2"});
}

}  // namespace confab::cluster::nodes
