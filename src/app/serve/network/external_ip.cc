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
#include <utility>

#include "app/serve/network/public_stun.h"
#include "crypto/random.h"
#include "runtime/worker/socket/file_descriptor.h"
#include "runtime/worker/socket/socket_address.h"

namespace confab::app {
namespace {

constexpr Duration kRetransmit = Duration::millis(500);  // RFC 8489 §6.2.1
constexpr Duration kMoreAnswers = Duration::seconds(1);  // behind the first one
constexpr Duration kEchoWait = Duration::seconds(1);     // to ourselves and back

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

std::vector<std::string> or_public(const std::vector<std::string>& servers) {
    if (!servers.empty()) return servers;
    return {std::begin(kPublicStun), std::end(kPublicStun)};
}

void send_to(const worker::FileDescriptor& socket, const SocketAddress& target, BytesView bytes) {
    const worker::KernelAddress to = worker::to_kernel(target);
    (void)::sendto(socket.get(), bytes.data(), bytes.size(), 0, to.get(), to.size);
}

// A local address, and what is known of it.
struct Probe {
    IpAddress local;
    worker::FileDescriptor socket;
    wire::StunTransactionId id{};
    std::optional<SocketAddress> mapped;
    std::array<std::uint8_t, 20> echo{};
    bool came_back = false;
};

std::vector<Probe> make_probes(const std::vector<IpAddress>& locals) {
    std::vector<Probe> probes;
    for (const IpAddress& local : locals) {
        Probe probe{local, worker::FileDescriptor(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)),
                    {},    {},
                    {},    false};
        const worker::KernelAddress at = worker::to_kernel({local, 0});
        if (probe.socket.get() < 0 || ::bind(probe.socket.get(), at.get(), at.size) != 0) continue;
        crypto::fill_random(probe.id);
        crypto::fill_random(probe.echo);
        probe.echo[0] |= 0x80;  // no STUN
        probes.push_back(std::move(probe));
    }
    return probes;
}

// Sends again every kRetransmit and takes what comes, until all of it is there or `end`, which
// take() may bring nearer.
template <typename Send, typename Take>
void ask_all(std::vector<Probe>& probes, Timestamp& end, const Send& send, const Take& take) {
    Timestamp again = now();
    while (now() < end && !probes.empty()) {
        if (now() >= again) {
            again = now() + kRetransmit;
            for (const Probe& probe : probes)
                send(probe);
        }
        std::vector<pollfd> waiting;
        waiting.reserve(probes.size());
        for (const Probe& probe : probes)
            waiting.push_back({probe.socket.get(), POLLIN, 0});
        const Duration wait = std::max(Duration::zero(), earlier(again, end) - now());
        if (::poll(waiting.data(), waiting.size(), static_cast<int>(wait.ms()) + 1) <= 0) continue;
        bool all = true;
        for (std::size_t i = 0; i < probes.size(); ++i) {
            std::array<std::uint8_t, 1500> datagram{};
            const auto size =
                ::recv(probes[i].socket.get(), datagram.data(), datagram.size(), MSG_DONTWAIT);
            const auto length = static_cast<std::size_t>(std::max<ssize_t>(size, 0));
            all = take(probes[i], BytesView(datagram).first(length)) && all;
        }
        if (all) return;
    }
}

}  // namespace

Bytes binding_request(const wire::StunTransactionId& id) {
    Bytes buffer(wire::kStunHeaderSize);
    wire::StunBuilder builder(buffer, wire::StunClass::kRequest, wire::StunMethod::kBinding, id);
    return to_vector(builder.finish());
}

std::optional<SocketAddress> mapped_address(BytesView datagram, const wire::StunTransactionId& id) {
    const auto message = wire::StunMessage::parse(datagram);
    if (!message || !message->is(wire::StunClass::kSuccess, wire::StunMethod::kBinding) ||
        message->transaction_id() != id)
        return std::nullopt;
    auto address = message->xor_address(wire::StunAttr::kXorMappedAddress);
    if (!address) address = message->address(wire::StunAttr::kMappedAddress);
    if (!address || !address->ip.is_v4()) return std::nullopt;
    return address;
}

Result<IpAddress, std::string> find_external_ip(const std::vector<std::string>& servers,
                                                Duration timeout) {
    const std::vector<std::string> names = or_public(servers);
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
            for (const SocketAddress& target : targets)
                send_to(socket, target, request);
        }
        pollfd waiting{socket.get(), POLLIN, 0};
        const Duration wait = std::max(Duration::zero(), earlier(again, end) - now());
        if (::poll(&waiting, 1, static_cast<int>(wait.ms()) + 1) <= 0) continue;
        std::array<std::uint8_t, 1500> datagram{};
        const auto size = ::recv(socket.get(), datagram.data(), datagram.size(), 0);
        if (size <= 0) continue;
        const auto length = static_cast<std::size_t>(size);
        if (const auto seen = mapped_address(BytesView(datagram).first(length), id))
            return seen->ip;
    }
    return failure("no STUN server answered in " + std::to_string(timeout.ms()) + " ms");
}

std::vector<ExternalAddress> find_external_addresses(const std::vector<std::string>& servers,
                                                     const std::vector<IpAddress>& locals,
                                                     Duration timeout, bool validate) {
    std::vector<SocketAddress> targets;
    for (const std::string& name : or_public(servers))
        for (const SocketAddress& address : resolve(name))
            targets.push_back(address);
    std::vector<Probe> probes = make_probes(locals);
    Timestamp end = now() + timeout;
    ask_all(
        probes, end,
        [&](const Probe& probe) {
            if (probe.mapped) return;
            for (const SocketAddress& target : targets)
                send_to(probe.socket, target, binding_request(probe.id));
        },
        [&](Probe& probe, BytesView datagram) {
            if (!probe.mapped) probe.mapped = mapped_address(datagram, probe.id);
            if (probe.mapped) end = earlier(end, now() + kMoreAnswers);
            return probe.mapped.has_value();
        });
    std::erase_if(probes, [](const Probe& probe) { return !probe.mapped; });
    end = now() + kEchoWait;
    if (validate)
        ask_all(
            probes, end,
            [](const Probe& probe) { send_to(probe.socket, *probe.mapped, probe.echo); },
            [](Probe& probe, BytesView datagram) {
                probe.came_back = probe.came_back || std::ranges::equal(datagram, probe.echo);
                return probe.came_back;
            });
    std::vector<ExternalAddress> result;
    for (const Probe& probe : probes)
        if (!validate || probe.came_back) result.push_back({probe.local, probe.mapped->ip});
    return result;
}

}  // namespace confab::app
