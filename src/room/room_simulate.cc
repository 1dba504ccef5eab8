// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Room: failures a client asks for, to test itself (01 §3.14).
#include <algorithm>

#include "room/room.h"
#include "room/signal/responses.h"

namespace confab::room {
namespace {

IcePreference preference_of(livekit::CandidateProtocol protocol) {
    if (protocol == livekit::UDP) return IcePreference::kAny;
    return protocol == livekit::TCP ? IcePreference::kTcp : IcePreference::kTls;
}

}  // namespace

void Room::simulate(Participant& p, const livekit::SimulateScenario& scenario) {
    constexpr std::int32_t kMaxSpeakerSeconds = 3'600;
    using Case = livekit::SimulateScenario;
    switch (scenario.scenario_case()) {
        case Case::kSpeakerUpdate:
            return speakers_.simulate(
                p, Duration::seconds(std::clamp(scenario.speaker_update(), 0, kMaxSpeakerSeconds)));
        case Case::kNodeFailure:
            return end(p, livekit::SERVER_SHUTDOWN, Ending::kSilent);
        case Case::kMigration:
            return end(p, livekit::MIGRATION, Ending::kSilent);
        case Case::kServerLeave:
            return end(p, livekit::SERVER_SHUTDOWN, Ending::kWithLeave);
        case Case::kSwitchCandidateProtocol:
            return negotiation_.prefer(p, preference_of(scenario.switch_candidate_protocol()));
        case Case::kSubscriberBandwidth:
            if (const PeerLink* link = negotiation_.downstream(p))
                scope_->out.command(
                    p.worker, sfu::SetBandwidthLimit{
                                  link->id(), static_cast<std::uint64_t>(std::max<std::int64_t>(
                                                  0, scenario.subscriber_bandwidth()))});
            return;
        case Case::kDisconnectSignalOnResume:
            return p.drops.arm(scope_->now(), SimulatedDrops::kAfterMessages);
        case Case::kDisconnectSignalOnResumeNoMessages:
            return p.drops.arm(scope_->now(), SimulatedDrops::kBeforeMessages);
        case Case::kLeaveRequestFullReconnect:
            return full_reconnect(p);
        case Case::SCENARIO_NOT_SET:
            return;
    }
}

}  // namespace confab::room
