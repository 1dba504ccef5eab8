// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// SACKs against sent chunks: acknowledgement, loss, abandonment (RFC 9260 §6.2.1, RFC 3758 §3.5).
#include "rtc/sctp/send/outstanding.h"

#include <doctest/doctest.h>

#include <utility>

#include "rtc/sctp/limits.h"

using namespace confab;
using namespace confab::sctp;

namespace {

struct Sender {
    Sender() : queue({1 << 20, 1 << 20}), outstanding(kFirst) {}
    void message(std::uint16_t stream, std::size_t size, const SendOptions& options = {}) {
        REQUIRE(queue.add(now, stream, 53, SharedBytes(Bytes(size)), options) == SendStatus::kOk);
    }
    // Sends fragments of 100 bytes.
    void transmit(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) {
            REQUIRE(queue.prepare(now, false) > 0);
            outstanding.add(queue.take(100), now);
        }
    }
    Outstanding::SackResult sack(std::uint32_t cumulative, std::vector<wire::sctp::GapBlock> gaps,
                                 bool recovery = false) {
        Bytes bytes(gaps.size() * 4);
        for (std::size_t i = 0; i < gaps.size(); ++i) {
            store_be16(&bytes[i * 4], gaps[i].start);
            store_be16(&bytes[i * 4 + 2], gaps[i].end);
        }
        wire::sctp::SackView view;
        view.cumulative_tsn = cumulative;
        view.gaps = bytes;
        return outstanding.handle_sack(view, now, recovery, queue);
    }
    static constexpr std::uint32_t kFirst = 0xFFFFFFFE;  // wraps after two chunks
    Timestamp now = Timestamp::micros(1'000'000);
    SendQueue queue;
    Outstanding outstanding;
};

}  // namespace

TEST_CASE("Outstanding: cumulative and gap acknowledgement, RTT once per round trip") {
    Sender s;
    s.message(1, 600);
    s.transmit(6);
    CHECK(s.outstanding.flight() == 600);
    s.now = s.now + Duration::millis(30);
    const auto first = s.sack(Sender::kFirst + 1, {{2, 3}});
    CHECK(first.valid);
    CHECK(first.advanced);
    CHECK(first.newly_acked == 400);
    CHECK(first.rtt == Duration::millis(30));
    CHECK(s.outstanding.flight() == 200);
    const auto second = s.sack(Sender::kFirst + 4, {});
    CHECK(second.newly_acked == 100);
    CHECK_FALSE(second.rtt.has_value());
    CHECK_FALSE(s.sack(Sender::kFirst + 3, {}).valid);  // old
    CHECK_FALSE(s.sack(Sender::kFirst + 6, {}).valid);  // never sent
    CHECK(s.sack(Sender::kFirst + 5, {}).valid);
    CHECK(s.outstanding.empty());
    CHECK(s.queue.total_bytes() == 0);
}

TEST_CASE("Outstanding: three misses lose a chunk, a resent one only by newer chunks") {
    Sender s;
    s.message(1, 1200);
    s.transmit(4);
    CHECK_FALSE(s.sack(Sender::kFirst - 1, {{2, 2}}).loss);
    CHECK_FALSE(s.sack(Sender::kFirst - 1, {{2, 3}}).loss);
    CHECK_FALSE(s.sack(Sender::kFirst - 1, {{2, 3}}).loss);  // nothing newly acknowledged
    CHECK(s.sack(Sender::kFirst - 1, {{2, 4}}).loss);
    CHECK(s.outstanding.flight() == 0);
    auto lost = s.outstanding.next_lost(s.now, s.queue);
    REQUIRE(lost.has_value());
    CHECK(lost->tsn == Sender::kFirst);
    s.outstanding.resent(lost->tsn, s.now);
    CHECK_FALSE(s.outstanding.has_lost());
    CHECK(s.outstanding.flight() == 100);
    s.transmit(3);
    CHECK_FALSE(s.sack(Sender::kFirst - 1, {{2, 5}}).loss);
    CHECK_FALSE(s.sack(Sender::kFirst - 1, {{2, 6}}).loss);
    CHECK(s.sack(Sender::kFirst - 1, {{2, 7}}).loss);  // the second copy is lost too
}

TEST_CASE("Outstanding: a peer that takes back a gap acknowledgement gets the chunk again") {
    Sender s;
    s.message(1, 400);
    s.transmit(4);
    s.sack(Sender::kFirst - 1, {{2, 4}});
    CHECK(s.outstanding.flight() == 100);
    s.sack(Sender::kFirst, {});
    CHECK(s.outstanding.flight() == 300);
    s.outstanding.handle_timeout(s.now, s.queue);
    CHECK(s.outstanding.flight() == 0);
    CHECK(s.outstanding.next_lost(s.now, s.queue)->tsn == Sender::kFirst + 1);
}

TEST_CASE("Outstanding: what the peer has behind a loss, by stream, until it is taken back") {
    Sender s;
    s.message(1, 200);
    s.message(2, 200);
    s.transmit(4);
    const auto acked = [&s] {
        return std::pair(s.outstanding.gap_acked(1), s.outstanding.gap_acked(2));
    };
    CHECK(acked() == std::pair<std::size_t, std::size_t>(0, 0));
    s.sack(Sender::kFirst - 1, {{2, 4}});
    CHECK(acked() == std::pair<std::size_t, std::size_t>(100, 200));
    s.sack(Sender::kFirst - 1, {{2, 3}});
    CHECK(acked() == std::pair<std::size_t, std::size_t>(100, 100));
    s.sack(Sender::kFirst + 3, {});
    CHECK(acked() == std::pair<std::size_t, std::size_t>(0, 0));
    CHECK(s.queue.buffered(1) + s.queue.buffered(2) == 0);
}

TEST_CASE("Outstanding: impossible gap blocks are refused as a whole [IMM-8]") {
    Sender s;
    s.message(1, 400);
    s.transmit(4);
    CHECK_FALSE(s.sack(Sender::kFirst - 1, {{2, 5}}).valid);
    CHECK_FALSE(s.sack(Sender::kFirst - 1, {{3, 2}}).valid);
    CHECK_FALSE(s.sack(Sender::kFirst - 1, {{0, 1}}).valid);
    CHECK_FALSE(s.sack(Sender::kFirst - 1, {{3, 4}, {2, 2}}).valid);
    CHECK(s.outstanding.flight() == 400);
}

TEST_CASE("Outstanding: a partly sent lossy message is given up whole and skipped [DC-07]") {
    Sender s;
    s.outstanding.set_partial_reliability(true);
    SendOptions lossy;
    lossy.max_retransmits = 0;
    s.message(7, 500, lossy);
    s.message(7, 100, lossy);
    s.transmit(3);  // of five
    s.sack(Sender::kFirst - 1, {{2, 2}});
    s.outstanding.handle_timeout(s.now, s.queue);
    CHECK(s.outstanding.abandoned_messages() == 1);
    CHECK(s.outstanding.flight() == 0);
    CHECK_FALSE(s.outstanding.has_lost());
    const auto skip = s.outstanding.skip();
    REQUIRE(skip.has_value());
    CHECK(skip->tsn == Sender::kFirst + 3);  // with one TSN for the end that was never sent
    REQUIRE(skip->streams.size() == 1);
    CHECK(skip->streams[0] == wire::sctp::SkippedStream{7, 0});
    // The next message has the next number; a loss there extends the skip.
    s.transmit(1);
    s.outstanding.handle_timeout(s.now, s.queue);
    CHECK(s.outstanding.skip()->streams[0] == wire::sctp::SkippedStream{7, 1});
    CHECK(s.sack(Sender::kFirst + 4, {}).valid);
    CHECK(s.outstanding.empty());
    CHECK(s.queue.total_bytes() == 0);
}

TEST_CASE("Outstanding: without FORWARD-TSN at the peer lossy data is kept and resent") {
    Sender s;
    SendOptions lossy;
    lossy.max_retransmits = 0;
    s.message(7, 100, lossy);
    s.transmit(1);
    s.outstanding.handle_timeout(s.now, s.queue);
    CHECK(s.outstanding.has_lost());
    CHECK_FALSE(s.outstanding.skip().has_value());
}

TEST_CASE("SendQueue: streams take turns, a begun message is finished first, old ones expire") {
    Sender s;
    s.message(1, 250);
    s.message(1, 50);
    s.message(2, 60);
    SendOptions timed;
    timed.lifetime = Duration::millis(10);
    s.message(3, 70, timed);
    std::vector<std::pair<std::uint16_t, std::uint32_t>> order;
    const auto take = [&](Timestamp now) {
        while (s.queue.prepare(now, false) > 0) {
            const Fragment f = s.queue.take(100);
            order.emplace_back(f.stream, f.size);
            if (order.size() == 1) now = now + Duration::seconds(1);
        }
    };
    take(s.now);
    using P = std::pair<std::uint16_t, std::uint32_t>;
    CHECK(order == std::vector<P>{{1, 100}, {1, 100}, {1, 50}, {2, 60}, {1, 50}});
    CHECK(s.queue.expired_messages() == 1);
}

TEST_CASE("SendQueue: limits count overhead, reliable and lossy apart, control has a reserve") {
    SendQueue queue({1000, 500});
    SendOptions lossy;
    lossy.max_retransmits = 0;
    SendOptions control;
    control.control = true;
    std::size_t accepted = 0;
    while (queue.add({}, 1, 53, SharedBytes(Bytes(1)), {}) == SendStatus::kOk)
        ++accepted;
    CHECK(accepted == 1000 / (kItemOverhead + 1));
    CHECK(queue.add({}, 1, 53, SharedBytes(Bytes(100)), lossy) == SendStatus::kOk);
    CHECK(queue.add({}, 1, 53, SharedBytes(Bytes(400)), lossy) == SendStatus::kQueueFull);
    CHECK(queue.add({}, 1, 50, SharedBytes(Bytes(100)), control) == SendStatus::kOk);
    CHECK(queue.buffered(1) == accepted + 200);
    queue.close_stream(1, true);
    CHECK(queue.drained(1));
    CHECK(queue.total_bytes() == 0);
    CHECK(queue.add({}, 1, 53, SharedBytes(Bytes(1)), {}) == SendStatus::kClosed);
    queue.reset_done(1, true);
    CHECK(queue.add({}, 1, 53, SharedBytes(Bytes(1)), {}) == SendStatus::kOk);
}
