// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/nodes/select/selectors.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

namespace confab::cluster::nodes {
namespace {

using Kind = SelectorOptions::Kind;
using SortBy = SelectorOptions::SortBy;
using Algorithm = SelectorOptions::Algorithm;
using Nodes = std::vector<const NodeRecord*>;

bool takes_rooms(const NodeView& view) {
    return view.is_alive && view.record->is_server && view.record->state == NodeState::kServing;
}

// Those below the limit, or all of them. Without figures nobody is above it. Records have floats:
// 0.9 there is not below 0.9.
template <typename F>
Nodes below(const Nodes& nodes, double limit, F figure) {
    Nodes light;
    for (const NodeRecord* node : nodes)
        if (static_cast<float>(figure(*node).value_or(0)) < static_cast<float>(limit))
            light.push_back(node);
    return light.empty() ? nodes : light;
}

std::optional<double> cpu_load(const NodeRecord& node) {
    if (!node.stats) return std::nullopt;
    return static_cast<double>(node.stats->figures.cpu_load);
}

const Region* find_region(const std::vector<Region>& regions, std::string_view name) {
    const auto it = std::find_if(regions.begin(), regions.end(),
                                 [name](const Region& region) { return region.name == name; });
    return it == regions.end() ? nullptr : &*it;
}

Nodes nearest(Nodes nodes, const std::vector<Region>& regions, std::string_view own_region) {
    const Region* here = find_region(regions, own_region);
    if (here == nullptr) return nodes;
    Nodes near;
    double least = std::numeric_limits<double>::infinity();
    for (const NodeRecord* node : nodes) {
        const Region* there = find_region(regions, node->region);
        if (there == nullptr) continue;
        const double far = distance(*here, *there);
        if (far < least) near.clear();
        if (far > least) continue;
        least = far;
        near.push_back(node);
    }
    return near.empty() ? nodes : near;
}

std::optional<double> figure_of(const NodeRecord& node, SortBy sort_by) {
    if (!node.stats) return std::nullopt;
    const NodeFigures& figures = node.stats->figures;
    switch (sort_by) {
        case SortBy::kRandom:
            return 0;
        case SortBy::kSysLoad:
            return sysload_of(node);
        case SortBy::kCpuLoad:
            return cpu_load(node);
        case SortBy::kRooms:
            return figures.num_rooms;
        case SortBy::kClients:
            return figures.num_clients;
        case SortBy::kTracks:
            return static_cast<double>(tracks_of(*node.stats));
        case SortBy::kBytesPerSec:
            return bytes_per_sec_of(*node.stats);
    }
    return std::nullopt;
}

// What a room is taken to cost: a guess, and between which bounds a mean is believed.
struct Cost {
    double guess, least, most;
};
Cost cost_of(SortBy sort_by) {
    switch (sort_by) {
        case SortBy::kSysLoad:
        case SortBy::kCpuLoad:
            return {0.01, 0.001, 0.1};
        case SortBy::kClients:
            return {3, 1, 1000};
        case SortBy::kTracks:
            return {12, 1, 10'000};
        case SortBy::kBytesPerSec:
            return {250'000, 1000, 1e9};
        case SortBy::kRandom:
        case SortBy::kRooms:
            break;
    }
    return {1, 1, 1};
}

void shuffle(std::span<Offer> all, Rng& rng) {
    for (std::size_t i = all.size(); i > 1; --i)
        std::swap(all[i - 1], all[rng.below(i)]);
}

bool has_less(const Offer& a, const Offer& b) {
    return a.rooms < b.rooms;
}

std::string fault_of(const NodeView& view, const NodeLimits& limits) {
    if (!view.is_alive) return "sends no figures";
    if (!view.record->is_server) return "is no server";
    if (view.record->state != NodeState::kServing) return std::string(to_text(view.record->state));
    return is_full(*view.record, limits) ? "at its limit" : "";
}

}  // namespace

Nodes filter(Nodes nodes, const SelectorOptions& options, std::string_view own_region) {
    switch (options.kind) {
        case Kind::kAny:
            return nodes;
        case Kind::kCpuLoad:
            return below(nodes, options.cpu_load_limit, cpu_load);
        case Kind::kSysLoad:
            return below(nodes, options.sysload_limit, sysload_of);
        case Kind::kRegionAware:
            break;
    }
    return nearest(below(nodes, options.sysload_limit, sysload_of), options.regions, own_region);
}

double room_cost(std::span<const NodeRecord* const> nodes, SortBy sort_by) {
    const Cost cost = cost_of(sort_by);
    double rooms = 0;
    double all = 0;
    for (const NodeRecord* node : nodes) {
        const std::optional<double> figure = figure_of(*node, sort_by);
        if (!figure) continue;
        rooms += node->stats->figures.num_rooms;
        all += *figure;
    }
    return rooms > 0 ? std::clamp(all / rooms, cost.least, cost.most) : cost.guess;
}

Result<std::vector<Offer>, NoNode> offers(std::span<const NodeView> nodes,
                                          const Selection& selection, Rng& rng) {
    Nodes able;
    bool full = false;
    for (const NodeView& view : nodes) {
        if (!takes_rooms(view)) continue;
        if (is_full(*view.record, selection.limits)) {
            full = true;
        } else {
            able.push_back(view.record);
        }
    }
    if (able.empty()) return fail(full ? NoNode::kAllFull : NoNode::kNone);
    able = filter(std::move(able), selection.options, selection.own_region);

    const SortBy sort_by = selection.options.sort_by;
    const double cost = room_cost(able, sort_by);
    std::vector<Offer> all;
    for (const NodeRecord* node : able) {
        const std::optional<double> figure = figure_of(*node, sort_by);
        all.push_back({node, figure ? *figure / cost : kUnknownLoad});
    }
    shuffle(all, rng);
    const bool two = selection.options.algorithm == Algorithm::kTwoChoice;
    const std::size_t most = two ? 2 : kMaxOffers;
    if (all.size() <= most) return all;
    // Shuffled before: of equal ones it is any.
    if (!two) std::iter_swap(all.begin(), std::min_element(all.begin(), all.end(), has_less));
    all.resize(most);
    shuffle(all, rng);
    return all;
}

Result<const NodeRecord*, NoNode> select(std::span<const NodeView> nodes,
                                         const Selection& selection, Rng& rng) {
    CONFAB_TRY(const std::vector<Offer> all, offers(nodes, selection, rng));
    return std::min_element(all.begin(), all.end(), has_less)->record;
}

Duration fade_of(SortBy sort_by) {
    const bool is_there_at_once = sort_by == SortBy::kRooms || sort_by == SortBy::kRandom;
    return Duration::seconds(is_there_at_once ? 3 : 30);
}

std::string explain(std::span<const NodeView> nodes, const NodeLimits& limits) {
    std::string text = "could not find any available nodes";
    std::size_t told = 0;
    for (const NodeView& view : nodes) {
        if (told == kMaxExplained) {
            text += ", and " + std::to_string(nodes.size() - told) + " more";
            break;
        }
        text += (told++ == 0 ? ": " : ", ") + view.record->id + " " + fault_of(view, limits);
    }
    return nodes.empty() ? text + ": none is registered" : text;
}

}  // namespace confab::cluster::nodes
