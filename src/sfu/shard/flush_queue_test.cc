// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/shard/flush_queue.h"

#include "sfu/peer/together.h"
#include "sfu/tracks/stage_testing.h"

namespace confab::sfu {
namespace {

using test::Seat;
using test::Stage;

// Connections to each of which packets of one down-track are sent.
struct Senders : Stage {
    explicit Senders(std::size_t count) : source(kVideo, kSelf, MediaKind::kVideo) {
        for (std::size_t i = 0; i < count; ++i) {
            Seat& seat = connect();
            AddDownTrack add = track_to(*seat.peer, MediaKind::kVideo, 500);
            add.rtx_ssrc = {};
            (void)seat.peer->downlink().add(
                std::make_unique<OutboundTrack>(add, source, *seat.peer, rng, 0));
        }
    }
    ShardPeer& peer(std::size_t i) { return *seats[i]->peer; }
    // Waits for the next flush; the caller marks the peer.
    void enqueue(std::size_t i, std::size_t count = 1, std::size_t octets = 1'200) {
        for (std::size_t k = 0; k < count; ++k) {
            PacketRef packet = pool.acquire_large();
            packet.set_size(octets);
            ForwardedPacket forwarded;
            forwarded.sequence = next++;
            forwarded.ssrc = 500;
            const BytesView payload = packet.data();
            const DownTrack& of = peer(i).downlink().tracks()[0]->down_track;
            (void)peer(i).downlink().enqueue(
                {forwarded, std::move(packet), payload, {}, &of.extensions()}, MediaKind::kVideo);
        }
    }
    // Connections in the order in which they stand in the batch.
    std::vector<std::uint64_t> flush_once(bool& more) {
        more = queue.flush({now(), clock.ntp(now())}, batch);
        std::vector<std::uint64_t> order;
        for (std::size_t r = 0; r < batch.run_count(); ++r) {
            const std::uint64_t id = batch.run(r).path.remote.port - 8999U;
            if (order.empty() || order.back() != id) order.push_back(id);
            sent += batch.run(r).count;
        }
        batch.clear();
        return order;
    }
    Track source;
    std::int64_t next = 1;
    std::size_t sent = 0;
};

using Order = std::vector<std::uint64_t>;

TEST_CASE("FlushQueue: connections leave in the order in which they were marked, once") {
    Senders senders(3);
    for (const std::size_t i : {2U, 0U, 1U, 2U, 2U}) {
        senders.enqueue(i);
        senders.queue.mark(senders.peer(i));
    }
    bool more = true;
    CHECK(senders.flush_once(more) == Order{3, 1, 2});
    CHECK_FALSE(more);
    CHECK(senders.sent == 5);
    CHECK(senders.flush_once(more).empty());
    // Flushed, it can be marked again.
    senders.enqueue(1);
    senders.queue.mark(senders.peer(1));
    CHECK(senders.flush_once(more) == Order{2});
}

TEST_CASE("FlushQueue: one that was marked twice has one place in the line") {
    Senders senders(2);
    senders.enqueue(0);
    senders.enqueue(1, 300);
    for (const std::size_t i : {0U, 1U, 0U})
        senders.queue.mark(senders.peer(i));
    bool more = false;
    CHECK(senders.flush_once(more) == Order{1, 2});
    REQUIRE(more);
    senders.enqueue(0);  // not marked for it
    CHECK(senders.flush_once(more) == Order{2});
}

TEST_CASE("FlushQueue: what a batch has no room for leaves with the next, in order [DES-22]") {
    Senders senders(3);
    constexpr std::size_t kMany = 300;  // more than a batch holds of 1200 octets
    senders.enqueue(0);
    senders.enqueue(1, kMany);
    senders.enqueue(2);
    for (std::size_t i = 0; i < 3; ++i)
        senders.queue.mark(senders.peer(i));
    bool more = false;
    CHECK(senders.flush_once(more) == Order{1, 2});
    CHECK(more);
    CHECK(senders.sent < kMany);
    CHECK(senders.flush_once(more) == Order{2, 3});
    CHECK_FALSE(more);
    CHECK(senders.sent == kMany + 2);
    CHECK(senders.pool.large_in_use() == 0);
}

TEST_CASE("FlushQueue: one that goes in the middle of a flush takes nobody with it [IMM-15]") {
    for (const std::size_t gone : {0U, 1U, 2U}) {
        Senders senders(4);
        for (const std::size_t i : {0U, 1U, 2U, 3U}) {
            senders.enqueue(i, i == 1 ? 300 : 1);
            senders.queue.mark(senders.peer(i));
        }
        bool more = false;
        CHECK(senders.flush_once(more) == Order{1, 2});
        REQUIRE(more);
        senders.queue.forget(senders.peer(gone));
        senders.peers.erase(senders.peer(gone).id());
        Order rest{2, 3, 4};
        std::erase(rest, gone + 1);
        CHECK(senders.flush_once(more) == rest);
        CHECK_FALSE(more);
    }
}

TEST_CASE("FlushQueue: one that was flushed, marked again and goes is in no line [IMM-15]") {
    Senders senders(3);
    for (const std::size_t i : {0U, 1U}) {
        senders.enqueue(i, i == 1 ? 300 : 1);
        senders.queue.mark(senders.peer(i));
    }
    bool more = false;
    CHECK(senders.flush_once(more) == Order{1, 2});
    REQUIRE(more);
    senders.enqueue(0);
    senders.queue.mark(senders.peer(0));
    senders.enqueue(2);
    senders.queue.mark(senders.peer(2));
    senders.queue.forget(senders.peer(0));
    // It is kept for the test: nothing of it may leave, were it gone or not.
    CHECK(senders.flush_once(more) == Order{2, 3});
    CHECK_FALSE(more);
}

TEST_CASE("FlushQueue: a packet's memory is free once it left, whoever else sends [IMM-15]") {
    // The lanes of the encryptor may be empty in the middle of a flush and at its end, or not.
    for (std::size_t count = 1; count <= 40; ++count) {
        Senders senders(count);
        for (int turn = 0; turn < 4; ++turn) {
            for (std::size_t i = 0; i < count; ++i) {
                senders.enqueue(i, 1, turn == 0 ? 1'200U : 40 + senders.rng.below(1'000));
                senders.queue.mark(senders.peer(i));
            }
            bool more = true;
            (void)senders.flush_once(more);
            CHECK_FALSE(more);
            CHECK_MESSAGE(senders.pool.large_in_use() == 0, count, " connections");
        }
    }
}

TEST_CASE("FlushQueue: packets of media ask no transport; what it has to say waits for a mark") {
    Senders senders(1);
    ShardPeer& peer = senders.peer(0);
    bool more = false;
    senders.queue.mark(peer);
    (void)senders.flush_once(more);
    senders.sent = 0;
    peer.transport().handle_timeout(senders.now() + Duration::seconds(6));  // a keepalive
    senders.enqueue(0);
    senders.queue.mark_media(peer);
    (void)senders.flush_once(more);
    CHECK(senders.sent == 1);
    // A mark counts for one that is marked for media already, whatever the order.
    senders.enqueue(0);
    senders.queue.mark_media(peer);
    senders.queue.mark(peer);
    senders.queue.mark_media(peer);
    (void)senders.flush_once(more);
    CHECK(senders.sent == 3);
    senders.sent = 0;
    senders.enqueue(0);
    senders.queue.mark_media(peer);
    (void)senders.flush_once(more);
    CHECK(senders.sent == 1);
}

TEST_CASE("FlushQueue: a batch that was full comes back to what the transport had to say") {
    Senders senders(1);
    ShardPeer& peer = senders.peer(0);
    senders.queue.mark(peer);
    while (senders.batch.has_room()) {
        (void)senders.batch.reserve();
        senders.batch.commit(*peer.transport().path(), 100);
    }
    bool more = false;
    (void)senders.flush_once(more);
    CHECK(more);
    CHECK(peer.transport_waiting);
    (void)senders.flush_once(more);
    CHECK_FALSE(more);
    CHECK_FALSE(peer.transport_waiting);
}

TEST_CASE("FlushQueue: a change sets the connection's timer when it is flushed, a mark not") {
    Senders senders(1);
    ShardPeer& peer = senders.peer(0);
    const Timestamp elsewhen = senders.now() + Duration::seconds(60);
    senders.wheel.schedule(peer.timer(), elsewhen);
    peer.reschedule_needed = false;
    bool more = false;
    senders.queue.mark(peer);
    (void)senders.flush_once(more);
    CHECK(peer.timer().deadline() == elsewhen);
    // Also of one that is marked already.
    senders.queue.mark(peer);
    senders.queue.mark_changed(peer);
    CHECK(peer.timer().deadline() == elsewhen);
    (void)senders.flush_once(more);
    const Timestamp next = earlier(peer.transport().next_deadline(), peer.next_media_deadline());
    CHECK(peer.timer().deadline() == together(senders.now(), next));
}

}  // namespace
}  // namespace confab::sfu
