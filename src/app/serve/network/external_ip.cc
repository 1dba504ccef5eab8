// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/serve/network/external_ip.h"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>

#include "app/serve/network/public_stun.h"
#include "crypto/random.h"
#include "runtime/worker/socket/file_descriptor.h"
#include "runtime/worker/socket/socket_address.h"

namespace confab::app {
namespace {

constexpr Duration kRetransmit = Duration::millis(500);  // RFC 8489 §6.2.1

Timestamp now() {
    const auto since = std::chrono::steady_clock::now().time_since_epoch();
    return Timestamp::micros(std::chrono::duration_cast<std::chrono::microseconds>(since).count());
}

// The IPv4 addresses of "host:port".
std::vector<SocketAddress> resolve(const std::string& server) {
    const std::size_t colon = server.rfind(':');
    const std::string host = server.substr(0, colon);
    const std::string port = colon == server.npos ? "3478" : server.substr(colon + 1);
    addrinfo hints{};
    hints.ai_family = AF_INET;
    hints.ai_socktype = SOCK_DGRAM;
    addrinfo* list = nullptr;
    if (::getaddrinfo(host.c_str(), port.c_str(), &hints, &list) != 0) return {};
    std::vector<SocketAddress> result;
    for (const addrinfo* one = list; one != nullptr; one = one->ai_next) {
        sockaddr_storage storage{};
        std::memcpy(&storage, one->ai_addr, std::min<std::size_t>(one->ai_addrlen, sizeof storage));
        result.push_back(worker::from_kernel(storage));
    }
    ::freeaddrinfo(list);
    return result;
}

}  // namespace

Bytes binding_request(const wire::StunTransactionId& id) {
    Bytes buffer(wire::kStunHeaderSize);
    wire::StunBuilder builder(buffer, wire::StunClass::kRequest, wire::StunMethod::kBinding, id);
    return to_vector(builder.finish());
}

std::optional<IpAddress> mapped_address(BytesView datagram, const wire::StunTransactionId& id) {
    const auto message = wire::StunMessage::parse(datagram);
    if (!message || !message->is(wire::StunClass::kSuccess, wire::StunMethod::kBinding) ||
        message->transaction_id() != id)
        return std::nullopt;
    auto address = message->xor_address(wire::StunAttr::kXorMappedAddress);
    if (!address) address = message->address(wire::StunAttr::kMappedAddress);
    if (!address || !address->ip.is_v4()) return std::nullopt;
    return address->ip;
}

Result<IpAddress, std::string> find_external_ip(const std::vector<std::string>& servers,
                                                Duration timeout) {
    std::vector<std::string> names = servers;
    if (names.empty()) names.assign(std::begin(kPublicStun), std::end(kPublicStun));
    std::vector<SocketAddress> targets;
    std::string tried;
    for (const std::string& name : names) {
        tried += (tried.empty() ? "" : ", ") + name;
        for (const SocketAddress& address : resolve(name))
            targets.push_back(address);
    }
    const auto failure = [&](const std::string& why) {
        return fail("rtc.use_external_ip: " + why + " (asked " + tried +
                    "); set rtc.node_ip to the public address, or rtc.stun_servers to servers "
                    "that this machine reaches");
    };
    if (targets.empty()) return failure("no STUN server has an address");
    const worker::FileDescriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (socket.get() < 0) return failure("no socket");
    wire::StunTransactionId id{};
    crypto::fill_random(id);
    const Bytes request = binding_request(id);
    const Timestamp end = now() + timeout;
    Timestamp again = now();
    while (now() < end) {
        if (now() >= again) {
            again = now() + kRetransmit;
            for (const SocketAddress& target : targets) {
                const worker::KernelAddress to = worker::to_kernel(target);
                (void)::sendto(socket.get(), request.data(), request.size(), 0, to.get(), to.size);
            }
        }
        pollfd waiting{socket.get(), POLLIN, 0};
        const Duration wait = std::max(Duration::zero(), earlier(again, end) - now());
        if (::poll(&waiting, 1, static_cast<int>(wait.ms()) + 1) <= 0) continue;
        std::array<std::uint8_t, 1500> datagram{};
        const auto size = ::recv(socket.get(), datagram.data(), datagram.size(), 0);
        if (size <= 0) continue;
        const auto length = static_cast<std::size_t>(size);
        if (const auto ip = mapped_address(BytesView(datagram).first(length), id)) return *ip;
    }
    return failure("no STUN server answered in " + std::to_string(timeout.ms()) + " ms");
}

}  // namespace confab::app
