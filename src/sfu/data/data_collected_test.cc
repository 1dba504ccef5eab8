// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What the workers of a room measure of its participants, on its way to who may hear metrics.
#include <doctest/doctest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sfu/data/data_router_testing.h"
#include "sfu/metrics/metrics_testing.h"

namespace confab::sfu {
namespace {

using namespace test;
using Lines = std::vector<std::string>;

constexpr PeerId kPublisherOfBob = PeerId(70);

// alice and bob on the first worker, carol on the last, who alone may hear metrics. bob has two
// connections.
struct MeasuredRoom : DataRouters {
    explicit MeasuredRoom(std::size_t workers = 1, const MetricsOptions& options = {})
        : DataRouters(workers, options), last(static_cast<WorkerIndex>(workers - 1)) {
        alice = join("alice");
        bob = join("bob");
        carol = join("carol", last);
        for (DataMember* member : {&alice, &bob, &carol}) {
            member->publisher = member->subscriber = member->peer;
            come_up(*member);
            connection(*member).round_trip = Duration::millis(30);
        }
        bob.publisher = bob.other = kPublisherOfBob;
        port().connections[kPublisherOfBob].round_trip = Duration::millis(10);
        connection(bob).round_trip = std::nullopt;
        carol.hears_metrics = true;
        for (const DataMember& member : {alice, bob, carol})
            tell(member);
        heard(true);
    }
    void heard(bool by_any) {
        spread(last == 0 ? std::vector<WorkerIndex>{0} : std::vector<WorkerIndex>{0, last}, by_any);
    }
    void pass(Duration time) {
        for (const Timestamp end = now + time; now < end;) {
            run(Duration::millis(500));
            exchange();
        }
    }
    // Of all packets that it got since.
    Lines metrics(const DataMember& at) {
        Lines all;
        for (const DataConnection::Sent& sent : std::exchange(connection(at).sent, {})) {
            CHECK(sent.channel == DataChannel::kReliable);
            for (const std::string& line : metrics_of(as_bytes(sent.bytes)))
                all.push_back(line);
        }
        std::sort(all.begin(), all.end());
        return all;
    }
    WorkerIndex last = 0;
    DataMember alice, bob, carol;
};

const Lines kThree{"17 alice - - x3", "17 bob - - x3", "17 carol - - x3", "19 alice - - x3",
                   "19 carol - - x3"};

}  // namespace

TEST_CASE("Data metrics: round-trip times of all, to who may hear them alone [SIG-124]") {
    for (const std::size_t workers : {1U, 2U}) {
        for (const Duration interval : {Duration::zero(), Duration::seconds(2)}) {
            CAPTURE(workers);
            CAPTURE(interval.ms());
            MeasuredRoom w(workers, MetricsOptions{{}, interval, {}});
            w.pass(Duration::millis(9'500) + interval);
            CHECK(w.metrics(w.carol).empty());
            w.pass(Duration::millis(500));
            CHECK(w.metrics(w.carol) == kThree);
            w.pass(Duration::seconds(10));
            CHECK(w.metrics(w.carol) == kThree);
            for (const DataMember& other : {w.alice, w.bob})
                CHECK(w.connection(other).sent.empty());
        }
    }
}

TEST_CASE("Data metrics: what is measured is told as often as options say [SIG-124]") {
    MetricsOptions options;
    options.collector = {Duration::millis(500), Duration::millis(1'000)};
    MeasuredRoom w(1, options);
    w.pass(Duration::millis(500));
    CHECK(w.metrics(w.carol).empty());
    w.pass(Duration::millis(500));
    const Lines all = w.metrics(w.carol);
    REQUIRE(all.size() == 5);
    CHECK(all[0] == "17 alice - - x2");
}

TEST_CASE("Data metrics: nothing is measured while nobody may hear it [SIG-124]") {
    MeasuredRoom w;
    CHECK_FALSE(w.router().next_deadline().is_never());
    w.pass(Duration::seconds(9));
    w.heard(false);
    CHECK(w.router().next_deadline().is_never());
    w.heard(true);
    w.pass(Duration::millis(9'500));
    CHECK(w.metrics(w.carol).empty());
    w.pass(Duration::millis(500));
    CHECK(w.metrics(w.carol) == kThree);
    for (const DataMember& member : {w.alice, w.bob, w.carol})
        w.leave(member);
    CHECK(w.router().next_deadline().is_never());
}

TEST_CASE("Data metrics: nobody hears who is hidden, elsewhere, or went [SIG-124] [SIG-120]") {
    MeasuredRoom w;
    w.pass(Duration::seconds(4));
    w.alice.hidden = true;
    w.tell(w.alice);
    w.pass(Duration::seconds(6));
    CHECK(w.metrics(w.carol) == Lines{"17 bob - - x3", "17 carol - - x3", "19 carol - - x3"});
    w.alice.hidden = false;
    w.tell(w.alice);
    w.pass(Duration::seconds(4));
    w.alice.elsewhere = DataPlace{RoomId(2), MemberId(1)};
    w.tell(w.alice);
    w.pass(Duration::seconds(1));
    w.leave(w.bob);
    w.pass(Duration::seconds(5));
    CHECK(w.metrics(w.carol) == Lines{"17 carol - - x3", "19 carol - - x3"});
}

TEST_CASE("Data metrics: a connection that is not up has no round-trip time [SIG-124]") {
    MeasuredRoom w;
    w.pass(Duration::millis(3'500));
    w.connection(w.alice).round_trip = std::nullopt;
    w.pass(Duration::seconds(7));
    const Lines all = w.metrics(w.carol);
    CHECK(all == Lines{"17 alice - - x1", "17 bob - - x3", "17 carol - - x3", "19 alice - - x1",
                       "19 carol - - x3"});
}

TEST_CASE("Data metrics: who takes what is measured late holds nobody back [SIG-124] [DC-20]") {
    MetricsOptions options;
    options.collector = {Duration::millis(100), Duration::seconds(50)};
    for (const std::size_t workers : {1U, 2U}) {
        CAPTURE(workers);
        MeasuredRoom w(workers, options);
        w.connection(w.carol).buffered = DataReceivers::kMaxUnacknowledged;
        w.connection(w.carol).round_trip = std::nullopt;
        w.pass(Duration::seconds(1'000));
        for (const DataMember& sender : {w.alice, w.bob, w.carol})
            CHECK(w.may_send(sender));
        CHECK(w.metrics(w.carol).empty());
        w.acknowledge(w.carol);
        const std::size_t series = w.metrics(w.carol).size();
        CHECK(series >= 20 * 3);
        if (workers > 1) CHECK(w.port(1).ring_room == 1'000'000);  // nor is it told what was taken
        CHECK(w.router().dropped() + w.router(workers - 1).dropped() == 0);
    }
}

TEST_CASE("Data metrics: of a large room what is measured is told earlier, all of it [SIG-124]") {
    MetricsOptions options;
    options.collector = {Duration::millis(500), Duration::seconds(200)};
    MeasuredRoom w(2, options);
    constexpr std::size_t kMore = 60;
    for (std::size_t i = 0; i < kMore; ++i) {
        DataMember more = w.join("p" + std::to_string(i));
        more.publisher = more.subscriber = more.peer;
        w.come_up(more);
        w.connection(more).round_trip = Duration::millis(30);
        w.tell(more);
    }
    w.pass(Duration::seconds(100));
    const Lines lines = w.metrics(w.carol);
    const auto of = [&](const std::string& name) {
        return std::count_if(lines.begin(), lines.end(), [&](const std::string& line) {
            return line.find(" " + name + " ") != std::string::npos;
        });
    };
    CHECK(of("alice") >= 10);  // two metrics in each of several batches
    CHECK(of("p59") == of("alice"));
    CHECK(w.router().dropped() + w.router(1).dropped() == 0);
}

TEST_CASE("Data metrics: a worker that is far behind has less of them [SIG-124] [DES-41]") {
    MetricsOptions options;
    options.collector = {Duration::millis(100), Duration::seconds(50)};
    MeasuredRoom w(2, options);
    w.port().ring_room = 0;
    w.pass(Duration::seconds(2'000));
    CHECK(w.router().dropped() > 5);
    CHECK(w.router().dropped() < 35);
    (void)w.metrics(w.carol);
    w.port().ring_room = 1'000'000;
    w.exchange();
    std::size_t bytes = 0;
    for (const DataConnection::Sent& sent : w.connection(w.carol).sent)
        bytes += sent.bytes.size();
    CHECK(bytes > DataLinks::kMaxLossy / 2);
    CHECK(bytes < DataLinks::kMaxLossy + 2 * kMaxDataPacketBytes);
    w.pass(Duration::seconds(50));
    CHECK_FALSE(w.metrics(w.carol).empty());
}

}  // namespace confab::sfu
