// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A SignalResponse as a session wants it: the participants of a join or an update, of which there
// may be thousands, come out of a pool and are not made anew for each session.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "client/session/participant_pool.h"
#include "livekit_rtc.pb.h"

namespace confab::client {

struct ReadSignal {
    livekit::SignalResponse response;  // without those
    ParticipantList participants;      // join.other_participants or update.participants
};

// Nothing: not readable.
std::optional<ReadSignal> read_signal(std::string_view message, ParticipantPool& pool);
// Of one that was made whole.
ReadSignal read_signal(const livekit::SignalResponse& response);

}  // namespace confab::client
