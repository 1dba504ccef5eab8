// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The service Webhooks: asks the outbox, and has events sent again.
#pragma once

#include "api/webhook/webhook_port.h"
#include "runtime/control/webhook_sender.h"

namespace confab::control {

class WebhookService final : public api::WebhookPort {
  public:
    // `sender` must outlive it, and every answer.
    explicit WebhookService(WebhookSender& sender) : sender_(sender) {}

    void list_events(const confab::ListWebhookEventsRequest& request,
                     api::Reply<confab::ListWebhookEventsResponse> reply) override;
    void replay_events(const confab::ReplayWebhookEventsRequest& request,
                       api::Reply<confab::ReplayWebhookEventsResponse> reply) override;

  private:
    WebhookSender& sender_;
};

}  // namespace confab::control
