// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The client's end of a WebSocket over a non-blocking socket of our own, plain or TLS (RFC 6455):
// it offers permessage-deflate as browsers do (RFC 7692) and inflates what comes, sends
// uncompressed. The server is one that the operator named; what it sends is bounded all the same.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/net_address.h"
#include "runtime/worker/socket/file_descriptor.h"

namespace confab::load {

struct WebSocketTarget {
    SocketAddress address;
    std::string host;  // as in the URL, with the port
    std::string name;  // of the certificate; empty: no TLS
    std::string path;  // with the query
    bool deflate = true;
};

class WebSocketClient {
  public:
    using OnMessage = std::function<void(std::string_view)>;
    static constexpr std::size_t kMaxHeader = 64 * 1024;
    static constexpr std::size_t kMaxMessage = 16 * 1024 * 1024;
    static constexpr std::size_t kMaxReason = 300;  // of a refusal that is kept

    explicit WebSocketClient(const WebSocketTarget& target);
    ~WebSocketClient();
    WebSocketClient(const WebSocketClient&) = delete;
    WebSocketClient& operator=(const WebSocketClient&) = delete;

    int fd() const { return fd_.get(); }
    bool wants_to_write() const { return !out_.empty() && !waits_to_read_ && !failed(); }
    bool is_open() const { return upgraded_; }
    bool failed() const { return !error_.empty(); }
    const std::string& error() const { return error_; }
    // Of the answer when it was none to upgrade; 0: there is none. error() has its text.
    int refused_status() const { return status_; }
    // It failed before any byte came: nobody is there, or the certificate is wrong.
    bool never_connected() const { return !heard_; }

    void send(std::string_view payload);
    void flush();
    // Reads what is there and gives each whole message.
    void receive(const OnMessage& on_message);

  private:
    class Stream;
    void fail(std::string why);
    // Both give what they took of the input; nothing: it is not all there.
    std::size_t take_response();
    std::size_t take_frame(std::string_view in, const OnMessage& on_message);
    void take_payload(std::uint8_t first, std::string_view payload, const OnMessage& on_message);
    void send_frame(std::uint8_t first, std::string_view payload);
    void refused(std::string_view header, std::string_view body);

    worker::FileDescriptor fd_;
    std::unique_ptr<Stream> stream_;
    std::string out_;
    std::string in_;
    std::string error_;
    int status_ = 0;
    bool heard_ = false;
    bool upgraded_ = false;
    bool waits_to_read_ = false;  // TLS has to, before it can write
    bool compressed_ = false;
    std::string message_;  // its fragments so far
};

}  // namespace confab::load
