// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/worker_loads.h"

#include "runtime/net/event_loop.h"

namespace confab::control {

void WorkerLoads::update(worker::ControlPort& media, room::Placement& placement) {
    for (std::size_t i = 0; i < media.size(); ++i) {
        const worker::Mailbox::Published& figures = media.snapshot(i);
        const auto worker = static_cast<sfu::WorkerIndex>(i);
        update(placement, worker, figures.at, figures.busy_us);
        note_silence(placement, worker, net::EventLoop::now());
    }
}

// A worker that was not started tells nothing, and is none.
void WorkerLoads::note_silence(room::Placement& placement, sfu::WorkerIndex worker,
                               Timestamp now) const {
    const Timestamp at = worker < seen_.size() ? seen_[worker].at : Timestamp::never();
    if (at > Timestamp() && !at.is_never() && now - at >= kSilent) placement.set_load(worker, 1);
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
