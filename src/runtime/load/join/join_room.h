// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// `confab room join`: load::Guest behind a WebSocket and UDP sockets, in the calling thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "load/guest/guest.h"

namespace confab::load {

struct JoinSettings {
    std::string url;
    std::string token;
    bool single = true;  // /rtc/v1, and /rtc of a server that does not know it
    bool auto_subscribe = false;
    std::vector<GuestTrack> tracks;
    std::vector<livekit::DataPacket> data;
    std::string record_folder;  // empty: nothing is recorded
    bool ends_after_publish = false;
    std::function<void(const GuestEvent&)> told;
    // Asked a few times a second, with the number of tracks that flow; true: leave now.
    std::function<bool(std::size_t flowing)> is_over;
};

// Returns when it has left. The error: why it did not get in, or lost the connection; being put out
// by the server is none.
Result<void, std::string> join_room(const JoinSettings& settings);

}  // namespace confab::load
