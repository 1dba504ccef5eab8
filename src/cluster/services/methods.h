// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What nodes ask of the workers of egress and ingress and of the SIP service, and what these ask of
// any node (03 RPC-10 … RPC-21), with the patience of each call (PSR-12, PSR-17).
#pragma once

#include <array>
#include <string_view>

#include "rpc/bus.h"

namespace confab::cluster::services {

// Of the workers: the one that says that it suits best. No topic.
inline constexpr rpc::Method kStartEgress{"EgressInternal", "StartEgress", rpc::Flow::kAffinity};
inline constexpr rpc::Method kStartIngress{"IngressInternal", "StartIngress", rpc::Flow::kAffinity};

// Of the worker that runs it. Topic: the id of the egress, of the ingress.
inline constexpr rpc::Method kStopEgress{"EgressHandler", "StopEgress"};
inline constexpr rpc::Method kUpdateStream{"EgressHandler", "UpdateStream"};
inline constexpr rpc::Method kUpdateIngress{"IngressHandler", "UpdateIngress"};
inline constexpr rpc::Method kDeleteIngress{"IngressHandler", "DeleteIngress"};
// Of the service that passed a WHIP session on. Topic: the sid of its participant.
inline constexpr rpc::Method kNotifyWhip{"IngressHandler", "WHIPRTCConnectionNotify",
                                         rpc::Flow::kQueue, true};

// Of a SIP service, whichever answers first; no topic. Of the one with the call: its id.
inline constexpr rpc::Method kDialSip{"SIPInternal", "CreateSIPParticipant"};
inline constexpr rpc::Method kTransferSip{"SIPInternal", "TransferSIPParticipant"};

// Of any node. No topic.
inline constexpr rpc::Method kCreateEgressInfo{"IOInfo", "CreateEgress"};
inline constexpr rpc::Method kUpdateEgressInfo{"IOInfo", "UpdateEgress"};
inline constexpr rpc::Method kGetEgressInfo{"IOInfo", "GetEgress"};
inline constexpr rpc::Method kListEgressInfo{"IOInfo", "ListEgress"};
inline constexpr rpc::Method kUpdateMetrics{"IOInfo", "UpdateMetrics"};
inline constexpr rpc::Method kCreateIngressInfo{"IOInfo", "CreateIngress"};
inline constexpr rpc::Method kGetIngressInfo{"IOInfo", "GetIngressInfo"};
inline constexpr rpc::Method kUpdateIngressState{"IOInfo", "UpdateIngressState"};

// The same four by two names: services of today use the first.
inline constexpr std::array<std::string_view, 2> kSipIoServices{"IOInfo", "IOInfoSIP"};
inline constexpr std::string_view kGetTrunkAuthentication = "GetSIPTrunkAuthentication";
inline constexpr std::string_view kEvaluateRules = "EvaluateSIPDispatchRules";
inline constexpr std::string_view kUpdateCallState = "UpdateSIPCallState";
inline constexpr std::string_view kRecordCallContext = "RecordCallContext";

// Workers that are busy and have room claim 1, which is taken at once; idle ones 0.5 (EGR-70).
inline rpc::CallOptions start_egress_options() {
    rpc::CallOptions options;
    options.maximum_affinity = 1;
    options.short_circuit = Duration::millis(500);
    return options;
}

}  // namespace confab::cluster::services
