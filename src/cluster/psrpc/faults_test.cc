// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What goes wrong around a bus: servers, messages, clocks, Redis.
#include <doctest/doctest.h>

#include <limits>

#include "cluster/psrpc/client/calls.h"
#include "cluster/psrpc/psrpc_testing.h"
#include "cluster/psrpc/server/servers.h"

namespace confab::cluster::psrpc {
namespace {

using namespace testing;
using rpc::Flow;
using rpc::Method;
using rpc::Reply;
using rpc::Request;

constexpr Method kEcho{"Room", "Echo", Flow::kQueue};
constexpr Method kSingle{"IngressHandler", "Notify", Flow::kQueue, true};
constexpr Method kJob{"AgentInternal", "JobRequest", Flow::kAffinity};
constexpr Method kList{"EgressInternal", "ListActiveEgress", Flow::kMulti};
constexpr Method kPing{"Keepalive", "Ping", Flow::kPublish, false, "rpc.KeepalivePing"};
constexpr Method kRelay{"Signal", "RelaySignal", Flow::kStream, true};
constexpr Method kSession{"Some", "Session", Flow::kStream};

constexpr std::string_view kLate = "deadline_exceeded: request timed out";

rpc::Affinity claims(double value) {
    return [value](const Request&) { return value; };
}

// Starts a gather, and gives all that was heard.
std::shared_ptr<std::string> gather(Cluster& cluster, const rpc::CallOptions& options = {}) {
    const auto heard = std::make_shared<std::string>();
    cluster.a()->gather(
        cluster.now, kList, {}, "x", options,
        [heard](const rpc::Outcome& outcome) { *heard += text_of(outcome) + ";"; },
        [heard] { *heard += "over"; });
    return heard;
}

struct Ends {
    std::shared_ptr<rpc::Stream> here;
    std::shared_ptr<rpc::Stream> there;
    rpc::Registration server;
    std::string error;
    std::size_t opened = 0;

    explicit Ends(Cluster& cluster, const Method& method = kSession) {
        server = *cluster.b()->serve_stream(
            method, {"t"},
            [this](const Request&, std::shared_ptr<rpc::Stream> s) { there = std::move(s); });
        cluster.pass(Duration::millis(5));
        cluster.a()->open(cluster.now, method, {"t"}, "", {},
                          [this](Result<std::shared_ptr<rpc::Stream>, rpc::Error> result) {
                              ++opened;
                              if (result)
                                  here = *std::move(result);
                              else
                                  error = text_of(tl::make_unexpected(result.error()));
                          });
    }
};

std::shared_ptr<std::string> send(Cluster& cluster, rpc::Stream& stream, std::string text) {
    auto heard = std::make_shared<std::string>();
    stream.send(cluster.now, std::move(text), [heard](Result<void, rpc::Error> result) {
        *heard += result ? "taken" : text_of(tl::make_unexpected(result.error()));
    });
    return heard;
}

}  // namespace

// ---------------------------------------------------------------- servers

TEST_CASE(
    "Faults: nobody listens, known at once; in a Redis Cluster after the wait [PSR-11] [PSR-12]") {
    Cluster single;
    CHECK(single.call(single.a(), kEcho, {}, "x", {}, Duration::millis(10)) == kNobody);
    CHECK(single.call(single.a(), kSingle, {}, "x", {}, Duration::millis(10)) == kNobody);
    CHECK(single.call(single.a(), kJob, {}, "x", {}, Duration::millis(10)) == kNobody);
    Cluster sharded(2, false);
    const auto answer = sharded.start(sharded.a(), kEcho, {}, "x");
    sharded.pass(Duration::millis(990));
    CHECK(*answer == "waiting");
    sharded.pass(Duration::millis(20));
    CHECK(*answer == kNobody);
    CHECK(sharded.a().faults().nobody_claimed == 1);
    // Without claims there is nothing to hear before the answer.
    CHECK(sharded.call(sharded.a(), kSingle, {}, "x", {}, Duration::millis(2990)) == "waiting");
    const auto server = sharded.b()->serve(kEcho, {}, answers("b"), {});
    sharded.pass(Duration::millis(1));
    CHECK(sharded.call(sharded.a(), kEcho, {}, "x") == "b:x");
    sharded.check_idle();
}

TEST_CASE("Faults: all keep still, or would rather not [PSR-10] [PSR-11]") {
    Cluster cluster(3);
    const auto b = cluster.b()->serve(kJob, {}, answers("b"), claims(-1));
    const auto c = (*cluster.nodes[2])->serve(kJob, {}, answers("c"), claims(-0.5));
    CHECK(cluster.call(cluster.a(), kJob, {}, "x", {}, Duration::millis(1001)) == kNobody);
    const auto odd = cluster.b()->serve(kJob, {"nan"}, answers("b"),
                                        claims(std::numeric_limits<double>::quiet_NaN()));
    CHECK(cluster.call(cluster.a(), kJob, {"nan"}, "x", {}, Duration::millis(1001)) == kNobody);
    const auto zero = cluster.b()->serve(kJob, {"zero"}, answers("b"), claims(0));
    cluster.pass(Duration::millis(1));
    CHECK(cluster.call(cluster.a(), kJob, {"zero"}, "x", {}, Duration::millis(250)) ==
          "unavailable: no servers available (received 1 responses)");
    cluster.pass(Duration::seconds(5));
    cluster.check_idle();
}

TEST_CASE("Faults: the server that was chosen is gone [PSR-10]") {
    Cluster cluster;
    Wire wire(cluster);
    auto server = cluster.b()->serve(kEcho, {}, answers("b"), {});
    cluster.pass(Duration::seconds(1));
    SUBCASE("nobody hears the choice: known at once") {
        const auto answer = cluster.start(cluster.a(), kEcho, {}, "x");
        while (wire.count("|CLAIM") == 0)
            cluster.pass(Duration::micros(10));
        *server = rpc::Registration();
        cluster.pass(Duration::millis(5));
        CHECK(*answer == kNobody);
    }
    SUBCASE("it is lost on the way: the timeout") {
        wire.drop = [](std::string_view channel) { return channel.ends_with("RCLAIM"); };
        CHECK(cluster.call(cluster.a(), kEcho, {}, "x") == kLate);
    }
    SUBCASE("its node ends while the handler runs: the timeout") {
        Reply held;
        *server = *cluster.b()->serve(
            kEcho, {"h"}, [&held](const Request&, Reply reply) { held = std::move(reply); }, {});
        const auto answer = cluster.start(cluster.a(), kEcho, {"h"}, "x");
        cluster.pass(Duration::millis(100));
        REQUIRE(held);
        cluster.b().destroy_bus();
        held(std::string("late"));
        cluster.pass(Duration::seconds(5));
        CHECK(*answer == kLate);
    }
    SUBCASE("the service is withdrawn while its handler runs: it still answers") {
        Reply held;
        *server = *cluster.b()->serve(
            kEcho, {"h"}, [&held](const Request&, Reply reply) { held = std::move(reply); }, {});
        const auto answer = cluster.start(cluster.a(), kEcho, {"h"}, "x");
        cluster.pass(Duration::millis(100));
        *server = rpc::Registration();
        held(std::string("done"));
        cluster.pass(Duration::millis(100));
        CHECK(*answer == "done");
    }
}

TEST_CASE("Faults: an error in place of a claim ends the wait, a claim is worth more [PSR-11]") {
    Cluster cluster;
    Wire wire(cluster);
    const auto server = cluster.b()->serve(kJob, {}, answers("b"), claims(-1));
    const auto respond = [&](std::string_view to) {
        const auto request = opened<internal::Request>(wire.last("|REQ").second);
        internal::Response response;
        response.set_request_id(request.request_id());
        response.set_server_id("SRV_else");
        response.set_error("request cannot be read");
        response.set_code("malformed_request");
        cluster.server.publish(cluster.now, "AgentInternal|" + request.client_id() + "|RES",
                               seal(response));
        if (to.empty()) return;
        internal::ClaimRequest claim;
        claim.set_request_id(request.request_id());
        claim.set_server_id(std::string(to));
        claim.set_affinity(1);
        cluster.server.publish(cluster.now, "AgentInternal|" + request.client_id() + "|CLAIM",
                               seal(claim));
    };
    auto answer = cluster.start(cluster.a(), kJob, {}, "x");
    cluster.pass(Duration::millis(10));
    respond("");
    cluster.pass(Duration::seconds(1));
    CHECK(*answer == "malformed_request: request cannot be read");

    answer = cluster.start(cluster.a(), kJob, {}, "x");
    cluster.pass(Duration::millis(10));
    respond("SRV_good");
    cluster.pass(Duration::millis(300));
    CHECK(opened<internal::ClaimResponse>(wire.last("|RCLAIM").second).server_id() == "SRV_good");
    respond("");  // of one that was not chosen
    cluster.pass(Duration::millis(10));
    CHECK(*answer == "waiting");
    CHECK(cluster.a().faults().unexpected == 1);
}

TEST_CASE("Faults: an error without a text or a code is one all the same [PSR-18]") {
    Cluster cluster;
    const auto server =
        cluster.b()->serve(kEcho, {},
                           [](const Request& request, Reply reply) {
                               reply(fail(rpc::Error{rpc::Code::kNotFound, request.payload, {}}));
                           },
                           {});
    CHECK(cluster.call(cluster.a(), kEcho, {}, "") == "not_found: not_found");
    CHECK(cluster.call(cluster.a(), kEcho, {}, "bad \xff") == "not_found: bad ?");
}

TEST_CASE("Faults: an answer that no message holds is an error of the call [PSR-20]") {
    Cluster cluster;
    const std::string large(kMaxPayload, 'x');
    const auto server =
        cluster.b()->serve(kEcho, {}, [&large](const Request&, Reply reply) { reply(large); }, {});
    CHECK(cluster.call(cluster.a(), kEcho, {}, "x").starts_with("resource_exhausted: a message"));
    CHECK(cluster.call(cluster.a(), kEcho, {}, large).starts_with("resource_exhausted: a message"));
    CHECK(cluster.b().faults().too_big == 1);
    CHECK(cluster.a().faults().too_big == 1);
    cluster.check_idle();
}

TEST_CASE("Faults: more calls than kMaxPending are refused, and what was there goes on [IMM-15]") {
    for (const std::size_t count :
         {Calls::kMaxPending - 1, Calls::kMaxPending, Calls::kMaxPending + 1}) {
        Cluster cluster;
        cluster.server.stop(cluster.now);
        std::size_t refused = 0;
        std::size_t failed = 0;
        for (std::size_t i = 0; i < count; ++i)
            cluster.a()->call(cluster.now, kEcho, {}, "x", {}, [&](const rpc::Outcome& outcome) {
                ++(outcome.error().code == rpc::Code::kResourceExhausted ? refused : failed);
            });
        for (int i = 0; i < 100 && cluster.a()->snapshot().steps > 0; ++i)
            cluster.pass(Duration::zero());
        CHECK(refused == (count > Calls::kMaxPending ? 1 : 0));
        CHECK(failed == count - refused);
        CHECK(cluster.a()->snapshot().calls == 0);
    }
}

TEST_CASE("Faults: a node with kMaxRunning handlers leaves requests to others [IMM-15]") {
    Cluster cluster;
    std::vector<Reply> held;
    const auto server = cluster.b()->serve(
        kList, {}, [&held](const Request&, Reply reply) { held.push_back(std::move(reply)); }, {});
    internal::Request request;
    request.set_client_id("CLI_x");
    request.set_expiry(std::numeric_limits<std::int64_t>::max());
    for (std::size_t i = 0; i < Servers::kMaxRunning + 1; ++i) {
        request.set_request_id("REQ_" + std::to_string(i));
        cluster.b()->handle_message(cluster.now, "EgressInternal|ListActiveEgress|REQ",
                                    seal(request));
    }
    CHECK(held.size() == Servers::kMaxRunning);
    CHECK(cluster.b().faults().refused == 1);
    CHECK(cluster.b()->snapshot().running == Servers::kMaxRunning);
    held.clear();
    for (int i = 0; i < 100 && cluster.b()->snapshot().steps > 0; ++i)
        cluster.b()->handle_timeout(cluster.now);
    CHECK(cluster.b()->snapshot().running == 0);
}

// ---------------------------------------------------------------- messages

TEST_CASE("Faults: what comes twice is done once [PSR-09] [RDS-20]") {
    Cluster cluster;
    Wire wire(cluster);
    std::size_t runs = 0;
    const auto handler = [&runs](const Request&, Reply reply) {
        ++runs;
        reply(std::string("done"));
    };
    for (const Method& method : {kEcho, kSingle, kJob}) {
        const auto server = cluster.b()->serve(method, {}, handler, {});
        // Each message again, at once and later.
        cluster.server.filter = [&](std::string_view channel, std::string_view payload) {
            wire.lines.push_back({std::string(channel), std::string(payload)});
            return true;
        };
        runs = 0;
        const auto answer = cluster.start(cluster.a(), method, {}, "x");
        for (int i = 0; i < 600; ++i) {
            cluster.pass(Duration::millis(1));
            const auto lines = std::exchange(wire.lines, {});
            if (i % 3 == 0 || i < 250)
                for (const auto& [channel, payload] : lines)
                    if (lines.size() < 50) {
                        cluster.server.filter = nullptr;
                        cluster.server.publish(cluster.now, channel, payload);
                        cluster.server.publish(cluster.now, channel, payload);
                        cluster.server.filter = [&](std::string_view c, std::string_view p) {
                            wire.lines.push_back({std::string(c), std::string(p)});
                            return true;
                        };
                    }
        }
        CHECK(*answer == "done");
        CHECK(runs == 1);
        CHECK(cluster.b().faults().duplicates > 0);
    }
    cluster.server.filter = nullptr;
    cluster.pass(Duration::seconds(5));
    cluster.check_idle();
}

TEST_CASE("Faults: a message lost on any channel ends with a timeout, and nothing stays [PSR-12]") {
    struct Row {
        Method method;
        std::string_view lost;
        std::string_view outcome;
    };
    const Row rows[] = {
        {kEcho, "|REQ", kNobody}, {kEcho, "|CLAIM", kNobody}, {kEcho, "|RCLAIM", kLate},
        {kEcho, "|RES", kLate},   {kJob, "|REQ", kNobody},    {kJob, "|CLAIM", kNobody},
        {kJob, "|RCLAIM", kLate}, {kJob, "|RES", kLate},      {kSingle, "|REQ", kLate},
        {kSingle, "|RES", kLate},
    };
    for (const Row& row : rows) {
        CAPTURE(row.lost);
        Cluster cluster;
        Wire wire(cluster);
        const auto server = cluster.b()->serve(row.method, {}, answers("b"), {});
        wire.drop = [&row](std::string_view channel) { return channel.ends_with(row.lost); };
        CHECK(cluster.call(cluster.a(), row.method, {}, "x") == row.outcome);
        cluster.check_idle();
        wire.drop = nullptr;
        CHECK(cluster.call(cluster.a(), row.method, {}, "y") == "b:y");
    }
}

TEST_CASE("Faults: any payload on any channel is dropped and counted [PSR-01]") {
    Cluster cluster;
    Wire wire(cluster);
    Reply held;
    const auto echo = cluster.b()->serve(kEcho, {}, answers("b"), {});
    const auto list = cluster.b()->serve(kList, {}, answers("b"), {});
    const auto slow = cluster.b()->serve(
        kSingle, {}, [&held](const Request&, Reply reply) { held = std::move(reply); }, {});
    std::string heard;
    const auto ping =
        cluster.b()->subscribe(kPing, {}, [&heard](const std::string& text) { heard += text; });
    Ends ends(cluster);
    const auto waiting = cluster.start(cluster.a(), kSingle, {}, "x");
    cluster.pass(Duration::millis(10));
    REQUIRE(ends.here);
    REQUIRE(held);

    const auto request = opened<internal::Request>(wire.last("|REQ").second);
    const auto stream = opened<internal::Stream>(wire.last("|STR").second);
    const std::vector<std::string> channels = {"Room|Echo|REQ",
                                               "Room|Echo|RCLAIM",
                                               "EgressInternal|ListActiveEgress|REQ",
                                               "IngressHandler|Notify|REQ",
                                               "IngressHandler|" + request.client_id() + "|RES",
                                               "IngressHandler|" + request.client_id() + "|CLAIM",
                                               "Keepalive|Ping|REQ",
                                               "Some|Session|t|STR",
                                               "Some|Session|t|RCLAIM",
                                               wire.last("|STR").first,
                                               "No|Such|REQ"};
    internal::Stream strange = stream;
    strange.set_stream_id("STR_elsewhere");
    internal::Stream bodiless;
    bodiless.set_stream_id(stream.stream_id());
    internal::Stream nameless;
    nameless.mutable_open();
    internal::ClaimRequest claim;
    claim.set_request_id(request.request_id());
    internal::Request long_id;
    long_id.set_request_id(std::string(kMaxId + 1, 'x'));
    long_id.set_client_id("CLI_x");
    long_id.set_expiry(std::numeric_limits<std::int64_t>::max());
    const std::vector<std::string> payloads = {"",
                                               "\xff\xff",
                                               std::string(1000, '\0'),
                                               seal("internal.Request", "\xff"),
                                               seal("internal.Stream", "\x0a\xff"),
                                               seal("internal.Unknown", "x"),
                                               seal("rpc.Other", ""),
                                               seal(internal::Request()),
                                               seal(internal::Response()),
                                               seal(internal::ClaimRequest()),
                                               seal(internal::ClaimResponse()),
                                               seal(internal::Stream()),
                                               seal(nameless),
                                               seal(strange),
                                               seal(bodiless),
                                               seal(claim),
                                               seal(long_id)};
    for (const std::string& channel : channels)
        for (const std::string& payload : payloads) {
            cluster.server.publish(cluster.now, channel, payload);
            cluster.pass(Duration::millis(1));
        }
    CHECK(heard.empty());
    CHECK(*waiting == "waiting");
    CHECK(cluster.b().faults().wrong_type > 40);
    CHECK(cluster.b().faults().malformed > 20);
    CHECK(cluster.a().faults().wrong_type > 20);
    // All goes on as if nothing had been.
    held(std::string("done"));
    const auto taken = send(cluster, *ends.here, "m");
    cluster.pass(Duration::millis(10));
    CHECK(*waiting == "done");
    CHECK(*taken == "taken");
    CHECK(cluster.call(cluster.a(), kEcho, {}, "x") == "b:x");
}

TEST_CASE("Faults: a payload beyond the limit is dropped and counted [PSR-20]") {
    Cluster cluster;
    const auto server = cluster.b()->serve(kEcho, {}, answers("b"), {});
    cluster.pass(Duration::millis(10));
    cluster.server.publish(cluster.now, "Room|Echo|REQ", std::string(kMaxPayload + 1, 'x'));
    cluster.pass(Duration::millis(10));
    CHECK(cluster.b().faults().too_big == 1);
}

// ---------------------------------------------------------------- clocks

TEST_CASE("Faults: clocks that differ by more than the timeout [PSR-13]") {
    for (const Duration skew : {Duration::seconds(4), Duration::seconds(-4), Duration::seconds(2),
                                Duration::seconds(-2)}) {
        CAPTURE(skew.ms());
        Cluster cluster;
        cluster.a().skew = skew;
        const auto server = cluster.b()->serve(kEcho, {}, answers("b"), {});
        const bool vanishes = skew < Duration::seconds(-3);
        CHECK(cluster.call(cluster.a(), kEcho, {}, "x") == (vanishes ? kNobody : "b:x"));
        CHECK(cluster.b().faults().expired == (vanishes ? 1 : 0));
        CHECK(cluster.b()->metrics().at(key_of(Role::kServer, kEcho)).expired ==
              (vanishes ? 1 : 0));
        // Streams: opened and used both ways, unless what comes is too old.
        Ends ends(cluster);
        cluster.pass(Duration::seconds(4));
        CHECK(static_cast<bool>(ends.here) == !vanishes);
        if (!ends.here) continue;
        const auto there = send(cluster, *ends.here, "m");
        const auto back = send(cluster, *ends.there, "m");
        cluster.pass(Duration::seconds(4));
        CHECK(*there == "taken");
        CHECK(*back == (skew > Duration::seconds(3) ? kLate : "taken"));
    }
}

// ---------------------------------------------------------------- Redis

TEST_CASE("Faults: without Redis calls fail at once and say why [NODE-14]") {
    Cluster cluster;
    const auto server = cluster.b()->serve(kEcho, {}, answers("b"), {});
    cluster.pass(Duration::millis(10));
    cluster.server.stop(cluster.now);
    const auto fails = [&](const Method& method) {
        return cluster.call(cluster.a(), method, {}, "x", {}, Duration::zero());
    };
    constexpr std::string_view kEnded =
        "unavailable: no connection to Redis: the connection to Redis ended: reset";
    for (const Method& method : {kEcho, kSingle, kJob})
        CHECK(fails(method) == kEnded);
    Ends ends(cluster);
    const auto heard = gather(cluster);
    cluster.pass(Duration::zero());
    CHECK(ends.error.starts_with("unavailable: no connection to Redis: "));
    CHECK(heard->starts_with("unavailable: no connection to Redis: "));
    CHECK(heard->ends_with(";over"));
    cluster.a()->publish(kPing, {}, "x");
    cluster.pass(Duration::zero());
    CHECK(cluster.a().faults().publications_lost == 1);
    cluster.server.start(cluster.now);
    cluster.pass(Duration::seconds(1));
    CHECK(fails(kEcho) == "waiting");
    CHECK(cluster.call(cluster.a(), kEcho, {}, "x") == "b:x");
}

TEST_CASE("Faults: without Redis a node asks all servers that it has [NODE-14]") {
    Cluster cluster;
    const auto job = cluster.a()->serve(kJob, {}, answers("a"), claims(0.5));
    const auto list = cluster.a()->serve(kList, {}, answers("a"), {});
    const auto far = cluster.b()->serve(kList, {}, answers("b"), {});
    cluster.pass(Duration::millis(10));
    auto heard = gather(cluster);
    cluster.pass(Duration::seconds(4));
    CHECK(heard->size() == std::string("a:x;b:x;over").size());
    cluster.server.stop(cluster.now);
    CHECK(cluster.call(cluster.a(), kJob, {}, "x", {}, Duration::zero()) == "a:x");
    heard = gather(cluster);
    cluster.pass(Duration::seconds(4));
    CHECK(*heard == "a:x;over");
    cluster.check_idle();
}

TEST_CASE("Faults: Redis ends, or hangs, in the middle of a call [NODE-14] [RDS-30]") {
    for (const Method& method : {kEcho, kSingle, kJob})
        for (const bool hangs : {false, true})
            for (int moment = 0; moment < 60; ++moment) {
                CAPTURE(method.name);
                CAPTURE(hangs);
                CAPTURE(moment);
                Cluster cluster;
                std::size_t runs = 0;
                const auto server = cluster.b()->serve(method, {},
                                                       [&runs](const Request&, Reply reply) {
                                                           ++runs;
                                                           reply(std::string("done"));
                                                       },
                                                       {});
                cluster.pass(Duration::millis(10));
                const auto answer = cluster.start(cluster.a(), method, {}, "x");
                const bool waits = method.flow == Flow::kAffinity && moment >= 30;
                cluster.pass(Duration::micros(moment * 50) +
                             (waits ? Duration::millis(198) : Duration::zero()));
                const bool done = *answer == "done";
                hangs ? cluster.server.hang(cluster.now) : cluster.server.stop(cluster.now);
                cluster.pass(hangs ? Duration::seconds(6) : Duration::millis(500));
                hangs ? cluster.server.go_on(cluster.now) : cluster.server.start(cluster.now);
                cluster.pass(Duration::seconds(6));
                CHECK(*answer != "waiting");
                CHECK((!done || *answer == "done"));
                CHECK(runs <= 1);
                cluster.check_idle();
                CHECK(cluster.call(cluster.a(), method, {}, "y") == "done");
            }
}

TEST_CASE("Faults: Redis hangs before it confirms our channels [PSR-20]") {
    Cluster cluster;
    cluster.server.hang(cluster.now);
    rpc::CallOptions options;
    options.timeout = Duration::seconds(2);
    // MemoryServer confirms even so; the PUBLISH is what hangs.
    CHECK(cluster.call(cluster.a(), kEcho, {}, "x", options, Duration::seconds(3)) == kNobody);
    cluster.check_idle();
    // A client without confirmation at all.
    struct Silent final : redis::Port {
        Result<void, redis::Fault> command(Timestamp, redis::Words, redis::Reply) override {
            ++commands;
            return {};
        }
        void subscribe(Timestamp, std::string) override {}
        void unsubscribe(Timestamp, const std::string&) override {}
        bool is_up(redis::Line) const override { return true; }
        std::size_t commands = 0;
    } silent;
    PsrpcBus bus(silent, {"ND_x"}, [](Timestamp) { return UnixTime::seconds(1); }, 1);
    std::string heard;
    const auto ask = [&] {
        heard = "waiting";
        bus.call(cluster.now, kEcho, {}, "x", options,
                 [&](const rpc::Outcome& outcome) { heard = text_of(outcome); });
        bus.handle_timeout(cluster.now);
    };
    ask();
    CHECK(heard == "waiting");
    bus.handle_timeout(cluster.now + Duration::seconds(2));
    CHECK(heard == "unavailable: no connection to Redis: it does not confirm our channels");
    CHECK(silent.commands == 0);
    ask();
    const auto snapshot = bus.snapshot();
    CHECK(snapshot.calls == 1);
    bus.handle_down(cluster.now, redis::Line::kChannels, {redis::Fault::Code::kClosed, "reset"});
    CHECK(heard.starts_with("unavailable: no connection to Redis"));
    CHECK(bus.snapshot().calls == 0);
}

TEST_CASE("Faults: Redis refuses a channel, or a command [RDS-28]") {
    struct Strict final : redis::Port {
        Result<void, redis::Fault> command(Timestamp, redis::Words, redis::Reply done) override {
            replies.push_back(std::move(done));
            if (full) return fail(redis::Fault{redis::Fault::Code::kFull, "too much waits"});
            return {};
        }
        void subscribe(Timestamp, std::string channel) override { channels.push_back(channel); }
        void unsubscribe(Timestamp, const std::string&) override {}
        bool is_up(redis::Line) const override { return true; }
        std::vector<std::string> channels;
        std::vector<redis::Reply> replies;
        bool full = false;
    } port;
    const Timestamp now = Timestamp::micros(1);
    PsrpcBus bus(port, {"ND_x"}, [](Timestamp) { return UnixTime::seconds(1); }, 1);
    std::string heard;
    const auto ask = [&] {
        heard = "waiting";
        bus.call(now, kEcho, {}, "x", {},
                 [&](const rpc::Outcome& outcome) { heard = text_of(outcome); });
        bus.handle_timeout(now);
    };
    ask();
    REQUIRE(port.channels.size() == 2);
    bus.handle_subscribed(now, port.channels[1]);
    bus.handle_refused(now, port.channels[0], "NOPERM");
    CHECK(heard == "unavailable: Redis refuses the channel " + port.channels[0] + ": NOPERM");
    CHECK(bus.is_listening());  // as far as it may
    ask();
    CHECK(heard.starts_with("unavailable: Redis refuses the channel"));
    // It is asked again with the next connection.
    bus.handle_down(now, redis::Line::kChannels, {redis::Fault::Code::kClosed, "reset"});
    ask();
    CHECK(heard == "waiting");
    for (const std::string& channel : port.channels) {
        CHECK_FALSE(bus.is_listening());
        bus.handle_subscribed(now, channel);
    }
    CHECK(bus.is_listening());
    ask();
    CHECK(heard == "waiting");
    redis::Value error;
    error.kind = redis::Value::Kind::kError;
    error.text = "NOPERM no publish";
    port.replies.back()(now, error);
    bus.handle_timeout(now);
    CHECK(heard == "unavailable: Redis refuses it: NOPERM no publish");
    CHECK(bus.snapshot().faults.refused_by_redis == 1);
    port.full = true;
    ask();
    CHECK(heard == "unavailable: Redis is too slow: too much waits");
}

// ---------------------------------------------------------------- streams

TEST_CASE("Faults: a stream that does not open [PSR-16]") {
    Cluster cluster;
    Wire wire(cluster);
    SUBCASE("its acknowledgement is lost: the server does not keep it") {
        bool first = true;
        wire.drop = [&first](std::string_view channel) {
            return channel.starts_with("Some|CLI_") && channel.ends_with("|STR") &&
                   std::exchange(first, false);
        };
        Ends ends(cluster);
        std::string closed;
        cluster.pass(Duration::millis(100));
        REQUIRE(ends.there);
        cluster.pass(Duration::seconds(4));
        CHECK(ends.error == kLate);
        CHECK_FALSE(ends.there->is_open());
    }
    SUBCASE("there is one with its id already") {
        Ends ends(cluster);
        cluster.pass(Duration::millis(100));
        const auto old = ends.there;
        internal::Stream open = opened<internal::Stream>(wire.lines.at(0).second);
        open.set_request_id("REQ_other");
        cluster.server.publish(cluster.now, "Some|Session|t|STR", seal(open));
        cluster.pass(Duration::millis(10));
        internal::ClaimResponse choice;
        choice.set_request_id("REQ_other");
        choice.set_server_id(
            opened<internal::ClaimRequest>(wire.last("|CLAIM").second).server_id());
        cluster.server.publish(cluster.now, "Some|Session|t|RCLAIM", seal(choice));
        cluster.pass(Duration::millis(10));
        CHECK(ends.there == old);
        CHECK(cluster.b().faults().refused == 1);
    }
    SUBCASE("nobody serves it") {
        Ends ends(cluster);
        ends.server = rpc::Registration();
        cluster.pass(Duration::millis(100));
        CHECK(ends.error == kNobody);
    }
    cluster.pass(Duration::seconds(5));
    cluster.check_idle();
}

TEST_CASE(
    "Faults: messages of a stream without Redis wait for their timeout, it stays open [PSR-16]") {
    Cluster cluster;
    Ends ends(cluster);
    cluster.pass(Duration::millis(100));
    REQUIRE(ends.here);
    cluster.server.stop(cluster.now);
    auto sent = send(cluster, *ends.here, "lost");
    cluster.pass(Duration::millis(2990));
    CHECK(*sent == "");
    cluster.pass(Duration::millis(20));
    CHECK(*sent == kLate);
    CHECK(ends.here->is_open());
    cluster.server.start(cluster.now);
    cluster.pass(Duration::seconds(1));
    sent = send(cluster, *ends.here, "there");
    cluster.pass(Duration::millis(10));
    CHECK(*sent == "taken");
    CHECK(ends.there->receive() == "there");
    CHECK_FALSE(ends.there->receive());
}

TEST_CASE("Faults: Redis ends, or hangs, in the middle of a stream [PSR-16]") {
    for (const Method& method : {kRelay, kSession})
        for (const bool hangs : {false, true})
            for (int moment = 0; moment < 40; ++moment) {
                CAPTURE(moment);
                Cluster cluster;
                Ends ends(cluster, method);
                std::shared_ptr<std::string> sent;
                for (int i = 0; i < moment; ++i) {
                    cluster.pass(Duration::micros(100));
                    if (ends.here && !sent) sent = send(cluster, *ends.here, "m");
                }
                hangs ? cluster.server.hang(cluster.now) : cluster.server.stop(cluster.now);
                cluster.pass(hangs ? Duration::seconds(6) : Duration::millis(500));
                hangs ? cluster.server.go_on(cluster.now) : cluster.server.start(cluster.now);
                cluster.pass(Duration::seconds(6));
                CHECK(ends.opened == 1);
                CHECK((!sent || *sent == "taken" || *sent == kLate));
                ends.here.reset();
                ends.there.reset();
                cluster.pass(Duration::seconds(5));
                cluster.check_idle();
                CHECK(cluster.a()->snapshot().streams == 0);
                CHECK(cluster.b()->snapshot().streams == 0);
            }
}

TEST_CASE(
    "Faults: messages under way are bounded, and what is queued in bytes, too [PSR-16] [IMM-15]") {
    Cluster cluster;
    Ends ends(cluster);
    cluster.pass(Duration::millis(100));
    REQUIRE(ends.here);
    std::vector<std::shared_ptr<std::string>> sent;
    sent.reserve(Streams::kMaxUnacknowledged + 1);
    for (std::size_t i = 0; i < Streams::kMaxUnacknowledged + 1; ++i)
        sent.push_back(send(cluster, *ends.here, "m"));
    cluster.pass(Duration::zero());
    CHECK(*sent[Streams::kMaxUnacknowledged - 1] == "");
    CHECK(*sent[Streams::kMaxUnacknowledged] ==
          "resource_exhausted: too many messages are under way");
    cluster.pass(Duration::seconds(4));
    CHECK(cluster.b().faults().slow_consumer ==
          Streams::kMaxUnacknowledged - rpc::Stream::kMaxQueued);
    while (ends.there->receive()) {
    }
    const std::string large(Streams::kMaxQueuedBytes / 4, 'x');
    for (int i = 0; i < 5; ++i)
        sent.push_back(send(cluster, *ends.here, large));
    cluster.pass(Duration::seconds(4));
    CHECK(*sent[sent.size() - 2] == "taken");
    CHECK(*sent.back() == kLate);
    CHECK(*send(cluster, *ends.here, std::string(kMaxPayload, 'x')) == "");
    cluster.pass(Duration::millis(1));
    CHECK(cluster.a().faults().too_big == 1);
    cluster.pass(Duration::seconds(4));
    cluster.check_idle();
}

TEST_CASE(
    "Faults: a close fails what is under way, at either end, and is told later, too [PSR-16]") {
    Cluster cluster;
    Wire wire(cluster);
    Ends ends(cluster);
    cluster.pass(Duration::millis(100));
    REQUIRE(ends.here);
    wire.drop = [&](std::string_view) {
        return opened<internal::Stream>(wire.lines.back().second).has_ack();
    };
    const auto far = send(cluster, *ends.there, "m");
    const auto near = send(cluster, *ends.here, "m");
    cluster.pass(Duration::millis(10));
    ends.here->close({rpc::Code::kUnavailable, "EOF", {}});
    cluster.pass(Duration::millis(10));
    CHECK(*near == "canceled: stream closed");
    CHECK(*far == "unavailable: EOF");
    std::string closed;
    ends.there->set_handlers([] {}, [&closed](const rpc::Error& error) { closed = error.text; });
    cluster.pass(Duration::zero());
    CHECK(closed == "EOF");
    CHECK(ends.there->receive() == "m");
    cluster.check_idle();
}

// ---------------------------------------------------------------- the end

TEST_CASE("Faults: a bus ends with everything under way") {
    for (int moment = 0; moment < 40; ++moment) {
        Cluster cluster;
        std::vector<Reply> held;
        std::vector<rpc::Registration> registrations;
        for (Node* node : {&cluster.a(), &cluster.b()})
            for (const Method& method : {kEcho, kSingle, kJob, kList})
                registrations.push_back(*(*node)->serve(
                    method, {node == &cluster.a() ? "a" : "b"},
                    [&held](const Request&, Reply reply) { held.push_back(std::move(reply)); },
                    {}));
        registrations.push_back(cluster.a()->subscribe(kPing, {}, [](const std::string&) {}));
        Ends ends(cluster);
        for (const Method& method : {kEcho, kSingle, kJob})
            for (const char* topic : {"a", "b"})
                (void)cluster.start(cluster.a(), method, {topic}, "x");
        (void)gather(cluster);
        cluster.a()->publish(kPing, {}, "x");
        std::shared_ptr<std::string> sent;
        for (int i = 0; i < moment; ++i) {
            cluster.pass(Duration::micros(100));
            if (ends.here && !sent) {
                sent = send(cluster, *ends.here, "m");
                ends.there->send(cluster.now, "m", [](const Result<void, rpc::Error>&) {});
            }
        }
        (moment % 2 == 0 ? cluster.a() : cluster.b()).destroy_bus();
        for (std::size_t i = 0; i < held.size(); i += 2)
            held[i](std::string("late"));
        held.clear();
        cluster.pass(Duration::seconds(2));
        (moment % 2 == 0 ? cluster.b() : cluster.a()).destroy_bus();
        if (ends.here) ends.here->send(cluster.now, "x", [](const Result<void, rpc::Error>&) {});
        cluster.pass(Duration::seconds(2));
        held.clear();
    }
}

TEST_CASE("Faults: callbacks may end what they belong to") {
    Cluster cluster;
    rpc::Registration echo;
    echo = *cluster.b()->serve(
        kEcho, {},
        [&echo](const Request& request, Reply reply) {
            echo = rpc::Registration();
            reply("once:" + request.payload);
        },
        [](const Request&) { return 1.0; });
    CHECK(cluster.call(cluster.a(), kEcho, {}, "x") == "once:x");
    CHECK(cluster.call(cluster.a(), kEcho, {}, "x") == kNobody);

    rpc::Registration ping;
    std::size_t heard = 0;
    ping = cluster.b()->subscribe(kPing, {}, [&](const std::string&) {
        ++heard;
        ping = rpc::Registration();
    });
    cluster.pass(Duration::millis(1));
    for (int i = 0; i < 3; ++i)
        cluster.a()->publish(kPing, {}, "x");
    cluster.pass(Duration::seconds(1));
    CHECK(heard == 1);

    Ends ends(cluster);
    cluster.pass(Duration::millis(10));
    ends.there->set_handlers([&ends] { ends.there.reset(); }, [](const rpc::Error&) {});
    const auto sent = send(cluster, *ends.here, "m");
    cluster.pass(Duration::millis(10));
    CHECK(*sent == "taken");
    CHECK_FALSE(ends.here->is_open());

    rpc::CallId id;
    id = cluster.a()->gather(
        cluster.now, kList, {}, "x", {}, [&](const rpc::Outcome&) { cluster.a()->cancel(id); },
        [] { FAIL("cancelled"); });
    const auto list = cluster.b()->serve(kList, {}, answers("b"), {});
    cluster.pass(Duration::seconds(5));
    cluster.check_idle();
}

}  // namespace confab::cluster::psrpc
