// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/cluster/sip_adapter.h"

#include <utility>

#include "runtime/control/cluster/service_adapters.h"

namespace confab::control {

void SipAdapter::create(const api::CallContext& context,
                        const livekit::CreateSIPInboundTrunkRequest& request,
                        api::Reply<livekit::SIPInboundTrunkInfo> reply) {
    kept_.create(caller(context), request, done(std::move(reply)));
}
void SipAdapter::create(const api::CallContext& context,
                        const livekit::CreateSIPOutboundTrunkRequest& request,
                        api::Reply<livekit::SIPOutboundTrunkInfo> reply) {
    kept_.create(caller(context), request, done(std::move(reply)));
}
void SipAdapter::create(const api::CallContext& context,
                        const livekit::CreateSIPDispatchRuleRequest& request,
                        api::Reply<livekit::SIPDispatchRuleInfo> reply) {
    kept_.create(caller(context), request, done(std::move(reply)));
}
void SipAdapter::update(const api::CallContext& context,
                        const livekit::UpdateSIPInboundTrunkRequest& request,
                        api::Reply<livekit::SIPInboundTrunkInfo> reply) {
    kept_.update(caller(context), request, done(std::move(reply)));
}
void SipAdapter::update(const api::CallContext& context,
                        const livekit::UpdateSIPOutboundTrunkRequest& request,
                        api::Reply<livekit::SIPOutboundTrunkInfo> reply) {
    kept_.update(caller(context), request, done(std::move(reply)));
}
void SipAdapter::update(const api::CallContext& context,
                        const livekit::UpdateSIPDispatchRuleRequest& request,
                        api::Reply<livekit::SIPDispatchRuleInfo> reply) {
    kept_.update(caller(context), request, done(std::move(reply)));
}
void SipAdapter::get(const api::CallContext& context,
                     const livekit::GetSIPInboundTrunkRequest& request,
                     api::Reply<livekit::GetSIPInboundTrunkResponse> reply) {
    kept_.get(caller(context), request, done(std::move(reply)));
}
void SipAdapter::get(const api::CallContext& context,
                     const livekit::GetSIPOutboundTrunkRequest& request,
                     api::Reply<livekit::GetSIPOutboundTrunkResponse> reply) {
    kept_.get(caller(context), request, done(std::move(reply)));
}
void SipAdapter::list(const api::CallContext& context, const livekit::ListSIPTrunkRequest& request,
                      api::Reply<livekit::ListSIPTrunkResponse> reply) {
    kept_.list(caller(context), request, done(std::move(reply)));
}
void SipAdapter::list(const api::CallContext& context,
                      const livekit::ListSIPInboundTrunkRequest& request,
                      api::Reply<livekit::ListSIPInboundTrunkResponse> reply) {
    kept_.list(caller(context), request, done(std::move(reply)));
}
void SipAdapter::list(const api::CallContext& context,
                      const livekit::ListSIPOutboundTrunkRequest& request,
                      api::Reply<livekit::ListSIPOutboundTrunkResponse> reply) {
    kept_.list(caller(context), request, done(std::move(reply)));
}
void SipAdapter::list(const api::CallContext& context,
                      const livekit::ListSIPDispatchRuleRequest& request,
                      api::Reply<livekit::ListSIPDispatchRuleResponse> reply) {
    kept_.list(caller(context), request, done(std::move(reply)));
}
void SipAdapter::remove(const api::CallContext& context,
                        const livekit::DeleteSIPTrunkRequest& request,
                        api::Reply<livekit::SIPTrunkInfo> reply) {
    kept_.remove(caller(context), request, done(std::move(reply)));
}
void SipAdapter::remove(const api::CallContext& context,
                        const livekit::DeleteSIPDispatchRuleRequest& request,
                        api::Reply<livekit::SIPDispatchRuleInfo> reply) {
    kept_.remove(caller(context), request, done(std::move(reply)));
}
void SipAdapter::dial(const api::CallContext& context,
                      const livekit::CreateSIPParticipantRequest& request,
                      api::Reply<livekit::SIPParticipantInfo> reply) {
    calls_.dial(caller(context), request, done(std::move(reply)));
}
void SipAdapter::transfer(const api::CallContext& context, const std::string& call_id,
                          const livekit::TransferSIPParticipantRequest& request,
                          api::Reply<livekit::TransferSIPParticipantResponse> reply) {
    calls_.transfer(caller(context), call_id, request, done(std::move(reply)));
}

}  // namespace confab::control
