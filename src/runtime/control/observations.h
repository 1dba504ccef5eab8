// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What rooms and webhooks tell for statistics, in the names and labels of the metrics (03 §6.1).
#pragma once

#include <cstdint>
#include <string>

#include "api/webhook/webhook_queue.h"
#include "room/scope/observation.h"
#include "runtime/control/webhook_sender.h"
#include "runtime/telemetry/metrics.h"

namespace confab::control {

// A client's protocol version as the value of a label. Clients say what they like: each of a
// thousand values would take the room of another series, for ever.
std::string protocol_label(std::int32_t protocol);

void record(telemetry::Metrics& metrics, const room::Observation& observation);
// Counters since the start.
void record(telemetry::Metrics& metrics, const api::WebhookStats& stats);
void record(telemetry::Metrics& metrics, const WebhookSender::OutboxFigures& outbox);

}  // namespace confab::control
