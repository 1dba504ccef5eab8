// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A Redis server in memory, for simulator and tests: many nodes, each with a Port of its own that
// behaves like a Client's, in virtual time, with outages, hangs and restarts. A machine of one
// thread: handle_timeout() lets happen what is due.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"
#include "redis/memory_store.h"
#include "redis/port.h"

namespace confab::redis {

class MemoryServer {
  public:
    // Each way of a command, reply or message takes `delay`.
    explicit MemoryServer(Duration delay = Duration::micros(200));
    ~MemoryServer();
    MemoryServer(const MemoryServer&) = delete;
    MemoryServer& operator=(const MemoryServer&) = delete;

    // A node's end; up after the next turn. Must not outlive the server; may go at any time.
    std::unique_ptr<Port> attach(Timestamp now, Events events);

    void handle_timeout(Timestamp now);
    Timestamp next_deadline() const;

    // ---- faults. stop(): all connections end at once, and attempts fail, until start().
    void stop(Timestamp now);
    void start(Timestamp now);
    // Neither answers nor ends: what was asked meanwhile is done afterwards, unless the connection
    // has given up by then (after kPatience, like a Session).
    static constexpr Duration kPatience = Duration::seconds(5);
    void hang(Timestamp now);
    void go_on(Timestamp now);
    // Called for each published message; false drops it, as to somebody who listens too slowly.
    std::function<bool(std::string_view channel, std::string_view payload)> filter;

    // ---- for checks
    MemoryStore& store() { return store_; }
    std::uint64_t count(std::string_view command) const;  // in capitals
    std::size_t listeners(std::string_view channel) const;
    // From outside, as by redis-cli.
    void publish(Timestamp now, const std::string& channel, const std::string& payload);

  private:
    class End;
    using Step = std::function<void(Timestamp)>;

    void later(Timestamp at, Step step) { steps_.emplace(std::pair(at, ++last_), std::move(step)); }
    void execute(Timestamp now, std::uint64_t from, const std::vector<std::string>& words,
                 std::uint64_t reply);
    Value numbers_of(const std::vector<std::string>& words) const;
    void deliver(Timestamp now, const std::string& channel, const std::string& payload);
    void connect(Timestamp now, std::uint64_t end);
    void disconnect(Timestamp now, std::uint64_t end, const Fault& fault);
    End* find(std::uint64_t id);

    Duration delay_;
    MemoryStore store_;
    bool running_ = true;
    bool hanging_ = false;
    std::map<std::pair<Timestamp, std::uint64_t>, Step> steps_;
    std::vector<Step> held_;  // while it hangs
    std::map<std::uint64_t, End*> ends_;
    std::map<std::string, std::set<std::uint64_t>, std::less<>> channels_;
    std::map<std::string, std::uint64_t, std::less<>> counts_;
    std::uint64_t last_ = 0;
};

}  // namespace confab::redis
