// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "client/media/media_stamp.h"

#include <doctest/doctest.h>

#include "base/rng.h"

namespace confab::client {
namespace {

MediaStamp stamp() {
    MediaStamp s;
    s.track = 0xAABB'CCDD;
    s.frame = 0xFFFF'FFFF;
    s.index = 2;
    s.count = 3;
    s.layer = 1;
    s.temporal = 2;
    s.key = true;
    s.references = {4, 255};
    s.capture = Timestamp::micros(-5);
    return s;
}

Bytes written(const MediaStamp& s, std::size_t room = MediaStamp::kSize) {
    Bytes bytes(room);
    ByteWriter out(bytes);
    write_stamp(out, s);
    return bytes;
}

}  // namespace

TEST_CASE("MediaStamp: every field is read back, whatever stands behind it") {
    CHECK(read_stamp(written(stamp())) == stamp());
    CHECK(read_stamp(written(stamp(), 700)) == stamp());
    CHECK(read_stamp(written(MediaStamp{})) == MediaStamp{});
    Rng rng(1);
    for (int i = 0; i < 200; ++i) {
        MediaStamp s;
        s.track = rng.u32();
        s.frame = rng.u32();
        s.index = rng.u16();
        s.count = rng.u16();
        s.layer = static_cast<std::uint8_t>(rng.below(256));
        s.temporal = static_cast<std::uint8_t>(rng.below(256));
        s.key = rng.below(2) == 1;
        s.references = {static_cast<std::uint8_t>(rng.below(256)),
                        static_cast<std::uint8_t>(rng.below(256))};
        s.capture = Timestamp::micros(static_cast<std::int64_t>(rng.u64() >> 1));
        CHECK(read_stamp(written(s)) == s);
    }
}

TEST_CASE("MediaStamp: a changed octet, a cut or a blank frame is none") {
    const Bytes good = written(stamp());
    REQUIRE(good.size() == MediaStamp::kSize);
    for (std::size_t i = 0; i < good.size(); ++i) {
        Bytes bad = good;
        bad[i] ^= 0x10;
        CHECK_FALSE(read_stamp(bad).has_value());
        CHECK_FALSE(read_stamp(BytesView(good).first(i)).has_value());
    }
    CHECK_FALSE(read_stamp(Bytes(MediaStamp::kSize)).has_value());
    CHECK_FALSE(read_stamp(BytesView(written(stamp(), 100)).subspan(1)).has_value());
    // One that found no room is none either.
    CHECK_FALSE(read_stamp(written(stamp(), MediaStamp::kSize - 1)).has_value());
}

TEST_CASE("MediaStamp: knows the first and the last packet of a frame") {
    MediaStamp s;
    CHECK(s.first());
    CHECK(s.last());
    s.count = 2;
    CHECK(s.first());
    CHECK_FALSE(s.last());
    s.index = 1;
    CHECK_FALSE(s.first());
    CHECK(s.last());
}

}  // namespace confab::client
