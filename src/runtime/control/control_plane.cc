// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/control_plane.h"

#include "runtime/control/observations.h"
#include "runtime/telemetry/log.h"

namespace confab::control {
namespace {

// A webhook that names a track or participant carries less than the machine knows (HOOK-04).
void trim(livekit::WebhookEvent& event, bool full_room) {
    if (!event.has_track()) return;
    const livekit::Room room = event.room();
    const livekit::ParticipantInfo participant = event.participant();
    const livekit::TrackInfo track = event.track();
    api::set_track(event, room, participant, track, full_room);
}

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

}  // namespace

ControlPlane::ControlPlane(net::EventLoop& loop, worker::MediaNode& media,
                           const token::KeyProvider& keys, telemetry::Metrics& metrics,
                           ControlPlaneOptions options, std::uint64_t seed)
    : loop_(loop),
      media_(media),
      metrics_(metrics),
      bus_(hub_, options.room.node_id),
      loads_(options.room.place),
      rooms_(std::move(options.room), seed),
      sessions_(rooms_, options.websocket, metrics),
      webhooks_(std::move(options.webhooks), keys),
      full_room_in_webhooks_(options.full_room_in_webhooks),
      http_(loop),
      timer_(loop) {
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
    loads_.update(media_);
    if (rooms_.next_deadline() <= net::EventLoop::now()) rooms_.handle_timeout(clock());
    if (webhooks_.next_deadline() <= net::EventLoop::now())
        webhooks_.handle_timeout(net::EventLoop::now());
    if (hub_.next_deadline() <= net::EventLoop::now()) hub_.handle_timeout(net::EventLoop::now());
    carry_out();
    send_webhooks();
    media_.flush();
    arm_timer();
}

void ControlPlane::read_media() {
    // Bounded, so that a flood of events does not keep signalling waiting.
    constexpr int kMaxEventsPerTurn = 2048;
    for (int i = 0; i < kMaxEventsPerTurn; ++i) {
        const auto event = media_.poll_event();
        if (!event) return;
        log_media_event(event->event);
        rooms_.handle_media_event(clock(), event->worker, event->event);
    }
}

void ControlPlane::log_media_event(const sfu::Event& event) {
    const auto* changed = std::get_if<sfu::PeerStateChanged>(&event);
    if (changed == nullptr) return;
    if (!telemetry::log_enabled(telemetry::LogLevel::kDebug)) return;
    telemetry::log_debug(
        "peer connection " + std::string(to_text(changed->state)),
        {{"peer", changed->peer.value()},
         {"protocol", changed->protocol == sfu::TransportProtocol::kTcp ? "tcp" : "udp"},
         {"remote", changed->remote.to_string()}});
}

void ControlPlane::carry_out() {
    while (auto effect = rooms_.poll_effect())
        carry_out(std::move(*effect));
}

void ControlPlane::carry_out(room::Effect effect) {
    if (auto* command = std::get_if<room::MediaCommand>(&effect)) {
        media_.send(command->worker, std::move(command->command));
    } else if (auto* send = std::get_if<room::SendSignal>(&effect)) {
        sessions_.send(send->session, send->response);
    } else if (const auto* close = std::get_if<room::CloseSession>(&effect)) {
        sessions_.close(close->session, close->code);
    } else if (auto* refuse = std::get_if<room::RefuseSession>(&effect)) {
        sessions_.refuse(refuse->session, refuse->status, refuse->text);
    } else if (auto* done = std::get_if<room::RpcDone>(&effect)) {
        if (rpc_done_) rpc_done_(std::move(*done));
    } else if (auto* hook = std::get_if<room::WebhookEvent>(&effect)) {
        livekit::WebhookEvent& event = hook->event;
        telemetry::log_info(event.event(), {{"room", event.room().name()},
                                            {"roomID", event.room().sid()},
                                            {"participant", event.participant().identity()},
                                            {"pID", event.participant().sid()},
                                            {"trackID", event.track().sid()}});
        trim(event, full_room_in_webhooks_);
        const auto lengths =
            webhooks_.enqueue(net::EventLoop::now(), net::EventLoop::wall(), event);
        for (const std::size_t length : lengths)
            metrics_.observe(telemetry::Metric::kWebhookQueueLength, static_cast<double>(length));
    } else if (const auto* observation = std::get_if<room::Observation>(&effect)) {
        record(metrics_, *observation);
    }
}

void ControlPlane::send_webhooks() {
    while (auto request = webhooks_.poll_request()) {
        net::HttpClientRequest http;
        http.url = request->url;
        for (api::HttpHeader& header : request->headers)
            http.headers.add(std::move(header.name), std::move(header.value));
        http.body = std::move(request->body);
        const std::uint64_t id = request->id;
        const std::string url = request->url;
        http_.send(std::move(http), [this, id, url](net::HttpClient::Result result) {
            const Timestamp now = net::EventLoop::now();
            if (result) {
                const auto wait = result->headers.find("Retry-After");
                webhooks_.handle_response(
                    now, id, result->status,
                    wait ? api::parse_retry_after(*wait) : std::optional<Duration>{});
                if (result->status >= 500 || result->status == 429)
                    telemetry::log_warn("webhook refused",
                                        {{"url", url}, {"status", result->status}});
            } else {
                telemetry::log_warn("webhook not delivered",
                                    {{"url", url}, {"error", net::to_string(result.error())}});
                webhooks_.handle_failure(now, id);
            }
            turn_wanted_ = true;
        });
    }
}

void ControlPlane::arm_timer() {
    const Timestamp deadline =
        earlier(hub_.next_deadline(), earlier(rooms_.next_deadline(), webhooks_.next_deadline()));
    if (deadline == timer_deadline_) return;
    timer_deadline_ = deadline;
    timer_.set(deadline, [this] { timer_deadline_ = Timestamp::never(); });
}

void ControlPlane::shut_down() {
    rooms_.shut_down(clock());
    turn();
}

}  // namespace confab::control
