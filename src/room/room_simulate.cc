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
    constexpr Duration kDropWindow = Duration::seconds(5);
    constexpr std::int32_t kMaxSpeakerSeconds = 3'600;
    using Case = livekit::SimulateScenario;
    switch (scenario.scenario_case()) {
        case Case::kSpeakerUpdate:
            p.simulated_speaker_until =
                scope_->now() +
                Duration::seconds(std::clamp(scenario.speaker_update(), 0, kMaxSpeakerSeconds));
            return simulated_speaker(p, true);
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
            p.drop_resume_after_messages = true;
            p.drop_resume_until = scope_->now() + kDropWindow;
            return;
        case Case::kDisconnectSignalOnResumeNoMessages:
            p.drop_resume_without_messages = true;
            p.drop_resume_until = scope_->now() + kDropWindow;
            return;
        case Case::kLeaveRequestFullReconnect:
            return full_reconnect(p);
        case Case::SCENARIO_NOT_SET:
            return;
    }
}

void Room::simulated_speaker(Participant& p, bool active) {
    constexpr float kLevel = 0.9F;
    if (!active) p.simulated_speaker_until = Timestamp::never();
    livekit::SpeakerInfo info;
    info.set_sid(p.sid());
    info.set_active(active);
    if (active) info.set_level(kLevel);
    for (Participant* other : roster_.everyone())
        if (other->active()) send_speakers(*other, {info});
}

}  // namespace confab::room
