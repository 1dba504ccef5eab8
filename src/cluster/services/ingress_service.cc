// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/services/ingress_service.h"

#include <optional>
#include <utility>

#include "cluster/services/ingress_rules.h"
#include "cluster/services/methods.h"
#include "cluster/services/patience.h"
#include "cluster/services/urls/fetch_url.h"
#include "rpc_ingress.pb.h"
#include "token/ids.h"

namespace confab::cluster::services {

using livekit::IngressInfo;
using livekit::IngressState;
using store::Failure;

namespace {

using Ingress = store::IngressStore::Ingress;

Refusal invalid(std::string text) {
    return refusal(rpc::Code::kInvalidArgument, std::move(text));
}

// A record of the store that was sound when it was read; there always is a state.
IngressInfo parsed(const Ingress& ingress) {
    IngressInfo info;
    if (!info.ParseFromString(ingress.whole())) info.Clear();
    info.mutable_state();
    return info;
}

// As stored and as shown: the older field says the same the other way round (ING-02).
void set_transcoding(IngressInfo& info, bool enabled) {
    info.set_enable_transcoding(enabled);
    info.set_bypass_transcoding(!enabled);
}

IngressInfo wanted(const livekit::CreateIngressRequest& request) {
    IngressInfo info;
    info.set_name(request.name());
    info.set_input_type(request.input_type());
    info.set_room_name(request.room_name());
    info.set_participant_identity(request.participant_identity());
    info.set_participant_name(request.participant_name());
    info.set_participant_metadata(request.participant_metadata());
    if (request.has_audio()) *info.mutable_audio() = request.audio();
    if (request.has_video()) *info.mutable_video() = request.video();
    if (request.has_enabled()) info.set_enabled(request.enabled());
    info.mutable_state();
    set_transcoding(info, request.has_enable_transcoding()
                              ? request.enable_transcoding()
                              : request.input_type() != livekit::WHIP_INPUT);
    return info;
}

// ING-04. differs from upstream, which checks a new encoding by the old transcoding.
void apply(const livekit::UpdateIngressRequest& request, IngressInfo& info) {
    if (!request.name().empty()) info.set_name(request.name());
    if (!request.room_name().empty()) info.set_room_name(request.room_name());
    if (!request.participant_identity().empty())
        info.set_participant_identity(request.participant_identity());
    if (!request.participant_name().empty()) info.set_participant_name(request.participant_name());
    if (!request.participant_metadata().empty())
        info.set_participant_metadata(request.participant_metadata());
    if (request.has_audio()) *info.mutable_audio() = request.audio();
    if (request.has_video()) *info.mutable_video() = request.video();
    if (request.has_enabled()) info.set_enabled(request.enabled());
    if (request.has_enable_transcoding()) set_transcoding(info, request.enable_transcoding());
}

}  // namespace

// ---------------------------------------------------------------- create

void IngressService::create(const Caller& caller, const livekit::CreateIngressRequest& request,
                            Done<IngressInfo> done) {
    IngressInfo info = wanted(request);
    info.set_ingress_id(token::make_id(token::kIngressPrefix, rng_));
    if (!livekit::IngressInput_IsValid(request.input_type()))
        return done(fail(invalid("invalid ingress type")));
    const bool is_pushed = request.input_type() != livekit::URL_INPUT;
    if (is_pushed) {
        info.set_reusable(true);
        info.set_stream_key(token::make_id("", rng_));
        info.set_url(request.input_type() == livekit::WHIP_INPUT ? p_.addresses.whip
                                                                 : p_.addresses.rtmp);
    } else {
        info.set_url(request.url());
    }
    if (auto fault = ingress_fault(info)) return done(fail(invalid(*std::move(fault))));
    if (is_pushed) return store_new(caller.now, info, std::move(done));
    info.set_url(fetch_url(info.url()).value_or(info.url()));
    fetch(caller, info, std::move(done));
}

void IngressService::store_new(Timestamp now, const IngressInfo& info, Done<IngressInfo> done) {
    p_.records.create(now, info.SerializeAsString(),
                      [info = info, done = std::move(done)](
                          Timestamp, const Result<void, Failure>& kept) mutable {
                          if (!kept) return done(fail(refusal(kept.error())));
                          done(std::move(info));
                      });
}

// The service that takes it stores it, with the state that it is in.
void IngressService::fetch(const Caller& caller, const IngressInfo& info, Done<IngressInfo> done) {
    ::rpc::StartIngressRequest request;
    *request.mutable_info() = info;
    rpc::CallOptions options;
    options.maximum_affinity = 1;  // there is no higher claim (RPC-15)
    p_.bus.call(caller.now, kStartIngress, {}, request.SerializeAsString(), options,
                within(p_.plan, caller.timeout),
                [done = std::move(done)](const rpc::Outcome& outcome) mutable {
                    if (!outcome) return done(fail(Refusal{outcome.error(), false}));
                    IngressInfo started;
                    if (!started.ParseFromString(*outcome))
                        return done(fail(refusal(rpc::Code::kMalformedResult,
                                                 "the answer of a worker cannot be read")));
                    done(std::move(started));
                });
}

// ---------------------------------------------------------------- update

void IngressService::update(const Caller& caller, const livekit::UpdateIngressRequest& request,
                            Done<IngressInfo> done) {
    p_.store.load(caller.now, request.ingress_id(),
                  [this, caller, request, done = std::move(done)](Timestamp now,
                                                                  const Loaded& found) mutable {
                      if (!found) return done(fail(refusal(found.error())));
                      change({now, caller.timeout}, parsed(*found), request, std::move(done));
                  });
}

void IngressService::change(const Caller& caller, IngressInfo info,
                            const livekit::UpdateIngressRequest& request, Done<IngressInfo> done) {
    if (!info.reusable())
        return done(fail(invalid("ingress is not reusable and cannot be modified")));
    apply(request, info);
    if (auto fault = ingress_fault(info)) return done(fail(invalid(*std::move(fault))));
    if (info.state().status() != IngressState::ENDPOINT_ERROR)
        return store_changed(caller, info, request, std::move(done));
    // Its text stays.
    info.mutable_state()->set_status(IngressState::ENDPOINT_INACTIVE);
    p_.records.set_state(caller.now, info.ingress_id(), info.state().SerializeAsString(),
                         [this, caller, info, request, done = std::move(done)](
                             Timestamp now, const Result<void, Failure>& kept) mutable {
                             // A session that began meanwhile has a newer state.
                             if (!kept && kept.error().code != Failure::Code::kOutdated)
                                 return done(fail(refusal(kept.error())));
                             store_changed({now, caller.timeout}, info, request, std::move(done));
                         });
}

void IngressService::store_changed(const Caller& caller, const IngressInfo& info,
                                   const livekit::UpdateIngressRequest& request,
                                   Done<IngressInfo> done) {
    p_.records.create(
        caller.now, info.SerializeAsString(),
        [this, caller, info = info, asked = request.SerializeAsString(), done = std::move(done)](
            Timestamp now, const Result<void, Failure>& kept) mutable {
            if (!kept) return done(fail(refusal(kept.error())));
            ask_session({now, caller.timeout}, info, kUpdateIngress, std::move(asked),
                        [info = info, done = std::move(done)](Timestamp) mutable {
                            done(std::move(info));
                        });
        });
}

void IngressService::ask_session(const Caller& caller, const IngressInfo& info,
                                 const rpc::Method& method, std::string request,
                                 Callback<Timestamp> then) {
    if (!is_live(info.state().status())) return then(caller.now);
    // A session that is not there any more can be told nothing (ING-11).
    p_.bus.call(caller.now, method, {info.ingress_id()}, std::move(request), {},
                within(p_.plan, caller.timeout),
                [this, then = std::move(then)](const rpc::Outcome&) mutable {
                    p_.turns.post(std::move(then));
                });
}

// ---------------------------------------------------------------- list, delete

void IngressService::list(const Caller& caller, const livekit::ListIngressRequest& request,
                          Done<livekit::ListIngressResponse> done) {
    if (!request.ingress_id().empty())
        return p_.store.load(caller.now, request.ingress_id(),
                             [done = std::move(done)](Timestamp, const Loaded& found) mutable {
                                 if (!found) return done(fail(refusal(found.error())));
                                 livekit::ListIngressResponse response;
                                 *response.add_items() = parsed(*found);
                                 done(std::move(response));
                             });
    auto listed = [done = std::move(done)](
                      Timestamp, const Result<std::vector<Ingress>, Failure>& all) mutable {
        if (!all) return done(fail(refusal(all.error())));
        livekit::ListIngressResponse response;
        for (const Ingress& one : *all)
            *response.add_items() = parsed(one);
        done(std::move(response));
    };
    if (request.room_name().empty()) return p_.store.list(caller.now, std::move(listed));
    p_.store.list(caller.now, request.room_name(), std::move(listed));
}

void IngressService::remove(const Caller& caller, const livekit::DeleteIngressRequest& request,
                            Done<IngressInfo> done) {
    p_.store.load(
        caller.now, request.ingress_id(),
        [this, caller, request, done = std::move(done)](Timestamp now,
                                                        const Loaded& found) mutable {
            if (!found) return done(fail(refusal(found.error())));
            ask_session(
                {now, caller.timeout}, parsed(*found), kDeleteIngress, request.SerializeAsString(),
                [this, id = request.ingress_id(), done = std::move(done)](Timestamp then) mutable {
                    remove_now(then, id, std::move(done));
                });
        });
}

void IngressService::remove_now(Timestamp now, const std::string& id, Done<IngressInfo> done) {
    p_.store.remove(now, id,
                    [this, done = std::move(done)](Timestamp at, const Loaded& was) mutable {
                        if (!was) return done(fail(refusal(was.error())));
                        IngressInfo info = parsed(*was);
                        p_.records.removed(at, info);
                        info.mutable_state()->set_status(IngressState::ENDPOINT_INACTIVE);
                        done(std::move(info));
                    });
}

}  // namespace confab::cluster::services
