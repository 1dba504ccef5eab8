// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/nodes/select/autoscale.h"

#include <algorithm>
#include <cmath>
#include <tuple>

namespace confab::cluster::nodes {
namespace {

double share(double sum, double of_one) {
    return of_one > 0 ? sum / of_one : 0;
}

bool counts(const NodeView& view) {
    return view.is_alive && view.record->is_server;
}

bool is_lighter(const NodeRecord& a, const NodeRecord& b) {
    const auto weight = [](const NodeRecord& record) {
        const NodeFigures figures = record.stats ? record.stats->figures : NodeFigures{};
        return std::tuple(figures.num_clients, figures.num_rooms, record.id);
    };
    return weight(a) < weight(b);
}

}  // namespace

std::size_t desired_nodes(std::span<const NodeView> nodes, const ScaleOptions& options) {
    double cpu = 0;
    double bytes = 0;
    double participants = 0;
    double tracks = 0;
    for (const NodeView& view : nodes) {
        if (!counts(view) || !view.record->stats) continue;
        const NodeStats& stats = *view.record->stats;
        cpu += static_cast<double>(stats.figures.cpu_load);
        bytes += bytes_per_sec_of(stats);
        participants += stats.figures.num_clients;
        tracks += static_cast<double>(tracks_of(stats));
    }
    constexpr double kRounding = 1e-6;  // figures are floats: 3 × 0.2 is a little more than 0.6
    const double needed =
        std::ceil(std::max({share(cpu, options.cpu_target), share(bytes, options.bytes_per_node),
                            share(participants, options.participants_per_node),
                            share(tracks, options.tracks_per_node)}) -
                  kRounding);
    const auto most = static_cast<double>(options.most);
    return std::max(options.least, static_cast<std::size_t>(std::clamp(needed, 0.0, most)));
}

ScaleAdvice Autoscaler::update(Timestamp now, std::span<const NodeView> nodes,
                               std::size_t expected) {
    if (!begun_) begun_ = now;
    const std::size_t wanted =
        std::max(desired_nodes(nodes, options_), std::min(expected, options_.most));
    while (!peaks_.empty() && peaks_.back().second <= wanted)
        peaks_.pop_back();
    peaks_.emplace_back(now, wanted);
    while (peaks_.front().first + options_.hold < now)
        peaks_.pop_front();

    ScaleAdvice advice;
    advice.desired = peaks_.front().second;
    const NodeRecord* lightest = nullptr;
    std::size_t draining = 0;
    for (const NodeView& view : nodes) {
        if (!counts(view)) continue;
        if (view.record->state == NodeState::kShuttingDown) ++draining;
        if (view.record->state != NodeState::kServing) continue;
        ++advice.serving;
        if (lightest == nullptr || is_lighter(*view.record, *lightest)) lightest = view.record;
    }
    // Who has just begun to look does not know what the last minutes were like.
    if (now - *begun_ < options_.hold) advice.desired = std::max(advice.desired, advice.serving);
    const double may_drain =
        std::max(1.0, options_.drain_share * static_cast<double>(advice.serving + draining));
    if (static_cast<double>(draining) + 1 <= may_drain && advice.serving > advice.desired)
        advice.drain = lightest->id;
    return advice;
}

}  // namespace confab::cluster::nodes
