// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What an HttpServer counts. Its connections may have gone to other loops (HttpExchange::move_to),
// so that each number may be changed and read by any thread; nothing is ordered by them.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>

namespace confab::net {

class Counter {
  public:
    Counter() = default;
    Counter(const Counter& other) : value_(std::uint64_t{other}) {}
    Counter& operator=(const Counter& other) { return *this = std::uint64_t{other}; }
    Counter& operator=(std::uint64_t value) {
        value_.store(value, std::memory_order_relaxed);
        return *this;
    }
    ~Counter() = default;
    void operator++() { *this += 1; }
    void operator--() { *this -= 1; }
    void operator+=(std::uint64_t n) { value_.fetch_add(n, std::memory_order_relaxed); }
    void operator-=(std::uint64_t n) { value_.fetch_sub(n, std::memory_order_relaxed); }
    operator std::uint64_t() const { return value_.load(std::memory_order_relaxed); }

  private:
    std::atomic<std::uint64_t> value_{0};
};

// By HTTP status; one that is none counts as 500.
class StatusCounts {
  public:
    Counter& operator[](int status) { return counts_[index_of(status)]; }
    // Those that occurred.
    std::map<int, std::uint64_t> all() const {
        std::map<int, std::uint64_t> result;
        for (std::size_t i = 0; i < counts_.size(); ++i)
            if (counts_[i] > 0) result.emplace(static_cast<int>(i) + kFirst, counts_[i]);
        return result;
    }

  private:
    static constexpr int kFirst = 100;
    static constexpr int kEnd = 600;
    static std::size_t index_of(int status) {
        return static_cast<std::size_t>((status < kFirst || status >= kEnd ? 500 : status) -
                                        kFirst);
    }
    std::array<Counter, kEnd - kFirst> counts_;
};

// Counters since the start; gauges end in _open.
struct HttpServerStats {
    Counter connections;
    Counter connections_refused;
    Counter connections_evicted;  // idle ones that gave way
    Counter accept_errors;
    Counter connections_open;
    Counter handshakes_failed;   // of TLS
    Counter connections_shared;  // that were for ICE or TURN
    StatusCounts responses;      // upgrades as 101
    Counter websockets;
    Counter websockets_open;
    Counter websocket_queue_overflows;
    Counter websocket_queued_bytes;  // now, of all
    Counter websocket_write_timeouts;
    Counter websocket_deflated;  // parts of messages compressed, each once for all its receivers
    Counter websocket_oversize;
    Counter handler_failures;  // a handler threw: 500, or close 1011
    Counter timeouts;          // slow header, slow body, no answer
    Counter buffered_bytes;    // now
};

// One of connections_open, wherever the connection goes.
class OpenConnection {
  public:
    OpenConnection() = default;
    explicit OpenConnection(std::shared_ptr<HttpServerStats> stats) : stats_(std::move(stats)) {
        ++stats_->connections_open;
    }
    OpenConnection(OpenConnection&&) noexcept = default;
    OpenConnection& operator=(OpenConnection&& other) noexcept {
        std::swap(stats_, other.stats_);
        return *this;
    }
    ~OpenConnection() {
        if (stats_) --stats_->connections_open;
    }

  private:
    std::shared_ptr<HttpServerStats> stats_;
};

}  // namespace confab::net
