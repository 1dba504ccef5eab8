// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Requests: failures a client asks for, to test itself (01 §3.14).
#include <algorithm>

#include "room/signal/requests.h"

namespace confab::room {
namespace {

IcePreference preference_of(livekit::CandidateProtocol protocol) {
    if (protocol == livekit::UDP) return IcePreference::kAny;
    return protocol == livekit::TCP ? IcePreference::kTcp : IcePreference::kTls;
}

}  // namespace

void Requests::simulate(Participant& p, const livekit::SimulateScenario& scenario) {
    using Case = livekit::SimulateScenario;
    switch (scenario.scenario_case()) {
        case Case::kSpeakerUpdate:
            return host_->seem_to_speak(
                p, Duration::seconds(std::clamp(scenario.speaker_update(), 0, kMaxSpeakerSeconds)));
        case Case::kNodeFailure:
            return host_->end(p, Ending::silent(livekit::SERVER_SHUTDOWN));
        case Case::kMigration:
            return host_->end(p, Ending::silent(livekit::MIGRATION));
        case Case::kServerLeave:
            return host_->end(p, {livekit::SERVER_SHUTDOWN});
        case Case::kSwitchCandidateProtocol:
            return host_->prefer_transport(p, preference_of(scenario.switch_candidate_protocol()));
        case Case::kSubscriberBandwidth:
            return host_->limit_downlink(p, static_cast<std::uint64_t>(std::max<std::int64_t>(
                                                0, scenario.subscriber_bandwidth())));
        case Case::kDisconnectSignalOnResume:
            return p.drops.arm(scope_->now(), SimulatedDrops::kAfterMessages);
        case Case::kDisconnectSignalOnResumeNoMessages:
            return p.drops.arm(scope_->now(), SimulatedDrops::kBeforeMessages);
        case Case::kLeaveRequestFullReconnect:
            return host_->end(p, Ending::full_reconnect());
        case Case::SCENARIO_NOT_SET:
            return;
    }
}

}  // namespace confab::room
