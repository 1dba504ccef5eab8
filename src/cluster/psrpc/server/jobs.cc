// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// From the claim to the answer.
#include <utility>

#include "cluster/psrpc/channel.h"
#include "cluster/psrpc/server/servers.h"

namespace confab::cluster::psrpc {

// Answers when it is called or, for want of that, destroyed; at any time, perhaps after the bus.
class Servers::Answer {
  public:
    Answer(Servers& servers, JobPtr job, const Service& service)
        : alive_(servers.core_.alive()),
          servers_(&servers),
          job_(std::move(job)),
          server_id_(service.server_id),
          method_(service.method) {
        ++servers.running_;
    }
    Answer(Answer&& other) noexcept = default;  // leaves `job_` empty
    Answer& operator=(Answer&&) = delete;
    ~Answer() {
        if (job_) (*this)(fail(rpc::Error{rpc::Code::kInternal, "the handler gave no answer", {}}));
    }
    void operator()(rpc::Outcome outcome) {
        const JobPtr job = std::exchange(job_, nullptr);
        if (!job || alive_.expired()) return;
        servers_->core_.queue([servers = servers_, job, server_id = std::move(server_id_),
                               method = method_,
                               outcome = std::move(outcome)](Timestamp now) mutable {
            servers->respond(now, *job, server_id, method, std::move(outcome));
        });
    }

  private:
    std::weak_ptr<const bool> alive_;
    Servers* servers_;
    JobPtr job_;
    std::string server_id_;
    rpc::Method method_;
};

// Of a call that this node makes itself: the figures of one that came.
rpc::Reply Servers::counted(const rpc::Method& method, const rpc::Request& request,
                            rpc::Reply reply) {
    MethodCounts& counts = core_.of(Role::kServer, method);
    ++counts.received;
    counts.bytes_rx += request.payload.size();
    return [this, alive = core_.alive(), method, since = core_.latest,
            reply = std::move(reply)](rpc::Outcome outcome) mutable {
        if (!alive.expired()) note_answer(method, core_.latest - since, outcome);
        reply(std::move(outcome));
    };
}

void Servers::note_answer(const rpc::Method& method, Duration took, const rpc::Outcome& outcome) {
    MethodCounts& counts = core_.of(Role::kServer, method);
    counts.request_time.add(took);
    if (outcome)
        counts.bytes_tx += outcome->size();
    else
        ++counts.errors[outcome.error().code];
}

void Servers::consider(Timestamp now, const JobPtr& job) {
    const auto service = job->service.lock();
    if (!service) return;
    job->request.topic = service->topic;
    job->request.now = now;
    job->request.deadline = core_.from_wire(now, job->expiry);
    if (service->affinity) job->affinity = service->affinity(job->request);
    if (!(job->affinity >= 0)) {
        ++core_.faults.abstained;
        return;
    }
    if (job->lock.empty()) return claim(now, job);
    lock(now, job);
}

void Servers::claim(Timestamp now, const JobPtr& job) {
    const auto service = job->service.lock();
    if (!service || intake_.is_expired(now, service->method, job->expiry)) return;
    if (!service->method.has_claims()) return run(now, job);
    internal::ClaimRequest claim;
    claim.set_request_id(job->id);
    claim.set_server_id(service->server_id);
    claim.set_affinity(static_cast<float>(job->affinity));
    const std::string channel = claim_channel(service->method.service, job->client);
    if (!core_.publish(now, channel, seal(claim))) return;
    claims_.add(job->id, service->server_id, job->request.deadline, [this, job](Timestamp) {
        core_.queue([this, job](Timestamp at) { run(at, job); });
    });
}

void Servers::run(Timestamp now, const JobPtr& job) {
    const auto service = job->service.lock();
    if (!service || intake_.is_expired(now, service->method, job->expiry)) return;
    job->request.now = now;
    core_.of(Role::kServer, service->method).bytes_rx += job->request.payload.size();
    if (service->stream_handler) return accept_stream(now, *service, job);
    const auto handler = service->handler;  // it may withdraw itself
    (*handler)(job->request, rpc::Reply(Answer(*this, job, *service)));
}

void Servers::accept_stream(Timestamp now, const Service& service, const JobPtr& job) {
    const std::string outbound = client_stream_channel(service.method.service, job->client);
    const std::string inbound = stream_channel(service.method, service.topic);
    const auto stream = parts_.streams.create(
        {Role::kServer, service.method, job->stream, inbound, outbound, kServerSendTimeout});
    if (!stream) return;
    internal::Stream ack;
    ack.set_stream_id(job->stream);
    ack.set_request_id(job->id);
    ack.set_sent_at(job->sent_at);
    ack.set_expiry(job->expiry);
    ack.mutable_ack();
    // Unheard, the client gives up and says so.
    (void)core_.publish(now, outbound, seal(ack));
    const auto handler = service.stream_handler;
    (*handler)(job->request, stream);
}

void Servers::respond(Timestamp now, const Job& job, const std::string& server_id,
                      const rpc::Method& method, rpc::Outcome outcome) {
    --running_;
    note_answer(method, now - job.request.now, outcome);
    if (core_.is_expired(now, job.expiry)) {
        ++core_.faults.unexpected;
        return;
    }
    internal::Response response;
    response.set_request_id(job.id);
    response.set_server_id(server_id);
    response.set_sent_at(core_.to_wire(now));
    const auto set_error = [&](const rpc::Error& error) {
        response.clear_raw_response();
        // Without a text it would be taken for a success.
        const std::string_view code = rpc::to_text(error.code);
        response.set_error(error.text.empty() ? std::string(code) : clean(error.text));
        response.set_code(std::string(code));
        for (const std::string& detail : error.details)
            response.add_error_details(detail);
    };
    if (outcome)
        response.set_raw_response(*std::move(outcome));
    else
        set_error(outcome.error());
    const std::string channel = response_channel(method.service, job.client);
    const auto sent = core_.publish(now, channel, seal(response));
    if (sent || sent.error().code != rpc::Code::kResourceExhausted) return;
    set_error(sent.error());
    (void)core_.publish(now, channel, seal(response));
}

}  // namespace confab::cluster::psrpc
