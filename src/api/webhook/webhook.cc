// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Nothing here knows about delivery.
#include "api/webhook/webhook.h"

#include <algorithm>

#include "base/text.h"
#include "crypto/digest.h"
#include "proto/proto_json.h"

namespace confab::api {
namespace {

bool contains(const std::vector<std::string>& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

std::string webhook_key(const livekit::WebhookEvent& event) {
    for (const std::string* key :
         {&event.egress_info().egress_id(), &event.ingress_info().ingress_id(),
          &event.room().name(), &event.participant().identity(), &event.track().sid()})
        if (!key->empty()) return *key;
    return {};
}

std::string webhook_body(const livekit::WebhookEvent& event) {
    return proto::to_camel_json(event);
}

std::string webhook_authorization(std::string_view body, const token::KeyProvider::Key& key,
                                  UnixTime now, std::string_view tenant) {
    token::Grants grants;
    grants.sha256 = base64_encode(crypto::sha256(as_bytes(body)));
    if (!tenant.empty()) grants.attributes[kTenantAttribute] = tenant;
    return token::mint_token(grants, key, now, kWebhookTokenLifetime);
}

const google::protobuf::RepeatedPtrField<livekit::WebhookConfig>& webhook_targets(
    const livekit::WebhookEvent& event) {
    const livekit::EgressInfo& info = event.egress_info();
    switch (info.request_case()) {
        case livekit::EgressInfo::kEgress:
            return info.egress().webhooks();
        case livekit::EgressInfo::kReplay:
            return info.replay().webhooks();
        case livekit::EgressInfo::kRoomComposite:
            return info.room_composite().webhooks();
        case livekit::EgressInfo::kParticipant:
            return info.participant().webhooks();
        case livekit::EgressInfo::kTrackComposite:
            return info.track_composite().webhooks();
        case livekit::EgressInfo::kTrack:
            return info.track().webhooks();
        case livekit::EgressInfo::kWeb:
        case livekit::EgressInfo::REQUEST_NOT_SET:
            break;
    }
    return info.web().webhooks();
}

bool WebhookFilter::passes(std::string_view event) const {
    if (!include_events.empty()) return contains(include_events, event);
    return !contains(exclude_events, event);
}

}  // namespace confab::api
