// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/control_plane.h"

#include "crypto/random.h"
#include "runtime/control/observations.h"
#include "runtime/telemetry/log.h"
#include "token/room_key.h"

namespace confab::control {
namespace {

const char* to_text(sfu::PeerState state) {
    switch (state) {
        case sfu::PeerState::kConnecting:
            return "connecting";
        case sfu::PeerState::kConnected:
            return "connected";
        case sfu::PeerState::kDisconnected:
            return "disconnected";
        case sfu::PeerState::kReconnected:
            return "reconnected";
        case sfu::PeerState::kFailed:
            return "failed";
    }
    return "unknown";
}

// Tells it if it is one of `Kinds`; whether it is.
template <typename... Kinds>
bool tell_any(room::Effect& effect, const std::function<void(std::variant<Kinds...>)>& fn) {
    const auto tell = [&](auto* one) {
        if (one != nullptr && fn) fn(std::move(*one));
        return one != nullptr;
    };
    return (tell(std::get_if<Kinds>(&effect)) || ...);
}

room::SecretSource pooled_secrets() {
    return [pool = std::make_shared<crypto::RandomPool>()](BytesSpan out) { pool->fill(out); };
}

}  // namespace

ControlPlane::ControlPlane(net::EventLoop& loop, worker::ControlPort& media,
                           telemetry::Metrics& metrics, const ControlPlaneOptions& options,
                           std::uint64_t seed, SendWebhook send_webhook)
    : loop_(loop),
      media_(media),
      metrics_(metrics),
      rooms_(options.room, seed, pooled_secrets()),
      whip_(loop, rooms_, sessions_, {}),
      sessions_(rooms_, options.websocket, metrics),
      service_(
          rooms_, options.room.node_id, [this] { wake(); }, [this] { carry_out(); }),
      send_webhook_(std::move(send_webhook)),
      participant_over_(options.participant_over),
      timer_(loop) {
    make_report(net::EventLoop::now());
    sessions_.set_wake([this] { turn_wanted_ = true; });
    sessions_.set_carry_out([this] { carry_out(); });
    media_watch_ = loop_.watch_fd(media_.event_fd(), [this] {
        media_.awake();
        turn_wanted_ = true;
    });
    loop_.set_turn_hook([this] { turn(); });
    loop_.set_sleep_hooks(
        [this] {
            media_.announce_sleep();
            return !media_.has_events();
        },
        [this] { media_.awake(); });
    arm_timer(Timestamp::never());  // it tells of itself, though nobody comes
}

ControlPlane::~ControlPlane() {
    loop_.set_turn_hook({});
    loop_.set_sleep_hooks({}, {});
}

room::Clock ControlPlane::clock() const {
    return {net::EventLoop::now(), net::EventLoop::wall()};
}

void ControlPlane::turn() {
    turn_wanted_ = false;
    read_media();
    loads_.update(media_, rooms_.placement());
    if (rooms_.next_deadline() <= net::EventLoop::now()) rooms_.handle_timeout(clock());
    for (const room::RoomFailure& failure : rooms_.take_failures()) {
        metrics_.add(telemetry::Metric::kRoomFailures);
        const token::RoomName room = token::split_room_key(failure.room);
        telemetry::log_error("a room was ended because something in it threw",
                             {{"room", room.name},
                              telemetry::LogField::if_any("tenant", room.tenant),
                              {"what", failure.what}});
    }
    carry_out();
    const Timestamp wanted = run_each_turn();
    for (std::size_t left = after_turn_.size(); left > 0; --left) {
        Callback<> fn = std::move(after_turn_.front());
        after_turn_.pop_front();
        fn();
    }
    media_.flush();
    tell_dropped_commands();
    if (next_report() <= net::EventLoop::now()) make_report(net::EventLoop::now());
    arm_timer(wanted);
}

// What is done with rooms there is carried out in the same turn, or it would lie until something
// else comes; what that has for them is another turn's.
Timestamp ControlPlane::run_each_turn() {
    if (!each_turn_) return Timestamp::never();
    const Timestamp now = net::EventLoop::now();
    const Timestamp wanted = each_turn_(now);
    return carry_out() ? now : wanted;
}

void ControlPlane::read_media() {
    // Bounded, so that a flood of events does not keep signalling waiting.
    constexpr int kMaxEventsPerTurn = 2048;
    for (int i = 0; i < kMaxEventsPerTurn; ++i) {
        const auto event = media_.poll_event();
        if (!event) break;
        log_media_event(event->event);
        rooms_.handle_media_event(clock(), event->worker, event->event);
    }
}

void ControlPlane::log_media_event(const sfu::Event& event) {
    const auto* changed = std::get_if<sfu::PeerStateChanged>(&event);
    if (changed == nullptr) return;
    if (!telemetry::log_enabled(telemetry::LogLevel::kDebug)) return;
    telemetry::log_debug("peer connection " + std::string(to_text(changed->state)),
                         {{"peer", changed->peer.value()},
                          {"type", sfu::to_text(changed->type)},
                          {"remote", changed->remote.to_string()}});
}

bool ControlPlane::carry_out() {
    bool any = false;
    for (; auto effect = rooms_.poll_effect(); any = true)
        carry_out(std::move(*effect));
    return any;
}

void ControlPlane::carry_out(room::Effect effect) {
    if (auto* command = std::get_if<room::MediaCommand>(&effect)) {
        media_.send(command->worker, std::move(command->command));
    } else if (auto* send = std::get_if<room::SendSignal>(&effect)) {
        sessions_.send(send->session, send->response);
    } else if (const auto* many = std::get_if<room::Broadcast>(&effect)) {
        sessions_.broadcast(many->sessions, many->response);
    } else if (const auto* join = std::get_if<room::SendJoin>(&effect)) {
        sessions_.send_join(*join);
    } else if (const auto* close = std::get_if<room::CloseSession>(&effect)) {
        sessions_.close(close->session, close->code);
    } else if (auto* refuse = std::get_if<room::RefuseSession>(&effect)) {
        sessions_.refuse(*refuse);
    } else if (auto* done = std::get_if<room::RpcDone>(&effect)) {
        service_.rpc_done(std::move(*done));
    } else if (auto* hook = std::get_if<room::WebhookEvent>(&effect)) {
        const livekit::WebhookEvent& event = hook->event;
        telemetry::log_info(event.event(), {{"room", event.room().name()},
                                            telemetry::LogField::if_any("tenant", hook->tenant),
                                            {"roomID", event.room().sid()},
                                            {"participant", event.participant().identity()},
                                            {"pID", event.participant().sid()},
                                            {"trackID", event.track().sid()}});
        send_webhook_(std::move(*hook));
    } else if (const auto* observation = std::get_if<room::Observation>(&effect)) {
        record(metrics_, *observation);
        joins_.note(*observation);
    } else if (auto* told = std::get_if<room::RoomNote>(&effect)) {
        note(std::move(*told));
    } else if (const auto* over = std::get_if<room::ParticipantOver>(&effect)) {
        if (participant_over_) participant_over_(over->sid);
    } else if (auto* egress = std::get_if<room::StartEgress>(&effect)) {
        if (send_egress_) send_egress_(std::move(*egress));
    } else if (!tell_any(effect, send_agents_)) {
        (void)tell_any(effect, send_store_);
    }
}

// Once: the number is a metric.
void ControlPlane::tell_dropped_commands() {
    if (told_dropped_commands_ || media_.commands_dropped() == 0) return;
    told_dropped_commands_ = true;
    telemetry::log_error("a worker does not take its commands, some were dropped", {});
}

void ControlPlane::arm_timer(Timestamp wanted) {
    // A worker that makes room in its ring does not tell.
    constexpr Duration kFlushAgain = Duration::millis(1);
    Timestamp deadline = earlier(wanted, earlier(rooms_.next_deadline(), next_report()));
    if (media_.commands_waiting())
        deadline = earlier(deadline, net::EventLoop::now() + kFlushAgain);
    if (deadline == timer_deadline_) return;
    timer_deadline_ = deadline;
    timer_.set(deadline, [this] { timer_deadline_ = Timestamp::never(); });
}

// Counting those in all rooms looks at every room, so that not each turn does it.
Timestamp ControlPlane::next_report() const {
    constexpr Duration kAlive = Duration::seconds(1);
    constexpr Duration kSoon = Duration::millis(50);
    return reported_at_ + (sessions_.size() == reported_sessions_ ? kAlive : kSoon);
}

void ControlPlane::make_report(Timestamp now) {
    reported_at_ = now;
    reported_sessions_ = sessions_.size();
    report_.back() = {now,    rooms_.snapshot(),    loop_.failures(), media_.commands_dropped(),
                      joins_, count_steps(metrics_)};
    report_.publish();
}

void ControlPlane::shut_down() {
    rooms_.shut_down(clock());
    turn();
    make_report(net::EventLoop::now());
}

}  // namespace confab::control
