// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/services/egress_service.h"

#include <algorithm>
#include <utility>

#include "cluster/services/egress_request.h"
#include "cluster/services/methods.h"
#include "cluster/services/patience.h"
#include "json/json.h"
#include "token/ids.h"
#include "token/room_key.h"

namespace confab::cluster::services {

using livekit::EgressInfo;
using store::Failure;

namespace {

Refusal no_such_egress() {
    return refusal(rpc::Code::kNotFound, "egress does not exist");
}

// A record of the store that was sound when it was read.
EgressInfo parsed(const std::string& record) {
    EgressInfo info;
    if (!info.ParseFromString(record)) info.Clear();
    return info;
}

Result<EgressInfo, Refusal> read_answer(const std::string& answer) {
    EgressInfo info;
    if (info.ParseFromString(answer)) return info;
    return fail(refusal(rpc::Code::kMalformedResult, "the answer of a worker cannot be read"));
}

std::string layout_metadata(const std::string& layout) {
    json::Writer json;
    json.begin_object();
    json.string("layout", layout);
    json.end_object();
    return json.take();
}

bool is_active(const EgressInfo& info) {
    return info.status() < livekit::EGRESS_COMPLETE;
}

}  // namespace

// ---------------------------------------------------------------- start

void EgressService::start(const Caller& caller, ::rpc::StartEgressRequest request,
                          Done<EgressInfo> done) {
    if (request.egress_id().empty())
        request.set_egress_id(token::make_id(token::kEgressPrefix, rng_));
    const std::string room = room_name_of(request);
    if (room.empty() || !request.room_id().empty())
        return ask_worker(caller, request, std::move(done));
    p_.rooms.room(caller.now, token::room_key({}, room),
                  [this, caller, request = std::move(request), done = std::move(done)](
                      Timestamp now, const Result<std::string, Failure>& found) mutable {
                      if (!found) return done(fail(refusal(found.error())));
                      livekit::Room stored;
                      if (stored.ParseFromString(*found)) request.set_room_id(stored.sid());
                      ask_worker({now, caller.timeout}, request, std::move(done));
                  });
}

// differs from upstream, which has the general plan around this one: nine requests where nobody
// answers, in 22 seconds (PSR-17).
void EgressService::ask_worker(const Caller& caller, const ::rpc::StartEgressRequest& request,
                               Done<EgressInfo> done) {
    p_.workers.call(
        caller.now, kStartEgress, request.SerializeAsString(), start_egress_options(),
        within(psrpc::kEgressRetry, caller.timeout),
        [this, id = request.egress_id(), done = std::move(done)](rpc::Outcome outcome) mutable {
            p_.turns.post([this, id, outcome = std::move(outcome),
                           done = std::move(done)](Timestamp now) mutable {
                started(now, id, outcome, std::move(done));
            });
        });
}

void EgressService::started(Timestamp now, const std::string& id, const rpc::Outcome& outcome,
                            Done<EgressInfo> done) {
    if (outcome) {
        auto info = read_answer(*outcome);
        if (!info) return done(fail(info.error()));
        // The worker has written it too, most likely. An egress that runs and could not be written
        // is started all the same.
        return p_.records.create(
            now, *outcome,
            [info = *std::move(info), done = std::move(done)](
                Timestamp, const Result<void, Failure>&) mutable { done(std::move(info)); });
    }
    const Refusal error{outcome.error(), false};
    if (error.error.code != rpc::Code::kAlreadyExists) return done(fail(error));
    // The id is ours: an earlier attempt started it, and its answer was lost (EGR-70).
    p_.store.load(now, id,
                  [error, done = std::move(done)](
                      Timestamp, const Result<std::string, Failure>& found) mutable {
                      if (!found) return done(fail(error));
                      done(parsed(*found));
                  });
}

// ---------------------------------------------------------------- while it runs

template <typename T>
void EgressService::unless_tenants(Timestamp now, const std::string& id, Done<T> done,
                                   Callback<Timestamp, Done<T>> then) {
    p_.store.tenant_of(now, id,
                       [done = std::move(done), then = std::move(then)](
                           Timestamp at, const Result<std::string, Failure>& tenant) mutable {
                           if (!tenant) return done(fail(refusal(tenant.error())));
                           if (!tenant->empty()) return done(fail(no_such_egress()));
                           then(at, std::move(done));
                       });
}

void EgressService::update_layout(const Caller& caller, const livekit::UpdateLayoutRequest& request,
                                  Done<EgressInfo> done) {
    unless_tenants<EgressInfo>(caller.now, request.egress_id(), std::move(done),
                               [this, caller, request](Timestamp now, Done<EgressInfo> kept) {
                                   set_layout({now, caller.timeout}, request, std::move(kept));
                               });
}

void EgressService::set_layout(const Caller& caller, const livekit::UpdateLayoutRequest& request,
                               Done<EgressInfo> done) {
    p_.store.load(caller.now, request.egress_id(),
                  [this, caller, layout = request.layout(), done = std::move(done)](
                      Timestamp now, const Result<std::string, Failure>& found) mutable {
                      if (!found) return done(fail(refusal(found.error())));
                      EgressInfo info = parsed(*found);
                      const std::string room = info.room_name();
                      const std::string identity = info.egress_id();
                      p_.set_metadata(
                          {now, caller.timeout}, room, identity, layout_metadata(layout),
                          [info = std::move(info),
                           done = std::move(done)](const Result<void, Refusal>& changed) mutable {
                              if (!changed) return done(fail(changed.error()));
                              done(std::move(info));
                          });
                  });
}

void EgressService::update_stream(const Caller& caller, const livekit::UpdateStreamRequest& request,
                                  Done<EgressInfo> done) {
    handle(caller, kUpdateStream, request.egress_id(), request.SerializeAsString(), "updated",
           std::move(done));
}

void EgressService::stop(const Caller& caller, const livekit::StopEgressRequest& request,
                         Done<EgressInfo> done) {
    handle(caller, kStopEgress, request.egress_id(), request.SerializeAsString(), "stopped",
           std::move(done));
}

void EgressService::handle(const Caller& caller, const rpc::Method& method, const std::string& id,
                           std::string request, const char* what, Done<EgressInfo> done) {
    if (id.empty() || id.size() > kMaxId) return done(fail(no_such_egress()));
    unless_tenants<EgressInfo>(caller.now, id, std::move(done),
                               [this, caller, method, id, request = std::move(request), what](
                                   Timestamp now, Done<EgressInfo> kept) mutable {
                                   ask_handler({now, caller.timeout}, method, id,
                                               std::move(request), what, std::move(kept));
                               });
}

void EgressService::ask_handler(const Caller& caller, const rpc::Method& method,
                                const std::string& id, std::string request, const char* what,
                                Done<EgressInfo> done) {
    const bool is_stop = method.name == kStopEgress.name;
    p_.bus.call(
        caller.now, method, {id}, std::move(request), {}, within(p_.plan, caller.timeout),
        [this, id, is_stop, what, done = std::move(done)](const rpc::Outcome& outcome) mutable {
            if (outcome) return done(read_answer(*outcome));
            // Whether it stops is not known (RPC-12).
            const bool is_silent = outcome.error().code == rpc::Code::kUnavailable;
            p_.turns.post([this, id, what, done = std::move(done),
                           error = is_stop && is_silent ? rpc::timed_out()
                                                        : outcome.error()](Timestamp now) mutable {
                explain(now, id, error, what, std::move(done));
            });
        });
}

// Why nobody did it: because it is over, or for the reason that the worker gave.
void EgressService::explain(Timestamp now, const std::string& id, const rpc::Error& error,
                            const char* what, Done<EgressInfo> done) {
    p_.store.load(
        now, id,
        [error, what, done = std::move(done)](Timestamp,
                                              const Result<std::string, Failure>& found) mutable {
            if (!found && found.error().code == Failure::Code::kNotFound)
                return done(fail(no_such_egress()));
            const livekit::EgressStatus status =
                found ? parsed(*found).status() : livekit::EGRESS_STARTING;
            if (status == livekit::EGRESS_STARTING || status == livekit::EGRESS_ACTIVE)
                return done(fail(Refusal{error, false}));
            done(fail(Refusal{
                {rpc::Code::kFailedPrecondition,
                 "egress with status " + livekit::EgressStatus_Name(status) + " cannot be " + what,
                 {}},
                true}));
        });
}

// ---------------------------------------------------------------- list

void EgressService::list(const Caller& caller, const livekit::ListEgressRequest& request,
                         Done<livekit::ListEgressResponse> done) {
    if (!request.egress_id().empty()) return list_one(caller, request.egress_id(), std::move(done));
    auto listed = [this, active = request.active(), done = std::move(done)](
                      Timestamp now, const Result<store::StoredList, Failure>& all) mutable {
        if (!all) return done(fail(refusal(all.error())));
        livekit::ListEgressResponse response;
        for (const store::Stored& one : *all)
            if (EgressInfo info = parsed(one.bytes); !active || is_active(info))
                *response.add_items() = std::move(info);
        leave_out_tenants(now, std::move(response), std::move(done));
    };
    if (request.room_name().empty()) return p_.store.list(caller.now, std::move(listed));
    p_.store.list(caller.now, request.room_name(), std::move(listed));
}

void EgressService::list_one(const Caller& caller, const std::string& id,
                             Done<livekit::ListEgressResponse> done) {
    p_.store.load(caller.now, id,
                  [this, done = std::move(done)](
                      Timestamp now, const Result<std::string, Failure>& found) mutable {
                      if (!found) return done(fail(refusal(found.error())));
                      livekit::ListEgressResponse response;
                      *response.add_items() = parsed(*found);
                      unless_tenants<livekit::ListEgressResponse>(
                          now, response.items(0).egress_id(), std::move(done),
                          [response](Timestamp, Done<livekit::ListEgressResponse> kept) mutable {
                              kept(std::move(response));
                          });
                  });
}

void EgressService::leave_out_tenants(Timestamp now, livekit::ListEgressResponse response,
                                      Done<livekit::ListEgressResponse> done) {
    if (response.items().empty()) return done(std::move(response));
    p_.store.tenants(
        now, [response = std::move(response), done = std::move(done)](
                 Timestamp, const Result<store::EgressStore::Tenants, Failure>& tenants) mutable {
            if (!tenants) return done(fail(refusal(tenants.error())));
            auto& items = *response.mutable_items();
            items.erase(std::remove_if(items.begin(), items.end(),
                                       [&](const EgressInfo& info) {
                                           return tenants->contains(info.egress_id());
                                       }),
                        items.end());
            done(std::move(response));
        });
}

}  // namespace confab::cluster::services
