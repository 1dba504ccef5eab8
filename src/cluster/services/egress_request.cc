// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/services/egress_request.h"

namespace confab::cluster::services {

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

bool has_ended(livekit::EgressStatus status) {
    return status == livekit::EGRESS_COMPLETE || status == livekit::EGRESS_FAILED ||
           status == livekit::EGRESS_ABORTED || status == livekit::EGRESS_LIMIT_REACHED;
}

}  // namespace confab::cluster::services
