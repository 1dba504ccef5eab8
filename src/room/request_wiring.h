// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What participants' requests need of the parts of their room, and which part does it; the other
// direction, from part to part, is RoomWiring (docs/design/control-plane.md §1).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "room/signal/requests.h"

namespace confab::room {

class RequestWiring final : public RequestsHost {
  public:
    explicit RequestWiring(Room& room) : room_(&room) {}

    // ---- RequestsHost
    void take_offer(Participant& p, const livekit::SessionDescription& offer) override;
    void take_answer(Participant& p, const livekit::SessionDescription& answer) override;
    Result<void, std::string> take_candidate(Participant& p,
                                             const livekit::TrickleRequest& trickle) override;
    void prefer_transport(Participant& p, IcePreference preference) override;
    void signal_measured(Participant& p, Duration rtt) override;
    void limit_downlink(Participant& p, std::uint64_t bits_per_second) override;
    void add_track(Participant& p, const livekit::AddTrackRequest& request) override;
    bool mute(Participant& p, const std::string& sid, bool muted) override;
    void update_audio(Participant& p, const livekit::UpdateLocalAudioTrack& update) override;
    void update_video(Participant& p, const livekit::UpdateLocalVideoTrack& update) override;
    bool has_track(const Participant& p, const std::string& sid) const override;
    void subscribe(Participant& p, const livekit::UpdateSubscription& wish) override;
    void update_settings(Participant& p, const livekit::UpdateTrackSettings& settings) override;
    bool set_access(Participant& p, const livekit::SubscriptionPermission& list) override;
    std::optional<DataRefusal> publish_data_track(
        Participant& p, const livekit::PublishDataTrackRequest& request) override;
    bool unpublish_data_track(Participant& p, std::uint32_t handle) override;
    void subscribe_data(Participant& p, const livekit::UpdateDataSubscription& update) override;
    bool has_data_track(const Participant& p, const std::string& sid) const override;
    void described_anew(Participant& p) override;
    void send_token(Participant& p) override;
    void seem_to_speak(Participant& p, Duration time) override;
    void end(Participant& p, const Ending& ending) override;

  private:
    Room* room_;
};

}  // namespace confab::room
