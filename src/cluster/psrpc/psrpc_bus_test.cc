// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/psrpc/psrpc_bus.h"

#include <doctest/doctest.h>

#include "base/machine.h"
#include "cluster/psrpc/psrpc_testing.h"

namespace confab::cluster::psrpc {
namespace {

using namespace testing;

using rpc::Flow;
using rpc::Method;
using rpc::Reply;
using rpc::Request;

static_assert(SansIoMachine<PsrpcBus>);

constexpr Method kEcho{"Room", "Echo", Flow::kQueue};
constexpr Method kSingle{"IngressHandler", "Notify", Flow::kQueue, true};
constexpr Method kJob{"AgentInternal", "JobRequest", Flow::kAffinity};
constexpr Method kPing{"Keepalive", "Ping", Flow::kPublish, false, "rpc.KeepalivePing"};
constexpr Method kRelay{"Signal", "RelaySignal", Flow::kStream, true};

rpc::Affinity claims(double value) {
    return [value](const Request&) { return value; };
}

}  // namespace

// ---------------------------------------------------------------- the contract

TEST_CASE("PsrpcBus: calls and their errors [PSR-08] [PSR-18] [PSR-21]") {
    Cluster cluster;
    rpc::testing::check_unary(cluster.network());
    cluster.pass(Duration::seconds(5));
    cluster.check_idle();
}
TEST_CASE("PsrpcBus: who is chosen [PSR-09] [PSR-11]") {
    Cluster cluster;
    rpc::testing::check_selection(cluster.network());
    cluster.pass(Duration::seconds(5));
    cluster.check_idle();
}
TEST_CASE("PsrpcBus: waiting and giving up [PSR-12]") {
    Cluster cluster;
    rpc::testing::check_waiting(cluster.network());
    cluster.pass(Duration::seconds(5));
    cluster.check_idle();
}
TEST_CASE("PsrpcBus: many servers, many listeners [PSR-07] [PSR-14]") {
    Cluster cluster;
    rpc::testing::check_many(cluster.network());
    cluster.pass(Duration::seconds(5));
    cluster.check_idle();
}
TEST_CASE("PsrpcBus: streams [PSR-16]") {
    Cluster cluster;
    rpc::testing::check_streams(cluster.network());
    cluster.pass(Duration::seconds(5));
    cluster.check_idle();
}

// ---------------------------------------------------------------- what travels

TEST_CASE("PsrpcBus: a call on its way over Redis [PSR-04] [PSR-09] [PSR-10] [RPC-02]") {
    Cluster cluster;
    Wire wire(cluster);
    const auto server = cluster.b()->serve(kEcho, {"my-room"}, answers("b"), {});
    rpc::CallOptions options;
    options.timeout = Duration::seconds(10);
    options.metadata = {{"traceparent", "00-1-2-01"}};
    CHECK(cluster.call(cluster.a(), kEcho, {"my-room"}, "x", options) == "b:x");
    REQUIRE(wire.lines.size() == 4);

    CHECK(wire.lines[0].first == "Room|Echo|myu+002droom|REQ");
    const auto request = opened<internal::Request>(wire.lines[0].second);
    CHECK(request.request_id().starts_with("REQ_"));
    CHECK(request.request_id().size() == 16);
    CHECK(request.client_id().starts_with("CLI_"));
    CHECK(request.expiry() - request.sent_at() > 9'990'000'000);
    CHECK(request.expiry() - request.sent_at() <= 10'000'000'000);
    CHECK(request.sent_at() / 1'000'000'000 == 1'700'000'001);
    CHECK_FALSE(request.multi());
    CHECK(request.metadata().at("traceparent") == "00-1-2-01");
    CHECK(request.raw_request() == "x");

    CHECK(wire.lines[1].first == "Room|" + request.client_id() + "|CLAIM");
    const auto claim = opened<internal::ClaimRequest>(wire.lines[1].second);
    CHECK(claim.request_id() == request.request_id());
    CHECK(claim.server_id().starts_with("SRV_"));
    CHECK(claim.affinity() == 1.0F);

    CHECK(wire.lines[2].first == "Room|Echo|myu+002droom|RCLAIM");
    const auto choice = opened<internal::ClaimResponse>(wire.lines[2].second);
    CHECK(choice.request_id() == request.request_id());
    CHECK(choice.server_id() == claim.server_id());

    CHECK(wire.lines[3].first == "Room|" + request.client_id() + "|RES");
    const auto response = opened<internal::Response>(wire.lines[3].second);
    CHECK(response.request_id() == request.request_id());
    CHECK(response.server_id() == claim.server_id());
    CHECK(response.raw_response() == "b:x");
    CHECK(response.error().empty());
}

TEST_CASE("PsrpcBus: the queue lock is taken with the payload's digest for 5 s [PSR-09] [RDS-20]") {
    Cluster cluster;
    Wire wire(cluster);
    const auto server = cluster.b()->serve(kEcho, {}, answers("b"), {});
    CHECK(cluster.call(cluster.a(), kEcho, {}, "x", {}, Duration::millis(100)) == "b:x");
    const std::string key = lock_key(wire.lines.at(0).second);
    CHECK(cluster.server.store().string(key));
    cluster.pass(Duration::millis(4850));
    CHECK(cluster.server.store().string(key));
    cluster.pass(Duration::millis(200));
    const std::vector<std::string_view> get = {"GET", key};
    CHECK(cluster.server.store().run(cluster.now, get).kind == redis::Value::Kind::kNull);
}

TEST_CASE("PsrpcBus: a single server needs no claim, but the queue's lock [PSR-15] [RPC-19]") {
    Cluster cluster;
    Wire wire(cluster);
    const auto server = cluster.b()->serve(kSingle, {"p"}, answers("b"), {});
    CHECK(cluster.call(cluster.a(), kSingle, {"p"}, "x") == "b:x");
    CHECK(wire.lines.size() == 2);
    CHECK(cluster.server.count("SET") == 1);
    CHECK(cluster.server.listeners("IngressHandler|Notify|p|RCLAIM") == 0);
}

TEST_CASE("PsrpcBus: two nodes serve a queue, and one of them runs each request [PSR-09]") {
    Cluster cluster(3);
    std::size_t runs = 0;
    const auto count = [&runs](const Request&, Reply reply) {
        ++runs;
        reply(std::string("done"));
    };
    const auto b = cluster.b()->serve(kEcho, {}, count, {});
    const auto c = (*cluster.nodes[2])->serve(kEcho, {}, count, {});
    for (int i = 0; i < 20; ++i)
        CHECK(cluster.call(cluster.a(), kEcho, {}, "x", {}, Duration::seconds(1)) == "done");
    CHECK(runs == 20);
    CHECK(cluster.b().faults().lock_lost + cluster.nodes[2]->faults().lock_lost == 20);
}

TEST_CASE("PsrpcBus: the affinity method waits 200 ms for better claims [PSR-11] [PSR-12]") {
    Cluster cluster;
    const auto b = cluster.b()->serve(kJob, {"", "room"}, answers("b"), claims(0.7));
    cluster.pass(Duration::seconds(1));
    auto answer = cluster.start(cluster.a(), kJob, {"", "room"}, "x");
    cluster.pass(Duration::millis(190));
    CHECK(*answer == "waiting");
    cluster.pass(Duration::millis(20));
    CHECK(*answer == "b:x");
    rpc::CallOptions options;
    options.maximum_affinity = 0.7F;  // as it travels
    answer = cluster.start(cluster.a(), kJob, {"", "room"}, "x", options);
    cluster.pass(Duration::millis(20));
    CHECK(*answer == "b:x");
}

TEST_CASE("PsrpcBus: a publication is the message itself [PSR-07] [PSR-22] [RPC-22]") {
    Cluster cluster;
    Wire wire(cluster);
    std::string heard;
    const auto here =
        cluster.a()->subscribe(kPing, {"ND_abc"}, [&](const std::string& text) { heard = text; });
    cluster.pass(Duration::seconds(1));
    cluster.a()->publish(kPing, {"ND_abc"}, "\x08\x80\xe2\xcf\xaa\x06");
    CHECK(heard.empty());
    cluster.pass(Duration::seconds(1));
    CHECK(wire.lines.at(0).first == "Keepalive|Ping|ND_abc|REQ");
    CHECK(wire.lines.at(0).second == seal("rpc.KeepalivePing", "\x08\x80\xe2\xcf\xaa\x06"));
    CHECK(heard == "\x08\x80\xe2\xcf\xaa\x06");

    heard.clear();
    cluster.server.publish(cluster.now, "Keepalive|Ping|ND_abc|REQ",
                           seal("google.protobuf.Empty", ""));
    cluster.pass(Duration::seconds(1));
    CHECK(heard.empty());
    CHECK(cluster.a().faults().wrong_type == 1);
}

TEST_CASE("PsrpcBus: the Signal service is known by node ids [PSR-04] [RPC-01]") {
    Cluster cluster;
    Wire wire(cluster);
    std::shared_ptr<rpc::Stream> there;
    const auto server = cluster.b()->serve_stream(
        kRelay, {"ND_b"}, [&](const Request& opening, std::shared_ptr<rpc::Stream> stream) {
            CHECK(opening.caller == "ND_a");
            there = std::move(stream);
        });
    std::shared_ptr<rpc::Stream> here;
    cluster.a()->open(cluster.now, kRelay, {"ND_b"}, "", {},
                      [&](Result<std::shared_ptr<rpc::Stream>, rpc::Error> result) {
                          here = *std::move(result);
                      });
    cluster.pass(Duration::seconds(1));
    REQUIRE(here);
    REQUIRE(wire.lines.size() == 2);
    CHECK(wire.lines[0].first == "Signal|RelaySignal|ND_b|STR");
    const auto open = opened<internal::Stream>(wire.lines[0].second);
    CHECK(open.open().node_id() == "ND_a");
    CHECK(open.stream_id().starts_with("STR_"));
    CHECK(open.request_id().starts_with("REQ_"));
    CHECK(wire.lines[1].first == "Signal|ND_a|STR");
    auto ack = open;
    ack.mutable_ack();
    CHECK(wire.lines[1].second == seal(ack));  // the same ids and times

    there->send(cluster.now, "m", [](const Result<void, rpc::Error>&) {});
    cluster.pass(Duration::seconds(1));
    auto message = opened<internal::Stream>(wire.lines.at(2).second);
    CHECK(wire.lines[2].first == "Signal|ND_a|STR");
    CHECK(message.message().raw_message() == "m");
    CHECK(message.request_id() != open.request_id());
    CHECK(message.expiry() - message.sent_at() == 3'000'000'000);
    CHECK(wire.lines.at(3).first == "Signal|RelaySignal|ND_b|STR");
    message.mutable_ack();
    CHECK(wire.lines[3].second == seal(message));

    here.reset();
    cluster.pass(Duration::seconds(1));
    const auto close = opened<internal::Stream>(wire.lines.at(4).second);
    CHECK(wire.lines[4].first == "Signal|RelaySignal|ND_b|STR");
    CHECK(close.close().code() == "canceled");
    CHECK(close.close().error() == "stream closed");
    CHECK(wire.lines.size() == 5);  // a close is not answered
}

// ---------------------------------------------------------------- this node's own services

TEST_CASE("PsrpcBus: what the node serves itself does not go over Redis [API-W7]") {
    Cluster cluster;
    Wire wire(cluster);
    const auto server = cluster.a()->serve(kEcho, {"r"}, answers("a"), {});
    std::shared_ptr<rpc::Stream> there;
    const auto streams = cluster.a()->serve_stream(
        kRelay, {"ND_a"},
        [&](const Request&, std::shared_ptr<rpc::Stream> stream) { there = std::move(stream); });
    std::shared_ptr<rpc::Stream> here;
    for (const bool up : {true, false}) {
        if (!up) cluster.server.stop(cluster.now);
        CHECK(cluster.call(cluster.a(), kEcho, {"r"}, "x", {}, Duration::millis(1)) == "a:x");
        cluster.a()->open(cluster.now, kRelay, {"ND_a"}, "", {},
                          [&](Result<std::shared_ptr<rpc::Stream>, rpc::Error> result) {
                              here = *std::move(result);
                          });
        cluster.pass(Duration::millis(1));
        REQUIRE(here);
        here->send(cluster.now, "m", [](const Result<void, rpc::Error>&) {});
        cluster.pass(Duration::millis(1));
        CHECK(there->receive() == "m");
        here.reset();
        cluster.pass(Duration::seconds(5));
    }
    CHECK(wire.lines.empty());
    cluster.check_idle();
}

TEST_CASE("PsrpcBus: who keeps still here leaves a queue's request to others [PSR-10]") {
    Cluster cluster;
    const auto here = cluster.a()->serve(kEcho, {}, answers("a"), claims(-1));
    const auto there = cluster.b()->serve(kEcho, {}, answers("b"), {});
    CHECK(cluster.call(cluster.a(), kEcho, {}, "x") == "b:x");
    CHECK(cluster.a().faults().abstained == 1);
    CHECK(cluster.server.count("SET") == 1);  // the lock is for those who would
}

TEST_CASE("PsrpcBus: ready when Redis has confirmed all channels [PSR-20]") {
    Cluster cluster;
    CHECK(cluster.a()->is_listening());
    const auto server = cluster.a()->serve(kEcho, {"r"}, answers("a"), {});
    CHECK_FALSE(cluster.a()->is_listening());
    cluster.pass(Duration::millis(1));
    CHECK(cluster.a()->is_listening());
    cluster.a()->prepare(kRelay);
    CHECK_FALSE(cluster.a()->is_listening());
    cluster.pass(Duration::millis(1));
    CHECK(cluster.a()->is_listening());
    CHECK(cluster.server.listeners("Signal|ND_a|RES") == 1);
    CHECK(cluster.server.listeners("Signal|ND_a|CLAIM") == 1);
    CHECK(cluster.server.listeners("Signal|ND_a|STR") == 1);
    cluster.server.stop(cluster.now);
    CHECK_FALSE(cluster.a()->is_listening());
    cluster.server.start(cluster.now);
    cluster.pass(Duration::seconds(1));
    CHECK(cluster.a()->is_listening());
}

TEST_CASE("PsrpcBus: a request goes out when its answer can come in [PSR-20]") {
    Cluster cluster;
    Wire wire(cluster);
    const auto server = cluster.b()->serve(kEcho, {}, answers("b"), {});
    cluster.pass(Duration::seconds(1));
    const auto answer = cluster.start(cluster.a(), kEcho, {}, "x");
    while (wire.lines.empty() && cluster.next_deadline() < cluster.now + Duration::seconds(1)) {
        const bool confirmed = cluster.a()->is_listening();
        cluster.pass(Duration::micros(50));
        CHECK((wire.lines.empty() || confirmed));
    }
    CHECK(wire.lines.size() == 1);
    cluster.pass(Duration::seconds(1));
    CHECK(*answer == "b:x");
}

TEST_CASE("PsrpcBus: channels are let go with what needed them") {
    Cluster cluster;
    {
        const auto server = cluster.a()->serve(kEcho, {"r"}, answers("a"), {});
        const auto first = cluster.a()->subscribe(kPing, {"n"}, [](const std::string&) {});
        const auto second = cluster.a()->subscribe(kPing, {"n"}, [](const std::string&) {});
        cluster.pass(Duration::seconds(1));
        CHECK(cluster.server.listeners("Room|Echo|r|REQ") == 1);
        CHECK(cluster.server.listeners("Room|Echo|r|RCLAIM") == 1);
        CHECK(cluster.server.listeners("Keepalive|Ping|n|REQ") == 1);
        CHECK(cluster.a()->snapshot().channels == 3);
    }
    cluster.pass(Duration::seconds(1));
    CHECK(cluster.server.listeners("Room|Echo|r|REQ") == 0);
    CHECK(cluster.server.listeners("Room|Echo|r|RCLAIM") == 0);
    CHECK(cluster.server.listeners("Keepalive|Ping|n|REQ") == 0);
    CHECK(cluster.a()->snapshot().channels == 0);
    CHECK(cluster.a()->snapshot().servers == 0);

    cluster.a()->prepare(kRelay);
    cluster.pass(Duration::seconds(1));
    CHECK(cluster.a()->snapshot().channels == 3);
    cluster.a().destroy_bus();
    for (const char* kind : {"RES", "CLAIM", "STR"})
        CHECK(cluster.server.listeners(std::string("Signal|ND_a|") + kind) == 0);
}

TEST_CASE("PsrpcBus: figures by method [03 6.1]") {
    Cluster cluster;
    const auto server = cluster.b()->serve(kEcho, {}, answers("b"), {});
    CHECK(cluster.call(cluster.a(), kEcho, {}, "four") == "b:four");
    CHECK(cluster.call(cluster.a(), kEcho, {"nobody"}, "four") == kNobody);
    const MethodCounts& client = cluster.a()->metrics().at(key_of(Role::kClient, kEcho));
    CHECK(client.request_time.count == 2);
    CHECK(client.request_time.counts[0] == 2);
    CHECK(client.bytes_tx == 8);
    CHECK(client.bytes_rx == 6);
    CHECK(client.errors.at(rpc::Code::kUnavailable) == 1);
    CHECK(client.claim_chosen.count == 1);
    CHECK(cluster.a().faults().nobody_there == 1);
    const MethodCounts& served = cluster.b()->metrics().at(key_of(Role::kServer, kEcho));
    CHECK(served.received == 1);
    CHECK(served.request_time.count == 1);
    CHECK(served.bytes_rx == 4);
    CHECK(served.bytes_tx == 6);
    // Without Redis between them the same.
    CHECK(cluster.call(cluster.b(), kEcho, {}, "four") == "b:four");
    CHECK(served.received == 2);
    CHECK(served.request_time.count == 2);
    CHECK(served.bytes_rx == 8);
    CHECK(served.bytes_tx == 12);
    CHECK(cluster.b()->metrics().at(key_of(Role::kClient, kEcho)).bytes_rx == 6);
    const auto none = cluster.b()->serve(kEcho, {"none"}, [](const Request&, Reply) {}, {});
    CHECK(cluster.call(cluster.b(), kEcho, {"none"}, "") == "internal: the handler gave no answer");
    CHECK(key_of(Role::kClient, kEcho).kind == "rpc");
    CHECK(key_of(Role::kClient, kRelay).kind == "stream");
    CHECK(key_of(Role::kClient, {"a", "b", Flow::kMulti}).kind == "multirpc");
}

TEST_CASE("Histogram: times up to a bound, and all beyond the last one") {
    Histogram histogram;
    for (const std::int64_t ms : {0, 10, 11, 10'000, 10'001, 99'999})
        histogram.add(Duration::millis(ms));
    CHECK(histogram.counts[0] == 2);
    CHECK(histogram.counts[1] == 1);
    CHECK(histogram.counts[9] == 1);
    CHECK(histogram.counts[10] == 2);
    CHECK(histogram.count == 6);
    CHECK(histogram.sum_ms == 120'021);
}

}  // namespace confab::cluster::psrpc
