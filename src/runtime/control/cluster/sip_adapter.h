// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The SIP services of cluster/services/sip as a port of the API.
#pragma once

#include <string>

#include "api/services/sip_port.h"
#include "cluster/services/sip/sip_call_service.h"
#include "cluster/services/sip/sip_store_service.h"

namespace confab::control {

class SipAdapter final : public api::SipPort {
  public:
    using Kept = cluster::services::sip::SipStoreService;
    using Calls = cluster::services::sip::SipCallService;
    // Both outlive this.
    SipAdapter(Kept& kept, Calls& calls) : kept_(kept), calls_(calls) {}

    void create(const api::CallContext&, const livekit::CreateSIPInboundTrunkRequest&,
                api::Reply<livekit::SIPInboundTrunkInfo>) override;
    void create(const api::CallContext&, const livekit::CreateSIPOutboundTrunkRequest&,
                api::Reply<livekit::SIPOutboundTrunkInfo>) override;
    void create(const api::CallContext&, const livekit::CreateSIPDispatchRuleRequest&,
                api::Reply<livekit::SIPDispatchRuleInfo>) override;
    void update(const api::CallContext&, const livekit::UpdateSIPInboundTrunkRequest&,
                api::Reply<livekit::SIPInboundTrunkInfo>) override;
    void update(const api::CallContext&, const livekit::UpdateSIPOutboundTrunkRequest&,
                api::Reply<livekit::SIPOutboundTrunkInfo>) override;
    void update(const api::CallContext&, const livekit::UpdateSIPDispatchRuleRequest&,
                api::Reply<livekit::SIPDispatchRuleInfo>) override;
    void get(const api::CallContext&, const livekit::GetSIPInboundTrunkRequest&,
             api::Reply<livekit::GetSIPInboundTrunkResponse>) override;
    void get(const api::CallContext&, const livekit::GetSIPOutboundTrunkRequest&,
             api::Reply<livekit::GetSIPOutboundTrunkResponse>) override;
    void list(const api::CallContext&, const livekit::ListSIPTrunkRequest&,
              api::Reply<livekit::ListSIPTrunkResponse>) override;
    void list(const api::CallContext&, const livekit::ListSIPInboundTrunkRequest&,
              api::Reply<livekit::ListSIPInboundTrunkResponse>) override;
    void list(const api::CallContext&, const livekit::ListSIPOutboundTrunkRequest&,
              api::Reply<livekit::ListSIPOutboundTrunkResponse>) override;
    void list(const api::CallContext&, const livekit::ListSIPDispatchRuleRequest&,
              api::Reply<livekit::ListSIPDispatchRuleResponse>) override;
    void remove(const api::CallContext&, const livekit::DeleteSIPTrunkRequest&,
                api::Reply<livekit::SIPTrunkInfo>) override;
    void remove(const api::CallContext&, const livekit::DeleteSIPDispatchRuleRequest&,
                api::Reply<livekit::SIPDispatchRuleInfo>) override;
    void dial(const api::CallContext&, const livekit::CreateSIPParticipantRequest&,
              api::Reply<livekit::SIPParticipantInfo>) override;
    void transfer(const api::CallContext&, const std::string& call_id,
                  const livekit::TransferSIPParticipantRequest&,
                  api::Reply<livekit::TransferSIPParticipantResponse>) override;

  private:
    Kept& kept_;
    Calls& calls_;
};

}  // namespace confab::control
