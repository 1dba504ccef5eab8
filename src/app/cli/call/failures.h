// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Why a call of the API failed, and what to do about it (05 C.5: "401 confusion").
#pragma once

#include <optional>
#include <string>

#include "app/cli/call/credentials.h"
#include "base/time.h"
#include "runtime/net/http/http_client.h"

namespace confab::app::cli {

// No answer came.
std::string unreachable(net::HttpClientError error, const Credentials& server);
// An answer that is no success.
std::string refused(const net::HttpResponse& answer, const Credentials& server, UnixTime now);
// What the other side of a phone call said, where the answer has it.
struct SipStatus {
    std::uint32_t code = 0;
    std::string text;  // what it said, or the name of the code
};
std::optional<SipStatus> sip_status(const net::HttpResponse& answer);
// Something answered that does not speak the API.
std::string no_server(const Credentials& server);

}  // namespace confab::app::cli
