// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What the SIP service needs of a node that reaches the SIP service of LiveKit (01 API-30 …
// API-34). The router has checked grants and the form of the request; the port answers each Reply
// once, now or later, on the thread it was called on. Without a port there is no such node
// (twirp/twirp_unconnected.cc).
#pragma once

#include <string>

#include "api/ports.h"
#include "livekit_sip.pb.h"

namespace confab::api {

class SipPort {
  public:
    virtual ~SipPort() = default;

    // invalid_argument, without the prefix of services, for what cannot be or conflicts; not_found
    // "requested sip trunk does not exist" (… "dispatch rule" …), likewise.
    virtual void create(const CallContext&, const livekit::CreateSIPInboundTrunkRequest&,
                        Reply<livekit::SIPInboundTrunkInfo>) = 0;
    virtual void create(const CallContext&, const livekit::CreateSIPOutboundTrunkRequest&,
                        Reply<livekit::SIPOutboundTrunkInfo>) = 0;
    virtual void create(const CallContext&, const livekit::CreateSIPDispatchRuleRequest&,
                        Reply<livekit::SIPDispatchRuleInfo>) = 0;
    virtual void update(const CallContext&, const livekit::UpdateSIPInboundTrunkRequest&,
                        Reply<livekit::SIPInboundTrunkInfo>) = 0;
    virtual void update(const CallContext&, const livekit::UpdateSIPOutboundTrunkRequest&,
                        Reply<livekit::SIPOutboundTrunkInfo>) = 0;
    virtual void update(const CallContext&, const livekit::UpdateSIPDispatchRuleRequest&,
                        Reply<livekit::SIPDispatchRuleInfo>) = 0;
    virtual void get(const CallContext&, const livekit::GetSIPInboundTrunkRequest&,
                     Reply<livekit::GetSIPInboundTrunkResponse>) = 0;
    virtual void get(const CallContext&, const livekit::GetSIPOutboundTrunkRequest&,
                     Reply<livekit::GetSIPOutboundTrunkResponse>) = 0;
    virtual void list(const CallContext&, const livekit::ListSIPTrunkRequest&,
                      Reply<livekit::ListSIPTrunkResponse>) = 0;
    virtual void list(const CallContext&, const livekit::ListSIPInboundTrunkRequest&,
                      Reply<livekit::ListSIPInboundTrunkResponse>) = 0;
    virtual void list(const CallContext&, const livekit::ListSIPOutboundTrunkRequest&,
                      Reply<livekit::ListSIPOutboundTrunkResponse>) = 0;
    virtual void list(const CallContext&, const livekit::ListSIPDispatchRuleRequest&,
                      Reply<livekit::ListSIPDispatchRuleResponse>) = 0;
    // An unknown one is no error.
    virtual void remove(const CallContext&, const livekit::DeleteSIPTrunkRequest&,
                        Reply<livekit::SIPTrunkInfo>) = 0;
    virtual void remove(const CallContext&, const livekit::DeleteSIPDispatchRuleRequest&,
                        Reply<livekit::SIPDispatchRuleInfo>) = 0;
    // unavailable "no response from servers": there is no SIP service; what it refuses, with the
    // status of the other end in `meta` (API-W5).
    virtual void dial(const CallContext&, const livekit::CreateSIPParticipantRequest&,
                      Reply<livekit::SIPParticipantInfo>) = 0;
    // The call with that id; transfer_to is in the form that the service takes.
    virtual void transfer(const CallContext&, const std::string& call_id,
                          const livekit::TransferSIPParticipantRequest&,
                          Reply<livekit::TransferSIPParticipantResponse>) = 0;
};

}  // namespace confab::api
