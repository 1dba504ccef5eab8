// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/net/endpoint.h"

#include <algorithm>
#include <boost/asio/ip/v6_only.hpp>

namespace confab::net {

SocketAddress to_address(const tcp::endpoint& endpoint) {
    const auto& address = endpoint.address();
    if (address.is_v4()) return {IpAddress::v4(address.to_v4().to_uint()), endpoint.port()};
    const asio::ip::address_v6 v6 = address.to_v6();
    if (v6.is_v4_mapped()) {
        const auto v4 = asio::ip::make_address_v4(asio::ip::v4_mapped, v6);
        return {IpAddress::v4(v4.to_uint()), endpoint.port()};
    }
    const auto bytes = v6.to_bytes();
    return {IpAddress::v6_bytes(bytes), endpoint.port()};
}

tcp::endpoint to_endpoint(const SocketAddress& address) {
    if (address.ip.is_v4()) return {asio::ip::address_v4(address.ip.to_v4()), address.port};
    asio::ip::address_v6::bytes_type bytes;
    std::copy_n(address.ip.bytes().begin(), bytes.size(), bytes.begin());
    return {asio::ip::address_v6(bytes), address.port};
}

Result<SocketAddress, std::string> listen_at(tcp::acceptor& acceptor,
                                             const SocketAddress& address) {
    const tcp::endpoint endpoint = to_endpoint(address);
    ErrorCode error;
    acceptor.open(endpoint.protocol(), error);
    if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error && endpoint.protocol() == tcp::v6())
        acceptor.set_option(asio::ip::v6_only(true), error);
    if (!error) acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(tcp::acceptor::max_listen_connections, error);
    if (error) return fail("listen tcp " + address.to_string() + ": " + error.message());
    return to_address(acceptor.local_endpoint(error));
}

}  // namespace confab::net
