// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Handshake, tags, windows, limits and ends of an association (RFC 9260 §5, §8.5, §9; 02 §6).
#include "rtc/sctp/association/association.h"

#include <doctest/doctest.h>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include <algorithm>
#include <memory>
#include <vector>

#include "base/machine.h"
#include "rtc/sctp/association/association_pair_test.h"
#include "rtc/sctp/chunks_test.h"
#include "rtc/sctp/limits.h"

using namespace confab;
using namespace confab::sctp;
using wire::sctp::ChunkType;

static_assert(SansIoMachine<Association>);

TEST_CASE_HANDED_OVER("Association: both sides send INIT and one association comes of it [DC-01]") {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        CAPTURE(seed);
        LinkOptions options;
        options.seed = seed;
        options.jitter = Duration::millis(seed % 2 == 0 ? 60 : 0);
        options.loss = seed > 10 ? 0.3 : 0.0;
        Pair pair(options);
        pair.open();
        pair.link.run_for(Duration::seconds(30));
        CHECK(pair.count<Connected>(0) == 1);
        CHECK(pair.count<Connected>(1) == 1);
        CHECK(pair.count<Aborted>(0) + pair.count<Aborted>(1) == 0);
        pair.link.set_loss(0);
        pair.a.send(pair.link.now(), 0, kPpid, SharedBytes(numbered(1, 10)), {});
        pair.b.send(pair.link.now(), 1, kPpid, SharedBytes(numbered(2, 10)), {});
        pair.link.run_for(Duration::seconds(10));
        CHECK(pair.messages[0].size() == 1);
        CHECK(pair.messages[1].size() == 1);
    }
}

TEST_CASE_HANDED_OVER("Association: one side alone opens; messages sent before are delivered") {
    Pair pair({});
    pair.b.send(pair.link.now(), 7, kPpid, SharedBytes(numbered(5, 10)), {});
    pair.a.send(pair.link.now(), 6, kPpid, SharedBytes(numbered(6, 10)), {});
    pair.a.connect(pair.link.now());
    pair.link.run_for(Duration::seconds(1));
    CHECK(pair.b.state() == Association::State::kEstablished);
    REQUIRE(pair.messages[0].size() == 1);
    CHECK(pair.messages[0][0].stream == 7);
    REQUIRE(pair.messages[1].size() == 1);
}

TEST_CASE_HANDED_OVER(
    "Association: INIT announces FORWARD-TSN in both ways and no I-DATA [SCTP-01][DC-06]") {
    Association a({}, Rng(1));
    a.connect({});
    const auto packet = a.poll_transmit();
    REQUIRE(packet.has_value());
    CHECK(tag_of(*packet) == 0);
    CHECK(packet->size() <= 1191);
    const auto view = wire::sctp::parse_packet(*packet);
    REQUIRE(view.has_value());
    CHECK(view->header.source_port == 5000);
    CHECK(view->header.destination_port == 5000);
    wire::sctp::ChunkReader reader(view->chunks);
    const auto chunk = reader.next();
    REQUIRE(chunk.has_value());
    const auto init = wire::sctp::parse_init(*chunk);
    REQUIRE(init.has_value());
    CHECK(init->a_rwnd == 1024 * 1024);
    CHECK(init->outbound_streams == 65535);
    CHECK(init->inbound_streams == 65535);
    CHECK(init->extensions == wire::sctp::Extensions{true, true, false, false});
    bool parameter = false;
    bool list = false;
    for (wire::sctp::ParameterReader r(chunk->value.subspan(16)); auto p = r.next();) {
        parameter = parameter || p->type == wire::sctp::kParamForwardTsnSupported;
        list = list || p->type == wire::sctp::kParamSupportedExtensions;
    }
    CHECK(parameter);
    CHECK(list);
}

TEST_CASE_HANDED_OVER(
    "Association: INIT is repeated 8 times, 1, 2, 4, 5 … seconds apart, then it fails [SCTP-01]") {
    Association a({}, Rng(1));
    Timestamp now;
    a.connect(now);
    std::vector<std::int64_t> sent;
    while (a.state() != Association::State::kClosed) {
        while (a.poll_transmit())
            sent.push_back(now.ms() / 1000);
        now = a.next_deadline();
        REQUIRE(!now.is_never());
        a.handle_timeout(now);
        a.handle_timeout(now);  // twice changes nothing
    }
    CHECK(sent == std::vector<std::int64_t>{0, 1, 3, 7, 12, 17, 22, 27, 32});
    const auto event = a.poll_event();
    REQUIRE(event.has_value());
    CHECK(std::get<Aborted>(*event).reason == AbortReason::kHandshakeTimeout);
    CHECK(a.next_deadline().is_never());
    CHECK(a.send(now, 0, kPpid, SharedBytes(Bytes{1}), {}) == SendStatus::kClosed);
}

TEST_CASE_HANDED_OVER("Association: data say that the cookie was taken where no COOKIE-ACK does") {
    Pair pair({});
    pair.link.drop = [&](int, BytesView packet) {
        const auto types = chunk_types(packet);
        return std::ranges::find(types, ChunkType::kCookieAck) != types.end();
    };
    SUBCASE("one opens") {}
    SUBCASE("both open") {
        pair.b.connect(pair.link.now());
    }
    pair.a.connect(pair.link.now());
    pair.b.send(pair.link.now(), 3, kPpid, SharedBytes(numbered(7, 100)), {});
    pair.link.run_for(Duration::millis(1500));
    CHECK(pair.a.state() == Association::State::kEstablished);
    CHECK(pair.b.state() == Association::State::kEstablished);
    CHECK(pair.count<Connected>(0) == 1);
    REQUIRE(pair.messages[0].size() == 1);
    CHECK(pair.messages[0][0].stream == 3);
    CHECK(to_vector(pair.messages[0][0].payload) == numbered(7, 100));
}

TEST_CASE_HANDED_OVER("Association: each packet of the handshake may get lost once") {
    for (int lost = 0; lost < 8; ++lost) {
        CAPTURE(lost);
        Pair pair({});
        int number = 0;
        pair.link.drop = [&](int, BytesView) { return number++ == lost; };
        pair.a.connect(pair.link.now());
        pair.link.run_for(Duration::seconds(10));
        CHECK(pair.a.state() == Association::State::kEstablished);
        CHECK(pair.b.state() == Association::State::kEstablished);
        CHECK(pair.count<Connected>(0) == 1);
        CHECK(pair.count<Connected>(1) == 1);
    }
}

TEST_CASE_HANDED_OVER(
    "Association: packets with a wrong tag, port or checksum change nothing [IMM-8]") {
    Pair pair({});
    pair.open();
    pair.link.run_for(Duration::seconds(1));
    pair.a.send(pair.link.now(), 0, kPpid, SharedBytes(numbered(1, 100)), {});
    const auto good = pair.a.poll_transmit();
    REQUIRE(good.has_value());
    const auto dropped = pair.b.snapshot().counters.packets_dropped;
    const auto rewrite = [&](std::uint32_t tag, std::uint16_t from, std::uint16_t to) {
        const auto view = wire::sctp::parse_packet(*good);
        wire::sctp::PacketWriter writer({from, to, tag}, 1191);
        for (wire::sctp::ChunkReader r(view->chunks); auto c = r.next();)
            writer.chunk(c->type, c->flags, c->value.size())->bytes(c->value);
        return writer.finish();
    };
    const std::uint32_t tag = tag_of(*good);
    pair.b.handle_packet(pair.link.now(), rewrite(tag + 1, 5000, 5000));
    pair.b.handle_packet(pair.link.now(), rewrite(0, 5000, 5000));
    pair.b.handle_packet(pair.link.now(), rewrite(tag, 5001, 5000));
    pair.b.handle_packet(pair.link.now(), rewrite(tag, 5000, 5001));
    Bytes broken = *good;
    broken.back() ^= 1;
    pair.b.handle_packet(pair.link.now(), broken);
    CHECK(pair.b.snapshot().counters.packets_dropped == dropped + 5);
    CHECK_FALSE(pair.b.poll_event().has_value());
    pair.b.handle_packet(pair.link.now(), rewrite(tag, 5000, 5000));
    CHECK(pair.b.poll_event().has_value());
    // ABORT: our tag without the T bit, the peer's with it (RFC 9260 §8.5.1).
    for (const bool reflected : {true, false}) {
        wire::sctp::PacketWriter writer({5000, 5000, tag}, 1191);
        wire::sctp::write_with_cause(writer, ChunkType::kAbort, reflected ? 1 : 0,
                                     wire::sctp::Cause::kUserInitiatedAbort, {});
        pair.b.handle_packet(pair.link.now(), writer.finish());
        CHECK((pair.b.state() == Association::State::kClosed) == !reflected);
    }
}

TEST_CASE_HANDED_OVER("Association: abort() reaches the peer with its cause") {
    Pair pair({});
    pair.open();
    pair.a.send(pair.link.now(), 0, kPpid, SharedBytes(numbered(1, 100'00)), {});
    pair.a.abort(pair.link.now());
    pair.link.run_for(Duration::seconds(1));
    REQUIRE(pair.count<Aborted>(0) == 1);
    REQUIRE(pair.count<Aborted>(1) == 1);
    CHECK(std::get<Aborted>(pair.events[0].back()).reason == AbortReason::kLocalAbort);
    const auto& theirs = std::get<Aborted>(pair.events[1].back());
    CHECK(theirs.reason == AbortReason::kPeerAbort);
    CHECK(theirs.cause == wire::sctp::Cause::kUserInitiatedAbort);
    CHECK(pair.a.snapshot().send_bytes == 0);
}

TEST_CASE_HANDED_OVER(
    "Association: shutdown delivers everything first, on either or both sides, under loss") {
    for (int variant = 0; variant < 4; ++variant) {
        CAPTURE(variant);
        LinkOptions options;
        options.loss = variant >= 2 ? 0.2 : 0;
        options.seed = 5;
        Pair pair(options);
        pair.open();
        for (std::uint32_t i = 0; i < 50; ++i)
            pair.a.send(pair.link.now(), 0, kPpid, SharedBytes(numbered(i, 1000)), {});
        pair.a.shutdown(pair.link.now());
        if (variant % 2 == 1) pair.b.shutdown(pair.link.now());
        CHECK(pair.a.send(pair.link.now(), 0, kPpid, SharedBytes(Bytes{1}), {}) ==
              SendStatus::kClosed);
        pair.link.run_for(Duration::seconds(900));
        CHECK(pair.messages[1].size() == 50);
        CHECK(pair.a.state() == Association::State::kClosed);
        CHECK(pair.b.state() == Association::State::kClosed);
    }
}

TEST_CASE_HANDED_OVER(
    "Association: a receiver that takes no events closes its window and opens it again") {
    Config small;
    small.a_rwnd = 128 * 1024;
    Association a({}, Rng(1));
    Association b(small, Rng(2));
    Timestamp now;
    bool take = false;
    std::size_t received = 0;
    std::vector<std::pair<int, Bytes>> wire;
    const auto run = [&](Duration duration) {
        const Timestamp end = now + duration;
        for (;;) {
            for (bool more = true; more;) {
                more = false;
                while (take && b.poll_event())
                    ++received;
                while (a.poll_event()) {
                }
                while (auto p = a.poll_transmit())
                    b.handle_packet(now, *p), more = true;
                while (auto p = b.poll_transmit())
                    a.handle_packet(now, *p), more = true;
            }
            const Timestamp next = earlier(a.next_deadline(), b.next_deadline());
            if (next > end) break;
            now = std::max(now, next);
            a.handle_timeout(now);
            b.handle_timeout(now);
        }
        now = end;
    };
    a.connect(now);
    run(Duration::seconds(1));
    for (std::uint32_t i = 0; i < 1000; ++i)
        REQUIRE(a.send(now, 0, kPpid, SharedBytes(numbered(i, 1000)), {}) == SendStatus::kOk);
    run(Duration::seconds(600));
    CHECK(a.state() == Association::State::kEstablished);  // answered probes are no errors
    CHECK(b.snapshot().receive_bytes <= small.a_rwnd + 1191);
    CHECK(b.snapshot().receive_bytes > small.a_rwnd / 2);
    const std::size_t waiting = a.snapshot().send_bytes;
    CHECK(waiting > 800'000);
    take = true;
    run(Duration::seconds(10));
    CHECK(received == 1001);  // with Connected
    CHECK(a.snapshot().send_bytes == 0);
}

TEST_CASE_HANDED_OVER(
    "Association: a peer that never acknowledges costs no more than the queue limits [IMM-15]") {
    Config config;
    config.max_data_retransmits = 1000;
    Pair pair({}, config);
    pair.open();
    pair.link.drop = [](int from, BytesView) { return from == 1; };
    SendOptions lossy;
    lossy.max_retransmits = 0;
    std::uint64_t refused[2] = {};
    for (int i = 0; i < 20'000; ++i) {
        const SharedBytes payload(numbered(0, 1000));
        if (pair.a.send(pair.link.now(), 0, kPpid, payload, {}) == SendStatus::kQueueFull)
            ++refused[0];
        if (pair.a.send(pair.link.now(), 1, kPpid, payload, lossy) == SendStatus::kQueueFull)
            ++refused[1];
        if (i % 100 == 0) pair.link.run_for(Duration::millis(50));
    }
    CHECK(refused[0] > 15'000);
    CHECK(refused[1] > 15'000);
    CHECK(pair.a.snapshot().send_bytes <=
          config.max_buffered_bytes + config.max_lossy_buffered_bytes);
    CHECK(pair.count<NoProgress>(0) == 1);
    // Recovery ends the stall and everything accepted arrives.
    pair.link.drop = nullptr;
    pair.link.run_for(Duration::seconds(400));
    CHECK(pair.a.snapshot().send_bytes == 0);
    CHECK(pair.a.state() == Association::State::kEstablished);
}

TEST_CASE_HANDED_OVER(
    "Association: behind an outage of a minute nothing waits for more than 3 s [DC-20] [SCTP-01]") {
    Pair pair({});
    pair.open();
    pair.a.send(pair.link.now(), 0, kPpid, SharedBytes(numbered(0, 10)), {});
    pair.link.drop = [](int, BytesView) { return true; };
    pair.link.run_for(Duration::seconds(60));
    pair.link.drop = nullptr;
    pair.link.run_for(Duration::millis(3100));
    CHECK(pair.messages[1].size() == 1);
    pair.link.run_for(Duration::millis(300));  // the SACK may wait
    CHECK(pair.a.buffered_amount(0) == 0);
    CHECK(pair.a.state() == Association::State::kEstablished);
}

TEST_CASE_HANDED_OVER("Association: no progress is reported after 5 s, once per stall [DC-25]") {
    Pair pair({});
    pair.open();
    pair.link.drop = [](int, BytesView) { return true; };
    const Timestamp begin = pair.link.now();
    pair.a.send(begin, 0, kPpid, SharedBytes(numbered(0, 10)), {});
    pair.link.run_for(Duration::millis(4990));
    CHECK(pair.count<NoProgress>(0) == 0);
    pair.link.run_for(Duration::millis(20));
    CHECK(pair.count<NoProgress>(0) == 1);
    pair.link.run_for(Duration::seconds(900));
    CHECK(pair.count<NoProgress>(0) == 1);
    REQUIRE(pair.count<Aborted>(0) == 1);  // after 100 timeouts
    CHECK(std::get<Aborted>(pair.events[0].back()).reason == AbortReason::kTooManyRetransmissions);
}

TEST_CASE_HANDED_OVER(
    "Association: HEARTBEAT is answered with its information, unknown chunks by their bits") {
    Pair pair({});
    pair.open();
    pair.link.run_for(Duration::seconds(1));
    pair.a.send(pair.link.now(), 0, kPpid, SharedBytes(numbered(1, 10)), {});
    const std::uint32_t tag = tag_of(*pair.a.poll_transmit());
    const Bytes info = {0, 1, 0, 8, 1, 2, 3, 4};
    wire::sctp::PacketWriter writer({5000, 5000, tag}, 1191);
    writer.chunk(static_cast<ChunkType>(0x80), 0, 4);  // skipped silently
    writer.chunk(static_cast<ChunkType>(0xC5), 0, 4);  // skipped and reported
    writer.chunk(ChunkType::kHeartbeat, 0, info.size())->bytes(info);
    writer.chunk(static_cast<ChunkType>(0x3F), 0, 0);  // stops
    writer.chunk(ChunkType::kAbort, 0, 0);
    pair.b.handle_packet(pair.link.now(), writer.finish());
    CHECK(pair.b.state() == Association::State::kEstablished);
    const auto answer = pair.b.poll_transmit();
    REQUIRE(answer.has_value());
    CHECK(chunk_types(*answer) == std::vector{ChunkType::kHeartbeatAck, ChunkType::kError});
    const auto view = wire::sctp::parse_packet(*answer);
    wire::sctp::ChunkReader reader(view->chunks);
    CHECK(to_vector(reader.next()->value) == info);
}

TEST_CASE_HANDED_OVER(
    "Association: a second INIT with another tag is a restart and ends it; a late one does not") {
    Pair pair({});
    std::vector<Bytes> inits;
    pair.link.drop = [&](int from, BytesView packet) {
        if (from == 0 && has_chunk(packet, ChunkType::kInit)) inits.push_back(to_vector(packet));
        return false;
    };
    pair.open();
    REQUIRE(!inits.empty());
    pair.b.handle_packet(pair.link.now(), inits[0]);
    pair.link.run_for(Duration::seconds(1));
    CHECK(pair.a.state() == Association::State::kEstablished);
    CHECK(pair.b.state() == Association::State::kEstablished);
    Association stranger({}, Rng(99));
    stranger.connect(pair.link.now());
    for (int i = 0; i < 4; ++i) {
        while (auto p = stranger.poll_transmit())
            pair.b.handle_packet(pair.link.now(), *p);
        while (auto p = pair.b.poll_transmit())
            stranger.handle_packet(pair.link.now(), *p);
    }
    CHECK(pair.b.state() == Association::State::kClosed);
    CHECK(stranger.state() == Association::State::kClosed);
}

TEST_CASE_HANDED_OVER(
    "Association: data that can never be completed ends it within the memory limit [IMM-8]") {
    Config small;
    small.a_rwnd = 200'000;
    Pair pair({}, {}, small);
    pair.open();
    pair.link.run_for(Duration::seconds(1));
    pair.a.send(pair.link.now(), 0, kPpid, SharedBytes(numbered(1, 10)), {});
    const auto first = pair.a.poll_transmit();
    const auto view = wire::sctp::parse_packet(*first);
    wire::sctp::ChunkReader reader(view->chunks);
    auto data = wire::sctp::parse_data(*reader.next());
    REQUIRE(data.has_value());
    const Bytes payload(1000);
    const auto attack = [&](auto&& change) {
        wire::sctp::DataChunk chunk = *data;
        chunk.payload = payload;
        std::size_t most = 0;
        for (std::uint32_t i = 0; i < 5000 && pair.b.state() != Association::State::kClosed; ++i) {
            change(chunk, i);
            wire::sctp::PacketWriter writer(view->header, 1191);
            wire::sctp::write_data(writer, chunk);
            pair.b.handle_packet(pair.link.now(), writer.finish());
            while (pair.b.poll_event()) {
            }
            while (pair.b.poll_transmit()) {
            }
            most = std::max(most, pair.b.snapshot().receive_bytes);
        }
        return most;
    };
    const std::size_t hard = small.a_rwnd + 65535 + kMaxFragments * kItemOverhead + 1191;
    SUBCASE("every second chunk") {
        CHECK(attack([&](auto& c, std::uint32_t i) { c.tsn = data->tsn + 2 * i + 1; }) <= hard);
        CHECK(pair.b.state() == Association::State::kEstablished);
    }
    SUBCASE("a first fragment each time") {
        CHECK(attack([&](auto& c, std::uint32_t i) {
                  c.tsn = data->tsn + i;
                  c.end = false;
              }) <= 2 * 1191);
    }
    SUBCASE("sequence numbers with a hole before them") {
        CHECK(attack([&](auto& c, std::uint32_t i) {
                  c.tsn = data->tsn + i;
                  c.ssn = static_cast<std::uint16_t>(i + 1);
              }) <= hard);
        CHECK(pair.b.state() == Association::State::kClosed);
    }
    SUBCASE("a new stream each time") {
        CHECK(attack([&](auto& c, std::uint32_t i) {
                  c.tsn = data->tsn + i;
                  c.stream = static_cast<std::uint16_t>(i);
                  c.unordered = true;
              }) <= 2 * 1191);
        CHECK(pair.b.state() == Association::State::kEstablished);
    }
    SUBCASE("an endless message") {
        CHECK(attack([&](auto& c, std::uint32_t i) {
                  c.tsn = data->tsn + i;
                  c.begin = i == 0;
                  c.end = false;
              }) <= 65535 + 70 * kItemOverhead + 1191);
        CHECK(pair.b.state() == Association::State::kEstablished);
    }
}

TEST_CASE_HANDED_OVER("Association: SACKs of what was never sent are ignored [IMM-8]") {
    Pair pair({});
    pair.open();
    for (std::uint32_t i = 0; i < 3; ++i)
        pair.a.send(pair.link.now(), 0, kPpid, SharedBytes(numbered(i, 1000)), {});
    pair.link.drop = [](int, BytesView) { return true; };
    pair.link.drain();
    const std::size_t flight = pair.a.snapshot().flight;
    REQUIRE(flight == 3000);
    // The tag that A expects is in any packet from B.
    pair.b.send(pair.link.now(), 1, kPpid, SharedBytes(numbered(9, 10)), {});
    const auto packet = pair.b.poll_transmit();
    const auto sack = [&](std::uint32_t cumulative, std::vector<wire::sctp::GapBlock> gaps) {
        wire::sctp::PacketWriter writer({5000, 5000, tag_of(*packet)}, 1191);
        wire::sctp::write_sack(writer, cumulative, 1 << 20, gaps, {});
        pair.a.handle_packet(pair.link.now(), writer.finish());
        return pair.a.snapshot().flight;
    };
    // Random cumulative TSNs almost never fall into the three sent.
    Rng rng(4);
    for (int i = 0; i < 1000; ++i)
        CHECK(sack(rng.u32(), {{1, 65535}, {1, 1}}) == flight);
}

TEST_CASE_HANDED_OVER("Association: thousands of idle ones are small") {
    CHECK(sizeof(Association) < 2048);
#if defined(__GLIBC__) && !defined(CONFAB_ASAN)
    constexpr std::size_t kPairs = 200;
    const std::size_t before = mallinfo2().uordblks;
    std::vector<std::unique_ptr<Association>> idle;
    idle.reserve(2 * kPairs);
    Timestamp now;
    for (std::size_t i = 0; i < 2 * kPairs; ++i)
        idle.push_back(std::make_unique<Association>(Config{}, Rng(i)));
    for (std::size_t i = 0; i < 2 * kPairs; i += 2) {
        Association& a = *idle[i];
        Association& b = *idle[i + 1];
        a.connect(now);
        const auto exchange = [&] {
            for (int round = 0; round < 400; ++round) {
                now = now + Duration::millis(50);
                a.handle_timeout(now);
                b.handle_timeout(now);
                while (auto p = a.poll_transmit())
                    b.handle_packet(now, *p);
                while (auto p = b.poll_transmit())
                    a.handle_packet(now, *p);
                while (a.poll_event()) {
                }
                while (b.poll_event()) {
                }
            }
        };
        exchange();
        for (std::uint32_t m = 0; m < 100; ++m)  // used, then idle again
            a.send(now, static_cast<std::uint16_t>(m % 3), kPpid, SharedBytes(numbered(m, 3000)),
                   {});
        exchange();
        REQUIRE(a.state() == Association::State::kEstablished);
        REQUIRE(a.snapshot().send_bytes == 0);
    }
    const std::size_t each = (mallinfo2().uordblks - before) / (2 * kPairs);
    CHECK(each < 8 * 1024);
#endif
}
