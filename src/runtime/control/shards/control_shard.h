// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A control thread beside the first one: a loop, metrics and a control plane of its own.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string_view>

#include "runtime/control/control_plane.h"
#include "runtime/net/event_loop.h"
#include "runtime/telemetry/metrics.h"
#include "runtime/worker/timed_thread.h"

namespace confab::control {

class ControlShard {
  public:
    // `media` must outlive it.
    ControlShard(worker::ControlPort& media, const ControlPlaneOptions& options, std::uint64_t seed,
                 ControlPlane::SendWebhook send_webhook);
    ~ControlShard();  // end(), and waits for it
    ControlShard(const ControlShard&) = delete;
    ControlShard& operator=(const ControlShard&) = delete;

    void start();
    // Its turn is the last.
    void end() { loop_.stop(); }
    // Waits for that. False if it has not come by `deadline`: then nothing that it uses may go.
    bool ended_by(std::chrono::steady_clock::time_point deadline);
    // Of its thread while that runs; post() and stop() of the loop are for all.
    ControlPlane& plane() { return plane_; }
    net::EventLoop& loop() { return loop_; }

  private:
    std::size_t index_;
    net::EventLoop loop_;
    telemetry::Metrics metrics_;
    ControlPlane plane_;
    worker::TimedThread thread_;
};

// Which shard has the rooms of that name: the same on every machine and in every release (FNV-1a,
// mixed).
std::size_t shard_of(std::string_view room, std::size_t shards);

// What a loop of the control plane tells when something in it throws.
void log_failures(net::EventLoop& loop, std::size_t shard);

}  // namespace confab::control
