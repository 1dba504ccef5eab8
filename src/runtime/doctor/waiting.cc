// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/doctor/waiting.h"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "base/text.h"
#include "runtime/worker/socket/socket_address.h"

namespace confab::doctor {
namespace {

constexpr std::size_t kMaxAddresses = 16;

void add_address(NameFacts& facts, const addrinfo& found) {
    sockaddr_storage storage{};
    std::memcpy(&storage, found.ai_addr, std::min<std::size_t>(found.ai_addrlen, sizeof storage));
    const IpAddress ip = worker::from_kernel(storage).ip;
    const bool is_new =
        std::find(facts.addresses.begin(), facts.addresses.end(), ip) == facts.addresses.end();
    if (is_new && facts.addresses.size() < kMaxAddresses) facts.addresses.push_back(ip);
}

NameFacts ask_resolver(const std::string& host) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* list = nullptr;
    NameFacts facts;
    const int code = ::getaddrinfo(host.c_str(), nullptr, &hints, &list);
    if (code != 0) {
        facts.error = code == EAI_SYSTEM ? std::strerror(errno) : ::gai_strerror(code);
        return facts;
    }
    for (const int family : {AF_INET, AF_INET6})
        for (const addrinfo* one = list; one != nullptr; one = one->ai_next)
            if (one->ai_family == family) add_address(facts, *one);
    ::freeaddrinfo(list);
    return facts;
}

Reach reach_of(int error) {
    switch (error) {
        case 0:
            return Reach::kAnswered;
        case ECONNREFUSED:
        case ECONNRESET:
            return Reach::kRefused;
        case ETIMEDOUT:
            return Reach::kSilent;
        default:
            return Reach::kUnreachable;
    }
}

}  // namespace

Timestamp monotonic() {
    const auto since = std::chrono::steady_clock::now().time_since_epoch();
    return Timestamp::micros(std::chrono::duration_cast<std::chrono::microseconds>(since).count());
}

UnixTime wall() {
    const auto since = std::chrono::system_clock::now().time_since_epoch();
    return UnixTime::micros(std::chrono::duration_cast<std::chrono::microseconds>(since).count());
}

bool wait_for(int fd, short events, const Deadline& deadline) {
    while (true) {
        pollfd waiting{fd, events, 0};
        const auto left = static_cast<int>(deadline.left().ms());
        const int ready = ::poll(&waiting, 1, left + 1);
        if (ready > 0) return true;
        if (ready < 0 && errno != EINTR) return false;
        if (deadline.over()) return false;
    }
}

NameFacts resolve(const std::string& host, const Deadline& deadline) {
    if (const auto ip = IpAddress::parse(host)) return {{*ip}, {}};
    auto answer = ask_apart([host] { return ask_resolver(host); }, deadline);
    if (!answer) return {{}, "the name server does not answer"};
    return *std::move(answer);
}

Connected connect_tcp(const SocketAddress& to, const Deadline& deadline) {
    const int family = to.ip.is_v6() ? AF_INET6 : AF_INET;
    Connected made;
    made.fd =
        worker::FileDescriptor(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    const worker::KernelAddress address = worker::to_kernel(to);
    int error = 0;
    if (!made.fd || ::connect(made.fd.get(), address.get(), address.size) != 0) error = errno;
    if (error == EINPROGRESS) {
        if (!wait_for(made.fd.get(), POLLOUT, deadline)) {
            error = ETIMEDOUT;
        } else {
            socklen_t size = sizeof error;
            (void)::getsockopt(made.fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
        }
    }
    made.reach = reach_of(error);
    if (error != 0) made.error = std::strerror(error);
    return made;
}

bool split_host_port(std::string_view text, std::string& host, std::uint16_t& port) {
    std::string_view number;
    if (text.starts_with('[')) {
        const std::size_t end = text.find("]:");
        if (end == text.npos) return false;
        host = std::string(text.substr(1, end - 1));
        number = text.substr(end + 2);
    } else {
        const std::size_t colon = text.rfind(':');
        if (colon == text.npos || text.find(':') != colon) return false;
        host = std::string(text.substr(0, colon));
        number = text.substr(colon + 1);
    }
    const auto read = parse_decimal<std::uint16_t>(number);
    if (!read || *read == 0 || host.empty()) return false;
    port = *read;
    return true;
}

}  // namespace confab::doctor
