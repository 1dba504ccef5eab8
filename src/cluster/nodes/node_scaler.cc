// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/nodes/node_scaler.h"

#include <cmath>
#include <vector>

namespace confab::cluster::nodes {

std::size_t NodeScaler::look_ahead(Timestamp now, std::span<const NodeView> views) {
    const Duration ahead = scaler_.options().ahead;
    if (history_ == nullptr || ahead <= Duration::zero()) return 0;
    const UnixTime wall = wall_(now);
    WeekForecast& forecast = history_->forecast();
    forecast.note(wall, desired_nodes(views, scaler_.options()));
    if (const auto hour = forecast.poll_ended(); hour && last_.leads) history_->write(now, *hour);
    return static_cast<std::size_t>(std::ceil(forecast.of(wall + ahead)));
}

void NodeScaler::handle_timeout(Timestamp now) {
    if (now < due_) return;
    due_ = now + kRound;
    last_.leads = leads_(now);
    last_.drain.reset();
    if (table_.is_loaded()) {
        const auto views = table_.views();
        last_.expected = look_ahead(now, views);
        ScaleAdvice advice = scaler_.update(now, views, last_.expected);
        last_.desired = advice.desired;
        last_.serving = advice.serving;
        if (last_.leads) last_.drain = std::move(advice.drain);
    }
    if (!last_.leads) {
        told_ = {};
    } else if (last_.desired != told_.desired || last_.drain != told_.drain) {
        news_ = told_ = last_;
    }
}

}  // namespace confab::cluster::nodes
