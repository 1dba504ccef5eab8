// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/services/egress_request.h"

namespace confab::cluster::services {
namespace {

using livekit::EgressInfo;

// What `of` gives of the request that the info has; `none` where there is none.
template <typename T, typename F>
T of_request(const EgressInfo& info, T none, F of) {
    switch (info.request_case()) {
        case EgressInfo::kEgress:
            return of(info.egress());
        case EgressInfo::kReplay:
            return of(info.replay());
        case EgressInfo::kRoomComposite:
            return of(info.room_composite());
        case EgressInfo::kWeb:
            return of(info.web());
        case EgressInfo::kParticipant:
            return of(info.participant());
        case EgressInfo::kTrackComposite:
            return of(info.track_composite());
        case EgressInfo::kTrack:
            return of(info.track());
        case EgressInfo::REQUEST_NOT_SET:
            break;
    }
    return none;
}

}  // namespace

const std::string& room_name_of(const ::rpc::StartEgressRequest& request) {
    using Request = ::rpc::StartEgressRequest;
    switch (request.request_case()) {
        case Request::kEgress:
            return request.egress().room_name();
        case Request::kRoomComposite:
            return request.room_composite().room_name();
        case Request::kParticipant:
            return request.participant().room_name();
        case Request::kTrackComposite:
            return request.track_composite().room_name();
        case Request::kTrack:
            return request.track().room_name();
        case Request::kWeb:
        case Request::kReplay:
        case Request::REQUEST_NOT_SET:
            break;
    }
    return Request::default_instance().room_name();
}

const livekit::WebhookConfig* webhook_of(const EgressInfo& info) {
    return of_request(info, static_cast<const livekit::WebhookConfig*>(nullptr),
                      [](const auto& request) {
                          return request.webhooks().empty() ? nullptr : &request.webhooks(0);
                      });
}

bool has_ended(livekit::EgressStatus status) {
    return status == livekit::EGRESS_COMPLETE || status == livekit::EGRESS_FAILED ||
           status == livekit::EGRESS_ABORTED || status == livekit::EGRESS_LIMIT_REACHED;
}

}  // namespace confab::cluster::services
