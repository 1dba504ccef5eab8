// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The part of livekit.SIP that makes calls (01 API-33, API-34), through the SIP service on the same
// Redis.
#pragma once

#include <string>

#include "base/rng.h"
#include "cluster/psrpc/retry.h"
#include "cluster/services/by_cluster_id.h"
#include "cluster/services/outcome.h"
#include "cluster/services/sip/sip_records.h"
#include "livekit_sip.pb.h"
#include "rpc_sip.pb.h"

namespace confab::cluster::services::sip {

// How long a call may take by itself; who asks may say otherwise (SIP-08, SIP-79).
inline constexpr Duration kDialTimeout = Duration::seconds(30);
inline constexpr Duration kAnswerTimeout = Duration::seconds(80);  // wait_until_answered
inline constexpr Duration kTransferTimeout = Duration::seconds(30);
inline constexpr Duration kMaxTransferTimeout = Duration::seconds(90);  // of ringing_timeout

class SipCallService {
  public:
    // All outlive it. `dialers`: who calls out; `bus`: whoever has a call.
    SipCallService(psrpc::Retrier& bus, ByClusterId& dialers, SipRecords& records,
                   std::uint64_t seed)
        : bus_(bus), dialers_(dialers), records_(records), rng_(seed) {}

    // kInvalidArgument, plain: SIP-13, SIP-16; kNotFound, plain: no such trunk;
    // kFailedPrecondition: it has no number; kUnavailable "no response from servers": there is no
    // service; kDeadlineExceeded "request timed out"; what the service refuses, with its details.
    void dial(const Caller& caller, const livekit::CreateSIPParticipantRequest& request,
              Done<livekit::SIPParticipantInfo> done);
    // Of the call with that id; kInvalidArgument, plain, for headers that cannot be.
    void transfer(const Caller& caller, const std::string& call_id,
                  const livekit::TransferSIPParticipantRequest& request,
                  Done<livekit::TransferSIPParticipantResponse> done);

  private:
    void dial_by(const Caller& caller, const livekit::CreateSIPParticipantRequest& request,
                 const livekit::SIPOutboundTrunkInfo* trunk,
                 Done<livekit::SIPParticipantInfo> done);

    psrpc::Retrier& bus_;
    ByClusterId& dialers_;
    SipRecords& records_;
    Rng rng_;
};

}  // namespace confab::cluster::services::sip
