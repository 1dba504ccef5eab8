// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The newest states of the media workers, added up and in the names of the metrics (03 §6.1).
#pragma once

#include <span>

#include "runtime/telemetry/metrics.h"
#include "runtime/worker/mailbox.h"

namespace confab::control {

void record_media(telemetry::Metrics& metrics,
                  std::span<const worker::Mailbox::Published* const> workers);

}  // namespace confab::control
