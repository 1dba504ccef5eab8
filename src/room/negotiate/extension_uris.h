// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// URIs of RTP header extensions (RFC 8285) as they stand in descriptions.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "sfu/shard/commands.h"

namespace confab::room {

using ExtensionIds = std::map<std::string, std::uint8_t>;

sfu::ReceiveExtensions receive_extensions(const ExtensionIds& ids);
// Transport-wide numbers only with `send_side_bwe`: who gets them answers with transport-cc
// feedback instead of REMBs, whatever was negotiated of these (libwebrtc). The time of sending, of
// which a receiver makes its REMBs, only without them.
sfu::SendExtensions send_extensions(const ExtensionIds& ids, bool send_side_bwe);

}  // namespace confab::room
