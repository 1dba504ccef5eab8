// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/packet/shared_frame.h"

#include <doctest/doctest.h>

#include <vector>

namespace confab::sfu {
namespace {

// Packets of one VP8 picture in slots of their own, `before` octets behind the slot's beginning.
struct Picture {
    void add(std::uint8_t partition, bool start, std::size_t before, std::size_t size) {
        ArrivedPacket one{{}, pool.acquire_large()};
        one.ref.set_size(before + size);
        one.media.codec = Codec::kVp8;
        one.media.sequence = static_cast<std::int64_t>(packets.size());
        one.media.payload = BytesView(one.ref.data()).subspan(before);
        one.media.vp8.partition_id = partition;
        one.media.vp8.start_of_partition = start;
        packets.push_back(one);
    }

    PacketPool pool;
    FramePool frames;
    std::vector<ArrivedPacket> packets;
};

TEST_CASE("frame_length: a partition of VP8 that begins later is a frame of its own [DES-44]") {
    Picture picture;
    picture.add(0, true, 12, 100);
    picture.add(0, false, 12, 100);
    picture.add(0, false, 12, 100);
    picture.add(1, true, 12, 100);
    picture.add(1, false, 12, 100);
    picture.add(2, true, 12, 100);
    picture.add(2, true, 12, 100);
    picture.add(2, true, 12, 100);
    const std::span<const ArrivedPacket> all = picture.packets;
    CHECK(frame_length(all) == 3);
    CHECK(frame_length(all.subspan(1)) == 2);
    CHECK(frame_length(all.subspan(3)) == 2);
    CHECK(frame_length(all.subspan(4)) == 4);
    picture.packets[2].media.vp8.non_reference = true;
    CHECK(frame_length(all) == 2);
    const FrameRef frame = picture.frames.share(all.subspan(3, 2));
    CHECK(frame->octet(0) == 0x11);
    CHECK(frame->octet(1) == 0x01);
}

TEST_CASE("FramePool: a shared frame tells what all of its packets have [DES-44]") {
    Picture picture;
    picture.add(0, true, 30, 700);
    picture.add(0, false, 12, 1490);
    picture.add(0, false, 40, 90);
    picture.packets.back().media.marker = true;
    for (int again = 0; again < 2; ++again) {
        const FrameRef frame = picture.frames.share(picture.packets);
        CHECK(frame->count == 3);
        CHECK(frame->octets == 700 + 1490 + 90);
        CHECK(frame->octets_without(6) == 700 + 1490 + 90 - 18);
        CHECK(frame->shortest == 90);
        CHECK(frame->before == 12);
        CHECK(frame->behind == PacketPool::kLargeCapacity - 12 - 1490);
        CHECK_FALSE(frame->is_marked(0));
        CHECK_FALSE(frame->is_marked(1));
        CHECK(frame->is_marked(2));
        REQUIRE(frame->all().size() == 3);
        for (std::size_t i = 0; i < 3; ++i)
            CHECK(frame->all()[i].payload.data() == picture.packets[i].media.payload.data());
    }
    CHECK(picture.frames.in_use() == 0);
}

}  // namespace
}  // namespace confab::sfu
