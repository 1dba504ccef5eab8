// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Which address the kernel would send from.
#pragma once

#include "base/net_address.h"

namespace confab::worker {

// From a socket bound to `bound`, which may be any address of its family, to `to`. None: there is
// no way, or they are of two families.
IpAddress route_source(const IpAddress& bound, const IpAddress& to);
// The same of a socket that is bound to no address.
IpAddress route_source(const IpAddress& to);

}  // namespace confab::worker
