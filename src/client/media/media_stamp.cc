// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "client/media/media_stamp.h"

namespace confab::client {
namespace {

constexpr std::uint32_t kMagic = 0x51A0'77ED;

std::uint32_t checksum(BytesView bytes) {
    std::uint32_t sum = 0x811C'9DC5;
    for (const std::uint8_t b : bytes)
        sum = (sum ^ b) * 0x0100'0193;
    return sum;
}

}  // namespace

void write_stamp(ByteWriter& out, const MediaStamp& stamp) {
    const std::size_t start = out.size();
    out.u32(kMagic);
    out.u32(stamp.track);
    out.u32(stamp.frame);
    out.u16(stamp.index);
    out.u16(stamp.count);
    out.u8(stamp.layer);
    out.u8(stamp.temporal);
    out.u8(stamp.key ? 1 : 0);
    for (const std::uint8_t distance : stamp.references)
        out.u8(distance);
    out.u64(static_cast<std::uint64_t>(stamp.capture.us()));
    if (out.ok()) out.u32(checksum(BytesView(out.written()).subspan(start)));
}

std::optional<MediaStamp> read_stamp(BytesView bytes) {
    if (bytes.size() < MediaStamp::kSize) return std::nullopt;
    ByteReader in(bytes);
    if (in.u32() != kMagic) return std::nullopt;
    MediaStamp stamp;
    stamp.track = in.u32();
    stamp.frame = in.u32();
    stamp.index = in.u16();
    stamp.count = in.u16();
    stamp.layer = in.u8();
    stamp.temporal = in.u8();
    stamp.key = in.u8() != 0;
    for (std::uint8_t& distance : stamp.references)
        distance = in.u8();
    stamp.capture = Timestamp::micros(static_cast<std::int64_t>(in.u64()));
    const std::size_t covered = in.position();
    if (in.u32() != checksum(bytes.first(covered))) return std::nullopt;
    return stamp;
}

}  // namespace confab::client
