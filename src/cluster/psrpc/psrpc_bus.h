// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The bus over Redis (03 section 2): what one node holds of it. Nodes find each other by channels
// alone, so that those of upstream take part.
//
// A machine of one thread. Its owner hands on what the redis::Port tells (on_message,
// on_subscribed, on_refused, on_up, on_down) and, after each turn of the port and after each use of
// the bus, looks at next_deadline(): what was asked for happens in the next handle_timeout(). Users
// are called back from handle_* alone, and must not destroy the bus there. Handlers, replies,
// streams and registrations may outlive it.
//
// What this node serves itself, queue methods and streams, never goes over Redis, and so works
// without it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "cluster/psrpc/core.h"
#include "rpc/bus.h"

namespace confab::cluster::psrpc {

class PsrpcBus final : public rpc::Bus {
  public:
    // `port` outlives the bus. `clock` is asked for what travels: times of sending and expiry,
    // which other nodes hold against their own clocks (PSR-13).
    PsrpcBus(redis::Port& port, Settings settings, WallClock clock, std::uint64_t seed);
    PsrpcBus(const PsrpcBus&) = delete;
    PsrpcBus& operator=(const PsrpcBus&) = delete;
    ~PsrpcBus() override;

    // ---- rpc::Bus
    Result<rpc::Registration, rpc::Error> serve(const rpc::Method& method, rpc::Topic topic,
                                                rpc::Handler handler,
                                                rpc::Affinity affinity) override;
    Result<rpc::Registration, rpc::Error> serve_stream(const rpc::Method& method, rpc::Topic topic,
                                                       rpc::StreamHandler handler) override;
    rpc::Registration subscribe(const rpc::Method& method, rpc::Topic topic,
                                rpc::Listener listener) override;
    rpc::CallId call(Timestamp now, const rpc::Method& method, rpc::Topic topic,
                     std::string request, rpc::CallOptions options, rpc::Reply done) override;
    rpc::CallId gather(Timestamp now, const rpc::Method& method, rpc::Topic topic,
                       std::string request, rpc::CallOptions options,
                       std::function<void(rpc::Outcome)> each, Callback<> finished) override;
    void cancel(rpc::CallId call) override;
    void open(Timestamp now, const rpc::Method& method, rpc::Topic topic, std::string request,
              rpc::CallOptions options, rpc::Opened opened) override;
    void publish(const rpc::Method& method, rpc::Topic topic, std::string message) override;

    // Asks for the channels on which calls of the method are answered, so that the first call need
    // not wait for them.
    void prepare(const rpc::Method& method);
    // Redis has answered, on this connection, for all channels of everything that is served,
    // subscribed and prepared: others reach us, but by those that it refuses (PSR-20).
    bool is_listening() const override;

    // ---- the driver
    void handle_message(Timestamp now, std::string_view channel, std::string_view payload);
    void handle_subscribed(Timestamp now, const std::string& channel);
    void handle_refused(Timestamp now, const std::string& channel, const std::string& error);
    void handle_up(Timestamp now, redis::Line line);
    void handle_down(Timestamp now, redis::Line line, const redis::Fault& fault);
    void handle_timeout(Timestamp now);
    // In the past while something waits for a turn.
    Timestamp next_deadline() const;

    struct Snapshot {
        // What there is now.
        std::size_t servers = 0;
        std::size_t channels = 0;
        std::size_t calls = 0;           // and streams that are being opened
        std::size_t claims = 0;          // of others' requests, not decided
        std::size_t running = 0;         // handlers that have not answered
        std::size_t streams = 0;         // ends of this node
        std::size_t unacknowledged = 0;  // messages on streams
        std::size_t steps = 0;           // what waits for a turn
        // Since the start.
        Faults faults;
    };
    Snapshot snapshot() const;
    // By method, for the livekit_psrpc_* metrics.
    const Metrics& metrics() const;

  private:
    struct Parts;
    void turn(Timestamp now);

    std::unique_ptr<Parts> parts_;
};

}  // namespace confab::cluster::psrpc
