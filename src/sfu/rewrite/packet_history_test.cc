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
            packet.payload = BytesView(ref.data()).subspan(12, 50);
            history.add(pool, packet, ref);
            CHECK(packet.payload[0] == static_cast<std::uint8_t>(s));
        }
        CHECK(pool.large_in_use() == 0);
        CHECK(pool.small_in_use() == history.capacity());
        CHECK(history.find(1000) == nullptr);
        CHECK(history.find(1100) == nullptr);
        CHECK(history.find(-5) == nullptr);
        CHECK(history.find(1099)->payload[0] == 99);
        CHECK(history.find(1030)->payload.size() == 50);
    }
    CHECK(pool.small_in_use() == 0);
}

TEST_CASE("PacketHistory: the configuration bounds what is kept [DES-32]") {
    CHECK(PacketHistory(MediaKind::kVideo, 50).capacity() == 50);
    CHECK(PacketHistory(MediaKind::kVideo, 1000).capacity() == PacketHistory::kVideoInitial);
    CHECK(PacketHistory(MediaKind::kAudio, 20).capacity() == 20);
    CHECK(PacketHistory(MediaKind::kAudio).capacity() == PacketHistory::kAudioInitial);
}

TEST_CASE("PacketHistory: a fast stream gets a longer memory, up to the limit [DES-33]") {
    Video video;
    for (std::int64_t s = 0; s < 3000; ++s)
        video.add(s, s);
    CHECK(video.history.capacity() == PacketHistory::kVideoMax);
    CHECK(video.history.find(2999 - 499) != nullptr);
    CHECK(video.history.find(2999 - 500) == nullptr);
}

TEST_CASE("PacketHistory: grows by a step when a second no longer fits [DES-33]") {
    struct Row {
        MediaKind kind;
        std::size_t max;
        std::int64_t per_second;
        std::size_t after;  // the first second
        std::size_t later;
    };
    for (const Row& row :
         {Row{MediaKind::kVideo, 0, 300, 300, 300}, Row{MediaKind::kVideo, 0, 301, 500, 500},
          Row{MediaKind::kAudio, 0, 70, 70, 70}, Row{MediaKind::kAudio, 0, 71, 140, 140},
          Row{MediaKind::kAudio, 0, 200, 140, 200}, Row{MediaKind::kVideo, 400, 450, 400, 400},
          Row{MediaKind::kVideo, 50, 450, 50, 50}}) {
        CAPTURE(row.per_second);
        CAPTURE(row.max);
        Video video(row.kind, row.max);
        std::int64_t sequence = 0;
        for (std::int64_t second = 0; second < 5; ++second) {
            for (std::int64_t i = 1; i <= row.per_second; ++i)
                video.add(sequence++, 1000 * second + 1000 * i / row.per_second);
            CHECK(video.history.capacity() == (second == 0 ? row.after : row.later));
            const auto kept = static_cast<std::int64_t>(video.history.capacity());
            if (sequence > kept && second > 1) CHECK(video.history.find(sequence - kept));
        }
    }
}

TEST_CASE("PacketHistory: what is there stays there when it grows [DES-33]") {
    Video video;
    for (std::int64_t s = 0; s < 300; ++s)
        video.add(s, s);
    video.add(300, 1000);
    REQUIRE(video.history.capacity() == PacketHistory::kVideoMax);
    for (std::int64_t s = 0; s <= 300; ++s)
        CHECK(video.history.find(s) != nullptr);
}

TEST_CASE("PacketHistory: none that is long past pushes out a newer one as it grows [DES-33]") {
    Video video;
    video.add(100, 0);
    for (std::int64_t s = 301; s < 700; ++s)
        if (s != 400) video.add(s, 1 + s);  // in whose place 100 stays
    video.add(700, 1000);
    REQUIRE(video.history.capacity() == PacketHistory::kVideoMax);
    for (std::int64_t s = 401; s <= 700; ++s) {
        CAPTURE(s);
        CHECK(video.history.find(s) != nullptr);  // 600 has the place of 100
    }
}

TEST_CASE("PacketHistory: a late packet fills its own place and takes nobody's [FWD-11]") {
    Video video;
    video.add(1000, 0);
    video.add(1002, 10);
    video.add(1001, 20);
    CHECK(video.history.find(1001) != nullptr);
    video.add(1002 - 300, 30);
    CHECK(video.history.find(1002) != nullptr);
    CHECK(video.history.find(1002 - 300) == nullptr);
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
