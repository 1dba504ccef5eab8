// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Whether a server could bind its ports now, and who has those that it could not.
#pragma once

#include <string>
#include <vector>

#include "runtime/doctor/facts.h"

namespace confab::doctor {

// Fills in `taken`, `forbidden` and `owner`; `addresses`: what is bound, all IPv4 ones when empty.
void probe_ports(PortFacts& ports, const std::vector<IpAddress>& addresses);

// The lines of /proc/net/{tcp,udp}[6]: the inode of a socket at that local port; empty: none. Of
// TCP only those that listen.
std::string socket_inode(std::string_view table, std::uint16_t port, bool is_udp);

}  // namespace confab::doctor
