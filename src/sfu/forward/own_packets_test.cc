// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/forward/own_packets.h"

#include <doctest/doctest.h>

#include "sfu/forward/forward_testing.h"

namespace confab::sfu {
namespace {

using test::at_ms;

// A stream that begins at number 0x1388 and time 0, 3 000 ticks a frame.
struct Stream {
    explicit Stream(AddDownTrack config)
        : source(test::source_of(config.codecs[0].codec)),
          forwarder(config, source, rng, 0),
          own(config, rng),
          packets(source.codec, 0, 0x1'0000 + 5000, 0x1'0000'0000) {
        forwarder.selector().layers().target = {0, 3};
        forwarder.set_flowing(true);
    }
    std::optional<ForwardedPacket> send(std::int64_t ms, bool key, bool ends_frame = true) {
        MediaPacket packet = packets.next(3000, key);
        packet.marker = packet.frame_end = ends_frame;
        std::array<ForwardedPacket, Forwarder::kMaxPerPacket> out;
        if (forwarder.forward(packet, at_ms(ms), out) == 0) return std::nullopt;
        return out[0];
    }
    std::vector<SyntheticPacket> drain() {
        std::vector<SyntheticPacket> out;
        while (auto packet = own.poll())
            out.push_back(*packet);
        return out;
    }
    SourceState source;
    Rng rng{1};
    Forwarder forwarder;
    OwnPackets own;
    test::Stream packets;
};

TEST_CASE("OwnPackets: blank frames follow what was sent, none where nothing was [FWD-15]") {
    Stream s(test::subscription(Codec::kVp8));
    s.own.start_blank(s.forwarder, 2, at_ms(0));
    CHECK(s.own.done());
    const auto last = s.send(0, true);
    REQUIRE(last);
    s.own.start_blank(s.forwarder, 2, at_ms(10));
    const auto first = s.drain();
    REQUIRE(first.size() == 1);
    CHECK(first[0].packet.sequence == last->sequence + 1);
    CHECK(first[0].packet.timestamp > last->timestamp);
    CHECK(first[0].packet.marker);
    CHECK(first[0].packet.prefix_size > 0);  // a VP8 descriptor
    CHECK_FALSE(s.own.done());
    CHECK(s.own.next_deadline(s.forwarder) == at_ms(10) + BlankFrames::kVideoInterval);
    s.own.handle_timeout(s.forwarder, at_ms(60));
    CHECK(s.drain().size() == 1);
    CHECK(s.own.done());
    CHECK(s.forwarder.stats().packets == 3);
}

TEST_CASE("OwnPackets: a frame that was left open ends at its own time first [FWD-15]") {
    Stream s(test::subscription(Codec::kVp8));
    const auto open = s.send(0, true, false);
    REQUIRE(open);
    s.own.start_blank(s.forwarder, 1, at_ms(10));
    const auto out = s.drain();
    REQUIRE(out.size() == 2);
    CHECK(out[0].packet.timestamp == open->timestamp);
    CHECK(out[1].packet.timestamp > open->timestamp);
}

TEST_CASE("OwnPackets: padding has the time of the last packet; no more than may wait [FWD-14]") {
    Stream s(test::subscription(Codec::kVp8));
    const auto last = s.send(0, true);
    REQUIRE(last);
    CHECK(s.own.write_padding(s.forwarder, 100) == OwnPackets::kMaxWaiting);
    const auto out = s.drain();
    REQUIRE(out.size() == OwnPackets::kMaxWaiting);
    for (const SyntheticPacket& packet : out) {
        CHECK(packet.packet.timestamp == last->timestamp);
        CHECK(packet.packet.padding);
        REQUIRE(packet.payload.size() == OwnPackets::kPaddingSize);
        CHECK(packet.payload.back() == OwnPackets::kPaddingSize);
    }
    CHECK(out.back().packet.sequence == last->sequence + 8);
}

TEST_CASE("OwnPackets: early media ends with the first packet of the source [FWD-16]") {
    AddDownTrack config = test::subscription(Codec::kVp8);
    config.early_media = true;
    Stream s(config);
    s.own.set_writable(s.forwarder, at_ms(0));
    CHECK(s.own.next_deadline(s.forwarder) == at_ms(100));
    s.own.handle_timeout(s.forwarder, at_ms(100));
    const auto early = s.drain();
    REQUIRE(early.size() == 1);
    CHECK(early[0].packet.padding);
    CHECK(s.own.next_deadline(s.forwarder) == at_ms(200));
    const auto first = s.send(150, true);
    REQUIRE(first);
    CHECK(first->sequence == early[0].packet.sequence + 1);
    CHECK(s.own.next_deadline(s.forwarder).is_never());
    s.own.handle_timeout(s.forwarder, at_ms(200));
    CHECK(s.drain().empty());
}

}  // namespace
}  // namespace confab::sfu
