// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Addresses of Asio and our own, and the opening of a TCP port. Included by .cc files only.
#pragma once

// clang-format off: it sets the macros of every Boost header after it.
#include "runtime/net/asio.h"
// clang-format on

#include <string>

#include "base/net_address.h"
#include "base/result.h"

namespace confab::net {

// An IPv4-mapped address as IPv4.
SocketAddress to_address(const tcp::endpoint& endpoint);
tcp::endpoint to_endpoint(const SocketAddress& address);

// The address bound; port 0 is any free one. The error names address and reason.
Result<SocketAddress, std::string> listen_at(tcp::acceptor& acceptor, const SocketAddress& address);

}  // namespace confab::net
