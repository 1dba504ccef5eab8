// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// ClientInfo from the query of a v0 connection and from the User-Agent (01 CON-36).
#pragma once

#include <string_view>

#include "api/http/query.h"
#include "livekit_models.pb.h"

namespace confab::api {

inline constexpr std::size_t kMaxClientCapabilities = 16;

// Query parameters sdk, protocol, client_protocol, version, os, os_version, device_model, browser,
// browser_version, network, capabilities; what is missing or unknown stays at its default.
livekit::ClientInfo client_info_from_query(const QueryParams& query);

// Fills in what the client did not say, for SDKs that run in browsers, and the address.
void complete_client_info(livekit::ClientInfo& info, std::string_view user_agent,
                          std::string_view address);

}  // namespace confab::api
