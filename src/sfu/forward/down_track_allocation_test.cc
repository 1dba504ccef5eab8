// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Forwarding asks the heap for nothing (02 DES-35). This file replaces operator new of its program.
#include <doctest/doctest.h>

#include <array>
#include <cstddef>
#include <cstdlib>

#include "base/counting_allocator_testing.h"
#include "sfu/forward/forward_testing.h"

namespace confab::sfu {
namespace {

// Packets with losses, late ones, temporal layers and layer switches. What is noted of them gets
// its room in the first seconds.
template <typename MakePacket>
std::size_t allocations_of(DownTrack& track, MakePacket make) {
    std::array<ForwardedPacket, DownTrack::kMaxPerPacket> out;
    std::array<std::uint8_t, kMaxForwardedHeader> buffer{};
    std::array<ResendPacket, 4> resends;
    std::size_t sent = 0;
    testing::allocations = 0;
    for (int i = 0; i < 11'000; ++i) {
        testing::counting_allocations = i >= 1'000;
        const Timestamp now = test::at_ms(i * 5);
        const MediaPacket packet = make(i);
        const std::size_t count = track.forward(packet, now, out);
        for (std::size_t k = 0; k < count; ++k) {
            sent += build_header(out[k], track.extensions(), {}, packet.dd_bytes, buffer) > 0;
            const std::array<std::uint16_t, 1> asked{
                static_cast<std::uint16_t>(out[k].sequence - 20)};
            (void)track.handle_nack(asked, now, resends);
        }
        (void)track.poll_key_frame_request(now);
        (void)track.poll_event();
        if (i % 100 == 0) {
            track.handle_timeout(now);
            (void)track.sender_report(now);
            track.source_changed(now);
        }
    }
    testing::counting_allocations = false;
    CHECK(sent > 2000);
    return testing::allocations;
}

}  // namespace

TEST_CASE("DownTrack: 10 000 packets without one heap call [DES-35]") {
    testing::counting_allocations = true;
    testing::allocations = 0;
    {
        const std::vector<int> probe(10);
    }
    testing::counting_allocations = false;
    CHECK(testing::allocations == 1);  // the counter counts

    Rng rng(1);
    SUBCASE("VP8 simulcast with temporal layers") {
        SourceState source = test::source_of(Codec::kVp8);
        const NtpTime ntp(std::uint64_t{100} << 32);
        for (std::size_t s = 0; s < 3; ++s)
            source.add_report(s, {ntp, 0x1'0000'0000, test::at_ms(0)});
        AddDownTrack config = test::subscription(Codec::kVp8);
        config.settings.max_temporal = 1;
        DownTrack track(config, source, rng);
        test::Stream low(Codec::kVp8, 0, 70'000, 0x1'0000'0000);
        test::Stream high(Codec::kVp8, 2, 80'000, 0x1'0000'0000);
        std::uint16_t picture = 0;
        const auto make = [&](int i) {
            if (i % 1000 == 500) track.set_bandwidth({0, 3}, i % 2000 == 500, test::at_ms(i * 5));
            if (i % 1000 == 0) track.set_bandwidth(kTopLayer, false, test::at_ms(i * 5));
            test::Stream& stream = i % 2 == 0 ? low : high;
            if (i % 97 == 0) stream.lose();
            wire::Vp8Descriptor& d = stream.packet().vp8;
            d.extended = d.has_picture_id = d.picture_id_15bit = true;
            d.picture_id = static_cast<std::uint16_t>(picture++ & 0x7FFF);
            d.size = 4;
            return stream.next(450, i % 250 < 2, static_cast<std::uint8_t>(i / 2 % 3));
        };
        CHECK(allocations_of(track, make) == 0);
    }
    SUBCASE("opus") {
        SourceState source = test::source_of(Codec::kOpus);
        DownTrack track(test::subscription(Codec::kOpus, 111), source, rng);
        test::Stream stream(Codec::kOpus, 0, 70'000, 0x1'0000'0000);
        CHECK(allocations_of(track, [&](int) { return stream.next(960); }) == 0);
    }
    SUBCASE("AV1 with dependency descriptor") {
        SourceState source = test::source_of(Codec::kAv1);
        source.mode = LayerMode::kMultipleSpatialLayersPerStream;
        source.dependency_descriptor = true;
        const Bytes structure = test::from_hex(test::kL3T3KeyStructure);
        wire::DependencyStructure parsed;
        const auto key = wire::parse_dependency_descriptor(structure, nullptr, &parsed);
        const Bytes delta_bytes = test::from_hex("cd0006");
        const auto delta = wire::parse_dependency_descriptor(delta_bytes, &parsed);
        REQUIRE(key);
        REQUIRE(delta);
        source.decode_targets = DecodeTargets::of(parsed);
        DownTrack track(test::subscription(Codec::kAv1, 45), source, rng);
        test::Stream stream(Codec::kAv1, 0, 70'000, 0x1'0000'0000);
        const auto make = [&](int i) {
            MediaPacket p = stream.next(3000, i % 500 == 0);
            p.has_dd = true;
            p.dd = i % 500 == 0 ? *key : *delta;
            p.dd_bytes = i % 500 == 0 ? structure : delta_bytes;
            p.dd.frame_number = static_cast<std::uint16_t>(i);
            return p;
        };
        CHECK(allocations_of(track, make) == 0);
    }
}

}  // namespace confab::sfu
