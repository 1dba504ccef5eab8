// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What the several kinds of requests for an egress have in common (04 section 1.2).
#pragma once

#include <string>

#include "livekit_egress.pb.h"
#include "rpc_egress.pb.h"

namespace confab::cluster::services {

// Empty of a web page, and where none is named.
const std::string& room_name_of(const ::rpc::StartEgressRequest& request);

// COMPLETE, FAILED, ABORTED, LIMIT_REACHED: it stays like this.
bool has_ended(livekit::EgressStatus status);

}  // namespace confab::cluster::services
