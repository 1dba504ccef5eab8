// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The stored copy of media (02 DES-32, DES-33): what is found again, for how long, in which memory.
#include "sfu/rewrite/packet_history.h"

#include <doctest/doctest.h>

#include "sfu/forward/forward_testing.h"

namespace confab::sfu {
namespace {

using test::at_ms;

// A history that is fed packets of 1200 octets.
struct Video {
    explicit Video(MediaKind kind = MediaKind::kVideo, std::size_t max = 0) : history(kind, max) {}
    ~Video() { history.clear(); }
    void add(std::int64_t sequence, std::int64_t ms) {
        PacketRef ref = pool.acquire_large();
        ref.set_size(1200);
        MediaPacket packet;
        packet.sequence = sequence;
        packet.arrival = at_ms(ms);
        packet.payload = ref.data();
        packet.payload = packet.payload.subspan(12);
        history.add(pool, packet, ref);
    }
    PacketPool pool;
    PacketHistory history;
};

TEST_CASE("PacketHistory: finds what it kept, in small slots for audio, and forgets the oldest") {
    PacketPool pool;
    {
        PacketHistory history(MediaKind::kAudio);
        for (std::int64_t s = 0; s < 100; ++s) {
            PacketRef ref = pool.acquire_large();
            ref.set_size(100);
            ref.data()[12] = static_cast<std::uint8_t>(s);
            MediaPacket packet;
            packet.sequence = 1000 + s;
            packet.arrival = at_ms(20 * s);
            packet.payload = BytesView(ref.data()).subspan(12, 50);
            history.add(pool, packet, ref);
            CHECK(packet.payload[0] == static_cast<std::uint8_t>(s));
        }
        CHECK(pool.large_in_use() == 0);
        CHECK(pool.small_in_use() == 100);
        CHECK(history.find(999) == nullptr);
        CHECK(history.find(1000) != nullptr);  // 1.98 s before the last one
        CHECK(history.find(1100) == nullptr);
        CHECK(history.find(-5) == nullptr);
        CHECK(history.find(1099)->payload[0] == 99);
        CHECK(history.find(1040)->payload.size() == 50);
    }
    CHECK(pool.small_in_use() == 0);
}

TEST_CASE("PacketHistory: a fast stream has more places, up to the limit [DES-33] [DES-32]") {
    Video video;
    for (std::int64_t s = 0; s < 3000; ++s)
        video.add(s, s);
    CHECK(video.history.capacity() == PacketHistory::kVideoMax);
    CHECK(video.history.find(2999 - 499) != nullptr);
    CHECK(video.history.find(2999 - 500) == nullptr);
    CHECK(video.pool.large_in_use() == 500);
}

TEST_CASE("PacketHistory: keeps what came lately, in as many places as that needs [DES-33]") {
    struct Row {
        MediaKind kind;
        std::size_t max;  // of the configuration
        std::int64_t per_second;
        std::size_t places;
        std::int64_t kept;
    };
    for (const Row& row :
         {Row{MediaKind::kVideo, 0, 10, 32, 20}, Row{MediaKind::kVideo, 0, 50, 128, 100},
          Row{MediaKind::kVideo, 0, 200, 500, 400}, Row{MediaKind::kAudio, 0, 50, 128, 100},
          Row{MediaKind::kAudio, 0, 250, 200, 200}, Row{MediaKind::kVideo, 50, 250, 50, 50},
          Row{MediaKind::kVideo, 25, 10, 25, 20}, Row{MediaKind::kVideo, 2000, 500, 1024, 1000}}) {
        CAPTURE(row.per_second);
        CAPTURE(row.max);
        Video video(row.kind, row.max);
        for (std::int64_t s = 0; s < 5 * row.per_second; ++s) {
            video.add(s, 1000 * s / row.per_second);
            if (s < row.kept) continue;
            REQUIRE(video.history.find(s - row.kept + 1) != nullptr);
            REQUIRE(video.history.find(s - row.kept) == nullptr);
            REQUIRE(video.pool.large_in_use() == static_cast<std::size_t>(row.kept));
        }
        CHECK(video.history.capacity() == row.places);
    }
}

TEST_CASE("PacketHistory: what is there stays there when it grows [DES-33]") {
    Video video;
    for (std::int64_t s = 0; s <= 300; ++s)
        video.add(s, s);
    REQUIRE(video.history.capacity() == PacketHistory::kVideoMax);
    for (std::int64_t s = 0; s <= 300; ++s)
        CHECK(video.history.find(s) != nullptr);
}

TEST_CASE("PacketHistory: losses and jumps leave nothing behind for ever [DES-33]") {
    Video video;
    std::int64_t sequence = 0, ms = 0;
    for (int i = 0; i < 2000; ++i) {
        sequence += i % 7 == 0 ? 3 : 1;
        if (i % 300 == 299) sequence += 1000;
        video.add(sequence, ms += 10);
        REQUIRE(video.history.find(sequence) != nullptr);
    }
    CHECK(video.pool.large_in_use() <= 201);
    video.add(sequence + 40, ms + 5000);  // in another place than most
    for (int i = 0; i < 200; ++i)
        video.add(sequence + 41 + i, ms + 5000 + i);
    CHECK(video.pool.large_in_use() == 201);
}

TEST_CASE("PacketHistory: a late packet fills its own place and takes nobody's [FWD-11]") {
    Video video;
    video.add(1000, 0);
    video.add(1002, 10);
    video.add(1001, 20);
    CHECK(video.history.find(1001) != nullptr);
    video.add(1002 - 32, 30);
    CHECK(video.history.find(1002) != nullptr);
    CHECK(video.history.find(1002 - 32) == nullptr);
    CHECK(video.pool.large_in_use() == 3);
    video.history.clear();
    CHECK(video.history.find(1001) == nullptr);
    CHECK(video.pool.large_in_use() == 0);
}

TEST_CASE("PacketHistory: keeps all that a copy needs, wherever it lies [FWD-11] [DES-32]") {
    constexpr std::size_t kLimit = PacketPool::kSmallCapacity;
    for (const std::size_t size : {kLimit - 1, kLimit, kLimit + 1}) {
        CAPTURE(size);
        PacketPool pool;
        {
            PacketHistory history(MediaKind::kVideo);
            PacketRef ref = pool.acquire_large();
            ref.set_size(size);
            ref.data()[16] = 0xDD;
            ref.data()[size - 1] = 0xEE;
            MediaPacket packet;
            packet.codec = Codec::kAv1;
            packet.sequence = 70'000;
            packet.timestamp = 0x1'2345'6789;
            packet.has_abs_capture_time = true;
            packet.abs_capture_time = 99;
            packet.dd_bytes = BytesView(ref.data()).subspan(16, 3);
            packet.payload = BytesView(ref.data()).subspan(20);
            history.add(pool, packet, ref);
            const bool small = size <= kLimit;
            CHECK(pool.small_in_use() == (small ? 1 : 0));
            CHECK(ref.buffer().size() ==
                  (small ? PacketPool::kSmallCapacity : PacketPool::kLargeCapacity));
            const HistoryEntry* entry = history.find(70'000);
            REQUIRE(entry != nullptr);
            CHECK(entry->codec == Codec::kAv1);
            CHECK(entry->timestamp == 0x1'2345'6789);
            CHECK(entry->has_abs_capture_time);
            CHECK(entry->abs_capture_time == 99);
            for (const BytesView view : {packet.payload, entry->payload}) {
                CHECK(view.size() == size - 20);
                CHECK(view.data() == ref.data().data() + 20);
                CHECK(view.back() == 0xEE);
            }
            for (const BytesView view : {packet.dd_bytes, entry->dd_bytes}) {
                CHECK(view.size() == 3);
                CHECK(view.data() == ref.data().data() + 16);
                CHECK(view.front() == 0xDD);
            }
        }
        CHECK(pool.large_in_use() + pool.small_in_use() == 0);
    }
}

}  // namespace
}  // namespace confab::sfu
