// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/cluster/relay_backend.h"

#include <utility>

#include "cluster/nodes/placement.h"
#include "livekit_rtc.pb.h"
#include "proto/proto_json.h"
#include "room/participant/client_traits.h"
#include "room/signal/responses.h"
#include "runtime/control/observations.h"
#include "runtime/control/signal/signal_allowance.h"
#include "runtime/net/event_loop.h"
#include "runtime/telemetry/log.h"
#include "token/room_key.h"

namespace confab::control {

using cluster::relay::SignalEvent;
using telemetry::Metric;

struct RelayBackend::Client {
    api::JoinParams params;  // until it is known where its room is
    std::optional<net::HttpExchange> exchange;
    net::HttpHeaders headers;
    std::unique_ptr<net::WebSocket> socket;
    bool text = false;  // the encoding of the last frame received (CON-42)
    Timestamp started;
    SignalAllowance allowance;
    room::ClientGates gates;
    std::optional<std::uint16_t> close_code;  // behind the `leave` that it heard
};

RelayBackend::RelayBackend(SignalBackend& local, cluster::relay::SignalEnd& relay,
                           Placement& placement, std::string node, net::WebSocketOptions websocket,
                           telemetry::Metrics& metrics, std::function<void()> wake)
    : local_(local),
      relay_(relay),
      placement_(placement),
      node_(std::move(node)),
      websocket_(websocket),
      metrics_(metrics),
      wake_(std::move(wake)) {}

RelayBackend::~RelayBackend() = default;

RelayBackend::Client* RelayBackend::find(Id id) {
    const auto found = clients_.find(id);
    return found == clients_.end() ? nullptr : found->second.get();
}

// A resume is no join.
void RelayBackend::count_join(const Client& client, const char* state) {
    if (!client.params.reconnect) metrics_.add(Metric::kParticipantJoinTotal, {state});
}

void RelayBackend::start(api::JoinParams params, net::HttpExchange exchange,
                         net::HttpHeaders headers) {
    const Id id = relay_.start(to_relay(params));
    auto client = std::make_unique<Client>();
    client->allowance = SignalAllowance(params.signal_rate);
    client->gates = room::traits_of(params.client).gates;
    client->params = std::move(params);
    client->exchange.emplace(std::move(exchange));
    client->headers = std::move(headers);
    client->started = net::EventLoop::now();
    client->exchange->on_gone([this, id] { leave(id); });
    clients_.emplace(id, std::move(client));
    wake_();
}

void RelayBackend::validate(api::JoinParams params, Callback<std::optional<api::HttpError>> reply) {
    const std::string room = params.room_name;
    placement_.find_node(net::EventLoop::now(), room,
                         [this, params = std::move(params), reply = std::move(reply)](
                             const Result<std::string, rpc::Error>& node) mutable {
                             if (node && *node != node_) return reply(std::nullopt);
                             local_.validate(std::move(params), std::move(reply));
                         });
    wake_();
}

// ---------------------------------------------------------------- what the relay says

void RelayBackend::take_events() {
    while (const auto event = relay_.poll_event())
        take(*event);
}

void RelayBackend::take(const SignalEvent& event) {
    Client* const client = find(event.session);
    if (client == nullptr) return;
    using Kind = SignalEvent::Kind;
    switch (event.kind) {
        case Kind::kHere: {
            const std::unique_ptr<Client> mine = std::move(clients_[event.session]);
            clients_.erase(event.session);
            mine->exchange->on_gone({});
            return local_.start(std::move(mine->params), *std::move(mine->exchange),
                                std::move(mine->headers));
        }
        case Kind::kStarted:
            accept(event.session, *client);
            return pump(event.session);
        case Kind::kReadable:
            return pump(event.session);
        case Kind::kRefused:
            refuse(*client, event);
            break;
        case Kind::kClosed:
            if (client->socket)
                client->socket->close(
                    client->close_code.value_or(static_cast<std::uint16_t>(event.close_code)));
            break;
    }
    clients_.erase(event.session);
}

void RelayBackend::refuse(Client& client, const SignalEvent& event) {
    // A node at its limit refuses as it does whoever comes to it (NODE-12).
    const bool is_full = event.error.code == rpc::Code::kResourceExhausted &&
                         event.error.text == cluster::nodes::kFullForJoin;
    const int status = is_full ? 503 : event.status;
    const token::RoomName room = token::split_room_key(client.params.room_name);
    telemetry::log_info("session refused by the node with its room",
                        {{"room", room.name},
                         telemetry::LogField::if_any("tenant", room.tenant),
                         {"participant", client.params.grants.identity},
                         {"status", status},
                         {"reason", event.error.text}});
    count_join(client, "signal_failed");
    if (!client.exchange) return;
    net::HttpResponse response = net::HttpResponse::text(status, event.error.text);
    for (const net::HttpHeader& header : client.headers)
        response.headers.add(header.name, header.value);
    client.exchange->respond(std::move(response));
}

void RelayBackend::accept(Id id, Client& client) {
    client.socket = client.exchange->accept_websocket(client.headers, websocket_);
    client.exchange.reset();
    count_join(client, client.socket ? "signal_connected" : "signal_upgrade_failed");
    if (!client.socket) return leave(id);
    client.socket->set_handlers(
        [this, id](bool text, std::string_view payload) { on_message(id, text, payload); },
        [this, id](net::WebSocketClosed) { leave(id); });
    const Duration took = net::EventLoop::now() - client.started;
    metrics_.observe(Metric::kSessionJoinLatencyMs,
                     {protocol_label(client.params.client.protocol())},
                     static_cast<double>(took.us()) / 1000.0);
}

// Its SDK's ways with a `leave`, and with the end behind it, are minded here, where its WebSocket
// is: the relay's own farewells and nodes of other implementations do not know them, and how a
// WebSocket ends is not relayed (01 CON-44, SIG-152).
bool RelayBackend::may_hear(Client& client, const std::string& response) {
    if (client.gates.leave_and_return && client.gates.close_frame) return true;
    livekit::SignalResponse message;
    if (!message.ParseFromString(response) || !message.has_leave()) return true;
    using Leave = livekit::LeaveRequest;
    const Leave& leave = message.leave();
    const Leave::Action action = leave.can_reconnect() ? Leave::RECONNECT : leave.action();
    client.close_code = room::close_code(client.gates, action);
    return room::can_follow(client.gates, action);
}

// The bytes are a binary frame as they are.
void RelayBackend::pump(Id id) {
    for (Client* client = find(id); client != nullptr && client->socket; client = find(id)) {
        auto response = relay_.receive(id);
        if (!response) return;
        metrics_.add(Metric::kNodeMessages, {"signal", "success", "response"});
        if (!may_hear(*client, *response)) continue;
        if (client->text) {
            livekit::SignalResponse message;
            if (!message.ParseFromString(*response)) continue;
            *response = proto::to_camel_json(message);
        }
        (void)client->socket->send(client->text, *std::move(response));
    }
}

// ---------------------------------------------------------------- what the client says

void RelayBackend::on_message(Id id, bool text, std::string_view payload) {
    Client* const client = find(id);
    if (client == nullptr) return;
    client->text = text;
    livekit::SignalRequest request;
    const bool parsed =
        text ? proto::parse_json(payload, request)
             : request.ParseFromArray(payload.data(), static_cast<int>(payload.size()));
    metrics_.add(Metric::kNodeMessages, {"signal", parsed ? "success" : "failure", "request"});
    if (!parsed) return leave(id);  // CON-41
    answer_ping(*client, request);
    relay_.send(id, text ? request.SerializeAsString() : std::string(payload));
    wake_();
    const Timestamp now = net::EventLoop::now();
    const Timestamp next = client->allowance.spend(now);
    if (next <= now || !client->socket) return;
    metrics_.add(Metric::kRateLimited, {"signal", "delayed"});
    client->socket->hold_reading(next);
}

// The room hears the ping too; nodes of other implementations leave the answer to us (CON-43).
void RelayBackend::answer_ping(Client& client, const livekit::SignalRequest& request) {
    livekit::SignalResponse response;
    const std::int64_t wall_ms = net::EventLoop::wall().ms();
    if (request.has_ping()) {
        response.set_pong(wall_ms);
    } else if (request.has_ping_req()) {
        response.mutable_pong_resp()->set_last_ping_timestamp(request.ping_req().timestamp());
        response.mutable_pong_resp()->set_timestamp(wall_ms);
    } else {
        return;
    }
    metrics_.add(Metric::kNodeMessages, {"signal", "success", "response"});
    (void)client.socket->send(
        client.text, client.text ? proto::to_camel_json(response) : response.SerializeAsString());
}

void RelayBackend::leave(Id id) {
    if (clients_.erase(id) == 0) return;
    relay_.close(id);
    wake_();
}

cluster::relay::SessionStart to_relay(const api::JoinParams& params) {
    cluster::relay::SessionStart start;
    start.room = params.room_name;
    start.room_must_exist = params.room_must_exist;
    start.grants = params.grants;
    start.client = params.client;
    start.single_peer_connection = params.single_peer_connection;
    start.auto_subscribe = params.auto_subscribe;
    start.auto_subscribe_data_track = params.auto_subscribe_data_track;
    start.adaptive_stream = params.adaptive_stream;
    start.disable_ice_lite = params.disable_ice_lite;
    start.subscriber_allow_pause = params.subscriber_allow_pause;
    start.reconnect = params.reconnect;
    start.reconnect_reason = params.reconnect_reason;
    start.participant_sid = params.participant_sid;
    start.publisher_offer = params.publisher_offer;
    start.add_track_requests = params.add_track_requests;
    return start;
}

}  // namespace confab::control
