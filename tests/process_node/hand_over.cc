// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Eight octets with the length of the bytes go first, and the sockets with them:
//   length (8 bytes) + SCM_RIGHTS | bytes | answer (1 byte, the other way)
#include "hand_over.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace confab::process_node {
namespace {

constexpr std::uint8_t kTaken = 1;
constexpr std::uint8_t kRefused = 0;

std::string describe(const char* what) {
    return std::string(what) + ": " + std::strerror(errno);
}

worker::FileDescriptor unix_socket() {
    return worker::FileDescriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

bool name(const std::string& path, sockaddr_un& address) {
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) return false;
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    return true;
}

struct alignas(cmsghdr) Control {
    std::array<std::uint8_t, CMSG_SPACE(sizeof(int) * HandOverStream::kMaxSockets)> bytes{};
};

std::vector<worker::FileDescriptor> sockets_in(msghdr& message) {
    std::vector<worker::FileDescriptor> result;
    for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
        const std::size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t i = 0; i < count; ++i) {
            int fd = -1;
            std::memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
            result.emplace_back(fd);
        }
    }
    return result;
}

}  // namespace

HandOverStream::HandOverStream(worker::FileDescriptor fd) : fd_(std::move(fd)) {
    const timeval patience{kPatience.count(), 0};
    (void)setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    (void)setsockopt(fd_.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
}

Result<worker::FileDescriptor, std::string> HandOverStream::listen(const std::string& path) {
    worker::FileDescriptor fd = unix_socket();
    sockaddr_un address{};
    if (!fd || !name(path, address)) return fail(describe("socket"));
    if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(fd.get(), 1) != 0)
        return fail(describe("listen"));
    return fd;
}

Result<HandOverStream, std::string> HandOverStream::accept(const worker::FileDescriptor& listener) {
    worker::FileDescriptor fd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!fd) return fail(describe("accept"));
    return HandOverStream(std::move(fd));
}

Result<HandOverStream, std::string> HandOverStream::connect(const std::string& path) {
    worker::FileDescriptor fd = unix_socket();
    sockaddr_un address{};
    if (!fd || !name(path, address)) return fail(describe("socket"));
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return fail(describe("connect"));
    return HandOverStream(std::move(fd));
}

bool HandOverStream::write_all(BytesView bytes) {
    while (!bytes.empty()) {
        const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0) return false;
        bytes = bytes.subspan(static_cast<std::size_t>(sent));
    }
    return true;
}

bool HandOverStream::read_all(BytesSpan bytes) {
    while (!bytes.empty()) {
        const ssize_t got = ::recv(fd_.get(), bytes.data(), bytes.size(), 0);
        if (got <= 0) return false;
        bytes = bytes.subspan(static_cast<std::size_t>(got));
    }
    return true;
}

Result<void, std::string> HandOverStream::send(BytesView bytes, std::span<const int> sockets) {
    if (bytes.size() > kMaxBytes || sockets.empty() || sockets.size() > kMaxSockets)
        return fail(std::string("too much to hand over"));
    std::uint64_t size = bytes.size();
    iovec part{&size, sizeof size};
    Control control;
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.bytes.data();
    message.msg_controllen = CMSG_SPACE(sockets.size_bytes());
    cmsghdr* rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sockets.size_bytes());
    std::memcpy(CMSG_DATA(rights), sockets.data(), sockets.size_bytes());
    if (::sendmsg(fd_.get(), &message, MSG_NOSIGNAL) != sizeof size || !write_all(bytes))
        return fail(describe("send"));
    return {};
}

Result<HandOver, std::string> HandOverStream::receive() {
    HandOver result;
    std::uint64_t size = 0;
    iovec part{&size, sizeof size};
    Control control;
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.bytes.data();
    message.msg_controllen = control.bytes.size();
    const ssize_t got = ::recvmsg(fd_.get(), &message, MSG_CMSG_CLOEXEC);
    result.sockets = sockets_in(message);
    if (got != sizeof size || (message.msg_flags & MSG_CTRUNC) != 0 || size > kMaxBytes)
        return fail(std::string("no hand-over"));
    result.bytes = crypto::Secret(static_cast<std::size_t>(size));
    if (!read_all(result.bytes.writable())) return fail(std::string("the hand-over is torn"));
    return result;
}

void HandOverStream::answer(bool taken) {
    const std::array<std::uint8_t, 1> octet{taken ? kTaken : kRefused};
    (void)write_all(octet);
}

bool HandOverStream::await_answer() {
    std::array<std::uint8_t, 1> octet{};
    return read_all(octet) && octet[0] == kTaken;
}

}  // namespace confab::process_node
