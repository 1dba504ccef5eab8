// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/load/web_socket_client.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <utility>

#include "runtime/load/message_inflater.h"
#include "runtime/load/tls_stream.h"
#include "runtime/worker/socket/socket_address.h"

namespace confab::load {
namespace {

constexpr std::uint8_t kBinary = 0x82;
constexpr std::uint8_t kClose = 0x8;
constexpr std::uint8_t kPing = 0x9;
constexpr std::uint8_t kPong = 0x8A;

std::string upgrade_request(const WebSocketTarget& target) {
    std::string text = "GET " + target.path + " HTTP/1.1\r\nHost: " + target.host +
                       "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                       "Sec-WebSocket-Version: 13\r\n"
                       "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    if (target.deflate)
        text += "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";
    return text + "\r\n";
}

}  // namespace

// Bytes over the socket, with or without TLS.
class WebSocketClient::Stream {
  public:
    Stream(int fd, const std::string& name) : fd_(fd) {
        if (!name.empty()) tls_ = std::make_unique<TlsStream>(fd, name);
    }
    StreamResult read(char* data, std::size_t size) {
        return tls_ ? tls_->read(data, size) : plain(::recv(fd_, data, size, 0));
    }
    StreamResult write(const std::string& data) {
        return tls_ ? tls_->write(data.data(), data.size())
                    : plain(::send(fd_, data.data(), data.size(), MSG_NOSIGNAL));
    }

  private:
    static StreamResult plain(ssize_t size) {
        if (size > 0) return {static_cast<std::size_t>(size), {}, false};
        if (size == 0) return {0, "the server closed the connection", false};
        if (errno == EAGAIN || errno == ENOTCONN) return {};
        return {0, std::strerror(errno), false};
    }
    int fd_;
    std::unique_ptr<TlsStream> tls_;
};

WebSocketClient::WebSocketClient(const WebSocketTarget& target) : out_(upgrade_request(target)) {
    const int family = target.address.ip.is_v6() ? AF_INET6 : AF_INET;
    fd_ = worker::FileDescriptor(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    const int on = 1;
    (void)::setsockopt(fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const auto to = worker::to_kernel(target.address);
    if (::connect(fd(), to.get(), to.size) != 0 && errno != EINPROGRESS) fail(std::strerror(errno));
    stream_ = std::make_unique<Stream>(fd(), target.name);
}
WebSocketClient::~WebSocketClient() = default;

void WebSocketClient::fail(std::string why) {
    if (error_.empty()) error_ = std::move(why);
}

// ---------------------------------------------------------------- sending

void WebSocketClient::send(std::string_view payload) {
    send_frame(kBinary, payload);
}

// A zero mask is a mask.
void WebSocketClient::send_frame(std::uint8_t first, std::string_view payload) {
    std::string header(1, static_cast<char>(first));
    const auto put = [&](std::size_t value) { header.push_back(static_cast<char>(value)); };
    if (payload.size() < 126) {
        put(0x80 | payload.size());
    } else {
        put(0x80 | (payload.size() < 65'536 ? 126 : 127));
        for (int shift = payload.size() < 65'536 ? 8 : 56; shift >= 0; shift -= 8)
            put((payload.size() >> shift) & 0xFF);
    }
    header.append(4, '\0');
    out_ += header;
    out_ += payload;
    flush();
}

void WebSocketClient::flush() {
    while (!out_.empty() && !failed()) {
        StreamResult result = stream_->write(out_);
        waits_to_read_ = result.wants_to_read;
        if (!result.error.empty()) fail(std::move(result.error));
        if (result.size == 0) return;
        out_.erase(0, result.size);
    }
}

// ---------------------------------------------------------------- receiving

void WebSocketClient::receive(const OnMessage& on_message) {
    static thread_local std::array<char, 64 * 1024> buffer;
    // A socket in which nothing is half received needs no buffer of its own.
    static thread_local std::string spare;
    if (in_.empty()) in_.swap(spare);
    for (bool more = !failed(); more;) {
        StreamResult result = stream_->read(buffer.data(), buffer.size());
        in_.append(buffer.data(), result.size);
        heard_ = heard_ || result.size > 0;
        more = result.size > 0 && in_.size() <= kMaxMessage;
        waits_to_read_ = false;
        if (!result.error.empty() && !upgraded_ && heard_) (void)take_response();
        if (!result.error.empty()) fail(std::move(result.error));
    }
    std::size_t taken = upgraded_ ? 0 : take_response();
    while (upgraded_) {
        const std::size_t size = take_frame(std::string_view(in_).substr(taken), on_message);
        if (size == 0) break;
        taken += size;
    }
    in_.erase(0, taken);
    if (in_.size() > kMaxMessage) fail("the server sends a message of more than 16 MiB");
    if (in_.empty()) in_.swap(spare);
}

std::size_t WebSocketClient::take_response() {
    if (failed()) return 0;
    const std::size_t end = in_.find("\r\n\r\n");
    if (end == std::string::npos) {
        if (in_.size() > kMaxHeader) fail("the server does not answer as HTTP");
        return 0;
    }
    const std::string_view header = std::string_view(in_).substr(0, end);
    const auto says = [&](const char* what) { return header.find(what) != std::string_view::npos; };
    if (!header.starts_with("HTTP/1.1 101")) {
        refused(header, std::string_view(in_).substr(end + 4));
        return 0;
    }
    // One decompressor for all connections: each message is a stream of its own.
    if (says("permessage-deflate") && !says("server_no_context_takeover"))
        fail("the server compresses messages with those before");
    upgraded_ = true;
    return end + 4;
}

// The body is the reason; it may be cut off where the packet ended.
void WebSocketClient::refused(std::string_view header, std::string_view body) {
    constexpr std::string_view kVersion = "HTTP/1.1 ";
    if (header.starts_with(kVersion))
        (void)std::from_chars(header.data() + kVersion.size(), header.data() + header.size(),
                              status_);
    std::string reason(body.substr(0, std::min(kMaxReason, body.find_last_not_of("\r\n") + 1)));
    // It is shown in a terminal and in JSON, and may be cut within a character.
    std::ranges::replace_if(reason, [](char c) { return c < ' ' || c > '~'; }, '?');
    fail(status_ == 0 ? "the server does not answer as HTTP"
                      : "status " + std::to_string(status_) +
                            (reason.empty() ? "" : ", \"" + reason + "\""));
}

// Frames of a server carry no mask (RFC 6455 §5.2).
std::size_t WebSocketClient::take_frame(std::string_view in, const OnMessage& on_message) {
    if (in.size() < 2) return 0;
    const auto octet = [&](std::size_t i) { return static_cast<std::uint8_t>(in[i]); };
    std::uint64_t size = octet(1) & 0x7F;
    std::size_t header = 2;
    const std::size_t wide = size == 126 ? 2 : size == 127 ? 8 : 0;
    if (in.size() < header + wide) return 0;
    if (wide > 0) size = 0;
    for (std::size_t i = 0; i < wide; ++i)
        size = (size << 8) | octet(header++);
    if (size > kMaxMessage) {
        fail("the server sends a message of more than 16 MiB");
        return 0;
    }
    if (in.size() < header + size) return 0;
    take_payload(octet(0), in.substr(header, size), on_message);
    return header + size;
}

void WebSocketClient::take_payload(std::uint8_t first, std::string_view payload,
                                   const OnMessage& on_message) {
    const std::uint8_t opcode = first & 0x0F;
    if (opcode == kPing) return send_frame(kPong, payload);
    if (opcode == kClose) return fail("the server closed the WebSocket");
    if (opcode > 2) return;
    // A long message comes in fragments; the first says whether it is compressed.
    if (opcode != 0) compressed_ = (first & 0x40) != 0;
    const bool last = (first & 0x80) != 0;
    if (!last || !message_.empty()) message_ += payload;
    if (message_.size() > kMaxMessage)
        return fail("the server sends a message of more than 16 MiB");
    if (!last) return;
    const std::string whole = std::exchange(message_, {});
    const std::string_view message = whole.empty() ? payload : whole;
    if (!compressed_) return on_message(message);
    static thread_local MessageInflater inflater;
    const auto inflated = inflater.inflate(message, kMaxMessage);
    if (!inflated) return fail("the server sends a compressed message that is none");
    on_message(*inflated);
}

}  // namespace confab::load
