// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/nodes/node_scaler.h"

#include <vector>

namespace confab::cluster::nodes {

void NodeScaler::handle_timeout(Timestamp now) {
    if (now < due_) return;
    due_ = now + kRound;
    last_.leads = leads_(now);
    last_.drain.reset();
    if (table_.is_loaded()) {
        ScaleAdvice advice = scaler_.update(now, table_.views());
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
