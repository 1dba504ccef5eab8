// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The public IPv4 addresses of a machine behind address translation, asked of STUN servers at the
// start (rtc.use_external_ip; RFC 8489 §3, 01 CFG-04, 02 ICE-09).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/net_address.h"
#include "base/result.h"
#include "base/time.h"
#include "wire/ice/stun.h"

namespace confab::app {

// A Binding request without attributes.
Bytes binding_request(const wire::StunTransactionId& id);
// The IPv4 address in the success response to that request; nothing for any other datagram.
std::optional<SocketAddress> mapped_address(BytesView datagram, const wire::StunTransactionId& id);

// Asks all servers ("host:port") at once and repeats until one answers; blocks at most `timeout`.
// Public servers when the list is empty.
Result<IpAddress, std::string> find_external_ip(const std::vector<std::string>& servers,
                                                Duration timeout);

// As what the world sees a local address.
struct ExternalAddress {
    IpAddress local;
    IpAddress external;
};
// The same asked from each of `locals` (IPv4): at most `timeout` for the first answer, and a second
// for the others. With `validate` only those through whose public address a datagram to ourselves
// comes back within another second. Those without an answer are left out.
std::vector<ExternalAddress> find_external_addresses(const std::vector<std::string>& servers,
                                                     const std::vector<IpAddress>& locals,
                                                     Duration timeout, bool validate);

}  // namespace confab::app
