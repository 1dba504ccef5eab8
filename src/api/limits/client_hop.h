// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Whose a request is, behind proxies that are trusted (03 SEC-07). Each proxy adds who asked it to
// the end of X-Forwarded-For: from the right, the first address that is no trusted proxy's counts.
// What stands left of it was said by whoever that is, and may be anything.
#pragma once

#include <string_view>
#include <vector>

#include "base/cidr.h"
#include "base/net_address.h"

namespace confab::api {

// Of a longer chain the last ones are read.
inline constexpr int kMaxHops = 32;

// `forwarded`: all lines of X-Forwarded-For, in their order, with commas between them. Where there
// are none, `real_ip` (X-Real-IP) counts, else the connection's own address, as it does where
// nothing can be read.
IpAddress client_hop(const IpAddress& socket, std::string_view forwarded, std::string_view real_ip,
                     const std::vector<Cidr>& proxies);

}  // namespace confab::api
