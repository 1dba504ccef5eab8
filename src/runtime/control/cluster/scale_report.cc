// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/cluster/scale_report.h"

#include "runtime/telemetry/log.h"

namespace confab::control {

using telemetry::Metric;

void ScaleReport::log(const Snapshot& said) {
    telemetry::log_info("nodes of this cluster",
                        {{"desired", said.desired},
                         {"serving", said.serving},
                         telemetry::LogField::if_any("mayGo", said.drain.value_or(""))});
}

void ScaleReport::collect(telemetry::Metrics& metrics, const Snapshot& scale) {
    metrics.set(Metric::kClusterDesiredNodes, static_cast<double>(scale.desired));
    metrics.set(Metric::kClusterServingNodes, static_cast<double>(scale.serving));
    metrics.set(Metric::kClusterLeader, scale.leads ? 1 : 0);
    const std::string candidate = scale.drain.value_or("");
    if (candidate != candidate_ && !candidate_.empty())
        metrics.remove(Metric::kClusterDrainCandidate, {candidate_});
    if (!candidate.empty()) metrics.set(Metric::kClusterDrainCandidate, {candidate}, 1);
    candidate_ = candidate;
}

}  // namespace confab::control
