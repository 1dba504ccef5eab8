// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a WebSocket for signalling is opened with: path and query of /rtc/v1, which carries the join
// request, and of /rtc, whose query says the same (01 SIG-01, SIG-02).
#pragma once

#include <string>

#include "livekit_rtc.pb.h"

namespace confab::load {

std::string single_join_path(const livekit::JoinRequest& request, const std::string& token);
std::string double_join_path(const livekit::JoinRequest& request, const std::string& token);

// The value of join_request: packed, in base64 for URLs (01 CON-39).
std::string join_request_value(const livekit::JoinRequest& request);

// RFC 1952.
std::string gzip(const std::string& plain);

}  // namespace confab::load
