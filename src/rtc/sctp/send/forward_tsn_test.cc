// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// When FORWARD-TSN is due and what it says (RFC 3758 §3.5).
#include "rtc/sctp/send/forward_tsn.h"

#include <doctest/doctest.h>

#include <optional>

#include "rtc/sctp/chunks_test.h"

using namespace confab;
using namespace confab::sctp;

namespace {

constexpr std::uint32_t kFirst = 100;
constexpr Duration kRtt = Duration::millis(50);

struct Sender {
    Sender() : queue({1 << 20, 1 << 20}), outstanding(kFirst) {
        outstanding.set_partial_reliability(true);
    }
    // One message without retransmission, sent and given up.
    void give_up(std::uint16_t stream) {
        SendOptions once;
        once.max_retransmits = 0;
        REQUIRE(queue.add(now, stream, 53, SharedBytes(Bytes(100)), once) == SendStatus::kOk);
        REQUIRE(queue.prepare(now, false) > 0);
        outstanding.add(queue.take(100), now);
        outstanding.handle_timeout(now, queue);
    }
    // The FORWARD-TSN that was due and fits.
    std::optional<Bytes> written(std::size_t mtu = 1191) {
        wire::sctp::PacketWriter writer({5000, 5000, 1}, mtu);
        if (!forward.write(outstanding, now, writer)) {
            CHECK(writer.empty());
            return std::nullopt;
        }
        return writer.finish();
    }
    Timestamp now = Timestamp::micros(1'000'000);
    SendQueue queue;
    Outstanding outstanding;
    ForwardTsn forward;
};

}  // namespace

TEST_CASE("ForwardTsn: goes out once for what was given up, and at once for more of it [DC-07]") {
    Sender s;
    s.forward.update(s.outstanding);
    CHECK_FALSE(s.forward.due());
    CHECK_FALSE(s.written().has_value());

    s.give_up(3);
    CHECK_FALSE(s.written().has_value());  // nobody said that it is due
    s.forward.update(s.outstanding);
    REQUIRE(s.forward.due());
    auto packet = s.written();
    REQUIRE(packet.has_value());
    const auto view = wire::sctp::parse_forward_tsn(first_chunk(*packet)).value();
    CHECK(view.new_cumulative_tsn == kFirst);
    REQUIRE(view.skipped_count() == 1);
    CHECK(view.skipped_stream(0) == wire::sctp::SkippedStream{3, 0});
    s.forward.update(s.outstanding);
    CHECK_FALSE(s.forward.due());

    s.give_up(4);
    s.forward.update(s.outstanding);
    packet = s.written();
    REQUIRE(packet.has_value());
    CHECK(wire::sctp::parse_forward_tsn(first_chunk(*packet))->new_cumulative_tsn == kFirst + 1);
}

TEST_CASE("ForwardTsn: SACKs that reach less repeat it once per round trip, T3-rtx at once") {
    Sender s;
    s.give_up(3);
    s.forward.update(s.outstanding);
    REQUIRE(s.written().has_value());
    s.now = s.now + kRtt - Duration::millis(1);
    s.forward.handle_sack(s.outstanding, s.now, kRtt);
    CHECK_FALSE(s.forward.due());
    s.now = s.now + Duration::millis(1);
    s.forward.handle_sack(s.outstanding, s.now, kRtt);
    CHECK(s.forward.due());
    REQUIRE(s.written().has_value());
    s.forward.handle_sack(s.outstanding, s.now, Duration::zero());  // not measured: a millisecond
    CHECK_FALSE(s.forward.due());
    s.forward.handle_timeout(s.outstanding);
    CHECK(s.forward.due());
    s.forward.clear();
    CHECK_FALSE(s.forward.due());
}

TEST_CASE("ForwardTsn: stays due when it does not fit, not when the peer has caught up") {
    Sender s;
    s.give_up(3);
    s.forward.update(s.outstanding);
    CHECK_FALSE(s.written(16).has_value());
    CHECK(s.forward.due());
    wire::sctp::SackView sack;
    sack.cumulative_tsn = kFirst;
    REQUIRE(s.outstanding.handle_sack(sack, s.now, false, s.queue).valid);
    CHECK_FALSE(s.written().has_value());
    CHECK_FALSE(s.forward.due());
    s.forward.handle_timeout(s.outstanding);
    CHECK_FALSE(s.forward.due());
}
