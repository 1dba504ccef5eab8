// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The driver of the control plane (07 §6.3): carries effects of the RoomManager to media workers,
// signalling connections and webhooks, and their events back. One thread, one loop; all decisions
// are taken by the machines, this only moves values.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "api/ports.h"
#include "room/manager/room_manager.h"
#include "rpc/local_bus.h"
#include "runtime/control/signal_sessions.h"
#include "runtime/control/webhook_sender.h"
#include "runtime/control/worker_loads.h"
#include "runtime/net/event_loop.h"
#include "runtime/telemetry/metrics.h"
#include "runtime/worker/control_port.h"
#include "token/token.h"

namespace confab::control {

struct ControlPlaneOptions {
    room::Config room;
    api::WebhookOptions webhooks;
    bool full_room_in_webhooks = false;
    net::WebSocketOptions websocket;
};

class ControlPlane {
  public:
    // Everything given must outlive this object.
    ControlPlane(net::EventLoop& loop, worker::ControlPort& media, const token::KeyProvider& keys,
                 telemetry::Metrics& metrics, ControlPlaneOptions options, std::uint64_t seed);
    ~ControlPlane();

    room::RoomManager& rooms() { return rooms_; }
    SignalSessions& sessions() { return sessions_; }
    // Where the services of this node meet: agents, egress, ingress, SIP.
    rpc::Bus& bus() { return bus_; }
    net::EventLoop& loop() { return loop_; }
    WebhookSender& webhooks() { return webhooks_; }
    room::Clock clock() const;
    // Effects are carried out at the end of the turn; call after using rooms() directly.
    void wake() { turn_wanted_ = true; }
    // Called for every RpcDone.
    void set_rpc_done(std::function<void(room::RpcDone)> fn) { rpc_done_ = std::move(fn); }
    // Ends every room with SERVER_SHUTDOWN.
    void shut_down();

  private:
    void turn();
    void read_media();
    void read_data();
    void carry_out();
    void carry_out(room::Effect effect);
    static void log_media_event(const sfu::Event& event);
    void arm_timer();
    void tell_dropped_commands();

    net::EventLoop& loop_;
    worker::ControlPort& media_;
    telemetry::Metrics& metrics_;
    rpc::LocalHub hub_;
    rpc::LocalBus bus_;
    WorkerLoads loads_;
    room::RoomManager rooms_;
    SignalSessions sessions_;
    WebhookSender webhooks_;
    std::function<void(room::RpcDone)> rpc_done_;
    net::FdWatch media_watch_;
    net::EventLoop::Timer timer_;
    Timestamp timer_deadline_ = Timestamp::never();
    bool told_dropped_commands_ = false;
    bool turn_wanted_ = false;
};

}  // namespace confab::control
