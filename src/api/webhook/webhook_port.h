// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What the Webhooks service needs of the outbox. The router has checked grants and the form of the
// request; the port answers each Reply once, now or later, on the thread it was called on.
#pragma once

#include "api/ports.h"
#include "confab_webhooks.pb.h"

namespace confab::api {

class WebhookPort {
  public:
    virtual ~WebhookPort() = default;
    // Without an outbox both are failed_precondition.
    virtual void list_events(const confab::ListWebhookEventsRequest&,
                             Reply<confab::ListWebhookEventsResponse>) = 0;
    virtual void replay_events(const confab::ReplayWebhookEventsRequest&,
                               Reply<confab::ReplayWebhookEventsResponse>) = 0;
};

}  // namespace confab::api
