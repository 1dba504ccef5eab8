// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/worker_loads.h"

namespace confab::control {

void WorkerLoads::update(worker::ControlPort& media, room::Placement& placement) {
    for (std::size_t i = 0; i < media.size(); ++i) {
        const worker::Mailbox::Published& figures = media.snapshot(i);
        update(placement, static_cast<sfu::WorkerIndex>(i), figures.at, figures.busy_us);
    }
}

void WorkerLoads::update(room::Placement& placement, sfu::WorkerIndex worker, Timestamp at,
                         std::uint64_t busy_us) {
    if (worker >= seen_.size()) seen_.resize(worker + 1U);
    Seen& seen = seen_[worker];
    if (seen.at == at) return;
    if (!seen.at.is_never() && at > seen.at && busy_us >= seen.busy_us)
        placement.set_load(worker, static_cast<double>(busy_us - seen.busy_us) /
                                       static_cast<double>((at - seen.at).us()));
    seen = {at, busy_us};
}

}  // namespace confab::control
