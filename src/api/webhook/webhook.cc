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

bool WebhookFilter::passes(std::string_view event) const {
    if (!include_events.empty()) return contains(include_events, event);
    return !contains(exclude_events, event);
}

}  // namespace confab::api
