// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Active speakers of a room from the levels its workers report (02 IN-31; 01 SIG-134, SIG-170).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/time.h"
#include "livekit_models.pb.h"
#include "sfu/shard/commands.h"

namespace confab::room {

class Speakers {
  public:
    // The latest level of one microphone track of a participant.
    void set_level(sfu::ReceiverId receiver, const std::string& participant_sid, double level,
                   bool active);
    void remove(sfu::ReceiverId receiver);
    // Who changed since the last call: loudest first, then who stopped (level 0, inactive).
    std::vector<livekit::SpeakerInfo> poll_changes();

    // Who speaks, as was told last.
    std::vector<livekit::SpeakerInfo> told() const;

    // Level in eighths, rounded up, at most 1.
    static float quantize(double level);

  private:
    struct Level {
        std::string participant_sid;
        double level = 0;
    };
    std::map<sfu::ReceiverId, Level> levels_;
    std::map<std::string, float> told_;  // by participant sid, only who speaks
};

}  // namespace confab::room
