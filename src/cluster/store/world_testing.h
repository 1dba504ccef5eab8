// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A Redis in memory with the scripts, time, and the machines that take part.
#pragma once

#include <algorithm>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/store/notices.h"
#include "cluster/store/records.h"
#include "cluster/store/scripts_testing.h"
#include "redis/memory_server.h"

namespace confab::cluster::store::testing {

struct World {
    struct Machine {
        std::function<void(Timestamp)> timeout;
        std::function<Timestamp()> deadline;
    };

    World() { add_scripts(server.store()); }

    // A node's end; `up` is called as redis::Events::on_up of the commands.
    std::unique_ptr<redis::Port> attach(std::function<void(Timestamp)> up = {}) {
        redis::Events events;
        events.on_up = [up = std::move(up)](Timestamp at, redis::Line line) {
            if (up && line == redis::Line::kCommands) up(at);
        };
        auto port = server.attach(now, std::move(events));
        pass(Duration::millis(1));
        return port;
    }
    template <typename M>
    void drive(M& machine) {
        machines.push_back({[&machine](Timestamp at) { machine.handle_timeout(at); },
                            [&machine] { return machine.next_deadline(); }});
    }
    Timestamp next() const {
        Timestamp at = server.next_deadline();
        for (const Machine& machine : machines)
            at = earlier(at, machine.deadline());
        return at;
    }
    void pass(Duration time) {
        const Timestamp end = now + time;
        int turns = 0;
        while (next() <= end && ++turns < 2'000'000) {
            now = std::max(now, next());
            server.handle_timeout(now);
            for (const Machine& machine : machines)
                if (machine.deadline() <= now) machine.timeout(now);
        }
        now = end;
    }
    redis::Value run(std::initializer_list<std::string_view> words) {
        return server.store().run(now, redis::Words(words.begin(), words.size()));
    }
    // What the field of a hash is; "-" if it is not.
    std::string field(std::string_view key, std::string_view name) {
        const redis::MemoryStore::Hash* hash = server.store().hash(key);
        if (!hash) return "-";
        const auto it = hash->find(name);
        return it == hash->end() ? "-" : it->second;
    }
    std::size_t told(Notice::Kind kind) const {
        return static_cast<std::size_t>(std::count_if(
            log.begin(), log.end(), [kind](const Notice& notice) { return notice.kind == kind; }));
    }
    std::uint64_t writes() const {
        std::uint64_t all = 0;
        for (const char* command : {"HSET", "HDEL", "SET", "DEL", "SADD", "SREM", "EVAL", "HSETNX"})
            all += server.count(command);
        return all;
    }

    Timestamp now = Timestamp::micros(1'000'000);
    redis::MemoryServer server;
    std::vector<Machine> machines;
    std::vector<Notice> log;
    Notices notices{[this](Timestamp, const Notice& notice) { log.push_back(notice); }};
};

// What a `done` was called with.
template <typename T>
struct Kept {
    std::shared_ptr<std::vector<Result<T, Failure>>> all =
        std::make_shared<std::vector<Result<T, Failure>>>();

    Got<T> done() {
        return [all = all](Timestamp, Result<T, Failure> result) {
            all->push_back(std::move(result));
        };
    }
    bool waits() const { return all->empty(); }
    bool ok() const { return all->size() == 1 && all->front().has_value(); }
    const T& value() const { return *all->front(); }
    std::optional<Failure::Code> error() const {
        if (all->size() != 1 || all->front()) return std::nullopt;
        return all->front().error().code;
    }
};

}  // namespace confab::cluster::store::testing
