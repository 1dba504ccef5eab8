// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Whose a packet or connection is, for limits of one source.
#pragma once

#include <vector>

#include "base/cidr.h"
#include "base/net_address.h"

namespace confab {

// An IPv4 address, also where it is written as IPv6 (::ffff:a.b.c.d), or an IPv6 /64, which one
// host may own as a whole.
IpAddress source_of(const IpAddress& address);

// Whether one of the blocks has it; IPv4 written as IPv6 is looked for as IPv4.
bool is_listed(const std::vector<Cidr>& blocks, const IpAddress& address);

}  // namespace confab
