// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The minutes of a time as so many points as a plot has.
#pragma once

#include <optional>
#include <vector>

#include "console/history.h"
#include "console/requests.h"

namespace confab::console {

struct Series {
    UnixTime from;  // of the first point; a whole number of steps since 1970
    Duration step;  // whole minutes
    // By step; nothing where no minute was kept. Joins and refusals are summed up, participants and
    // rooms the most there were, all else averages.
    std::vector<std::optional<Minute>> points;
};

// `minutes` in their order. Not more than query.points, and one, points.
Series to_series(const std::vector<Minute>& minutes, const HistoryQuery& query);

}  // namespace confab::console
