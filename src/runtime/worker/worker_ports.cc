// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/worker/worker_ports.h"

#include <algorithm>
#include <utility>

#include "sfu/shard/shard.h"

namespace confab::worker {

WorkerPorts::WorkerPorts(sfu::WorkerIndex self,
                         const std::vector<std::unique_ptr<ControlPort>>& ports) {
    ends_.reserve(ports.size());
    for (const auto& port : ports)
        ends_.push_back({port->mailbox(self), port->bell()});
}

bool WorkerPorts::has_commands() const {
    return std::any_of(ends_.begin(), ends_.end(),
                       [](const End& end) { return !end.mailbox.commands.empty(); });
}

void WorkerPorts::read_commands(Timestamp now, sfu::Shard& shard) {
    std::size_t empty = 0;  // in a row
    for (std::size_t taken = 0; taken < kMaxCommandsPerTurn && empty < ends_.size();) {
        Mailbox& mailbox = ends_[next_].mailbox;
        next_ = (next_ + 1) % ends_.size();
        SpscRing<sfu::Command>* ring = mailbox.commands.consumer();
        sfu::Command* command = ring == nullptr ? nullptr : ring->front();
        if (command == nullptr) {
            ++empty;
            continue;
        }
        empty = 0;
        ++taken;
        const std::size_t bytes = data_bytes(*command);
        shard.handle_command(now, std::move(*command));
        ring->release();
        if (bytes > 0) mailbox.data_bytes_taken.fetch_add(bytes, std::memory_order_release);
    }
}

void WorkerPorts::send_events(sfu::Shard& shard) {
    events_wait_ = false;
    for (std::size_t i = 0; i < ends_.size(); ++i) {
        const auto control = static_cast<sfu::ControlShard>(i);
        End& end = ends_[i];
        bool any = false;
        while (shard.has_event(control)) {
            sfu::Event* slot = end.mailbox.events.producer().claim();
            if (slot == nullptr) break;
            *slot = std::move(*shard.poll_event(control));
            end.mailbox.events.producer().publish();
            any = true;
        }
        if (shard.has_event(control)) events_wait_ = true;
        if (any) end.bell.notify();
    }
}

void WorkerPorts::publish(const Mailbox::Published& figures) {
    for (End& end : ends_) {
        end.mailbox.snapshot.back() = figures;
        end.mailbox.snapshot.publish();
    }
}

}  // namespace confab::worker
