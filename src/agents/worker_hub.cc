// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "agents/worker_hub.h"

#include <algorithm>

#include "agents/kinds.h"
#include "agents/methods.h"
#include "rpc/typed.h"
#include "token/ids.h"
#include "token/room_key.h"

namespace confab::agents {
namespace {

template <typename T>
using BusReply = Callback<Result<T, rpc::Error>>;

}  // namespace

WorkerHub::WorkerHub(rpc::Bus& bus, const token::KeyProvider& keys, HubOptions options,
                     std::uint64_t seed)
    : bus_(bus),
      keys_(keys),
      options_(std::move(options)),
      rng_(seed),
      dispatcher_(pool_, keys, rng_.fork(), *this) {
    auto check = rpc::serve<::rpc::CheckEnabledRequest, ::rpc::CheckEnabledResponse>(
        bus_, kCheckEnabled, {},
        [this](const ::rpc::CheckEnabledRequest&, const rpc::Request&,
               BusReply<::rpc::CheckEnabledResponse> reply) { reply(kinds()); });
    if (check) check_enabled_ = std::move(*check);
}

// ---------------------------------------------------------------- sockets

std::string WorkerHub::connect(Clock clock, std::string api_key, std::string tenant) {
    clock_ = clock;
    std::string id = token::make_id(token::kAgentWorkerPrefix, rng_);
    const auto at = sessions_
                        .emplace(id, Connection{WorkerSession(clock.now, id, options_.server),
                                                std::move(api_key), std::move(tenant)})
                        .first;
    registrations_.insert({at->second.session.next_deadline(), id});
    if (draining_) {  // its upgrade was on its way
        to_let_go_.push_back(id);
        next_drain_ = earlier(next_drain_, clock.now);
    }
    return id;
}

void WorkerHub::handle_message(Clock clock, const std::string& worker, bool text,
                               std::string_view payload) {
    clock_ = clock;
    const auto at = sessions_.find(worker);
    if (at == sessions_.end() || at->second.ended) return;
    Connection& connection = at->second;
    const bool good = connection.session.handle_message(clock.wall, text, payload);
    flush(connection);
    while (auto event = connection.session.poll_event())
        handle(clock, connection, *std::move(event));
    if (!good) end(connection, true, "a message that is not expected");
}

void WorkerHub::handle(Clock clock, Connection& connection, WorkerEvent event) {
    if (auto* registered = std::get_if<Registered>(&event))
        return add_worker(connection, std::move(*registered));
    Worker* worker = pool_.find(connection.session.id());
    if (worker == nullptr) return;
    if (auto* answer = std::get_if<livekit::AvailabilityResponse>(&event))
        dispatcher_.answered(clock, *worker, std::move(*answer));
    else if (const auto* status = std::get_if<livekit::UpdateWorkerStatus>(&event))
        update(*worker, *status);
    else if (const auto* job = std::get_if<livekit::UpdateJobStatus>(&event))
        dispatcher_.updated(clock, *worker, *job);
    else if (const auto* simulated = std::get_if<livekit::SimulateJobRequest>(&event))
        dispatcher_.simulate(clock, *worker, *simulated);
    else if (const auto* migrated = std::get_if<livekit::MigrateJobRequest>(&event))
        dispatcher_.migrated(clock, *worker, *migrated);
}

void WorkerHub::add_worker(Connection& connection, Registered registered) {
    registered.key.ns = token::room_key(connection.tenant, registered.key.ns);
    const bool first = !pool_.has(registered.key);
    Worker worker;
    worker.id = connection.session.id();
    worker.key = std::move(registered.key);
    worker.api_key = connection.api_key;
    worker.permissions = std::move(registered.permissions);
    const Worker& added = pool_.add(std::move(worker));
    serve(added.key);
    if (first) starved_.insert(added.key);  // somebody may wait for the first of a kind
    tell_capacity(added);
}

void WorkerHub::update(Worker& worker, const livekit::UpdateWorkerStatus& status) {
    const bool took_jobs = worker.takes_jobs();
    WorkerPool::update(worker, status);
    // Only of a change: what was refused with this load is not asked for again at each report.
    if (!took_jobs) tell_capacity(worker);
}

void WorkerHub::tell_capacity(const Worker& worker) {
    if (draining_ || !worker.takes_jobs() || starved_.erase(worker.key) == 0) return;
    ::rpc::CheckEnabledResponse told;
    add_kind(told, worker.key);
    bus_.publish(kWorkerRegistered, {""}, told.SerializeAsString());
}

void WorkerHub::keys_changed() {
    for (auto& [id, connection] : sessions_) {
        const auto key = keys_.find_key(connection.api_key);
        if (key && key->tenant == connection.tenant) continue;
        if (Worker* worker = pool_.find(id)) worker->revoked = true;
        end(connection, true,
            key ? "its API key has become another tenant's" : "its API key is gone");
    }
}

void WorkerHub::flush(Connection& connection) {
    while (auto frame = connection.session.poll_transmit())
        outputs_.emplace_back(WorkerFrame{connection.session.id(), *std::move(frame)});
}

void WorkerHub::end(Connection& connection, bool cut, std::string why) {
    if (std::exchange(connection.ended, true)) return;
    outputs_.emplace_back(WorkerEnd{connection.session.id(), cut, std::move(why)});
}

void WorkerHub::disconnected(Clock clock, const std::string& worker) {
    clock_ = clock;
    const auto at = sessions_.find(worker);
    if (at == sessions_.end()) return;
    registrations_.erase({at->second.session.next_deadline(), worker});
    sessions_.erase(at);
    const Worker* known = pool_.find(worker);
    if (known == nullptr) return;
    const Topic topic{agent_topic(known->key), known->key.type};
    pool_.remove(worker);
    const auto serves = [&](const WorkerKey& key) {
        return Topic{agent_topic(key), key.type} == topic;
    };
    const std::set<WorkerKey> left = pool_.keys();
    if (std::none_of(left.begin(), left.end(), serves)) served_.erase(topic);
    dispatcher_.worker_gone(clock, worker);
}

std::optional<WorkerOutput> WorkerHub::poll_output() {
    if (outputs_.empty()) return std::nullopt;
    std::optional<WorkerOutput> output(std::move(outputs_.front()));
    outputs_.pop_front();
    return output;
}

// ---------------------------------------------------------------- bus

::rpc::CheckEnabledResponse WorkerHub::kinds() const {
    ::rpc::CheckEnabledResponse response;
    std::set<std::string> names;
    std::set<std::string> namespaces;
    for (const WorkerKey& key : pool_.keys()) {
        if (key.type == livekit::JT_ROOM) response.set_room_enabled(true);
        if (key.type == livekit::JT_PUBLISHER) response.set_publisher_enabled(true);
        if (key.type == livekit::JT_PARTICIPANT) response.set_participant_enabled(true);
        names.insert(key.agent_name);
        namespaces.insert(key.ns);
        add_kind(response, key);
    }
    for (const std::string& name : names)
        response.add_agent_names(name);
    for (const std::string& ns : namespaces)
        response.add_namespaces(ns);
    return response;
}

double WorkerHub::affinity(const rpc::Request& request) {
    livekit::Job job;
    if (draining_ || !job.ParseFromString(request.payload)) return -1;
    const WorkerKey key = key_of(job);
    const double result = pool_.affinity(key, options_.target_load);
    if (result <= 0 && starved_.size() < kMaxStarved) starved_.insert(key);
    return result;
}

void WorkerHub::serve(const WorkerKey& key) {
    const Topic topic{agent_topic(key), key.type};
    if (served_.contains(topic)) return;
    auto served = rpc::serve<livekit::Job, ::rpc::JobRequestResponse>(
        bus_, kJobRequest, {topic.first, std::string(type_word(topic.second))},
        [this](const livekit::Job& job, const rpc::Request& request,
               BusReply<::rpc::JobRequestResponse> reply) {
            auto answer = [this, key = key_of(job),
                           reply = std::move(reply)](JobDispatcher::Outcome outcome) mutable {
                if (outcome) {
                    ::rpc::JobRequestResponse response;
                    *response.mutable_state() = *std::move(outcome);
                    return reply(std::move(response));
                }
                if (starved_.size() < kMaxStarved) starved_.insert(key);
                reply(tl::make_unexpected(std::move(outcome.error())));
            };
            // The bus knows the monotonic clock alone; the other one has gone on as much.
            const Clock clock{request.now, clock_.wall + (request.now - clock_.now)};
            dispatcher_.request(clock, job, request.deadline,
                                JobDispatcher::Answer(std::move(answer)));
        },
        [this](const rpc::Request& request) { return affinity(request); });
    if (served) served_.emplace(topic, std::move(*served));
}

void WorkerHub::send(const std::string& worker, const livekit::ServerMessage& message) {
    const auto at = sessions_.find(worker);
    if (at == sessions_.end() || at->second.ended) return;
    at->second.session.send(message);
    flush(at->second);
}

void WorkerHub::job_started(const livekit::Job& job) {
    auto served = rpc::serve<::rpc::JobTerminateRequest, ::rpc::JobTerminateResponse>(
        bus_, kJobTerminate, {job.id()},
        [this, id = job.id()](const ::rpc::JobTerminateRequest& wish, const rpc::Request& request,
                              BusReply<::rpc::JobTerminateResponse> reply) {
            const Clock clock{request.now, clock_.wall + (request.now - clock_.now)};
            auto state = dispatcher_.terminate(clock, id, wish.reason());
            running_.erase(id);
            if (!state) return reply(tl::make_unexpected(std::move(state.error())));
            ::rpc::JobTerminateResponse response;
            *response.mutable_state() = *std::move(state);
            reply(std::move(response));
        });
    if (served) running_.insert_or_assign(job.id(), std::move(*served));
}

void WorkerHub::job_held(const livekit::Job& job) {
    bus_.publish(kJobHeld, {}, job.SerializeAsString());
}

void WorkerHub::job_over(const livekit::Job& job, bool lost) {
    running_.erase(job.id());
    bus_.publish(lost ? kJobLost : kJobEnded, {}, job.SerializeAsString());
}

// ---------------------------------------------------------------- time

void WorkerHub::drain(Clock clock) {
    if (std::exchange(draining_, true) || sessions_.empty()) return;
    drain_step_ = kDrainTime / static_cast<std::int64_t>(sessions_.size());
    for (const auto& [id, connection] : sessions_)
        to_let_go_.push_back(id);
    next_drain_ = clock.now;
}

void WorkerHub::undrain() {
    draining_ = false;
    to_let_go_.clear();
    next_drain_ = Timestamp::never();
}

void WorkerHub::let_go(Clock clock) {
    if (next_drain_ > clock.now) return;
    if (busy_known_.is_never() || clock.now - busy_known_ >= kLookForIdle) {
        busy_ = dispatcher_.busy_workers();  // nobody joins them while the node drains
        busy_known_ = clock.now;
    }
    while (next_drain_ <= clock.now) {
        const auto next = std::find_if(to_let_go_.begin(), to_let_go_.end(),
                                       [&](const std::string& id) { return !busy_.contains(id); });
        if (next == to_let_go_.end()) {
            next_drain_ = to_let_go_.empty() ? Timestamp::never() : busy_known_ + kLookForIdle;
            return;
        }
        const auto at = sessions_.find(*next);
        to_let_go_.erase(next);
        if (at == sessions_.end() || at->second.ended) continue;
        end(at->second, false, "the node drains");
        next_drain_ = next_drain_ + drain_step_;
    }
}

void WorkerHub::handle_timeout(Clock clock) {
    clock_ = clock;
    while (!registrations_.empty() && registrations_.begin()->first <= clock.now) {
        const auto at = sessions_.find(registrations_.begin()->second);
        registrations_.erase(registrations_.begin());
        if (at != sessions_.end() && !at->second.session.handle_timeout(clock.now))
            end(at->second, true, "it did not register");
    }
    dispatcher_.handle_timeout(clock);
    let_go(clock);
}

Timestamp WorkerHub::next_deadline() const {
    Timestamp next = earlier(dispatcher_.next_deadline(), next_drain_);
    if (!registrations_.empty()) next = earlier(next, registrations_.begin()->first);
    return next;
}

}  // namespace confab::agents
