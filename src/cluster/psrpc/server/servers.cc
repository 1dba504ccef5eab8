// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What is served, and what comes in.
#include "cluster/psrpc/server/servers.h"

#include <array>
#include <utility>

#include "cluster/psrpc/channel.h"
#include "cluster/psrpc/client/clients.h"

namespace confab::cluster::psrpc {
namespace {

rpc::Metadata to_metadata(const google::protobuf::Map<std::string, std::string>& map) {
    return {map.begin(), map.end()};
}

}  // namespace

// ---------------------------------------------------------------- registrations

Result<rpc::Registration, rpc::Error> Servers::add(const rpc::Method& method, rpc::Topic topic,
                                                   rpc::Handler handler, rpc::Affinity affinity) {
    const auto service = std::make_shared<Service>();
    service->method = method;
    service->handler = std::make_shared<const rpc::Handler>(std::move(handler));
    service->affinity = affinity;
    auto local = parts_.local.serve(
        method, topic,
        [this, method, handler = service->handler](const rpc::Request& request, rpc::Reply reply) {
            (*handler)(request, counted(method, request, std::move(reply)));
        },
        std::move(affinity));
    if (!local) return fail(local.error());
    service->local = *std::move(local);
    service->topic = std::move(topic);
    return start(service);
}

Result<rpc::Registration, rpc::Error> Servers::add_stream(const rpc::Method& method,
                                                          rpc::Topic topic,
                                                          rpc::StreamHandler handler) {
    const auto service = std::make_shared<Service>();
    service->method = method;
    service->stream_handler = std::make_shared<const rpc::StreamHandler>(std::move(handler));
    auto local = parts_.local.serve_stream(
        method, topic,
        [handler = service->stream_handler](const rpc::Request& request,
                                            std::shared_ptr<rpc::Stream> stream) {
            (*handler)(request, std::move(stream));
        });
    if (!local) return fail(local.error());
    service->local = *std::move(local);
    service->topic = std::move(topic);
    return start(service);
}

rpc::Registration Servers::start(const std::shared_ptr<Service>& service) {
    service->server_id = make_service_id(core_, service->method.service, "SRV_");
    listen(service);
    const Key key(service->method.service, service->method.name, service->topic);
    services_.emplace(key, service);
    return rpc::Registration(core_.guarded([this, key] {
        const auto gone = services_.extract(key);  // its end may come back to us
    }));
}

void Servers::listen(const std::shared_ptr<Service>& service) {
    const std::weak_ptr<Service> weak = service;
    const auto add = [&](const std::string& channel, Listeners::Handler handler) {
        service->channels.push_back(parts_.listeners.add(channel, std::move(handler)));
    };
    if (service->stream_handler) {
        const std::string channel = stream_channel(service->method, service->topic);
        add(channel,
            [this, weak, channel](Timestamp now, const Envelope& envelope, std::string_view) {
                if (const auto mine = weak.lock()) handle_stream(now, mine, channel, envelope);
            });
    } else {
        add(request_channel(service->method, service->topic),
            [this, weak](Timestamp now, const Envelope& envelope, std::string_view payload) {
                if (const auto mine = weak.lock()) handle_request(now, mine, envelope, payload);
            });
    }
    if (!service->method.has_claims()) return;
    add(choice_channel(service->method, service->topic),
        [this](Timestamp now, const Envelope& envelope, std::string_view) {
            if (const auto choice = core_.read<internal::ClaimResponse>(envelope))
                claims_.handle_choice(now, *choice);
        });
}

const Servers::Service* Servers::find(const rpc::Method& method, const rpc::Topic& topic) const {
    const auto it = services_.find(Key(method.service, method.name, topic));
    return it == services_.end() ? nullptr : it->second.get();
}

bool Servers::has(const rpc::Method& method, const rpc::Topic& topic) const {
    const Service* service = find(method, topic);
    return service != nullptr && service->handler;
}

bool Servers::has_stream(const rpc::Method& method, const rpc::Topic& topic) const {
    const Service* service = find(method, topic);
    return service != nullptr && service->stream_handler;
}

bool Servers::would_take(const rpc::Method& method, const rpc::Topic& topic,
                         const std::function<rpc::Request()>& request) const {
    const Service* service = find(method, topic);
    if (service == nullptr || !service->handler) return false;
    const rpc::Affinity affinity = service->affinity;  // it may withdraw itself
    return !affinity || affinity(request()) >= 0;
}

// ---------------------------------------------------------------- what comes

void Servers::handle_request(Timestamp now, const std::shared_ptr<Service>& service,
                             const Envelope& envelope, std::string_view payload) {
    auto message = core_.read<internal::Request>(envelope);
    if (!message) return;
    const auto job = std::make_shared<Job>();
    job->service = service;
    job->id = std::move(*message->mutable_request_id());
    job->client = std::move(*message->mutable_client_id());
    job->sent_at = message->sent_at();
    job->expiry = message->expiry();
    job->request.payload = std::move(*message->mutable_raw_request());
    job->request.metadata = to_metadata(message->metadata());
    if (!admit(now, *service, *job)) return;
    if (service->method.flow == rpc::Flow::kQueue) job->lock = lock_key(payload);
    core_.queue([this, job](Timestamp at) { consider(at, job); });
}

void Servers::handle_stream(Timestamp now, const std::shared_ptr<Service>& service,
                            const std::string& channel, const Envelope& envelope) {
    auto message = core_.read<internal::Stream>(envelope);
    if (!message) return;
    if (message->has_open()) return handle_open(now, service, *std::move(message));
    // Streams of other servers of the topic come here, too.
    (void)parts_.streams.deliver(now, Role::kServer, channel, *message);
}

void Servers::handle_open(Timestamp now, const std::shared_ptr<Service>& service,
                          internal::Stream stream) {
    internal::StreamOpen& opening = *stream.mutable_open();
    const auto job = std::make_shared<Job>();
    job->service = service;
    job->id = std::move(*stream.mutable_request_id());
    job->client = std::move(*opening.mutable_node_id());
    job->request.caller = job->client;
    job->stream = std::move(*stream.mutable_stream_id());
    job->sent_at = stream.sent_at();
    job->expiry = stream.expiry();
    job->request.payload = std::move(*opening.mutable_raw_request());
    job->request.metadata = to_metadata(opening.metadata());
    if (job->stream.empty() || job->stream.size() > kMaxId) {
        ++core_.faults.malformed;
        return;
    }
    if (!admit(now, *service, *job)) return;
    core_.queue([this, job](Timestamp at) { consider(at, job); });
}

bool Servers::admit(Timestamp now, const Service& service, const Job& job) {
    if (!intake_.admit(now, service.method, job.id, job.client, job.expiry)) return false;
    if (running_ < kMaxRunning && !claims_.is_full() && !core_.is_full()) return true;
    ++core_.faults.refused;
    return false;
}

// All servers of a queue hear a request; the one that gets the lock goes on. No answer is no lock.
void Servers::lock(Timestamp now, const JobPtr& job) {
    const std::string number = core_.random_number();
    const std::array<std::string_view, 6> words = {"SET", job->lock, number, "EX", "5", "NX"};
    const auto asked = core_.port.command(
        now, words,
        core_.guarded([this, job](Timestamp, const Result<redis::Value, redis::Fault>& reply) {
            const bool refused = reply && reply->is_error();
            const bool won = reply && !refused && reply->text == "OK";
            if (won) return core_.queue([this, job](Timestamp at) { claim(at, job); });
            ++(refused ? core_.faults.refused_by_redis : core_.faults.lock_lost);
        }));
    if (!asked) ++core_.faults.lock_lost;
}

}  // namespace confab::cluster::psrpc
