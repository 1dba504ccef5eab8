// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/services/sip/sip_call_service.h"

#include <algorithm>
#include <utility>

#include "cluster/services/methods.h"
#include "cluster/services/sip/dial.h"
#include "cluster/services/sip/refusals.h"
#include "cluster/services/sip/rules/header_rules.h"
#include "cluster/services/sip/rules/info_rules.h"
#include "token/ids.h"

namespace confab::cluster::services::sip {
namespace {

using livekit::SIPOutboundTrunkInfo;
using livekit::SIPParticipantInfo;
using livekit::TransferSIPParticipantResponse;

constexpr std::int64_t kSecond = 1'000'000;  // in microseconds

// Once: a second attempt would be a second call (RPC-20).
psrpc::RetryPlan once(Duration timeout) {
    psrpc::RetryPlan plan;
    plan.attempts = 1;
    plan.timeout = timeout;
    return plan;
}

template <typename Answer>
Result<Answer, Refusal> read_answer(const rpc::Outcome& outcome) {
    if (!outcome) return fail(Refusal{outcome.error(), false});
    Answer answer;
    if (answer.ParseFromString(*outcome)) return answer;
    return fail(
        refusal(rpc::Code::kMalformedResult, "the answer of the SIP service cannot be read"));
}

Duration to_duration(const google::protobuf::Duration& duration) {
    return Duration::seconds(duration.seconds()) + Duration::micros(duration.nanos() / 1000);
}

// What rings for no time rings as long as usual.
Duration transfer_timeout(const livekit::TransferSIPParticipantRequest& request,
                          std::optional<Duration> caller) {
    Duration timeout = kTransferTimeout;
    const auto& wanted = request.ringing_timeout();
    if (wanted.seconds() > kMaxTransferTimeout.us() / kSecond)
        timeout = kMaxTransferTimeout;
    else if (wanted.seconds() >= 0 && to_duration(wanted) > Duration::zero())
        timeout = to_duration(wanted);
    return caller ? std::min(timeout, *caller) : timeout;
}

}  // namespace

// ---------------------------------------------------------------- dial

void SipCallService::dial(const Caller& caller, const livekit::CreateSIPParticipantRequest& request,
                          Done<SIPParticipantInfo> done) {
    if (auto fault = call_fault(request)) return done(fail(invalid(*std::move(fault))));
    if (request.sip_trunk_id().empty()) return dial_by(caller, request, nullptr, std::move(done));
    records_.load<SIPOutboundTrunkInfo>(
        caller.now, request.sip_trunk_id(),
        [this, caller, request, done = std::move(done)](
            Timestamp now, const Result<SIPOutboundTrunkInfo, store::Failure>& trunk) mutable {
            if (!trunk) return done(fail(absent(trunk.error())));
            dial_by({now, caller.timeout}, request, &*trunk, std::move(done));
        });
}

void SipCallService::dial_by(const Caller& caller,
                             const livekit::CreateSIPParticipantRequest& request,
                             const SIPOutboundTrunkInfo* trunk, Done<SIPParticipantInfo> done) {
    const std::string id = token::make_id(token::kSipCallPrefix, rng_);
    const auto dial = dial_request(request, trunk, id, rng_);
    if (!dial) return done(fail(Refusal{dial.error(), false}));
    const Duration usual = request.wait_until_answered() ? kAnswerTimeout : kDialTimeout;
    dialers_.call(
        caller.now, kDialSip, dial->SerializeAsString(), {}, once(caller.timeout.value_or(usual)),
        [id, room = request.room_name(),
         done = std::move(done)](const rpc::Outcome& outcome) mutable {
            const auto answer = read_answer<::rpc::InternalCreateSIPParticipantResponse>(outcome);
            if (!answer) return done(fail(answer.error()));
            SIPParticipantInfo info;
            info.set_participant_id(answer->participant_id());
            info.set_participant_identity(answer->participant_identity());
            info.set_room_name(room);
            info.set_sip_call_id(id);
            done(std::move(info));
        });
}

// ---------------------------------------------------------------- transfer

void SipCallService::transfer(const Caller& caller, const std::string& call_id,
                              const livekit::TransferSIPParticipantRequest& request,
                              Done<TransferSIPParticipantResponse> done) {
    if (auto fault = headers_fault(request.headers()))
        return done(fail(invalid(*std::move(fault))));
    const Duration timeout = transfer_timeout(request, caller.timeout);
    ::rpc::InternalTransferSIPParticipantRequest transfer;
    transfer.set_sip_call_id(call_id);
    transfer.set_transfer_to(request.transfer_to());
    transfer.set_play_dialtone(request.play_dialtone());
    *transfer.mutable_headers() = request.headers();
    // The service stops when we do (RPC-21).
    transfer.mutable_ringing_timeout()->set_seconds(timeout.us() / kSecond);
    transfer.mutable_ringing_timeout()->set_nanos(
        static_cast<std::int32_t>(timeout.us() % kSecond * 1000));
    bus_.call(caller.now, kTransferSip, {call_id}, transfer.SerializeAsString(), {}, once(timeout),
              [done = std::move(done)](const rpc::Outcome& outcome) mutable {
                  const auto answer =
                      read_answer<::rpc::InternalTransferSIPParticipantResponse>(outcome);
                  if (!answer) return done(fail(answer.error()));
                  TransferSIPParticipantResponse response;
                  response.set_transfer_id(answer->transfer_id());
                  response.set_status(answer->status());
                  response.set_reason(answer->reason());
                  if (answer->has_sip_status())
                      *response.mutable_sip_status() = answer->sip_status();
                  done(std::move(response));
              });
}

}  // namespace confab::cluster::services::sip
