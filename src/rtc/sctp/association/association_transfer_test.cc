// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Whole transfers between two associations over a virtual link (02 §6.1, RFC 9260 §6, §7).
#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "base/machine.h"
#include "rtc/sctp/association/association_pair_test.h"

using namespace confab;
using namespace confab::sctp;

namespace {

// Sends `total` messages as fast as the queue takes them; gives the number received in time.
void pump(Pair& pair, std::uint32_t total, std::size_t size, const SendOptions& options,
          std::uint16_t stream, Duration limit) {
    std::uint32_t sent = 0;
    pair.link.run_until(
        [&] {
            while (sent < total && pair.a.buffered_amount(stream) < 256 * 1024) {
                REQUIRE(pair.a.send(pair.link.now(), stream, kPpid,
                                    SharedBytes(numbered(sent, size)), options) == SendStatus::kOk);
                ++sent;
            }
            pair.link.drain();
            return sent == total && pair.a.snapshot().send_bytes == 0;
        },
        limit);
}

}  // namespace

TEST_CASE_HANDED_OVER("Association: what the peer has behind a loss is not buffered any more") {
    Pair pair({});
    pair.open();
    int number = 0;
    pair.link.drop = [&](int from, BytesView) { return from == 0 && number++ == 0; };
    for (std::uint32_t i = 0; i < 3; ++i) {
        (void)pair.a.send(pair.link.now(), 1, kPpid, SharedBytes(numbered(i, 1000)), {});
        pair.link.drain();  // each in a packet of its own
    }
    CHECK(pair.a.buffered_amount(1) == 3000);
    pair.link.run_for(Duration::millis(50));  // a round trip, and no retransmission yet
    CHECK(pair.messages[1].empty());
    CHECK(pair.a.buffered_amount(1) == 1000);
    pair.link.run_for(Duration::seconds(5));
    CHECK(pair.messages[1].size() == 3);
    CHECK(pair.a.buffered_amount(1) == 0);
}

TEST_CASE_HANDED_OVER(
    "Association: 10000 x 1 KB reliable ordered, exactly once and in order under every loss") {
    for (const double loss : {0.0, 0.01, 0.05, 0.20}) {
        CAPTURE(loss);
        LinkOptions options;
        options.loss = loss;
        options.duplicate = loss / 4;
        options.jitter = Duration::millis(loss > 0 ? 15 : 0);
        options.seed = 7;
        Pair pair(options);
        pair.open();
        const Timestamp begin = pair.link.now();
        pump(pair, 10'000, 1000, {}, 2, Duration::seconds(4 * 3600));
        REQUIRE(pair.messages[1].size() == 10'000);
        for (std::uint32_t i = 0; i < 10'000; ++i) {
            const auto& m = pair.messages[1][i];
            REQUIRE(m.payload == numbered(i, 1000));
            REQUIRE(m.stream == 2);
            REQUIRE(m.ppid == kPpid);
        }
        CHECK(pair.link.largest_packet() <= 1191);
        CHECK(pair.a.snapshot().send_bytes == 0);
        CHECK(pair.a.snapshot().flight == 0);
        CHECK(pair.b.snapshot().receive_bytes == 0);
        CHECK(pair.count<Aborted>(0) + pair.count<Aborted>(1) == 0);
        // About what a Reno-like sender makes of such a link; far more means stalls.
        const double limit = loss < 0.001 ? 5 : loss < 0.1 ? 300 : 3000;
        CHECK((pair.link.now() - begin).to_seconds() < limit);
    }
}

TEST_CASE_HANDED_OVER(
    "Association: lossy messages are lost under loss and never stall the reliable ones [DC-07]") {
    LinkOptions options;
    options.loss = 0.10;
    options.seed = 21;
    Pair pair(options);
    pair.open();
    SendOptions lossy;
    lossy.ordered = false;
    lossy.max_retransmits = 0;
    SendOptions timed;
    timed.lifetime = Duration::millis(100);
    constexpr std::uint32_t kTotal = 1000;
    for (std::uint32_t i = 0; i < kTotal; ++i) {
        pair.a.send(pair.link.now(), 3, kPpid, SharedBytes(numbered(i, 400)), lossy);
        pair.a.send(pair.link.now(), 5, kPpid, SharedBytes(numbered(i, 2500)), timed);
        pair.a.send(pair.link.now(), 1, kPpid, SharedBytes(numbered(i, 100)), {});
        pair.link.run_for(Duration::millis(100));
    }
    pair.link.run_for(Duration::seconds(60));
    std::vector<std::uint32_t> got[6];
    for (const auto& m : pair.messages[1]) {
        const std::uint32_t number = load_be32(m.payload.data());
        REQUIRE(m.payload == numbered(number, m.payload.size()));
        got[m.stream].push_back(number);
    }
    REQUIRE(got[1].size() == kTotal);
    for (std::uint32_t i = 0; i < kTotal; ++i)
        REQUIRE(got[1][i] == i);
    CHECK(got[3].size() < kTotal);
    CHECK(got[3].size() > kTotal * 7 / 10);
    CHECK(got[5].size() < kTotal);
    CHECK(got[5].size() > kTotal / 3);
    CHECK(std::is_sorted(got[5].begin(), got[5].end()));
    CHECK(pair.a.snapshot().abandoned > 0);
    CHECK(pair.a.snapshot().send_bytes == 0);
    CHECK(pair.b.snapshot().receive_bytes == 0);
}

TEST_CASE_HANDED_OVER(
    "Association: 64000-byte messages both ways; 65536 bytes are refused by the sender [DC-05]") {
    Pair pair({});
    pair.open();
    CHECK(pair.a.send(pair.link.now(), 2, kPpid, SharedBytes(numbered(0, 65'536)), {}) ==
          SendStatus::kTooLarge);
    for (std::uint32_t i = 0; i < 30; ++i) {
        CHECK(pair.a.send(pair.link.now(), 2, kPpid, SharedBytes(numbered(i, 64'000)), {}) ==
              SendStatus::kOk);
        CHECK(pair.b.send(pair.link.now(), 3, kPpid, SharedBytes(numbered(i, 65'535)), {}) ==
              SendStatus::kOk);
    }
    pair.link.run_for(Duration::seconds(20));
    REQUIRE(pair.messages[1].size() == 30);
    REQUIRE(pair.messages[0].size() == 30);
    CHECK(pair.messages[1][29].payload == numbered(29, 64'000));
    CHECK(pair.messages[0][29].payload == numbered(29, 65'535));
}

TEST_CASE_HANDED_OVER("Association: a message above the limit resets its stream only [DC-05]") {
    Config generous;
    generous.peer_max_message_size = 0;
    Pair pair({}, generous);
    pair.open();
    pair.a.send(pair.link.now(), 2, kPpid, SharedBytes(numbered(0, 70'000)), {});
    pair.a.send(pair.link.now(), 2, kPpid, SharedBytes(numbered(1, 100)), {});
    pair.a.send(pair.link.now(), 4, kPpid, SharedBytes(numbered(2, 65'535)), {});
    pair.link.run_for(Duration::seconds(5));
    REQUIRE(pair.messages[1].size() == 1);
    CHECK(pair.messages[1][0].stream == 4);
    CHECK(pair.count<MessageTooLarge>(1) == 1);
    CHECK(pair.count<StreamReset>(0) == 1);
    CHECK(pair.b.snapshot().receive_bytes == 0);
    CHECK(pair.a.state() == Association::State::kEstablished);
    // The sender answers the reset with its own; then the stream is usable again.
    REQUIRE(pair.a.reset_stream(pair.link.now(), 2));
    pair.link.run_for(Duration::seconds(1));
    pair.a.send(pair.link.now(), 2, kPpid, SharedBytes(numbered(3, 50)), {});
    pair.link.run_for(Duration::seconds(1));
    REQUIRE(pair.messages[1].size() == 2);
    CHECK(pair.messages[1][1].payload == numbered(3, 50));
}

TEST_CASE_HANDED_OVER(
    "Association: stream reset behind the queued data, then the stream from its start [DC-08]") {
    for (const double loss : {0.0, 0.15}) {
        CAPTURE(loss);
        LinkOptions options;
        options.loss = loss;
        options.seed = 33;
        Pair pair(options);
        pair.open();
        for (std::uint32_t round = 0; round < 5; ++round) {
            for (std::uint32_t i = 0; i < 20; ++i)
                pair.a.send(pair.link.now(), 8, kPpid, SharedBytes(numbered(i, 3000)), {});
            REQUIRE(pair.a.reset_stream(pair.link.now(), 8));
            CHECK(pair.a.send(pair.link.now(), 8, kPpid, SharedBytes(numbered(0, 10)), {}) ==
                  SendStatus::kClosed);
            pair.link.run_for(Duration::seconds(120));
            REQUIRE(pair.messages[1].size() == 20 * (round + 1));
            CHECK(pair.count<StreamReset>(1) == round + 1);
            CHECK(pair.count<StreamResetDone>(0) == round + 1);
        }
    }
}

TEST_CASE_HANDED_OVER(
    "Association: a lost chunk comes again after three SACKs, the last one after T3 [SCTP-01]") {
    Pair pair({});
    pair.open();
    int sent = 0;
    pair.link.drop = [&](int from, BytesView packet) {
        return from == 0 && packet.size() > 500 && ++sent == 1;  // the first DATA
    };
    for (std::uint32_t i = 0; i < 8; ++i)
        pair.a.send(pair.link.now(), 0, kPpid, SharedBytes(numbered(i, 1000)), {});
    pair.link.run_for(Duration::millis(500));
    CHECK(pair.messages[1].size() == 8);
    CHECK(pair.a.snapshot().counters.fast_losses == 1);
    CHECK(pair.a.snapshot().counters.timeouts == 0);
    CHECK(pair.a.snapshot().retransmissions == 1);

    sent = 0;
    pair.a.send(pair.link.now(), 0, kPpid, SharedBytes(numbered(8, 1000)), {});
    pair.link.run_for(Duration::millis(900));
    CHECK(pair.messages[1].size() == 8);
    CHECK(pair.a.snapshot().flight == 1000);
    pair.link.run_for(Duration::millis(300));
    CHECK(pair.messages[1].size() == 9);
    CHECK(pair.a.snapshot().counters.timeouts == 1);
    CHECK(pair.a.snapshot().cwnd == 1191);
}

TEST_CASE_HANDED_OVER(
    "Association: a SACK comes for every second packet, for a single one after 200 ms [SCTP-01]") {
    Pair pair({});
    pair.open();
    pair.link.run_for(Duration::seconds(1));
    std::vector<Timestamp> sacks;
    pair.link.drop = [&](int from, BytesView) {
        if (from == 1) sacks.push_back(pair.link.now());
        return false;
    };
    const Timestamp begin = pair.link.now();
    pair.a.send(begin, 0, kPpid, SharedBytes(numbered(0, 100)), {});
    pair.link.run_for(Duration::seconds(1));
    REQUIRE(sacks.size() == 1);
    CHECK(sacks[0] - begin == Duration::millis(220));  // 20 ms of way
    sacks.clear();
    const Timestamp second = pair.link.now();
    pair.a.send(second, 0, kPpid, SharedBytes(numbered(0, 1100)), {});
    pair.a.send(second, 0, kPpid, SharedBytes(numbered(0, 1100)), {});
    pair.link.run_for(Duration::seconds(1));
    REQUIRE(sacks.size() == 1);
    CHECK(sacks[0] - second == Duration::millis(20));
}

TEST_CASE("Association: same inputs give the same bytes, handed over or not [SIO-11][TST7-04]") {
    std::uint64_t hashes[3] = {};
    for (int i = 0; i < 3; ++i) {
        LinkOptions options;
        options.loss = 0.1;
        options.jitter = Duration::millis(30);
        options.seed = 77;
        Pair pair(options);
        pair.open();
        std::optional<HandOvers> hand_overs;
        if (i == 2) hand_overs.emplace();
        pump(pair, 200, 3000, {}, 2, Duration::seconds(3600));
        hashes[i] = pair.link.hash();
        if (hand_overs) CHECK(hand_overs->count() > 20);
    }
    CHECK(hashes[0] == hashes[1]);
    CHECK(hashes[0] == hashes[2]);
}

TEST_CASE("Association: the shortest round trip is that of the path that it has now [DC-23]") {
    LinkOptions options;
    options.delay = Duration::millis(30);
    Pair pair(options);
    pair.open();
    const auto say = [&] {
        REQUIRE(pair.a.send(pair.link.now(), 1, kPpid, SharedBytes(numbered(1, 10'000)), {}) ==
                SendStatus::kOk);
        pair.link.run_for(Duration::seconds(1));
    };
    say();
    CHECK(least_round_trip(pair.a) == Duration::millis(60));
    pair.a.path_restored(pair.link.now());
    CHECK(least_round_trip(pair.a) == Duration::zero());
    say();
    CHECK(least_round_trip(pair.a) == Duration::millis(60));
}

TEST_CASE("Association: a reset under way shortens no outage, and follows soon [DC-08] [SCTP-01]") {
    for (const bool data : {false, true}) {
        CAPTURE(data);
        Pair pair(LinkOptions{});
        pair.open();
        const auto say = [&](std::uint16_t stream) {
            REQUIRE(pair.a.send(pair.link.now(), stream, kPpid, SharedBytes(numbered(1, 100)),
                                {}) == SendStatus::kOk);
        };
        say(1);
        pair.link.run_for(Duration::seconds(1));
        pair.link.set_loss(1);
        CHECK(pair.a.reset_stream(pair.link.now(), 1));
        if (data) say(2);
        pair.link.run_for(Duration::seconds(240));
        CHECK(pair.a.state() == Association::State::kEstablished);
        pair.link.set_loss(0);
        pair.link.run_for(Duration::seconds(4));
        CHECK(pair.count<StreamResetDone>(0) == 1);
        // It has an end.
        pair.link.set_loss(1);
        CHECK(pair.a.reset_stream(pair.link.now(), 1));
        pair.link.run_for(Duration::seconds(400));
        CHECK(pair.a.state() == Association::State::kClosed);
    }
}
