// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include <doctest/doctest.h>

#include "sfu/data/data_router_testing.h"
#include "sfu/metrics/metrics_testing.h"

namespace confab::sfu {
namespace {

using namespace test;
using Lines = std::vector<std::string>;

constexpr Duration kInterval = Duration::millis(500);

// alice and bob on the first worker, carol on the last; bob and carol may hear metrics.
struct MetricRoom : DataRouters {
    explicit MetricRoom(std::size_t workers = 1, Duration report_interval = kInterval)
        : DataRouters(workers, MetricsOptions{{}, report_interval, {}}) {
        const auto last = static_cast<WorkerIndex>(workers - 1);
        alice = join("alice");
        bob = join("bob");
        carol = join("carol", last);
        bob.hears_metrics = carol.hears_metrics = true;
        for (const DataMember& member : {alice, bob, carol}) {
            tell(member);
            come_up(member);
        }
        if (workers > 1) spread({0, last});
    }
    // Of each packet that it heard.
    std::vector<Lines> metrics(const DataMember& at) {
        std::vector<Lines> packets;
        for (const DataConnection::Sent& sent : connection(at).sent)
            packets.push_back(metrics_of(as_bytes(sent.bytes)));
        return packets;
    }
    void say_metric(const DataMember& from, std::uint64_t label, std::uint32_t sequence = 0) {
        WireMessage packet =
            WireMessage().message(8, WireMessage().message(4, WireMessage().varint(1, label)));
        if (sequence > 0) packet.varint(16, sequence);
        say(from, packet.encoded());
        exchange();
    }
    DataMember alice, bob, carol;
};

}  // namespace

TEST_CASE("Data metrics: those of an interval are one report, to who may hear them [SIG-124]") {
    for (const std::size_t workers : {1U, 2U}) {
        CAPTURE(workers);
        MetricRoom w(workers);
        w.say_metric(w.alice, 3, 1);
        w.run(Duration::millis(200));
        w.say_metric(w.bob, 4);
        w.run(Duration::millis(299));
        CHECK(w.metrics(w.bob).empty());
        w.run(Duration::millis(201));
        const std::vector<Lines> report{{"3 alice - - x0", "4 bob - - x0"}};
        CHECK(w.metrics(w.bob) == report);
        CHECK(w.metrics(w.carol) == report);
        CHECK(w.metrics(w.alice).empty());
        CHECK_FALSE(ReadMessage(as_bytes(w.connection(w.bob).sent[0].bytes)).has(16));
        w.run(Duration::seconds(10));
        CHECK(w.metrics(w.bob).size() == 1);
        CHECK(w.router().next_deadline().is_never());
    }
}

TEST_CASE("Data metrics: who may hear them when the report is due has it [SIG-124] [TOK-13]") {
    MetricRoom w;
    w.say_metric(w.alice, 3);
    w.bob.hears_metrics = false;
    w.alice.hears_metrics = true;
    w.tell(w.bob);
    w.tell(w.alice);
    w.run(kInterval);
    CHECK(w.metrics(w.bob).empty());
    CHECK(w.metrics(w.alice).size() == 1);
    CHECK(w.metrics(w.carol).size() == 1);
    for (DataMember* member : {&w.alice, &w.carol}) {
        member->hears_metrics = false;
        w.tell(*member);
    }
    w.say_metric(w.alice, 3);  // for nobody
    CHECK(w.router().next_deadline().is_never());
}

TEST_CASE("Data metrics: a room that is gone has no report [SIG-124]") {
    MetricRoom w;
    w.say_metric(w.alice, 3);
    for (const DataMember& member : {w.alice, w.bob, w.carol})
        w.leave(member);
    CHECK(w.router().next_deadline().is_never());
    w.run(Duration::seconds(1));
}

TEST_CASE("Data metrics: a report comes once, after an outage, too [SIG-124] [SIG-121]") {
    MetricRoom w;
    w.port().connections[w.next_peer()].channels.clear();
    DataMember dora = w.join("dora");
    dora.hears_metrics = true;
    w.tell(dora);
    w.say(w.alice, text_packet("first", 1));
    w.say_metric(w.alice, 3, 2);
    w.run(kInterval);
    CHECK(w.metrics(dora).empty());
    w.connection(dora) = DataConnection();
    w.router().channel_opened(w.now, dora.peer);
    std::size_t reports = 0;
    for (const Lines& lines : w.metrics(dora))
        if (!lines.empty()) ++reports;
    CHECK(reports == 1);
}

TEST_CASE("Data metrics: a batch that grows with our times comes whole, in several [SIG-124]") {
    for (const Duration interval : {Duration::zero(), kInterval}) {
        CAPTURE(interval.ms());
        MetricRoom w(2, interval);
        WireMessage series = WireMessage().varint(1, 3);
        constexpr std::size_t kSamples = 8'000;
        for (std::size_t i = 0; i < kSamples; ++i)
            series.message(4, WireMessage().varint(1, 1'000 + i));
        const WireMessage batch = WireMessage().varint(1, 5'000).message(4, series);
        const Bytes packet = WireMessage().message(8, batch).varint(16, 7).encoded();
        REQUIRE(packet.size() <= kMaxDataPacketBytes);
        w.say(w.alice, packet);
        w.exchange();
        w.run(kInterval);
        for (const DataMember& at : {w.bob, w.carol}) {
            std::size_t samples = 0;
            const auto& sent = w.connection(at).sent;
            CHECK(sent.size() > 1);
            for (const DataConnection::Sent& one : sent) {
                CHECK(one.bytes.size() <= kMaxDataPacketBytes);
                const ReadMessage read(as_bytes(one.bytes));
                CHECK(read.value(16) ==
                      (interval == Duration::zero() && &one == &sent[0] ? 7U : 0U));
                for (const std::string& part : read.message(8).all(4))
                    samples += ReadMessage(as_bytes(part)).all(4).size();
            }
            CHECK(samples == kSamples);
        }
        CHECK(w.router().dropped() == 0);
    }
}

TEST_CASE("Data metrics: a flood of them holds its sender back, nobody else [SIG-124] [DC-20]") {
    for (const std::size_t workers : {1U, 2U}) {
        CAPTURE(workers);
        MetricRoom w(workers);
        const auto flood = [&] {
            const WireMessage event = WireMessage().text(8, std::string(60'000, 'm'));
            const Bytes packet =
                WireMessage().message(8, WireMessage().message(5, event)).encoded();
            std::size_t said = 0;
            for (; said < 1'000 && w.may_send(w.alice); ++said) {
                w.say(w.alice, packet);
                w.exchange();
            }
            return said;
        };
        std::size_t said = 0;
        for (int round = 0; round < 5; ++round) {
            CAPTURE(round);
            w.connection(w.carol).buffered = DataReceivers::kMaxUnacknowledged;
            const std::size_t now = flood();
            CHECK(now >= 2);
            CHECK(now < 10);
            said += now;
            CHECK_FALSE(w.may_send(w.alice));
            CHECK(w.may_send(w.bob));
            w.acknowledge(w.carol);
            w.exchange();
            CHECK(w.resumed() == std::vector<PeerId>{w.alice.peer});
        }
        // Each fills a report of its own; the last one waits for its time.
        CHECK(w.metrics(w.carol).size() == said - 1);
        CHECK(w.router().dropped() + w.router(workers - 1).dropped() == 0);
    }
}

}  // namespace confab::sfu
