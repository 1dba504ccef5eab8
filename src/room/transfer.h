// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a participant takes along from one room to another (01 API-12): who it is with its session,
// its connections, what it publishes and what it prefers. What it subscribed to stays behind.
#pragma once

#include <memory>

#include "room/data/data_plane.h"
#include "room/negotiate/links.h"
#include "room/participant/participant.h"
#include "room/publish/publish_flow.h"
#include "room/subscribe/subscriptions.h"

namespace confab::room {

struct Transfer {
    std::unique_ptr<Participant> participant;
    Links links;
    PublishFlow published;
    SubscriberSettings subscriber;
    DataPresence data;
};

}  // namespace confab::room
