// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Webhooks of egresses and ingresses (01 HOOK-01, HOOK-02) on their way to the sender of the node.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "base/rng.h"
#include "base/time.h"
#include "livekit_webhook.pb.h"
#include "token/ids.h"

namespace confab::cluster::services {

class Hooks {
  public:
    // `tenant`: whose it is; empty: the operator's.
    using Send = std::function<void(const livekit::WebhookEvent&, const std::string& tenant)>;
    // `wall`: what time it is at a Timestamp.
    Hooks(Send send, std::function<UnixTime(Timestamp)> wall, std::uint64_t seed)
        : send_(std::move(send)), wall_(std::move(wall)), rng_(seed) {}

    livekit::WebhookEvent event(Timestamp now, const char* name) {
        livekit::WebhookEvent result;
        result.set_event(name);
        result.set_id(token::make_id(token::kWebhookEventPrefix, rng_));
        result.set_created_at(wall_(now).s());
        return result;
    }
    void send(const livekit::WebhookEvent& event, const std::string& tenant = {}) {
        send_(event, tenant);
    }

  private:
    Send send_;
    std::function<UnixTime(Timestamp)> wall_;
    Rng rng_;
};

}  // namespace confab::cluster::services
