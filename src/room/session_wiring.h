// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What sessions need of the parts of their room, and which part does it
// (docs/design/control-plane.md §1).
#pragma once

#include <cstdint>
#include <string>

#include "room/participant/sessions.h"

namespace confab::room {

class SessionWiring final : public SessionsHost {
  public:
    explicit SessionWiring(Room& room) : room_(&room) {}

    // ---- SessionsHost
    void came(Participant& p, const JoinParams& params) override;
    void open_links(Participant& p) override;
    void subscribe_existing(Participant& p) override;
    void add_track(Participant& p, const livekit::AddTrackRequest& request) override;
    void take_first_offer(Participant& p, const livekit::SessionDescription& offer) override;
    void drop_media(Participant& p) override;
    void forget(Participant& p) override;
    Transport transport(const Participant& p) const override;
    void restart_links(Participant& p) override;
    void try_other_transport(Participant& p) override;
    void client_gave_up(Participant& p, livekit::ReconnectReason reason) override;
    livekit::ParticipantInfo describe(const Participant& p) const override;
    const std::string& shown(Participant& p) override;
    void describe_media(const Participant& p, livekit::JoinResponse& join) const override;
    void changed(Participant& p, bool immediate) override;
    void webhook(const char* event, const Participant& p) override;
    void tell_speakers() override;
    std::uint32_t last_data_sequence(const Participant& p) const override;
    void repeat_mutes(Participant& p, Timestamp since) override;
    void repeat_news(Participant& p, Timestamp since) override;
    bool media_overdue(const Participant& p) const override;
    void handle_media_timeout(Participant& p) override;

  private:
    Room* room_;
};

}  // namespace confab::room
