// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A node and a worker over one Redis in memory, in virtual time, with what the services of the node
// are made of.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cluster/psrpc/psrpc_testing.h"
#include "cluster/psrpc/retry.h"
#include "cluster/services/hooks.h"
#include "cluster/services/outcome.h"
#include "cluster/services/turns.h"
#include "cluster/store/notices.h"
#include "cluster/store/rooms/room_reader.h"
#include "cluster/store/scripts_testing.h"
#include "livekit_models.pb.h"

namespace confab::cluster::services::testing {

// Field 9999 with 5 octets, which no message has.
inline const std::string kUnknown = "\xfa\xf0\x04\x05later";

// A way to Redis that may be away while others are there.
class Way final : public redis::Port {
  public:
    explicit Way(std::unique_ptr<redis::Port> port) : port_(std::move(port)) {}
    Result<void, redis::Fault> command(Timestamp now, redis::Words words,
                                       redis::Reply done) override {
        if (is_away) return fail(redis::Fault{redis::Fault::Code::kClosed, "no connection"});
        return port_->command(now, words, std::move(done));
    }
    void subscribe(Timestamp now, std::string channel) override {
        port_->subscribe(now, std::move(channel));
    }
    void unsubscribe(Timestamp now, const std::string& channel) override {
        port_->unsubscribe(now, channel);
    }
    bool is_up(redis::Line line) const override { return !is_away && port_->is_up(line); }

    bool is_away = false;

  private:
    std::unique_ptr<redis::Port> port_;
};

struct Told {  // of one webhook
    std::string event;
    livekit::WebhookEvent whole;
    std::string tenant;
};

struct World {
    World() {
        store::testing::add_scripts(cluster.server.store());
        pass(Duration::millis(10));
    }

    Timestamp now() const { return cluster.now; }
    psrpc::testing::Node& node() { return cluster.a(); }
    psrpc::testing::Node& worker() { return cluster.b(); }

    template <typename M>
    void drive(M& machine) {
        machines.push_back({[&machine](Timestamp at) { machine.handle_timeout(at); },
                            [&machine] { return machine.next_deadline(); }});
    }
    void pass(Duration time) {
        const Timestamp end = cluster.now + time;
        int turns_taken = 0;
        for (Timestamp next = deadline(); next <= end && ++turns_taken < 1'000'000;
             next = deadline()) {
            cluster.pass(std::max(Duration::zero(), next - cluster.now));
            for (const Machine& machine : machines)
                if (machine.deadline() <= cluster.now) machine.timeout(cluster.now);
        }
        cluster.pass(std::max(Duration::zero(), end - cluster.now));
    }

    redis::Value run(std::initializer_list<std::string_view> words) {
        return cluster.server.store().run(now(), redis::Words(words.begin(), words.size()));
    }
    // What the field of a hash is; "-" if it is not.
    std::string field(std::string_view key, std::string_view name) {
        const redis::MemoryStore::Hash* hash = cluster.server.store().hash(key);
        if (!hash) return "-";
        const auto it = hash->find(name);
        return it == hash->end() ? "-" : it->second;
    }
    void add_room(const std::string& name, const std::string& sid) {
        livekit::Room room;
        room.set_name(name);
        room.set_sid(sid);
        run({"HSET", "rooms", name, room.SerializeAsString()});
    }
    std::vector<std::string> events() const {
        std::vector<std::string> names;
        names.reserve(told.size());
        for (const Told& one : told)
            names.push_back(one.event);
        return names;
    }

    struct Machine {
        std::function<void(Timestamp)> timeout;
        std::function<Timestamp()> deadline;
    };
    Timestamp deadline() const {
        Timestamp next = cluster.next_deadline();
        for (const Machine& machine : machines)
            next = earlier(next, machine.deadline());
        return next;
    }

    psrpc::testing::Cluster cluster;
    Way port{cluster.server.attach(cluster.now, {})};  // of the stores
    std::vector<Machine> machines;
    std::vector<store::Notice> log;
    store::Notices notices{[this](Timestamp, const store::Notice& one) { log.push_back(one); }};
    std::vector<Told> told;
    Hooks hooks{[this](const livekit::WebhookEvent& event, const std::string& tenant) {
                    told.push_back({event.event(), event, tenant});
                },
                [](Timestamp at) { return UnixTime::seconds(1'700'000'000) + (at - Timestamp()); },
                5};
    store::RoomReader rooms{port, notices};
    psrpc::Retrier retrier{cluster.a().bus(), 9};
    Turns turns;
};

// What an operation ended with: "waiting", "ok", or code and text, with '!' for a plain text.
template <typename T>
struct Ended {
    std::shared_ptr<std::vector<Result<T, Refusal>>> all =
        std::make_shared<std::vector<Result<T, Refusal>>>();

    Done<T> done() {
        return [all = all](Result<T, Refusal> result) { all->push_back(std::move(result)); };
    }
    std::string text() const {
        if (all->empty()) return "waiting";
        REQUIRE(all->size() == 1);
        if (all->front()) return "ok";
        const Refusal& refusal = all->front().error();
        return std::string(refusal.is_plain ? "!" : "") +
               std::string(rpc::to_text(refusal.error.code)) + ": " + refusal.error.text;
    }
    const T& value() const {
        REQUIRE(text() == "ok");
        return *all->front();
    }
};

}  // namespace confab::cluster::services::testing
