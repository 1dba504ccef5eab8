// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Windows, T3-rtx, losses and stalls of the sending side (RFC 9260 §6.1, §6.3, §7.2; RFC 3758).
#include "rtc/sctp/send/data_sender.h"

#include <doctest/doctest.h>

#include <vector>

#include "rtc/sctp/chunks_test.h"

using namespace confab;
using namespace confab::sctp;
using wire::sctp::ChunkType;

namespace {

constexpr std::uint32_t kFirst = 0xFFFFFFFE;  // wraps after two chunks
constexpr std::size_t kSize = 1000;           // one to a packet

struct Sender {
    explicit Sender(const Config& c = {}) : config(c), path(config), sender(config, kFirst) {
        sender.set_peer(1 << 20, true);
        sender.established(now);
    }
    void message(std::uint16_t stream = 1, const SendOptions& options = {}) {
        REQUIRE(sender.send(now, stream, 53, SharedBytes(Bytes(kSize)), options) ==
                SendStatus::kOk);
    }
    void messages(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i)
            message();
    }
    // The offsets of the TSNs in the next packet.
    std::vector<std::uint32_t> packet() {
        wire::sctp::PacketWriter writer({5000, 5000, 1}, config.mtu);
        sender.write_data(now, path.rto(), writer);
        const Bytes bytes = writer.finish();
        std::vector<std::uint32_t> offsets;
        const auto view = wire::sctp::parse_packet(bytes);
        for (wire::sctp::ChunkReader r(view->chunks); auto c = r.next();)
            offsets.push_back(wire::sctp::parse_data(*c).value().tsn - kFirst);
        return offsets;
    }
    // The chunks that go out before the window stops them.
    std::vector<std::uint32_t> transmit() {
        std::vector<std::uint32_t> offsets;
        for (auto next = packet(); !next.empty(); next = packet())
            offsets.insert(offsets.end(), next.begin(), next.end());
        return offsets;
    }
    // Acknowledges all before the offset, and one range of gaps behind them.
    void sack(std::uint32_t before, std::vector<wire::sctp::GapBlock> gaps = {},
              std::uint32_t a_rwnd = 1 << 20) {
        Bytes bytes(gaps.size() * 4);
        for (std::size_t i = 0; i < gaps.size(); ++i) {
            store_be16(&bytes[i * 4], gaps[i].start);
            store_be16(&bytes[i * 4 + 2], gaps[i].end);
        }
        wire::sctp::SackView view;
        view.cumulative_tsn = kFirst + before - 1;
        view.a_rwnd = a_rwnd;
        view.gaps = bytes;
        sender.handle_sack(view, now, path);
    }
    bool expire() {
        now = sender.deadline();
        return sender.handle_timeout(now, path);
    }
    Config config;
    Timestamp now = Timestamp::micros(1'000'000);
    Path path;
    DataSender sender;
};

using Offsets = std::vector<std::uint32_t>;

}  // namespace

TEST_CASE(
    "DataSender: fills the congestion window; T3 runs from the oldest until all is acknowledged") {
    Sender s;
    CHECK_FALSE(s.sender.data_ready());
    s.messages(10);
    CHECK(s.sender.data_ready());
    CHECK(s.sender.deadline().is_never());
    CHECK(s.transmit() == Offsets{0, 1, 2, 3, 4});  // 4404 bytes and what was begun
    CHECK(s.sender.snapshot().flight == 5 * kSize);
    CHECK_FALSE(s.sender.data_ready());
    CHECK(s.sender.deadline() == s.now + Duration::seconds(1));
    CHECK(s.sender.last_assigned_tsn() == kFirst + 4);

    s.now = s.now + Duration::millis(100);
    s.sack(2);
    CHECK(s.path.srtt() == Duration::millis(100));
    CHECK(s.sender.deadline() == s.now + Duration::seconds(1));  // §6.3.2 R3
    CHECK(s.sender.snapshot().bytes_acked == 2 * kSize);
    CHECK(s.transmit() == Offsets{5, 6, 7});  // the window grew by a packet
    s.now = s.now + Duration::millis(100);
    s.sack(8);
    CHECK(s.sender.deadline().is_never());  // R2
    CHECK_FALSE(s.sender.all_acknowledged());
    CHECK(s.transmit() == Offsets{8, 9});
    s.sack(10);
    CHECK(s.sender.all_acknowledged());
    CHECK(s.sender.snapshot().queued_bytes == 0);
}

TEST_CASE(
    "DataSender: the peer's window holds data back; one chunk probes a closed one [SCTP-01]") {
    Sender s;
    s.messages(10);
    SUBCASE("room for two") {
        s.sender.set_peer(2 * kSize + 500, true);
        CHECK(s.transmit() == Offsets{0, 1});
        s.sack(2, {}, 3 * kSize);
        CHECK(s.transmit() == Offsets{2, 3, 4});
    }
    SUBCASE("closed") {
        s.sender.set_peer(0, true);
        CHECK(s.transmit() == Offsets{0});
        s.sack(1, {}, 0);
        CHECK(s.transmit() == Offsets{1});
    }
}

TEST_CASE("DataSender: probes that are answered are no errors, unanswered ones fail the path") {
    Config config;
    config.max_data_retransmits = 2;
    Sender s(config);
    s.messages(2);
    s.sender.set_peer(0, true);
    CHECK(s.transmit() == Offsets{0});
    const std::size_t window = s.sender.snapshot().cwnd;
    for (int i = 0; i < 10; ++i) {
        s.sack(0, {}, 0);
        REQUIRE(s.expire());
        CHECK(s.transmit() == Offsets{0});
    }
    CHECK(s.sender.snapshot().cwnd == window);
    CHECK(s.sender.snapshot().timeouts == 10);
    for (int i = 0; i < 2; ++i) {
        REQUIRE(s.expire());
        CHECK(s.transmit() == Offsets{0});
    }
    CHECK_FALSE(s.expire());
    CHECK(s.sender.snapshot().cwnd == 1191);
}

TEST_CASE("DataSender: T3 doubles the timeout and sends all again, the oldest first, one packet") {
    Sender s;
    s.messages(3);
    CHECK(s.transmit() == Offsets{0, 1, 2});
    CHECK(s.expire());
    CHECK(s.path.rto() == Duration::seconds(2));
    CHECK(s.sender.deadline() == s.now + Duration::seconds(2));
    CHECK(s.sender.snapshot().timeouts == 1);
    s.message();
    CHECK(s.transmit() == Offsets{0});  // §7.2.3: one packet in flight, and lost ones first
    s.sack(1);
    CHECK(s.transmit() == Offsets{1, 2, 3});
    CHECK(s.sender.snapshot().retransmissions == 3);
}

TEST_CASE("DataSender: a path that works again gets what unanswered timeouts hold back [DC-20]") {
    Sender s;
    s.messages(2);
    CHECK(s.transmit() == std::vector<std::uint32_t>{0, 1});
    s.sender.retry(s.now, s.path);
    CHECK(s.transmit().empty());  // the first timeout may still be answered
    REQUIRE(s.expire());
    CHECK(s.transmit() == std::vector<std::uint32_t>{0});
    const Duration doubled = s.path.rto();
    s.now = s.now + Duration::millis(300);
    s.sender.retry(s.now, s.path);
    CHECK(s.transmit() == std::vector<std::uint32_t>{0});
    // As many timeouts, as far apart, as without it.
    CHECK(s.path.rto() == doubled);
    CHECK(s.sender.deadline() == s.now + doubled);
    CHECK(s.sender.snapshot().timeouts == 1);
    s.sack(2);
    s.sender.retry(s.now, s.path);
    CHECK(s.transmit().empty());
}

TEST_CASE("DataSender: without anything in flight T3 changes nothing") {
    Sender s;
    CHECK(s.sender.handle_timeout(s.now, s.path));
    CHECK(s.sender.snapshot().timeouts == 0);
    CHECK(s.path.rto() == Duration::seconds(1));
}

TEST_CASE("DataSender: after three misses one packet goes out whatever the window says [SCTP-01]") {
    Sender s;
    s.messages(1000);
    std::uint32_t sent = 0;
    while (s.sender.snapshot().cwnd < 30 * kSize) {
        sent += static_cast<std::uint32_t>(s.transmit().size());
        s.sack(sent);
    }
    const Offsets burst = s.transmit();
    REQUIRE(burst.size() > 30);
    s.now = s.now + Duration::millis(300);
    // The first two are missing, three more SACKs each with one more behind them.
    for (std::uint16_t last = 3; last <= 5; ++last)
        s.sack(sent, {{3, last}});
    CHECK(s.sender.snapshot().fast_losses == 1);
    CHECK(s.sender.snapshot().flight > s.sender.snapshot().cwnd);
    CHECK(s.packet() == Offsets{sent});
    CHECK(s.sender.deadline() == s.now + s.path.rto());          // §7.2.4 4: the oldest went again
    CHECK(s.packet().empty());                                   // the second waits for the window
    s.sack(sent + static_cast<std::uint32_t>(burst.size()) - 1,  // all but the last
           {});
    CHECK(s.sender.snapshot().fast_losses == 1);
    CHECK(s.sender.snapshot().retransmissions == 1);
}

TEST_CASE("DataSender: the TSN of a SHUTDOWN acknowledges and leaves the peer's window [SCTP-01]") {
    Sender s;
    s.messages(2);
    CHECK(s.transmit() == Offsets{0, 1});
    s.sender.handle_shutdown(kFirst, s.now);
    CHECK(s.sender.snapshot().flight == kSize);
    CHECK_FALSE(s.sender.deadline().is_never());
    s.sender.handle_shutdown(kFirst + 1, s.now);
    CHECK(s.sender.all_acknowledged());
    CHECK(s.sender.deadline().is_never());
    CHECK(s.sender.snapshot().peer_rwnd == 1 << 20);
}

TEST_CASE("DataSender: old and impossible SACKs change nothing [IMM-8]") {
    Sender s;
    s.messages(3);
    CHECK(s.transmit() == Offsets{0, 1, 2});
    s.sack(2);
    const Timestamp deadline = s.sender.deadline();
    s.now = s.now + Duration::millis(10);
    s.sack(1, {}, 0);
    s.sack(4, {}, 0);
    CHECK(s.sender.snapshot().peer_rwnd == 1 << 20);
    CHECK(s.sender.snapshot().flight == kSize);
    CHECK(s.sender.deadline() == deadline);
}

TEST_CASE("DataSender: a stall is told once, from the first reliable message that waits [DC-25]") {
    Sender s;
    SendOptions lossy;
    lossy.max_retransmits = 0;
    s.message(1, lossy);
    CHECK(s.sender.stall_deadline().is_never());
    s.now = s.now + Duration::seconds(60);
    CHECK_FALSE(s.sender.take_stall(s.now));
    s.message();
    CHECK(s.sender.stall_deadline() == s.now + Duration::seconds(5));
    CHECK(s.transmit() == Offsets{0, 1});
    s.now = s.now + Duration::seconds(3);
    s.message();  // not the first
    CHECK(s.sender.stall_deadline() == s.now + Duration::seconds(2));
    s.sack(1);
    CHECK(s.sender.stall_deadline() == s.now + Duration::seconds(5));
    s.now = s.now + Duration::seconds(5);
    s.sack(1);  // nothing new
    CHECK(s.sender.take_stall(s.now));
    CHECK_FALSE(s.sender.take_stall(s.now));
    s.sack(2);
    CHECK(s.sender.stall_deadline() == s.now + Duration::seconds(5));
}

TEST_CASE("DataSender: expired messages are given up only for a peer with FORWARD-TSN [DC-07]") {
    for (const bool forward_tsn : {false, true}) {
        CAPTURE(forward_tsn);
        Sender s;
        s.sender.set_peer(1 << 20, forward_tsn);
        SendOptions timed;
        timed.lifetime = Duration::millis(100);
        s.message(1, timed);
        s.now = s.now + Duration::millis(100);
        CHECK(s.transmit().size() == (forward_tsn ? 0 : 1));
        CHECK(s.sender.snapshot().abandoned == (forward_tsn ? 1 : 0));
        if (!forward_tsn) CHECK(s.expire());
        CHECK(s.transmit().size() == (forward_tsn ? 0 : 1));
    }
}

TEST_CASE(
    "DataSender: what was sent and given up is skipped by FORWARD-TSN, which T3 watches [DC-07]") {
    Sender s;
    SendOptions once;
    once.max_retransmits = 0;
    s.message(4, once);
    CHECK(s.transmit() == Offsets{0});
    CHECK(s.expire());
    CHECK(s.sender.skip_due());
    const auto written = [&] {
        wire::sctp::PacketWriter writer({5000, 5000, 1}, 1191);
        s.sender.write_forward_tsn(s.now, s.path.rto(), writer);
        return chunk_types(writer.finish());
    };
    CHECK(written() == std::vector{ChunkType::kForwardTsn});
    CHECK_FALSE(s.sender.skip_due());
    CHECK(written().empty());
    s.sender.update_skip();
    CHECK_FALSE(s.sender.skip_due());  // said already
    CHECK(s.expire());
    CHECK(s.sender.skip_due());
    CHECK(s.sender.snapshot().abandoned == 1);
    s.sack(1);
    CHECK(s.sender.all_acknowledged());
    CHECK(s.sender.deadline().is_never());
}

TEST_CASE("DataSender: FORWARD-TSN does not put off T3, which runs for what is unacknowledged") {
    Sender s;
    SendOptions once;
    once.max_retransmits = 0;
    s.message(4, once);
    CHECK(s.transmit() == Offsets{0});
    CHECK(s.expire());
    const Timestamp running = s.sender.deadline();
    CHECK(running == s.now + Duration::seconds(2));
    s.now = s.now + Duration::millis(500);
    wire::sctp::PacketWriter writer({5000, 5000, 1}, 1191);
    s.sender.write_forward_tsn(s.now, s.path.rto(), writer);
    CHECK_FALSE(writer.empty());
    CHECK(s.sender.deadline() == running);
}

TEST_CASE("DataSender: a closed stream takes nothing until its reset is done [DC-08]") {
    Sender s;
    s.sender.set_low_threshold(1, kSize);
    s.messages(3);
    CHECK(s.sender.close_stream(1, false));
    CHECK_FALSE(s.sender.close_stream(1, false));
    CHECK(s.sender.send(s.now, 1, 53, SharedBytes(Bytes(1)), {}) == SendStatus::kClosed);
    CHECK(s.transmit() == Offsets{0, 1, 2});
    CHECK(s.sender.take_low().empty());
    s.sack(2);
    CHECK(s.sender.take_low() == std::vector<std::uint16_t>{1});
    s.sack(3);
    s.sender.reset_done(1, true);
    CHECK(s.sender.close_stream(1, true));
    s.sender.reset_done(1, false);
    s.message();
    CHECK(s.sender.close_stream(1, true));  // takes away what waits
    CHECK(s.sender.queue().drained(1));
}

TEST_CASE("DataSender: clear() leaves nothing to send and no timer") {
    Sender s;
    s.messages(10);
    (void)s.transmit();
    s.sender.clear();
    CHECK(s.sender.deadline().is_never());
    CHECK(s.sender.stall_deadline().is_never());
    CHECK(s.sender.all_acknowledged());
    CHECK_FALSE(s.sender.data_ready());
    CHECK(s.transmit().empty());
}
