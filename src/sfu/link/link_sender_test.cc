// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/link/link_sender.h"

#include <doctest/doctest.h>

namespace confab::sfu {
namespace {

Timestamp at_ms(std::int64_t ms) {
    return Timestamp::micros(ms * 1'000);
}

struct Ring final : ShardLinks {
    bool push(WorkerIndex, const LinkMessage&, BytesView) override {
        if (room == 0) return false;
        --room;
        ++taken;
        return true;
    }
    std::size_t room = 0;
    std::size_t taken = 0;
};

TEST_CASE("LinkSender: tries again each millisecond while something waits [DES-41]") {
    Ring ring;
    TimerWheel wheel(at_ms(0));
    LinkSender links(ring, 0, 2, wheel);
    struct Nobody final : DueTimers {
        void peer_due(Timestamp, ShardPeer&) override {}
        void quality_due(Timestamp, ShardPeer&) override {}
        void down_track_due(Timestamp, OutboundTrack&) override {}
        void receiver_due(Timestamp, ReceiverEntry&) override {}
    } nobody;
    const auto run = [&](std::int64_t ms) {
        while (TimerNode* node = wheel.pop_due(at_ms(ms)))
            static_cast<Timed*>(node->owner())->on_timer(nobody, at_ms(ms));
    };
    ring.room = 1;
    links.push(at_ms(0), 1, LinkEnded{ReceiverId(1)});
    CHECK(ring.taken == 1);
    CHECK(wheel.next_deadline().is_never());  // nothing waits
    links.push(at_ms(0), 1, LinkEnded{ReceiverId(2)});
    links.push(at_ms(0), 1, LinkEnded{ReceiverId(3)});
    CHECK_FALSE(wheel.next_deadline().is_never());
    for (std::int64_t ms = 1; ms <= 5; ++ms) {
        run(ms);
        CHECK_FALSE(wheel.next_deadline().is_never());
    }
    CHECK(ring.taken == 1);
    ring.room = 1;
    run(7);
    CHECK(ring.taken == 2);
    ring.room = 1;
    run(9);
    CHECK(ring.taken == 3);
    run(11);
    CHECK(wheel.next_deadline().is_never());
    CHECK_FALSE(links.push_piece(1, Bytes(4)));
    CHECK(links.dropped() == 0);  // its owner keeps it
}

}  // namespace
}  // namespace confab::sfu
