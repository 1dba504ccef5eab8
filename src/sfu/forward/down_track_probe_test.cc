// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Packets beside the media: probes, packets before the first one (02 FWD-14, FWD-16).
#include <doctest/doctest.h>

#include <algorithm>

#include "sfu/forward/forward_testing.h"
#include "wire/rtp/rtp.h"

namespace confab::sfu {
namespace {

using test::at_ms;
using test::drain;
using test::pass;
using test::Stream;

constexpr std::int64_t kTs = 0x1'0000'0000;

struct Video {
    explicit Video(const AddDownTrack& config = test::subscription(Codec::kVp8))
        : source(test::source_of(Codec::kVp8)),
          rng(1),
          stream(Codec::kVp8, 2, 70'000, kTs),
          track(config, source, rng) {}
    ForwardedPacket send(std::int64_t ms, bool key = false, bool marker = true) {
        MediaPacket packet = stream.next(3000, key);
        packet.marker = marker;
        const auto out = pass(track, packet, at_ms(ms));
        REQUIRE(out);
        return *out;
    }
    void report() {
        wire::ReportBlock block;
        block.ssrc = 0x1111;
        (void)track.handle_report(block, at_ms(0));
    }
    SourceState source;
    Rng rng;
    Stream stream;
    DownTrack track;
};

AddDownTrack without_rtx() {
    AddDownTrack config = test::subscription(Codec::kVp8);
    config.codecs[0].rtx_pt.reset();
    return config;
}

}  // namespace

TEST_CASE("DownTrack: probes are copies of the six newest packets [FWD-14] [FWD-11]") {
    Video v;
    CHECK_FALSE(v.track.probe_packet(0));  // nothing was sent
    std::vector<ForwardedPacket> sent;
    sent.reserve(10);
    for (int i = 0; i < 10; ++i)
        sent.push_back(v.send(33 * i, i == 0));
    CHECK_FALSE(v.track.probe_packet(0));  // nobody confirmed a packet yet
    v.report();
    std::int64_t number = 0;
    for (std::size_t back = 0; back < DownTrack::kProbePackets; ++back) {
        auto copy = v.track.probe_packet(back);
        REQUIRE(copy);
        complete_resend(*copy, {}, false);
        const ForwardedPacket& original = sent[sent.size() - 1 - back];
        CHECK(copy->packet.ssrc == 0x2222);
        CHECK(copy->packet.payload_type == 97);
        CHECK(copy->packet.timestamp == original.timestamp);
        CHECK(load_be16(copy->packet.prefix.data()) ==
              static_cast<std::uint16_t>(original.sequence));
        // Each on a number of its own (TRAP-14).
        if (back > 0) CHECK(copy->packet.sequence == number + 1);
        number = copy->packet.sequence;
    }
    CHECK_FALSE(v.track.probe_packet(DownTrack::kProbePackets));
    CHECK(v.track.stats().probe_copies == DownTrack::kProbePackets);
    CHECK(v.track.stats().repairs == 0);
    // A probe does not use up what a NACK may ask for.
    std::array<ResendPacket, 4> out;
    const std::array<std::uint16_t, 1> asked{static_cast<std::uint16_t>(sent.back().sequence)};
    for (int i = 1; i <= Sequencer::kMaxResends; ++i)
        CHECK(v.track.handle_nack(asked, at_ms(400 + 200 * i), out) == 1);

    DownTrackSettings off = v.track.settings();
    off.enabled = false;
    v.track.update_settings(off, at_ms(2000));
    CHECK_FALSE(v.track.probe_packet(0));  // nobody waits for more of it
}

TEST_CASE("DownTrack: padding goes behind whole frames and leaves no gap [FWD-14]") {
    Video v(without_rtx());
    CHECK(v.track.write_padding(1, true) == 0);
    (void)v.send(0, true);
    CHECK(v.track.write_padding(1, true) == 0);  // not before the first report
    v.report();
    CHECK_FALSE(v.track.probe_packet(0));
    const ForwardedPacket open = v.send(33, false, false);
    CHECK(v.track.write_padding(1, false) == 0);  // inside a frame
    const ForwardedPacket end = v.send(33);
    const DownTrackStats before = v.track.stats();
    CHECK(v.track.write_padding(3, false) == 3);
    const auto padding = drain(v.track);
    REQUIRE(padding.size() == 3);
    std::int64_t expected = end.sequence + 1;
    CHECK(v.track.stats().packets - before.packets == 3);
    std::uint64_t octets = before.octets;
    for (const SyntheticPacket& p : padding) {
        octets += header_size(p.packet, v.track.extensions(), {}) + p.payload.size();
        CHECK(p.packet.payload_type == 96);
        CHECK(p.packet.sequence == expected++);
        CHECK(p.packet.timestamp == end.timestamp);
        CHECK(p.packet.ssrc == 0x1111);
        CHECK_FALSE(p.packet.marker);
        // On the wire: the P bit, and nothing but padding (RFC 3550 §5.1).
        Bytes bytes(400);
        const std::size_t header = build_header(p.packet, {}, {}, {}, bytes);
        std::copy(p.payload.begin(), p.payload.end(),
                  bytes.begin() + static_cast<std::ptrdiff_t>(header));
        bytes.resize(header + p.payload.size());
        const auto parsed = wire::parse_rtp(bytes);
        REQUIRE(parsed);
        CHECK(parsed->header.padding_size == DownTrack::kPaddingSize);
        CHECK(parsed->payload.empty());
    }
    CHECK(v.track.stats().octets == octets);
    CHECK(v.send(66).sequence == expected);
    CHECK(open.sequence + 1 == end.sequence);
    // Inside a frame when forced; never more than there is room for.
    (void)v.send(99, false, false);
    CHECK(v.track.write_padding(100, true) == 8);
    (void)drain(v.track);
    v.source.muted = true;
    v.track.source_changed(at_ms(200));
    CHECK(v.track.write_padding(1, true) == 0);
}

TEST_CASE("DownTrack: padding is never sent again [FWD-11] [FWD-14]") {
    Video v;
    (void)v.send(0, true);
    v.report();
    REQUIRE(v.track.write_padding(1, false) == 1);
    const auto padding = drain(v.track);
    std::array<ResendPacket, 4> out;
    const std::array<std::uint16_t, 1> asked{
        static_cast<std::uint16_t>(padding[0].packet.sequence)};
    CHECK(v.track.handle_nack(asked, at_ms(500), out) == 0);
}

TEST_CASE("DownTrack: a number that is sent again twice counts as a repeat [BWE-21]") {
    Video v;
    const ForwardedPacket sent = v.send(0, true);
    std::array<ResendPacket, 4> out;
    const std::array<std::uint16_t, 1> asked{static_cast<std::uint16_t>(sent.sequence)};
    CHECK(v.track.handle_nack(asked, at_ms(10), out) == 0);  // too soon
    CHECK(v.track.stats().nack_repeats == 0);
    CHECK(v.track.handle_nack(asked, at_ms(20), out) == 0);
    CHECK(v.track.handle_nack(asked, at_ms(300), out) == 1);
    CHECK(v.track.stats().nack_repeats == 0);
    CHECK(v.track.handle_nack(asked, at_ms(310), out) == 0);
    CHECK(v.track.stats().nack_repeats == 0);
    CHECK(v.track.handle_nack(asked, at_ms(600), out) == 1);
    CHECK(v.track.stats().nack_repeats == 1);
    const std::array<std::uint16_t, 1> unknown{static_cast<std::uint16_t>(sent.sequence + 9)};
    (void)v.track.handle_nack(unknown, at_ms(300), out);
    (void)v.track.handle_nack(unknown, at_ms(310), out);
    CHECK(v.track.stats().nack_repeats == 1);
}

// ------------------------------------------------------------------ early media

TEST_CASE("DownTrack: silence until a muted microphone speaks [FWD-16] [FWD-01]") {
    AddDownTrack config = test::subscription(Codec::kOpus, 111);
    config.early_media = true;
    SourceState source = test::source_of(Codec::kOpus);
    source.muted = true;
    Rng rng(3);
    DownTrack track(config, source, rng);
    CHECK(track.next_deadline().is_never());
    track.set_writable(at_ms(1000));
    std::vector<std::pair<std::int64_t, SyntheticPacket>> sent;
    for (std::int64_t ms = 1000; ms < 3000; ms += 10) {
        if (at_ms(ms) >= track.next_deadline()) track.handle_timeout(at_ms(ms));
        for (const SyntheticPacket& p : drain(track))
            sent.emplace_back(ms, p);
    }
    REQUIRE(sent.size() == 19);
    CHECK(sent[0].first == 1100);
    CHECK(sent[0].second.packet.sequence >= 0x8000);
    CHECK(sent[0].second.packet.sequence < 0xC000);
    CHECK(sent[0].second.packet.timestamp >= 0x8000'0000U);
    CHECK(sent[0].second.packet.timestamp < 0xC000'0000U);
    for (std::size_t i = 1; i < sent.size(); ++i) {
        CHECK(sent[i].second.packet.sequence == sent[i - 1].second.packet.sequence + 1);
        CHECK(sent[i].second.packet.timestamp - sent[i - 1].second.packet.timestamp == 4800);
    }
    // The first real packet goes on behind it, by the clock.
    source.muted = false;
    track.source_changed(at_ms(3000));
    Stream stream(Codec::kOpus, 0, 500, 77);
    const auto first = pass(track, stream.next(), at_ms(3000));
    REQUIRE(first);
    CHECK(first->sequence == sent.back().second.packet.sequence + 1);
    CHECK(first->timestamp - sent.back().second.packet.timestamp == 100 * 48);
    CHECK(track.next_deadline().is_never());
}

TEST_CASE("DownTrack: padding for a camera that stays dark, for five seconds [FWD-16]") {
    AddDownTrack config = test::subscription(Codec::kVp8);
    config.early_media = true;
    SourceState source = test::source_of(Codec::kVp8);
    source.available = 0;
    Rng rng(3);
    DownTrack track(config, source, rng);
    track.set_writable(at_ms(0));
    std::size_t count = 0;
    for (std::int64_t ms = 0; ms < 10'000; ms += 10) {
        if (at_ms(ms) >= track.next_deadline()) track.handle_timeout(at_ms(ms));
        for (const SyntheticPacket& p : drain(track)) {
            CHECK(p.packet.padding);
            CHECK(p.payload.size() == 255);
            CHECK(ms <= 5000);
            ++count;
        }
    }
    CHECK(count == 50);
    track.set_writable(at_ms(20'000));  // once only
    CHECK(track.next_deadline() > at_ms(20'100));
    source.available = 7;
    track.source_changed(at_ms(20'000));
    Stream f(Codec::kVp8, 2, 70'000, kTs);
    const auto key = pass(track, f.next(0, true), at_ms(20'000));
    REQUIRE(key);
    CHECK(key->sequence >= 0x8000 + 50);
}

}  // namespace confab::sfu
