// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Times in a packet of metrics (01 SIG-124): beside each time by the sender's clock stands the same
// by the server's, so that those of several participants compare. What the sender wrote there is
// not believed. A time that is not given, or no time of a calendar, gets none.
#pragma once

#include <optional>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "sfu/data/data_packet.h"

namespace confab::sfu {

// When the batch in a DataPacket was sent, by its sender's clock.
Result<std::optional<UnixTime>, DataError> metrics_sent_at(BytesView packet);
// The DataPacket with the times of all its metrics by our clock, which is ahead by `shift`. It may
// be some times as large as before (split_metrics()).
Result<Bytes, DataError> normalize_metrics(BytesView packet, Duration shift);

}  // namespace confab::sfu
