// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The part of livekit.SIP that keeps things (01 API-30 … API-32): inbound and outbound trunks, and
// dispatch rules. What a request gets wrong is refused in plain text, as upstream does.
#pragma once

#include "base/rng.h"
#include "cluster/services/outcome.h"
#include "cluster/services/sip/sip_records.h"
#include "livekit_sip.pb.h"

namespace confab::cluster::services::sip {

class SipStoreService {
  public:
    // It outlives this.
    SipStoreService(SipRecords& records, std::uint64_t seed) : records_(records), rng_(seed) {}

    // kInvalidArgument: what is wrong with it, or which one it conflicts with. What is made has an
    // id; kNotFound "requested sip trunk does not exist" (… "dispatch rule" …) below.
    void create(const Caller& caller, const livekit::CreateSIPInboundTrunkRequest& request,
                Done<livekit::SIPInboundTrunkInfo> done);
    void create(const Caller& caller, const livekit::CreateSIPOutboundTrunkRequest& request,
                Done<livekit::SIPOutboundTrunkInfo> done);
    void create(const Caller& caller, const livekit::CreateSIPDispatchRuleRequest& request,
                Done<livekit::SIPDispatchRuleInfo> done);
    void update(const Caller& caller, const livekit::UpdateSIPInboundTrunkRequest& request,
                Done<livekit::SIPInboundTrunkInfo> done);
    void update(const Caller& caller, const livekit::UpdateSIPOutboundTrunkRequest& request,
                Done<livekit::SIPOutboundTrunkInfo> done);
    void update(const Caller& caller, const livekit::UpdateSIPDispatchRuleRequest& request,
                Done<livekit::SIPDispatchRuleInfo> done);
    void get(const Caller& caller, const livekit::GetSIPInboundTrunkRequest& request,
             Done<livekit::GetSIPInboundTrunkResponse> done);
    void get(const Caller& caller, const livekit::GetSIPOutboundTrunkRequest& request,
             Done<livekit::GetSIPOutboundTrunkResponse> done);
    // By id; what is not there is left out. Of a page all behind its after_id (SIP-05).
    void list(const Caller& caller, const livekit::ListSIPInboundTrunkRequest& request,
              Done<livekit::ListSIPInboundTrunkResponse> done);
    void list(const Caller& caller, const livekit::ListSIPOutboundTrunkRequest& request,
              Done<livekit::ListSIPOutboundTrunkResponse> done);
    void list(const Caller& caller, const livekit::ListSIPDispatchRuleRequest& request,
              Done<livekit::ListSIPDispatchRuleResponse> done);
    void list(const Caller& caller, const livekit::ListSIPTrunkRequest& request,
              Done<livekit::ListSIPTrunkResponse> done);
    // Of whatever kind; one that is not there is no error, and only the id is told (SIP-06).
    void remove(const Caller& caller, const livekit::DeleteSIPTrunkRequest& request,
                Done<livekit::SIPTrunkInfo> done);
    // What was there.
    void remove(const Caller& caller, const livekit::DeleteSIPDispatchRuleRequest& request,
                Done<livekit::SIPDispatchRuleInfo> done);

  private:
    SipRecords& records_;
    Rng rng_;
};

}  // namespace confab::cluster::services::sip
