// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Internal to the bus: what all its parts share. Publishing, ids, times as they travel, what waits
// for a turn, and counts.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "base/callback.h"
#include "base/result.h"
#include "base/rng.h"
#include "base/time.h"
#include "cluster/psrpc/envelope.h"
#include "cluster/psrpc/metrics.h"
#include "redis/port.h"
#include "rpc/error.h"

namespace confab::cluster::psrpc {

struct Settings {
    std::string node_id;
    // PUBLISH says how many listen; of a Redis Cluster it is only those at one of its servers, and
    // that nobody listens shows by nobody answering.
    bool listeners_are_known = true;
};
using WallClock = std::function<UnixTime(Timestamp)>;

// Of timeouts and deadlines: longer ones are cut.
inline constexpr Duration kLongest = Duration::seconds(3600);

// What went wrong or was left out since the start.
struct Faults {
    std::uint64_t not_published = 0;      // no connection, too much waiting, or it ended meanwhile
    std::uint64_t refused_by_redis = 0;   // an error in reply to PUBLISH or SET
    std::uint64_t publications_lost = 0;  // of subscription methods, for either reason
    std::uint64_t too_big = 0;            // kMaxPayload, either way
    std::uint64_t malformed = 0;
    std::uint64_t wrong_type = 0;    // a known or unknown type that does not belong on the channel
    std::uint64_t unexpected = 0;    // for nobody (any more): late answers, claims, stream messages
    std::uint64_t expired = 0;       // too old by the sender's clock and ours (PSR-13)
    std::uint64_t duplicates = 0;    // a request that was already taken
    std::uint64_t lock_lost = 0;     // queue requests that another node took
    std::uint64_t abstained = 0;     // an affinity below 0
    std::uint64_t refused = 0;       // beyond a limit of ours
    std::uint64_t nobody_there = 0;  // calls that nobody listened to
    std::uint64_t nobody_claimed = 0;  // calls that were heard, perhaps, and not answered
    std::uint64_t slow_consumer = 0;   // stream messages without room
};

class Core {
  public:
    using Step = Callback<Timestamp>;
    static constexpr std::size_t kMaxSteps = 65'536;  // then publications and sends are refused
    static constexpr std::size_t kMaxStepsPerTurn = 1024;

    Core(redis::Port& redis, Settings given, WallClock clock, std::uint64_t seed)
        : port(redis), settings(std::move(given)), wall_(std::move(clock)), rng_(seed) {}
    Core(const Core&) = delete;
    Core& operator=(const Core&) = delete;

    // ---- what waits for a turn: all that calls users back
    void queue(Step step) { steps_.push_back(std::move(step)); }
    bool is_full() const { return steps_.size() >= kMaxSteps; }
    bool has_steps() const { return !steps_.empty(); }
    std::size_t steps() const { return steps_.size(); }
    void run_steps(Timestamp now);
    // `f`, unless the bus has gone meanwhile.
    template <typename F>
    auto guarded(F f) {
        return
            [alive = std::weak_ptr<const bool>(alive_), f = std::move(f)](auto&&... args) mutable {
                if (!alive.expired()) f(std::forward<decltype(args)>(args)...);
            };
    }
    std::weak_ptr<const bool> alive() const { return alive_; }
    // The bus goes: whatever outlives it does nothing from now on.
    void end() { alive_.reset(); }

    // ---- time and ids on the wire (PSR-02, PSR-04)
    std::int64_t to_wire(Timestamp time) const { return wall_(time).us() * 1000; }
    Timestamp from_wire(Timestamp now, std::int64_t nanoseconds) const;
    // PSR-10: at its expiry it is too late.
    bool is_expired(Timestamp now, std::int64_t expiry) const { return to_wire(now) >= expiry; }
    std::string new_id(std::string_view prefix);
    std::string random_number() { return std::to_string(rng_.u64() >> 1); }

    // ---- Redis
    bool is_up() const {
        return port.is_up(redis::Line::kCommands) && port.is_up(redis::Line::kChannels);
    }
    rpc::Error no_connection() const;
    void set_trouble(redis::Line line, std::string text) {
        trouble_[static_cast<std::size_t>(line)] = std::move(text);
    }
    // How many listened; nullopt if that is not known. Error: Redis refuses it.
    using Reached = Result<std::optional<std::int64_t>, rpc::Error>;
    using Published = Callback<Timestamp, Reached>;
    // Error, without a call of `done`: it was not sent.
    Result<void, rpc::Error> publish(Timestamp now, const std::string& channel,
                                     const std::string& payload, Published done = {});

    // ---- what is counted
    void count(EnvelopeError error);
    MethodCounts& of(Role role, const rpc::Method& method) { return metrics[key_of(role, method)]; }
    template <typename Message>
    std::optional<Message> read(const Envelope& envelope) {
        auto message = psrpc::read<Message>(envelope);
        if (message) return *std::move(message);
        count(message.error());
        return std::nullopt;
    }

    redis::Port& port;
    const Settings settings;
    Faults faults;
    Metrics metrics;
    Timestamp latest;  // turn

  private:
    Reached to_reached(const Result<redis::Value, redis::Fault>& reply);

    WallClock wall_;
    Rng rng_;
    std::deque<Step> steps_;
    std::array<std::string, 2> trouble_;
    std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
};

}  // namespace confab::cluster::psrpc
