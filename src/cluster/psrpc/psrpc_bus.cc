// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/psrpc/psrpc_bus.h"

#include <utility>

#include "cluster/psrpc/client/calls.h"
#include "cluster/psrpc/client/clients.h"
#include "cluster/psrpc/listeners.h"
#include "cluster/psrpc/server/servers.h"
#include "cluster/psrpc/streams.h"
#include "cluster/psrpc/subscriptions.h"
#include "rpc/local_bus.h"

namespace confab::cluster::psrpc {

// Each uses those above it.
struct PsrpcBus::Parts {
    Parts(redis::Port& port, Settings settings, WallClock clock, std::uint64_t seed)
        : core(port, std::move(settings), std::move(clock), seed) {
        clients.set_handlers(
            {[this](Timestamp now, internal::Response response) {
                 calls.handle_response(now, std::move(response));
             },
             [this](Timestamp now, const internal::ClaimRequest& claim) {
                 calls.handle_claim(now, claim);
             },
             [this](Timestamp now, const std::string& channel, internal::Stream message) {
                 take_stream(now, channel, std::move(message));
             }});
    }
    void take_stream(Timestamp now, const std::string& channel, internal::Stream message) {
        if (streams.deliver(now, Role::kClient, channel, message)) return;
        if (message.has_ack()) return calls.handle_ack(now, channel, message);
        ++core.faults.unexpected;
    }

    Core core;
    rpc::LocalHub hub;
    rpc::LocalBus local{hub, core.settings.node_id};
    Listeners listeners{core};
    Subscriptions subscriptions{core, listeners};
    Streams streams{core};
    Servers servers{{core, listeners, streams, local}};
    Clients clients{core, listeners};
    Calls calls{{core, clients, servers, streams, local}};
};

PsrpcBus::PsrpcBus(redis::Port& port, Settings settings, WallClock clock, std::uint64_t seed)
    : parts_(std::make_unique<Parts>(port, std::move(settings), std::move(clock), seed)) {}
PsrpcBus::~PsrpcBus() {
    parts_->listeners.end(parts_->core.latest);
    parts_->core.end();
}

// ---------------------------------------------------------------- rpc::Bus

Result<rpc::Registration, rpc::Error> PsrpcBus::serve(const rpc::Method& method, rpc::Topic topic,
                                                      rpc::Handler handler,
                                                      rpc::Affinity affinity) {
    return parts_->servers.add(method, std::move(topic), std::move(handler), std::move(affinity));
}

Result<rpc::Registration, rpc::Error> PsrpcBus::serve_stream(const rpc::Method& method,
                                                             rpc::Topic topic,
                                                             rpc::StreamHandler handler) {
    return parts_->servers.add_stream(method, std::move(topic), std::move(handler));
}

rpc::Registration PsrpcBus::subscribe(const rpc::Method& method, rpc::Topic topic,
                                      rpc::Listener listener) {
    return parts_->subscriptions.subscribe(method, topic, std::move(listener));
}

rpc::CallId PsrpcBus::call(Timestamp now, const rpc::Method& method, rpc::Topic topic,
                           std::string request, rpc::CallOptions options, rpc::Reply done) {
    return parts_->calls.call(
        now, {method, std::move(topic), std::move(request), std::move(options)}, std::move(done));
}

rpc::CallId PsrpcBus::gather(Timestamp now, const rpc::Method& method, rpc::Topic topic,
                             std::string request, rpc::CallOptions options,
                             std::function<void(rpc::Outcome)> each, Callback<> finished) {
    return parts_->calls.gather(now,
                                {method, std::move(topic), std::move(request), std::move(options)},
                                std::move(each), std::move(finished));
}

void PsrpcBus::cancel(rpc::CallId call) {
    parts_->calls.cancel(call);
}

void PsrpcBus::open(Timestamp now, const rpc::Method& method, rpc::Topic topic, std::string request,
                    rpc::CallOptions options, rpc::Opened opened) {
    parts_->calls.open(now, {method, std::move(topic), std::move(request), std::move(options)},
                       std::move(opened));
}

void PsrpcBus::publish(const rpc::Method& method, rpc::Topic topic, std::string message) {
    parts_->subscriptions.publish(method, topic, message);
}

void PsrpcBus::prepare(const rpc::Method& method) {
    parts_->clients.prepare(method);
}

bool PsrpcBus::is_listening() const {
    return parts_->core.is_up() && parts_->listeners.are_all_answered();
}

// ---------------------------------------------------------------- the driver

void PsrpcBus::handle_message(Timestamp now, std::string_view channel, std::string_view payload) {
    parts_->core.latest = now;
    parts_->listeners.handle_message(now, channel, payload);
    turn(now);
}

void PsrpcBus::handle_subscribed(Timestamp now, const std::string& channel) {
    parts_->listeners.handle_subscribed(channel);
    parts_->clients.look(now);
    turn(now);
}

void PsrpcBus::handle_refused(Timestamp now, const std::string& channel, const std::string& error) {
    parts_->listeners.handle_refused(channel, error);
    parts_->clients.look(now);
    turn(now);
}

void PsrpcBus::handle_up(Timestamp now, redis::Line line) {
    parts_->core.set_trouble(line, {});
    turn(now);
}

void PsrpcBus::handle_down(Timestamp now, redis::Line line, const redis::Fault& fault) {
    parts_->core.set_trouble(line, fault.text);
    if (line == redis::Line::kChannels) parts_->listeners.handle_down();
    parts_->clients.handle_down(now);
    turn(now);
}

void PsrpcBus::handle_timeout(Timestamp now) {
    parts_->core.latest = now;
    parts_->calls.expire(now);
    parts_->servers.expire(now);
    parts_->streams.expire(now);
    turn(now);
}

// The local bus first, whose callbacks queue steps, and once more for what these have asked of it.
void PsrpcBus::turn(Timestamp now) {
    parts_->core.latest = now;
    for (int i = 0; i < 2; ++i) {
        if (parts_->hub.next_deadline() <= now) parts_->hub.handle_timeout(now);
        parts_->core.run_steps(now);
    }
}

Timestamp PsrpcBus::next_deadline() const {
    if (parts_->core.has_steps()) return Timestamp::micros(0);
    Timestamp next = parts_->hub.next_deadline();
    next = earlier(next, parts_->calls.next_deadline());
    next = earlier(next, parts_->servers.next_deadline());
    return earlier(next, parts_->streams.next_deadline());
}

PsrpcBus::Snapshot PsrpcBus::snapshot() const {
    Snapshot result;
    result.servers = parts_->servers.size();
    result.channels = parts_->listeners.channels();
    result.calls = parts_->calls.pending();
    result.claims = parts_->servers.claims();
    result.running = parts_->servers.running();
    result.streams = parts_->streams.size();
    result.unacknowledged = parts_->streams.unacknowledged();
    result.steps = parts_->core.steps();
    result.faults = parts_->core.faults;
    return result;
}

const Metrics& PsrpcBus::metrics() const {
    return parts_->core.metrics;
}

}  // namespace confab::cluster::psrpc
