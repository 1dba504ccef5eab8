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

// HOOK-08: where whoever asked for it wants to hear of it, beside the configured addresses; null if
// nowhere. Upstream takes one of them too.
const livekit::WebhookConfig* webhook_of(const livekit::EgressInfo& info);

// COMPLETE, FAILED, ABORTED, LIMIT_REACHED: it stays like this.
bool has_ended(livekit::EgressStatus status);

}  // namespace confab::cluster::services
