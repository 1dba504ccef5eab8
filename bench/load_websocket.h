// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The client side of a WebSocket over a plain non-blocking socket (RFC 6455), as a load generator
// needs it: it offers permessage-deflate as browsers do (RFC 7692) and inflates what comes, sends
// uncompressed, and trusts the server.
#pragma once

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

#include <array>
#include <cerrno>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "runtime/worker/socket/socket_address.h"

namespace confab::bench {

class LoadWebSocket {
  public:
    using OnMessage = std::function<void(std::string_view)>;

    LoadWebSocket(std::uint16_t port, const std::string& target, bool deflate)
        : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
        const int on = 1;
        (void)::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        const auto to = worker::to_kernel({IpAddress::v4(INADDR_LOOPBACK), port});
        failed_ = ::connect(fd_, to.get(), to.size) != 0 && errno != EINPROGRESS;
        out_ = "GET " + target + " HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port) +
               "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
               "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
        if (deflate)
            out_ += "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";
        out_ += "\r\n";
    }
    ~LoadWebSocket() {
        if (inflating_) (void)::inflateEnd(&inflate_);
        ::close(fd_);
    }
    LoadWebSocket(const LoadWebSocket&) = delete;
    LoadWebSocket& operator=(const LoadWebSocket&) = delete;

    int fd() const { return fd_; }
    bool wants_to_write() const { return !out_.empty(); }
    bool failed() const { return failed_; }

    void send(std::string_view payload) {
        constexpr std::uint8_t kBinary = 0x82;
        send_frame(kBinary, payload);
    }
    void flush() {
        while (!out_.empty()) {
            const ssize_t sent = ::send(fd_, out_.data(), out_.size(), MSG_NOSIGNAL);
            if (sent <= 0) {
                if (errno != EAGAIN && errno != ENOTCONN) failed_ = true;
                return;
            }
            out_.erase(0, static_cast<std::size_t>(sent));
        }
    }
    // Reads what is there and gives each whole message.
    void receive(const OnMessage& on_message) {
        std::array<char, 16 * 1024> buffer;
        for (;;) {
            const ssize_t size = ::recv(fd_, buffer.data(), buffer.size(), 0);
            if (size < 0 && errno == EAGAIN) break;
            if (size <= 0) {
                failed_ = true;
                break;
            }
            in_.append(buffer.data(), static_cast<std::size_t>(size));
        }
        if (!upgraded_ && !take_response()) return;
        while (take_frame(on_message)) {
        }
    }

  private:
    static constexpr std::uint8_t kPing = 0x9;
    static constexpr std::uint8_t kPong = 0x8A;

    bool take_response() {
        const std::size_t end = in_.find("\r\n\r\n");
        if (end == std::string::npos) return false;
        failed_ = !in_.starts_with("HTTP/1.1 101");
        inflating_ = in_.substr(0, end).find("permessage-deflate") != std::string::npos &&
                     ::inflateInit2(&inflate_, -MAX_WBITS) == Z_OK;
        in_.erase(0, end + 4);
        upgraded_ = true;
        return !failed_;
    }
    // Server frames carry no mask (RFC 6455 §5.2).
    bool take_frame(const OnMessage& on_message) {
        if (in_.size() < 2) return false;
        const auto octet = [&](std::size_t i) { return static_cast<std::uint8_t>(in_[i]); };
        std::size_t size = octet(1) & 0x7F;
        std::size_t header = 2;
        const std::size_t wide = size == 126 ? 2 : size == 127 ? 8 : 0;
        if (in_.size() < header + wide) return false;
        if (wide > 0) size = 0;
        for (std::size_t i = 0; i < wide; ++i)
            size = (size << 8) | octet(header++);
        if (in_.size() < header + size) return false;
        const std::uint8_t first = octet(0);
        const std::string payload = in_.substr(header, size);
        in_.erase(0, header + size);
        if ((first & 0x0F) == kPing) {
            send_frame(kPong, payload);
        } else if ((first & 0x0F) <= 2) {
            // A long message comes in fragments; the first says whether it is compressed.
            if ((first & 0x0F) != 0) compressed_ = (first & 0x40) != 0;
            message_ += payload;
            if ((first & 0x80) == 0) return true;
            const std::string whole = std::exchange(message_, {});
            on_message(compressed_ ? inflated(whole) : whole);
        }
        return true;
    }
    // A zero mask is a mask.
    void send_frame(std::uint8_t first, std::string_view payload) {
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
    std::string inflated(std::string payload) {
        payload.append("\0\0\xFF\xFF", 4);
        std::string plain;
        std::array<Bytef, 16 * 1024> buffer;
        Bytes copy = to_vector(as_bytes(payload));
        inflate_.next_in = copy.data();
        inflate_.avail_in = static_cast<uInt>(copy.size());
        do {
            inflate_.next_out = buffer.data();
            inflate_.avail_out = static_cast<uInt>(buffer.size());
            if (const int result = ::inflate(&inflate_, Z_SYNC_FLUSH);
                result != Z_OK && result != Z_BUF_ERROR)
                failed_ = true;
            plain += as_text(BytesView(buffer).first(buffer.size() - inflate_.avail_out));
        } while (inflate_.avail_out == 0 && !failed_);
        return plain;
    }

    int fd_;
    std::string out_;
    std::string in_;
    z_stream inflate_{};
    bool inflating_ = false;
    bool upgraded_ = false;
    bool compressed_ = false;
    std::string message_;  // its fragments so far
    bool failed_ = false;
};

}  // namespace confab::bench
