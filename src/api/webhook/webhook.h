// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Bodies of webhook events, signed, and the queues that they belong to (01 section 6). The events
// themselves are made by the rooms.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "livekit_webhook.pb.h"
#include "token/token.h"

namespace confab::api {

// HOOK-07: the name of the queue an event belongs to: the first that is not empty of egress id,
// ingress id, room name, participant identity, track sid.
std::string webhook_key(const livekit::WebhookEvent& event);

// HOOK-03: protobuf JSON, camelCase, without empty fields.
std::string webhook_body(const livekit::WebhookEvent& event);
// HOOK-05: the value of the Authorization header, a token without "Bearer ".
// `tenant`, where there is one, is signed along: the attribute kTenantAttribute.
std::string webhook_authorization(std::string_view body, const token::KeyProvider::Key& key,
                                  UnixTime now, std::string_view tenant = {});
inline constexpr const char* kTenantAttribute = "confab.tenant";
inline constexpr Duration kWebhookTokenLifetime = Duration::seconds(300);

// HOOK-08: where whoever asked for the egress of an event wants to hear of it, beside the
// configured addresses. None of other events.
const google::protobuf::RepeatedPtrField<livekit::WebhookConfig>& webhook_targets(
    const livekit::WebhookEvent& event);

// HOOK-08: include_events, when not empty, beats exclude_events.
struct WebhookFilter {
    std::vector<std::string> include_events;
    std::vector<std::string> exclude_events;
    bool passes(std::string_view event) const;
};

}  // namespace confab::api
