// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The packets of a frame that wait as one: each leaves as if it had waited alone (02 DES-44).
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <vector>

#include "base/rng.h"
#include "sfu/peer/downlink_testing.h"

namespace confab::sfu {
namespace {

using test::Sending;
using test::world_time;

// Frames of VP8 with a descriptor of three octets, of which the subscriber gets two of its own.
struct Frames : Sending {
    explicit Frames(std::uint8_t transport_cc = 5,
                    srtp::Profile profile = srtp::Profile::kAeadAes128Gcm)
        : Sending(transport_cc, profile) {
        port->pacing = kUnlimitedCapacity / 2;
    }
    // One waits, with payloads of these sizes behind the descriptor.
    bool frame(const OutboundTrack& of, const std::vector<std::size_t>& sizes) {
        std::vector<ArrivedPacket> packets;
        for (std::size_t i = 0; i < sizes.size(); ++i) {
            ArrivedPacket one{{}, pool.acquire_large()};
            std::fill(one.ref.buffer().begin(), one.ref.buffer().end(), std::uint8_t{0xEE});
            one.ref.set_size(kBefore + 3 + sizes[i]);
            std::fill(one.ref.data().begin(), one.ref.data().end(), filling(i));
            one.media.codec = Codec::kVp8;
            one.media.payload = BytesView(one.ref.data()).subspan(kBefore);
            one.media.vp8.start_of_partition = i == 0;
            one.media.vp8.size = 3;
            one.media.marker = i + 1 == sizes.size();
            one.media.sequence = static_cast<std::int64_t>(i);
            packets.push_back(one);
        }
        REQUIRE(frame_length(packets) == packets.size());
        PendingPacket pending;
        pending.packet.sequence = next;
        pending.packet.ssrc = of.down_track.info().ssrc;
        pending.packet.payload_offset = 3;
        pending.packet.prefix_size = 2;
        pending.packet.prefix = {0, 0xAB};
        pending.extensions = &of.down_track.extensions();
        pending.frame = frames.share(packets);
        next += static_cast<std::int64_t>(sizes.size());
        kept = std::move(packets);
        return downlink.enqueue(std::move(pending), MediaKind::kVideo);
    }
    // A body as frame() fills it, behind the subscriber's descriptor.
    static Bytes body(std::size_t i, std::size_t size) {
        Bytes out(2 + size, filling(i));
        out[0] = i == 0 ? 0x10 : 0x00;
        out[1] = 0xAB;
        return out;
    }
    static std::uint8_t filling(std::size_t i) { return static_cast<std::uint8_t>(i + 1); }

    static constexpr std::size_t kBefore = 12;
    std::vector<ArrivedPacket> kept;  // of the frame made last
};

std::vector<std::uint16_t> sequences(const std::vector<Sending::Got>& got) {
    std::vector<std::uint16_t> out;
    out.reserve(got.size());
    for (const Sending::Got& one : got)
        out.push_back(one.sequence);
    return out;
}
std::vector<std::uint16_t> from(std::uint16_t first, std::size_t count) {
    std::vector<std::uint16_t> out(count);
    std::iota(out.begin(), out.end(), first);
    return out;
}

TEST_CASE(
    "Downlink: a frame leaves as its packets, each with its number, descriptor and transport "
    "number [DES-44] [DES-22] [FWD-06]") {
    for (const auto profile : {srtp::Profile::kAes128CmSha1_80, srtp::Profile::kAeadAes128Gcm}) {
        Frames s(5, profile);
        CHECK(s.frame(*s.outbound, {300, 300, 300, 120}));
        (void)s.enqueue(*s.outbound, 90);
        CHECK(s.downlink.waits());
        CHECK_FALSE(s.flush(500, s.batch));
        CHECK_FALSE(s.downlink.waits());
        const auto got = s.received(s.batch);
        REQUIRE(sequences(got) == from(1, 5));
        for (std::size_t i = 0; i < 4; ++i)
            CHECK(got[i].payload == Frames::body(i, i < 3 ? 300 : 120));
        CHECK(got[4].payload == Bytes(90, 5));
        // What was lent to the subscriber's descriptor is again as it came.
        for (std::size_t i = 0; i < s.kept.size(); ++i)
            for (const std::uint8_t octet : s.kept[i].ref.data())
                CHECK(octet == Frames::filling(i));
        CHECK(s.counters.rtp_out == 5);
        (void)s.downlink.bandwidth();
        REQUIRE(s.port->sent.size() == 5);
        for (std::size_t i = 0; i < 5; ++i)
            CHECK(s.port->sent[i].number == i);
        CHECK(s.frames.in_use() == 0);
    }
}

TEST_CASE("Downlink: lengths of a frame are levelled as those of its packets [DES-12] [DES-44]") {
    for (const auto profile : {srtp::Profile::kAes128CmSha1_80, srtp::Profile::kAeadAes128Gcm}) {
        Frames s(5, profile);
        s.downlink.level_lengths(true);
        CHECK(s.frame(*s.outbound, {300, 300, 301, 301}));
        CHECK_FALSE(s.flush(500, s.batch));
        CHECK(s.batch.run_count() == 1);
        const auto got = s.received(s.batch);
        REQUIRE(got.size() == 4);
        for (std::size_t i = 0; i < 4; ++i) {
            CHECK(got[i].padding == (i < 2 ? 1 : 0));
            CHECK(got[i].payload == Frames::body(i, i < 2 ? 300 : 301));
        }
        CHECK(s.counters.rtp_levelled == 2);
    }
}

TEST_CASE(
    "Downlink: the pacer takes a frame apart, and sends all of it in order [PAC-01] [DES-44]") {
    Frames s;
    s.downlink.level_lengths(true);
    s.port->pacing = 2'000'000;  // 1250 octets in 5 ms
    CHECK(s.frame(*s.outbound, std::vector<std::size_t>(12, 600)));
    CHECK(s.frame(*s.outbound, {600, 599, 600, 600, 200}));
    std::vector<std::uint16_t> all;
    std::size_t most = 0;
    for (std::int64_t ms = 500; s.downlink.waits() && ms < 1000; ++ms) {
        if (s.downlink.next_deadline() > world_time(ms)) continue;
        s.batch.clear();
        CHECK_FALSE(s.flush(ms, s.batch));
        for (const auto& got : s.received(s.batch)) {
            const std::size_t i = all.size() < 12 ? all.size() : all.size() - 12;
            const std::size_t size = all.size() == 13 ? 599 : all.size() == 16 ? 200 : 600;
            CHECK(got.payload == Frames::body(i, size));
            all.push_back(got.sequence);
        }
        most = std::max(most, s.received(s.batch).size());
    }
    CHECK(all == from(1, 17));
    CHECK(most <= 3);
    CHECK(s.frames.in_use() == 0);
}

TEST_CASE("Downlink: of a frame that waits what is left goes with its down-track [DES-44]") {
    Frames s;
    const OutboundTrack& other = s.add(Sending::video(600));
    s.port->pacing = 2'000'000;
    CHECK(s.frame(*s.outbound, {600, 600, 600, 600, 600, 600}));
    CHECK(s.frame(other, {600, 600, 600}));
    CHECK_FALSE(s.flush(500, s.batch));
    CHECK(s.received(s.batch).size() == 2);
    CHECK(s.downlink.waits(&s.outbound->down_track));
    CHECK(s.frames.in_use() == 2);
    s.downlink.remove(s.outbound->down_track);
    CHECK(s.frames.in_use() == 1);
    // The other's three octets more or less would be waited for: what is left is told by size.
    CHECK_FALSE(s.downlink.takes_at_once(Downlink::kMaxPending / 4 - 2, 0));
    CHECK(s.downlink.takes_at_once(Downlink::kMaxPending / 4 - 3, 0));
    s.downlink.hurry();
    s.batch.clear();
    CHECK_FALSE(s.flush(501, s.batch));
    CHECK(sequences(s.received(s.batch)) == from(7, 3));
    CHECK(s.frames.in_use() == 0);
}

TEST_CASE("Downlink: of a frame that left in part the rest is counted, whoever goes [DES-44]") {
    Frames s;
    const OutboundTrack& other = s.add(Sending::video(600));
    s.port->pacing = 2'000'000;
    s.port->target = 16 * 1800;  // half a second of it: three bodies
    CHECK(s.frame(*s.outbound, {600, 600, 600}));
    CHECK(s.frame(other, {600, 600}));
    CHECK_FALSE(s.flush(500, s.batch));
    CHECK(s.received(s.batch).size() == 2);
    s.downlink.remove(other.down_track);
    CHECK(s.downlink.takes_at_once(Downlink::kMaxPending / 4 - 1, 1200));
    CHECK_FALSE(s.downlink.takes_at_once(Downlink::kMaxPending / 4, 1200));
    CHECK_FALSE(s.downlink.takes_at_once(0, 1201));
}

TEST_CASE("Downlink: a frame that finds no room is dropped by its packets [DES-44]") {
    Frames s;
    for (std::size_t i = 0; i < Downlink::kMaxPending; ++i)
        REQUIRE(s.enqueue(*s.outbound, 20));
    CHECK_FALSE(s.frame(*s.outbound, {300, 300, 300}));
    CHECK(s.counters.dropped_full == 3);
    CHECK(s.frames.in_use() == 0);
}

TEST_CASE("Downlink: the end of a batch does not cut a frame [DES-10] [DES-44]") {
    Frames s;
    s.port->pacing = kUnlimitedCapacity;
    std::vector<std::uint16_t> all;
    std::size_t batches = 0;
    const auto take_batch = [&] {
        const auto got = sequences(s.received(s.batch));
        CHECK(got.size() % 8 == 0);
        all.insert(all.end(), got.begin(), got.end());
        s.batch.clear();
        ++batches;
    };
    for (int frame = 0; frame < 40; ++frame) {
        CHECK(s.frame(*s.outbound, std::vector<std::size_t>(8, 1000)));
        while (s.flush(500 + frame, s.batch))
            take_batch();
    }
    take_batch();
    CHECK(batches == 2);
    CHECK(all == from(1, 320));
}

// One frame as it may arrive and go on, for a downlink that takes it whole and for one that takes
// its packets.
class AnyFrame {
  public:
    explicit AnyFrame(Rng& rng)
        : skip_(rng.below(3) == 0 ? 0 : 1 + rng.below(6)),
          prefix_(skip_ == 0 ? 0 : 1 + rng.below(6)),
          marker_(rng.below(2) == 0) {
        constexpr std::size_t kCapacity = PacketPool::kLargeCapacity;
        const std::size_t usual = 23 + rng.below(1150);
        const std::size_t count = 2 + rng.below(SharedFrame::kMost - 1);
        const bool empty = rng.below(6) == 0, at_end = rng.below(6) == 0,
                   at_begin = rng.below(6) == 0;
        for (std::size_t i = 0; i < count; ++i) {
            std::size_t size = usual - rng.below(3) * rng.below(12);
            if (empty && rng.below(3) == 0) size = 0;
            std::size_t before = 12 + rng.below(60);
            if (at_begin) before = rng.below(12);
            if (at_end) before = kCapacity - skip_ - size - rng.below(12);
            sizes_.push_back({before, size});
        }
        rng.fill(descriptor_);
        seed_ = rng.u32();
    }
    std::vector<PendingPacket> packets(Sending& to) const {
        std::vector<PendingPacket> all;
        for (const ArrivedPacket& one : arrived(to)) {
            PendingPacket pending = first(to);
            pending.packet.sequence = to.next++;
            pending.packet.marker = one.media.marker;
            if (prefix_ > 0) pending.packet.prefix[0] = wire::vp8_first_octet(one.media.vp8);
            pending.source = one.ref;
            pending.payload = one.media.payload;
            all.push_back(std::move(pending));
        }
        return all;
    }
    PendingPacket frame(Sending& to) const {
        PendingPacket pending = first(to);
        pending.packet.sequence = to.next;
        pending.frame = to.frames.share(arrived(to));
        to.next += static_cast<std::int64_t>(sizes_.size());
        return pending;
    }

  private:
    std::vector<ArrivedPacket> arrived(Sending& to) const {
        Rng rng(seed_);
        std::vector<ArrivedPacket> all;
        for (const auto& [before, size] : sizes_) {
            ArrivedPacket one{{}, to.pool.acquire_large()};
            rng.fill(one.ref.buffer());
            one.ref.set_size(before + skip_ + size);
            one.media.payload = BytesView(one.ref.data()).subspan(before);
            one.media.vp8.start_of_partition = all.empty();
            one.media.marker = marker_ && all.size() + 1 == sizes_.size();
            all.push_back(std::move(one));
        }
        return all;
    }
    PendingPacket first(Sending& to) const {
        PendingPacket pending;
        pending.packet.ssrc = to.outbound->down_track.info().ssrc;
        pending.packet.timestamp = seed_;
        pending.packet.payload_type = 96;
        pending.packet.payload_offset = static_cast<std::uint16_t>(skip_);
        pending.packet.prefix_size = static_cast<std::uint8_t>(prefix_);
        pending.packet.prefix = descriptor_;
        pending.extensions = &to.outbound->down_track.extensions();
        return pending;
    }

    struct Packet {
        std::size_t before = 0;
        std::size_t size = 0;
    };
    std::size_t skip_;
    std::size_t prefix_;
    bool marker_;
    std::vector<Packet> sizes_;
    std::array<std::uint8_t, 8> descriptor_{};
    std::uint32_t seed_ = 0;
};

void check_alike(const SentPacket& a, const SentPacket& b) {
    REQUIRE(a.at == b.at);
    REQUIRE(a.number == b.number);
    REQUIRE(a.bytes == b.bytes);
    REQUIRE(a.probe == b.probe);
    REQUIRE(a.sound == b.sound);
    REQUIRE(a.repeat == b.repeat);
}
// Both got the same, in the same sends.
void check_alike(Sending& a, Sending& b) {
    REQUIRE(a.batch.run_count() == b.batch.run_count());
    for (std::size_t i = 0; i < a.batch.run_count(); ++i) {
        REQUIRE(a.batch.run(i).count == b.batch.run(i).count);
        REQUIRE(a.batch.run(i).segment_size == b.batch.run(i).segment_size);
        REQUIRE(a.batch.run(i).size == b.batch.run(i).size);
        REQUIRE(a.batch.run(i).kept_longest == b.batch.run(i).kept_longest);
    }
    const auto got = a.received(a.batch), expected = b.received(b.batch);
    REQUIRE(got.size() == expected.size());
    for (std::size_t i = 0; i < got.size(); ++i) {
        REQUIRE(got[i].header == expected[i].header);
        REQUIRE(got[i].padding == expected[i].padding);
        REQUIRE(got[i].payload == expected[i].payload);
        REQUIRE(got[i].behind == expected[i].behind);
    }
    CHECK(a.counters.rtp_out == b.counters.rtp_out);
    CHECK(a.counters.rtp_bytes_out == b.counters.rtp_bytes_out);
    CHECK(a.counters.rtp_levelled == b.counters.rtp_levelled);
    CHECK(a.downlink.next_deadline() == b.downlink.next_deadline());
    REQUIRE(a.port->sent.size() == b.port->sent.size());
    for (std::size_t i = 0; i < a.port->sent.size(); ++i)
        check_alike(a.port->sent[i], b.port->sent[i]);
}

TEST_CASE(
    "Downlink: frames of any form leave as their packets do [DES-44] [DES-22] [DES-12] [PAC-01]") {
    Rng rng(21);
    for (int round = 0; round < 40; ++round) {
        CAPTURE(round);
        const auto profile =
            round % 4 == 0 ? srtp::Profile::kAes128CmSha1_80 : srtp::Profile::kAeadAes128Gcm;
        const auto number = static_cast<std::uint8_t>(rng.below(3) == 0 ? 0 : 1 + rng.below(15));
        Sending whole(number, profile), apart(number, profile);
        const std::uint64_t pacing = rng.below(2) == 0 ? kUnlimitedCapacity : 30'000'000;
        const bool levels = rng.below(3) > 0;
        for (Sending* s : {&whole, &apart}) {
            s->port->pacing = pacing;
            s->downlink.level_lengths(levels);
        }
        std::int64_t ms = 500;
        for (int i = 0; i < 8; ++i) {
            const AnyFrame frame(rng);
            CHECK(whole.downlink.enqueue(frame.frame(whole), MediaKind::kVideo));
            for (PendingPacket& packet : frame.packets(apart))
                CHECK(apart.downlink.enqueue(std::move(packet), MediaKind::kVideo));
            if (rng.below(3) == 0) continue;
            for (int turn = 0; turn < 4; ++turn) {
                const bool more = whole.flush(++ms, whole.batch);
                REQUIRE(apart.flush(ms, apart.batch) == more);
                check_alike(whole, apart);
                whole.batch.clear();
                apart.batch.clear();
            }
        }
    }
}

}  // namespace
}  // namespace confab::sfu
