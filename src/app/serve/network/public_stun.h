// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The STUN servers that are used when none is configured, by clients (what browsers are commonly
// given) and by rtc.use_external_ip.
#pragma once

namespace confab::app {

inline constexpr const char* kPublicStun[] = {
    "global.stun.twilio.com:3478", "stun.l.google.com:19302", "stun1.l.google.com:19302"};

}  // namespace confab::app
