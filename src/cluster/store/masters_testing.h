// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A Redis Cluster before a server in memory: keys of several slots are refused, each of three
// masters answers at its own pace, and one command can fail. And the two forms of RoomScripts, for
// tests of both.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "cluster/store/rooms/room_scripts.h"
#include "redis/cluster/slots.h"
#include "redis/port.h"

namespace confab::cluster::store::testing {

class Masters final : public redis::Port {
  public:
    enum class Fault : std::uint8_t {
        kNotSent,    // no connection to that master
        kLost,       // never done, and never answered
        kUnheard,    // done, and the reply is lost
        kWithoutIt,  // the master is gone: the others refuse
    };

    explicit Masters(std::unique_ptr<redis::Port> server) : server_(std::move(server)) {}

    // The command after so many others.
    void fail_after(std::uint64_t commands, Fault fault) {
        faulty_ = asked + commands;
        fault_ = fault;
    }

    Result<void, redis::Fault> command(Timestamp now, redis::Words words,
                                       redis::Reply done) override {
        const std::uint64_t number = asked++;
        const std::size_t master = redis::slot_of(words).value_or(0) % paces.size();
        if (number == faulty_ && fault_ != Fault::kUnheard) return refuse(now, master, done);
        if (const auto slots = slots_of(words); slots > 1) {
            ++crossed;
            later(now, master, std::move(done), redis::Value::of_error("CROSSSLOT no"));
            return {};
        }
        const bool unheard = number == faulty_;
        return server_->command(
            now, words,
            [this, master, unheard, done = std::move(done)](
                Timestamp at, Result<redis::Value, redis::Fault> reply) mutable {
                if (unheard && reply) reply = closed();
                later(at, master, std::move(done), std::move(reply));
            });
    }
    void subscribe(Timestamp, std::string) override {}
    void unsubscribe(Timestamp, const std::string&) override {}
    bool is_up(redis::Line line) const override { return server_->is_up(line); }

    void handle_timeout(Timestamp now) {
        while (!replies_.empty() && replies_.begin()->first.first <= now) {
            auto reply = std::move(replies_.begin()->second);
            replies_.erase(replies_.begin());
            reply.first(now, std::move(reply.second));
        }
    }
    Timestamp next_deadline() const {
        return replies_.empty() ? Timestamp::never() : replies_.begin()->first.first;
    }

    // Of room_node_map and room_internal; of rooms and egress; of the participants of "r".
    std::array<Duration, 3> paces = {Duration::micros(900), Duration::micros(300),
                                     Duration::zero()};
    std::uint64_t asked = 0;
    std::uint64_t crossed = 0;  // commands with keys of several slots

  private:
    using Answered = Result<redis::Value, redis::Fault>;

    static Answered closed() { return fail(redis::Fault{redis::Fault::Code::kClosed, "it died"}); }
    static std::size_t slots_of(redis::Words words) {
        redis::Words keys = words.subspan(1, words.size() > 1 ? 1 : 0);
        if (words[0] == "DEL" || words[0] == "EXISTS") keys = words.subspan(1);
        if (words[0] == "EVAL")
            keys = words.subspan(3, parse_decimal<std::size_t>(words[2]).value_or(0));
        std::set<std::uint16_t> slots;
        for (const std::string_view key : keys)
            slots.insert(redis::slot_of(key));
        return slots.size();
    }
    Result<void, redis::Fault> refuse(Timestamp now, std::size_t master, redis::Reply& done) {
        if (fault_ == Fault::kNotSent) return fail(closed().error());
        if (fault_ == Fault::kLost)
            later(now, master, std::move(done), closed());
        else
            later(now, master, std::move(done), redis::Value::of_error("CLUSTERDOWN it is"));
        return {};
    }
    void later(Timestamp now, std::size_t master, redis::Reply&& done, Answered reply) {
        replies_.emplace(std::pair(now + paces[master], ++last_),
                         std::pair(std::move(done), std::move(reply)));
    }

    std::unique_ptr<redis::Port> server_;
    std::map<std::pair<Timestamp, std::uint64_t>, std::pair<redis::Reply, Answered>> replies_;
    std::uint64_t last_ = 0;
    std::uint64_t faulty_ = ~std::uint64_t{0};
    Fault fault_ = Fault::kLost;
};

struct Together {
    static constexpr auto kForm = RoomScripts::Form::kTogether;
};
struct Apart {
    static constexpr auto kForm = RoomScripts::Form::kApart;
};

// A node's end of what its form is for.
template <typename World>
std::unique_ptr<redis::Port> attach(World& world, RoomScripts::Form form,
                                    std::function<void(Timestamp)> up = {}) {
    auto server = world.attach(std::move(up));
    if (form == RoomScripts::Form::kTogether) return server;
    auto masters = std::make_unique<Masters>(std::move(server));
    world.drive(*masters);
    return masters;
}

}  // namespace confab::cluster::store::testing
