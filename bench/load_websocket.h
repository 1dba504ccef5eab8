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

// Messages of permessage-deflate, each a stream of its own (RFC 7692 §7.2.2).
class Inflater {
  public:
    Inflater() {
        if (::inflateInit2(&stream_, -MAX_WBITS) != Z_OK) std::abort();
    }
    ~Inflater() { (void)::inflateEnd(&stream_); }
    Inflater(const Inflater&) = delete;
    Inflater& operator=(const Inflater&) = delete;

    std::string_view inflate(std::string_view payload, bool& failed) {
        constexpr std::string_view kTail("\0\0\xFF\xFF", 4);
        in_.assign(payload.begin(), payload.end());
        in_.insert(in_.end(), kTail.begin(), kTail.end());
        size_ = 0;
        (void)::inflateReset(&stream_);
        stream_.next_in = in_.data();
        stream_.avail_in = static_cast<uInt>(in_.size());
        do {
            if (out_.size() - size_ < kRoom) out_.resize(2 * out_.size() + kRoom);
            stream_.next_out = out_.data() + size_;
            stream_.avail_out = static_cast<uInt>(out_.size() - size_);
            const int result = ::inflate(&stream_, Z_SYNC_FLUSH);
            if (result != Z_OK && result != Z_BUF_ERROR) failed = true;
            size_ = out_.size() - stream_.avail_out;
        } while (stream_.avail_out == 0 && !failed);
        return as_text(BytesView(out_).first(size_));
    }

  private:
    static constexpr std::size_t kRoom = 16 * 1024;

    z_stream stream_{};
    Bytes in_;
    Bytes out_;
    std::size_t size_ = 0;
};

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
    ~LoadWebSocket() { ::close(fd_); }
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
        static thread_local std::array<char, 64 * 1024> buffer;
        // A socket in which nothing is half received needs no buffer of its own.
        static thread_local std::string spare;
        if (in_.empty()) in_.swap(spare);
        for (bool more = true; more;) {
            const ssize_t size = ::recv(fd_, buffer.data(), buffer.size(), 0);
            if (size == 0 || (size < 0 && errno != EAGAIN)) failed_ = true;
            if (size > 0) in_.append(buffer.data(), static_cast<std::size_t>(size));
            more = std::cmp_equal(size, buffer.size());
        }
        std::size_t taken = upgraded_ ? 0 : take_response();
        while (upgraded_ && !failed_) {
            const std::size_t size = take_frame(std::string_view(in_).substr(taken), on_message);
            if (size == 0) break;
            taken += size;
        }
        in_.erase(0, taken);
        if (in_.empty()) in_.swap(spare);
    }

  private:
    static constexpr std::uint8_t kPing = 0x9;
    static constexpr std::uint8_t kPong = 0x8A;

    // Both give what they took of the input; nothing: it is not all there.
    std::size_t take_response() {
        const std::size_t end = in_.find("\r\n\r\n");
        if (end == std::string::npos) return 0;
        const std::string_view header = std::string_view(in_).substr(0, end);
        const auto says = [&](const char* what) {
            return header.find(what) != std::string_view::npos;
        };
        failed_ = !header.starts_with("HTTP/1.1 101");
        // One decompressor for all connections: each message is a stream of its own.
        if (says("permessage-deflate") && !says("server_no_context_takeover")) failed_ = true;
        upgraded_ = true;
        return end + 4;
    }
    // Server frames carry no mask (RFC 6455 §5.2).
    std::size_t take_frame(std::string_view in, const OnMessage& on_message) {
        if (in.size() < 2) return 0;
        const auto octet = [&](std::size_t i) { return static_cast<std::uint8_t>(in[i]); };
        std::size_t size = octet(1) & 0x7F;
        std::size_t header = 2;
        const std::size_t wide = size == 126 ? 2 : size == 127 ? 8 : 0;
        if (in.size() < header + wide) return 0;
        if (wide > 0) size = 0;
        for (std::size_t i = 0; i < wide; ++i)
            size = (size << 8) | octet(header++);
        if (in.size() < header + size) return 0;
        take_payload(octet(0), in.substr(header, size), on_message);
        return header + size;
    }
    void take_payload(std::uint8_t first, std::string_view payload, const OnMessage& on_message) {
        if ((first & 0x0F) == kPing) return send_frame(kPong, payload);
        if ((first & 0x0F) > 2) return;
        // A long message comes in fragments; the first says whether it is compressed.
        if ((first & 0x0F) != 0) compressed_ = (first & 0x40) != 0;
        const bool last = (first & 0x80) != 0;
        if (!last || !message_.empty()) message_ += payload;
        if (!last) return;
        const std::string whole = std::exchange(message_, {});
        const std::string_view message = whole.empty() ? payload : whole;
        on_message(compressed_ ? inflated(message) : message);
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
    // Stays until the next.
    std::string_view inflated(std::string_view payload) {
        static thread_local Inflater inflater;
        return inflater.inflate(payload, failed_);
    }

    int fd_;
    std::string out_;
    std::string in_;
    bool upgraded_ = false;
    bool compressed_ = false;
    std::string message_;  // its fragments so far
    bool failed_ = false;
};

}  // namespace confab::bench
