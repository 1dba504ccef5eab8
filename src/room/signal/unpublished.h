// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A participant is told that something it published is no more: when it ends, and once more when
// it resumes, as that may not have reached it (01 SIG-44, SIG-160).
#pragma once

#include <string>

#include "room/participant/participant.h"

namespace confab::room {

void tell_unpublished(Timestamp now, Participant& p, const std::string& track_sid);
void tell_data_unpublished(Timestamp now, Participant& p, const livekit::DataTrackInfo& info);
// It has a new connection: what it may not have heard since then.
void repeat_unpublished(Timestamp now, Participant& p, Timestamp since);

}  // namespace confab::room
