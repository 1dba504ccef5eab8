// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Scenarios after RFC 8867 §5.1 to §5.8, and the profiles N1 to N7 of 02 §11, as data. The steps of
// §5.1 and §5.2 are those of published experiments; the others follow what the RFC's sections are
// about, with lengths and steps of our own, and jitter is what the model has.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "sfu/congestion/send_side/rmcat_testing.h"

namespace confab::sfu::test {

inline bwe::test::BottleneckProfile rmcat_link() {
    bwe::test::BottleneckProfile out;
    out.delay = Duration::millis(50);
    out.queue = Duration::millis(300);
    out.jitter = Duration::millis(5);
    return out;
}

inline FlowOptions rmcat_flow(std::int64_t start_s = 0, std::int64_t way_ms = 0) {
    FlowOptions out;
    out.start_ms = start_s * 1000;
    out.way = Duration::millis(way_ms);
    out.way_back = Duration::millis(50 + way_ms);
    return out;
}

inline Scenario rmcat(std::string id, std::string title, std::int64_t seconds,
                      std::vector<RateStep> rates) {
    Scenario out;
    out.id = std::move(id);
    out.title = std::move(title);
    out.length_ms = seconds * 1000;
    out.rates = std::move(rates);
    out.link = rmcat_link();
    out.flows = {rmcat_flow()};
    return out;
}

inline std::vector<Scenario> rmcat_scenarios() {
    std::vector<Scenario> all;
    all.push_back(rmcat("5.1", "variable capacity, one flow", 100,
                        {{0, 1e6}, {40'000, 2.5e6}, {60'000, 0.6e6}, {80'000, 1e6}}));
    all.push_back(rmcat("5.2", "variable capacity, two flows", 125,
                        {{0, 4e6}, {25'000, 2e6}, {50'000, 3.5e6}, {75'000, 1e6}, {100'000, 2e6}}));
    all.back().flows = {rmcat_flow(), rmcat_flow()};
    all.push_back(rmcat("5.3", "congested feedback link", 100,
                        {{0, 2e6}, {20'000, 1e6}, {40'000, 0.5e6}, {60'000, 2e6}}));
    all.back().back = {{0, 2e6}, {35'000, 8e3}, {70'000, 2e6}};
    all.push_back(rmcat("5.4", "three flows that compete", 120, {{0, 3.5e6}}));
    all.back().flows = {rmcat_flow(0), rmcat_flow(20), rmcat_flow(40)};
    all.push_back(rmcat("5.5", "round trips of 20 to 300 ms", 150, {{0, 4e6}}));
    all.back().link.delay = Duration::millis(10);
    all.back().flows = {rmcat_flow(0, 0), rmcat_flow(10, 15), rmcat_flow(20, 40),
                        rmcat_flow(30, 90), rmcat_flow(40, 140)};
    all.push_back(rmcat("5.6", "a long TCP flow beside it", 120, {{0, 2e6}}));
    TcpOptions tcp;
    tcp.start_ms = 20'000;
    tcp.stop_ms = 90'000;
    tcp.way = Duration::zero();
    all.back().tcp = {tcp};
    all.push_back(rmcat("5.7", "short TCP flows beside it", 120, {{0, 2e6}}));
    TcpOptions shorts;
    shorts.way = Duration::zero();
    shorts.transfer = 300'000;
    shorts.pause_ms = 10'000;
    for (std::int64_t i = 0; i < 5; ++i) {
        shorts.start_ms = 10'000 + 2000 * i;
        all.back().tcp.push_back(shorts);
    }
    all.push_back(rmcat("5.8", "three flows, one pauses", 120, {{0, 3.5e6}}));
    all.back().flows = {rmcat_flow(), rmcat_flow(), rmcat_flow()};
    all.back().flows[0].pause_from_ms = 40'000;
    all.back().flows[0].pause_until_ms = 60'000;
    return all;
}

// One camera, as the reference's check of MC-13; the link's own rate is no limit.
inline Scenario profile_scenario(std::string id, std::string title) {
    Scenario out;
    out.id = std::move(id);
    out.title = std::move(title);
    out.length_ms = 100'000;
    out.rates = {{0, 20e6}};
    out.link.delay = Duration::millis(10);
    out.flows = {rmcat_flow()};
    out.flows[0].way_back = Duration::millis(10);
    out.cameras = 1;
    return out;
}

inline std::vector<Scenario> profile_scenarios() {
    std::vector<Scenario> all;
    all.push_back(profile_scenario("N1", "2 % of losses at random"));
    all.back().link.loss = 0.02;
    all.push_back(profile_scenario("N2", "10 % of losses in bursts of 4"));
    all.back().link.to_bad = 0.028;
    all.back().link.to_good = 0.25;
    all.back().link.bad_loss = 1;
    // From 120 to 180 ms, as the relay has it.
    all.push_back(profile_scenario("N3", "150 ms, 30 ms of jitter"));
    all.back().link.delay = Duration::millis(120);
    all.back().link.jitter = Duration::millis(60);
    for (const auto& [id, rate] : {std::pair{"N4", 600e3}, std::pair{"N5", 150e3}}) {
        all.push_back(profile_scenario(
            id, std::to_string(static_cast<int>(rate / 1000)) + " kbit/s from 10 s to 60 s"));
        all.back().rates = {{0, 20e6}, {10'000, rate}, {60'000, 20e6}};
        all.back().link.queue = Duration::millis(200);
    }
    all.push_back(profile_scenario("N6", "nothing passes for 5 s"));
    all.back().outage_from_ms = 30'000;
    all.back().outage_until_ms = 35'000;
    all.push_back(profile_scenario("N7", "5 % of packets out of order"));
    all.back().link.reorder = 0.05;
    return all;
}

}  // namespace confab::sfu::test
