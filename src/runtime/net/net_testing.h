// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// For the tests of runtime/net: a loop in its own thread, and a blocking client of plain sockets
// that gives up after a few seconds.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "base/bytes.h"
#include "runtime/net/event_loop.h"

namespace confab::net {

class LoopThread {
  public:
    LoopThread() : thread_([this] { loop_.run(); }) {}
    ~LoopThread() {
        loop_.stop();
        thread_.join();
    }
    EventLoop& loop() { return loop_; }

    // Runs `fn` in the loop and gives its result.
    template <typename F>
    auto call(F fn) -> decltype(fn()) {
        auto task = std::make_shared<std::packaged_task<decltype(fn())()>>(std::move(fn));
        auto result = task->get_future();
        loop_.post([task] { (*task)(); });
        return result.get();
    }
    // Whether `condition`, asked in the loop, becomes true within two seconds.
    template <typename F>
    bool eventually(F condition) {
        for (int i = 0; i < 400; ++i) {
            if (call(condition)) return true;
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        }
        return false;
    }

  private:
    EventLoop loop_;
    std::thread thread_;
};

class RawClient {
  public:
    explicit RawClient(std::uint16_t port, int receive_buffer = 0) {
        fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const timeval limit{30, 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
        ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
        if (receive_buffer > 0)
            ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof(receive_buffer));
        sockaddr_storage storage{};
        auto& address = *static_cast<sockaddr_in*>(static_cast<void*>(&storage));
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        connected_ = ::connect(fd_, static_cast<sockaddr*>(static_cast<void*>(&storage)),
                               sizeof(sockaddr_in)) == 0;
    }
    ~RawClient() { close(); }
    RawClient(const RawClient&) = delete;
    RawClient& operator=(const RawClient&) = delete;

    bool connected() const { return connected_; }
    int fd() const { return fd_; }
    void close() {
        if (fd_ >= 0) ::close(fd_);
        fd_ = -1;
    }
    void shutdown_send() { ::shutdown(fd_, SHUT_WR); }

    bool send(std::string_view text) {
        while (!text.empty()) {
            const ssize_t n = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
            if (n <= 0) return false;
            text.remove_prefix(static_cast<std::size_t>(n));
        }
        return true;
    }
    // At least one byte more in received(); false at the end or after 30 s, which a busy machine
    // may need.
    bool read_more() {
        char chunk[16 * 1024];
        const ssize_t n = ::recv(fd_, chunk, sizeof(chunk), 0);
        if (n <= 0) return false;
        received_.append(chunk, static_cast<std::size_t>(n));
        return true;
    }
    // Everything up to and with `mark`; what has come if it does not come.
    std::string read_until(std::string_view mark) {
        std::size_t at = received_.find(mark);
        while (at == std::string::npos && read_more())
            at = received_.find(mark);
        return take(at == std::string::npos ? received_.size() : at + mark.size());
    }
    std::string read_exactly(std::size_t size) {
        while (received_.size() < size && read_more()) {
        }
        return take(std::min(size, received_.size()));
    }
    std::string read_to_end() {
        while (read_more()) {
        }
        return take(received_.size());
    }

  private:
    std::string take(std::size_t size) {
        std::string out = received_.substr(0, size);
        received_.erase(0, size);
        return out;
    }

    int fd_ = -1;
    bool connected_ = false;
    std::string received_;
};

}  // namespace confab::net
