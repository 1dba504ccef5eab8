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
sfu::SendExtensions send_extensions(const ExtensionIds& ids);

}  // namespace confab::room
