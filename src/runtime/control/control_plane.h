// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// One control shard (07 §6.3): carries effects of its RoomManager to media workers, signalling
// connections and webhooks, and their events back. One thread, one loop; all decisions are taken by
// the machines, this only moves values. ControlNode has all of them.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "room/manager/room_manager.h"
#include "runtime/control/room_service.h"
#include "runtime/control/shards/control_report.h"
#include "runtime/control/signal_sessions.h"
#include "runtime/control/whip/whip_sessions.h"
#include "runtime/control/worker_loads.h"
#include "runtime/net/event_loop.h"
#include "runtime/telemetry/metrics.h"
#include "runtime/worker/control_port.h"
#include "runtime/worker/latest_value.h"

namespace confab::control {

// What rooms want of agents.
using AgentEffect =
    std::variant<room::LaunchAgentJob, room::AdoptAgentJob, room::EndAgentJob, room::RoomServed>;

// What other nodes may read of the rooms (Config::store_listens).
using StoreEffect =
    std::variant<room::StoreRoom, room::RemoveRoom, room::StoreParticipant, room::RemoveParticipant,
                 room::StoreDispatch, room::RemoveDispatch, room::StoreJob, room::RemoveJob>;

struct ControlPlaneOptions {
    room::Config room;
    net::WebSocketOptions websocket;
    // A participant has ended; called in the thread of its shard. May be empty.
    std::function<void(const std::string& sid)> participant_over;
};

class ControlPlane {
  public:
    using SendWebhook = std::function<void(room::WebhookEvent)>;

    // Everything given must outlive this object.
    ControlPlane(net::EventLoop& loop, worker::ControlPort& media, telemetry::Metrics& metrics,
                 const ControlPlaneOptions& options, std::uint64_t seed, SendWebhook send_webhook);
    ~ControlPlane();

    room::RoomManager& rooms() { return rooms_; }
    SignalSessions& sessions() { return sessions_; }
    WhipSessions& whip() { return whip_; }
    LocalRoomService& service() { return service_; }
    worker::ControlPort& media() { return media_; }
    net::EventLoop& loop() { return loop_; }
    telemetry::Metrics& metrics() { return metrics_; }
    room::Clock clock() const;
    // Effects are carried out at the end of the turn; call after using rooms() directly.
    void wake() { turn_wanted_ = true; }
    // Where that goes; without it nobody cares.
    void set_agents(std::function<void(AgentEffect)> fn) { send_agents_ = std::move(fn); }
    // The same of the store.
    void set_store(std::function<void(StoreEffect)> fn) { send_store_ = std::move(fn); }
    // Called once what the rooms have to tell of this turn has been told, set_store() too.
    void after_turn(Callback<> fn) { after_turn_.push_back(std::move(fn)); }
    // The same of what rooms want recorded (Config::egress_listens).
    void set_egress(std::function<void(room::StartEgress)> fn) { send_egress_ = std::move(fn); }
    // The same of what is kept for an operator (Config::history_listens).
    void set_notes(std::function<void(room::RoomNote)> fn) { send_note_ = std::move(fn); }
    // Tells one of them that no room knows of.
    void note(room::RoomNote note) {
        if (send_note_) send_note_(std::move(note));
    }
    // Called in each turn, where rooms() may be used too; gives when it wants to be called again at
    // the latest.
    void set_each_turn(std::function<Timestamp(Timestamp now)> fn) { each_turn_ = std::move(fn); }
    // Ends every room with SERVER_SHUTDOWN.
    void shut_down();

    // The newest report, for one other thread: soon after sessions came or went, a second old at
    // most while this one lives. tell() makes a new one.
    const ControlReport& report() { return report_.read(); }
    void tell() { make_report(net::EventLoop::now()); }

  private:
    void turn();
    void read_media();
    bool carry_out();  // whether there was anything
    void carry_out(room::Effect effect);
    Timestamp run_each_turn();
    static void log_media_event(const sfu::Event& event);
    void arm_timer(Timestamp wanted);
    void tell_dropped_commands();
    Timestamp next_report() const;
    void make_report(Timestamp now);

    net::EventLoop& loop_;
    worker::ControlPort& media_;
    telemetry::Metrics& metrics_;
    WorkerLoads loads_;
    room::RoomManager rooms_;
    WhipSessions whip_;  // outlives its sessions
    SignalSessions sessions_;
    LocalRoomService service_;
    SendWebhook send_webhook_;
    std::function<void(const std::string&)> participant_over_;
    std::function<void(AgentEffect)> send_agents_;
    std::function<void(StoreEffect)> send_store_;
    std::deque<Callback<>> after_turn_;
    std::function<void(room::StartEgress)> send_egress_;
    std::function<void(room::RoomNote)> send_note_;
    console::JoinCounts joins_;
    std::function<Timestamp(Timestamp)> each_turn_;
    worker::LatestValue<ControlReport> report_;
    Timestamp reported_at_ = Timestamp::never();
    std::size_t reported_sessions_ = 0;
    net::FdWatch media_watch_;
    net::EventLoop::Timer timer_;
    Timestamp timer_deadline_ = Timestamp::never();
    bool told_dropped_commands_ = false;
    bool turn_wanted_ = false;
};

}  // namespace confab::control
