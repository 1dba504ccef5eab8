// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Which node takes a new room (03 NODE-04, NODE-05, NODE-12): pure functions over what is known of
// the nodes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/rng.h"
#include "base/time.h"
#include "cluster/nodes/record/node_record.h"
#include "cluster/nodes/select/selector_options.h"

namespace confab::cluster::nodes {

struct NodeView {
    const NodeRecord* record = nullptr;
    bool is_alive = true;  // node_table.h
};

struct Selection {
    const SelectorOptions& options;
    std::string_view own_region;
    NodeLimits limits;  // for nodes that state none
};

enum class NoNode : std::uint8_t {
    kNone,     // nobody is alive and serving
    kAllFull,  // by their limits; upstream places new rooms without asking for them
};

// A node that may take the room, and how much it has already, in rooms: sort_by's figure over what
// a room adds to it (room_cost). Equal for all with sort_by random.
struct Offer {
    const NodeRecord* record = nullptr;
    double rooms = 0;
    bool operator==(const Offer&) const = default;
};

// The load of who tells no figures: it is chosen last.
inline constexpr double kUnknownLoad = 1e9;
// With "lowest": the lowest and so many others less one, at random. Who takes the lowest of them
// with what was placed there meanwhile (placement.h) spreads a burst over all nodes, where the
// lowest alone would get all of it until its figures change.
inline constexpr std::size_t kMaxOffers = 16;

// In random order; with "twochoice" two of all, or all of two and fewer. Never empty.
Result<std::vector<Offer>, NoNode> offers(std::span<const NodeView> nodes,
                                          const Selection& selection, Rng& rng);
// The lowest of the offers.
Result<const NodeRecord*, NoNode> select(std::span<const NodeView> nodes,
                                         const Selection& selection, Rng& rng);

// Those who stay after the step of `kind`: never none of some.
std::vector<const NodeRecord*> filter(std::vector<const NodeRecord*> nodes,
                                      const SelectorOptions& options, std::string_view own_region);
// What one room more adds to the figure of sort_by: its mean over all of these nodes, within
// bounds; a guess while they have no rooms.
double room_cost(std::span<const NodeRecord* const> nodes, SelectorOptions::SortBy sort_by);
// How fast rooms that were placed lately count less: by then the figure of sort_by has them. The
// number of rooms has them with the next record; people come into a room over minutes.
Duration fade_of(SelectorOptions::SortBy sort_by);

// Why there is none, for a log and the answer of a call: "could not find any available nodes" and
// what is wrong with each of the first ones (03 §10 row 12).
std::string explain(std::span<const NodeView> nodes, const NodeLimits& limits);
inline constexpr std::size_t kMaxExplained = 8;

}  // namespace confab::cluster::nodes
