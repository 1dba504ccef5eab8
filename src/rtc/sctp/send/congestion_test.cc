// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Window growth and reduction (RFC 9260 §7.2).
#include "rtc/sctp/send/congestion.h"

#include <doctest/doctest.h>

using namespace confab::sctp;

namespace {
CongestionWindow::Ack full(const CongestionWindow& w, std::size_t acked, std::int64_t tsn) {
    return {w.window(), acked, tsn, true, false};
}
}  // namespace

TEST_CASE("CongestionWindow: slow start by one packet per SACK and only when the window was used") {
    CongestionWindow w(Config{});
    CHECK(w.window() == 4404);
    w.on_ack(full(w, 2320, 2));
    CHECK(w.window() == 4404 + 1191);
    w.on_ack(full(w, 500, 3));
    CHECK(w.window() == 4404 + 1191 + 500);
    const std::size_t before = w.window();
    w.on_ack({100, 100, 4, true, true});        // hardly used
    w.on_ack({before, 1160, 4, false, false});  // only a gap block
    CHECK(w.window() == before);
}

TEST_CASE("CongestionWindow: one halving per window of data, then a packet per round trip") {
    CongestionWindow w(Config{});
    for (int i = 0; i < 20; ++i)
        w.on_ack(full(w, 1191, i));
    const std::size_t before = w.window();
    CHECK(w.on_fast_loss(100));
    CHECK(w.window() == before / 2);
    CHECK_FALSE(w.on_fast_loss(110));
    w.on_ack(full(w, 1160, 50));
    CHECK(w.window() == before / 2);  // no growth in recovery
    CHECK(w.in_fast_recovery());
    w.on_ack(full(w, 1160, 100));
    CHECK_FALSE(w.in_fast_recovery());
    const std::size_t start = w.window();
    w.on_ack(full(w, 1160, 101));  // at the threshold still slow start
    std::size_t acked = 0;
    while (w.window() < start + 2 * 1191) {
        w.on_ack(full(w, 1160, 102));
        acked += 1160;
        REQUIRE(acked < 4 * start);
    }
    CHECK(acked >= start);
}

TEST_CASE("CongestionWindow: a timeout leaves one packet, or the tuned minimum [SCTP-03]") {
    CongestionWindow w(Config{});
    for (int i = 0; i < 20; ++i)
        w.on_ack(full(w, 1191, i));
    const std::size_t before = w.window();
    w.on_timeout();
    CHECK(w.window() == 1191);
    CHECK(w.slow_start_threshold() == before / 2);
    Config tuned;
    tuned.min_cwnd = 20'000;
    CongestionWindow t(tuned);
    CHECK(t.window() == 20'000);
    t.on_fast_loss(1);
    CHECK(t.window() == 20'000);
    t.on_timeout();
    CHECK(t.window() == 20'000);
}
