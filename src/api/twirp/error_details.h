// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a service says of an error beside its code and text, for clients of Twirp (01 API-W5).
#pragma once

#include <map>
#include <string>

#include "rpc/error.h"

namespace confab::api {

// error_details: base64 of a google.rpc.Status with code, text and details. Of a livekit.SIPStatus
// among them also sip_status_code, in decimals, and sip_status, its text or the name of the code;
// SDKs read these. Empty if the error has no details.
std::map<std::string, std::string> details_meta(const rpc::Error& error);

}  // namespace confab::api
