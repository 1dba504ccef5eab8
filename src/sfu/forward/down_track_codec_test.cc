// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Which way packets take by codec and mode, and what stands in them then (02 FWD-05, FWD-07,
// FWD-08, IN-09, IN-12).
#include <doctest/doctest.h>

#include <array>
#include <vector>

#include "sfu/forward/forward_testing.h"
#include "sfu/forward/leg_testing.h"

namespace confab::sfu {
namespace {

using test::at_ms;
using test::Leg;
using test::pass;

// What was left in the buffer by another packet.
ForwardedPacket leftover() {
    ForwardedPacket p;
    p.abs_capture_time = 1;
    p.dd_mask = 2;
    p.payload_offset = 3;
    p.payload_size = 4;
    p.prefix_size = 5;
    p.dd_mode = DescriptorMode::kSetMask;
    p.rtx = p.has_abs_capture_time = p.padding = p.has_playout_delay = p.marker = true;
    return p;
}

void check_fresh(const ForwardedPacket& p) {
    CHECK(p.payload_offset == 0);
    CHECK(p.prefix_size == 0);
    CHECK(p.dd_mode == DescriptorMode::kNone);
    CHECK_FALSE(p.rtx);
    CHECK_FALSE(p.has_abs_capture_time);
    CHECK_FALSE(p.padding);
    CHECK_FALSE(p.has_playout_delay);
}

SourceState svc_source(Codec codec, bool negotiated) {
    SourceState source = test::source_of(codec);
    source.mode = LayerMode::kMultipleSpatialLayersPerStream;
    source.dependency_descriptor = negotiated;
    return source;
}

// An SVC source with the descriptors of the recording.
struct Svc : Leg {
    explicit Svc(Codec codec, bool negotiated = true)
        : Leg(test::subscription(codec), svc_source(codec, negotiated)) {
        REQUIRE(wire::parse_dependency_descriptor(structure, nullptr, &parsed));
        source.decode_targets = DecodeTargets::of(parsed);
    }
    MediaPacket with(const Bytes& descriptor, bool key) {
        MediaPacket p = stream.next(0, key);
        const auto dd = wire::parse_dependency_descriptor(descriptor, &parsed);
        REQUIRE(dd);
        p.has_dd = true;
        p.dd = *dd;
        p.dd_bytes = descriptor;
        p.spatial = dd->spatial_id;
        p.temporal = dd->temporal_id;
        p.marker = false;
        return p;
    }
    const Bytes structure = test::from_hex(test::kL3T3KeyStructure);
    const Bytes s1_key = test::from_hex("c50002"), s2_key = test::from_hex("ca0003"),
                s0_delta = test::from_hex("c30004"), s2_delta = test::from_hex("cd0006");
    wire::DependencyStructure parsed;
};

}  // namespace

TEST_CASE("DownTrack: descriptors of AV1 and VP9 go on as they are or with a mask [FWD-08]") {
    for (const Codec codec : {Codec::kAv1, Codec::kVp9}) {
        Svc svc(codec);
        const auto key = pass(svc.track, svc.with(svc.structure, true), at_ms(0));
        REQUIRE(key);
        CHECK(key->dd_mode == DescriptorMode::kAsIs);
        CHECK(key->dd_frame_number == 1);
        CHECK_FALSE(key->marker);
        CHECK(pass(svc.track, svc.with(svc.s1_key, true), at_ms(1)));
        const auto top = pass(svc.track, svc.with(svc.s2_key, true), at_ms(2));
        REQUIRE(top);
        CHECK(top->dd_mode == DescriptorMode::kSetMask);
        CHECK(top->dd_mask == 0x1FF);
        CHECK(top->dd_frame_number == 3);
        CHECK(top->dd_target_count == 9);
        CHECK(top->marker);  // it ends the picture
        CHECK_FALSE(pass(svc.track, svc.with(svc.s0_delta, false), at_ms(33)));
        const auto delta = pass(svc.track, svc.with(svc.s2_delta, false), at_ms(33));
        REQUIRE(delta);
        CHECK(delta->sequence == top->sequence + 1);  // the other layer leaves no hole
        CHECK(svc.nack(delta->sequence, 500)[0].packet.dd_frame_number == 6);
    }
}

TEST_CASE("DownTrack: a layer to be left goes on, for a congested link in T0 alone [FWD-08]") {
    for (const bool deficient : {false, true}) {
        CAPTURE(deficient);
        Svc svc(Codec::kAv1);
        const auto shown = [&svc](const Bytes& descriptor, int picture) {
            MediaPacket p = svc.with(descriptor, picture == 0);
            p.timestamp += picture * 3000;
            return pass(svc.track, p, at_ms(picture * 33)).has_value();
        };
        CHECK(shown(svc.structure, 0));
        CHECK(shown(svc.s1_key, 0));
        CHECK(shown(svc.s2_key, 0));
        // All layers of T0, T2 and T0.
        CHECK_FALSE(shown(test::from_hex("c1000d"), 1));
        CHECK_FALSE(shown(test::from_hex("c6000e"), 1));
        CHECK(shown(test::from_hex("cb000f"), 1));
        svc.track.set_bandwidth({1, 3}, deficient, at_ms(50));
        CHECK_FALSE(shown(test::from_hex("c30010"), 2));
        CHECK_FALSE(shown(test::from_hex("c80011"), 2));
        CHECK(shown(test::from_hex("cd0012"), 2) == !deficient);
        CHECK_FALSE(shown(test::from_hex("c10019"), 3));
        CHECK_FALSE(shown(test::from_hex("c6001a"), 3));
        CHECK(shown(test::from_hex("cb001b"), 3));
        CHECK(svc.track.poll_key_frame_request(at_ms(100)).has_value());
    }
}

TEST_CASE("DownTrack: descriptors that were not negotiated choose nothing [FWD-08] [IN-25]") {
    Svc svc(Codec::kAv1, false);
    const auto key = pass(svc.track, svc.with(svc.structure, true), at_ms(0));
    REQUIRE(key);
    CHECK(key->dd_mode == DescriptorMode::kNone);
    // VP8 has them beside its own descriptor, for the parser only.
    Leg vp8(Codec::kVp8, 2);
    MediaPacket p = vp8.stream.next(0, true);
    p.has_dd = true;
    p.dd_bytes = svc.structure;
    const auto out = pass(vp8.track, p, at_ms(0));
    REQUIRE(out);
    CHECK(out->dd_mode == DescriptorMode::kNone);
    CHECK(out->prefix_size == 1);  // the one octet of its own
    CHECK(out->prefix[0] == 0x10);
    CHECK(out->payload_offset == 1);
}

TEST_CASE("DownTrack: descriptors that a later offer brings choose layers from then on [FWD-08]") {
    Svc svc(Codec::kAv1, false);
    MediaPacket plain = svc.stream.next(0, true);
    REQUIRE(pass(svc.track, plain, at_ms(0)));
    svc.source.dependency_descriptor = true;
    svc.track.source_changed(at_ms(50));
    CHECK_FALSE(pass(svc.track, svc.stream.next(3000, false), at_ms(60)));
    const auto key = pass(svc.track, svc.with(svc.structure, true), at_ms(100));
    REQUIRE(key);
    CHECK(key->dd_mode == DescriptorMode::kAsIs);
    CHECK(pass(svc.track, svc.with(svc.s1_key, true), at_ms(101)));
    const auto top = pass(svc.track, svc.with(svc.s2_key, true), at_ms(102));
    REQUIRE(top);
    CHECK(top->marker);
    // Once more changes nothing.
    svc.track.source_changed(at_ms(110));
    CHECK(pass(svc.track, svc.with(svc.s2_delta, false), at_ms(133)));
}

TEST_CASE_HANDED_OVER(
    "DownTrack: layers of one stream or of several, by codec and mode [FWD-05] [FWD-07]") {
    struct Row {
        Codec codec;
        LayerMode mode;
        bool upper_passes;  // a delta frame of layer 2 behind a key frame of layer 0
    };
    constexpr auto kOne = LayerMode::kOneSpatialLayerPerStream;
    constexpr auto kMany = LayerMode::kMultipleSpatialLayersPerStream;
    for (const Row& row : {Row{Codec::kVp9, kMany, true}, Row{Codec::kVp9, kOne, false},
                           Row{Codec::kAv1, kOne, false}, Row{Codec::kAv1, kMany, false},
                           Row{Codec::kH264, kOne, false}, Row{Codec::kH265, kOne, false}}) {
        CAPTURE(static_cast<int>(row.codec));
        CAPTURE(static_cast<int>(row.mode));
        Leg leg(row.codec);
        leg.source.mode = row.mode;
        MediaPacket key = leg.stream.next(0, true);
        key.vp9.frame_start = key.vp9.frame_end = true;
        REQUIRE(pass(leg.track, key, at_ms(0)));
        MediaPacket upper = leg.stream.next(0, false);
        upper.spatial = 2;
        upper.vp9.frame_start = true;  // and predicted from nothing: a switching point of VP9
        CHECK(pass(leg.track, upper, at_ms(33)).has_value() == row.upper_passes);
        if (row.upper_passes) continue;
        // It is another stream then: its numbers are not of this one.
        const auto next = leg.send(66);
        REQUIRE(next);
        CHECK(next->sequence == 5002);
    }
}

TEST_CASE("DownTrack: nothing of another packet is left in what is sent [FWD-09]") {
    std::array<ForwardedPacket, DownTrack::kMaxPerPacket> out;
    Leg audio(test::subscription(Codec::kOpus, 111), Codec::kOpus);
    out.fill(leftover());
    REQUIRE(audio.track.forward(audio.stream.next(), at_ms(0), out) == 1);
    check_fresh(out[0]);
    CHECK_FALSE(out[0].marker);
    CHECK(out[0].payload_size == ForwardedPacket::kToEnd);
    CHECK_FALSE(audio.track.poll_event());  // only pictures stop and go

    Leg video(Codec::kH264, 2);
    out.fill(leftover());
    REQUIRE(video.track.forward(video.stream.next(0, true), at_ms(0), out) == 1);
    check_fresh(out[0]);
    CHECK(out[0].marker);
    CHECK(video.track.poll_event() == StreamState::kActive);

    (void)video.stream.next();
    MediaPacket padding = video.stream.next();
    (void)video.send(10);
    padding.padding_only = padding.late = true;
    padding.payload = {};
    out.fill(leftover());
    REQUIRE(video.track.forward(padding, at_ms(20), out) == 1);
    check_fresh(out[0]);
    CHECK(video.nack(out[0].sequence, 500).empty());  // nothing to send again

    Leg red(test::subscription(Codec::kOpus, 111), Codec::kRed);
    MediaPacket p = red.stream.next();
    const Bytes alone{0x6F, 'n', 'e', 'w'};
    p.payload = alone;
    out.fill(leftover());
    REQUIRE(red.track.forward(p, at_ms(0), out) == 1);
    CHECK(out[0].prefix_size == 0);
    CHECK_FALSE(out[0].has_playout_delay);
    CHECK_FALSE(out[0].rtx);
}

TEST_CASE("DownTrack: padding fills holes of the stream it belongs to only [IN-02] [TRAP-08]") {
    Leg leg(Codec::kVp8, 2);
    REQUIRE(leg.send(0, 0, true));
    MediaPacket padding = leg.stream.next();
    REQUIRE(leg.send(10));
    padding.padding_only = padding.late = true;
    padding.payload = {};
    MediaPacket in_order = leg.stream.next();
    in_order.padding_only = true;
    CHECK_FALSE(pass(leg.track, in_order, at_ms(11)));
    MediaPacket of_another = padding;
    of_another.spatial = 1;
    CHECK_FALSE(pass(leg.track, of_another, at_ms(12)));
    leg.enable(13, false);
    leg.enable(14, true);
    CHECK_FALSE(pass(leg.track, padding, at_ms(15)));  // waits for a key frame
    Leg again(Codec::kVp8, 2);
    REQUIRE(again.send(0, 0, true));
    (void)again.stream.next();
    REQUIRE(again.send(10));
    CHECK(pass(again.track, padding, at_ms(15)));
}

TEST_CASE("DownTrack: redundancy for what is there already is not counted as late [IN-32]") {
    Leg red(test::subscription(Codec::kOpus, 111), Codec::kRed);
    const Bytes both{0xEF, 0x0F, 0x00, 0x02, 0x6F, 'o', 'l', 'n', 'e', 'w'};
    for (int i = 0; i < 10; ++i) {
        MediaPacket p = red.stream.next(960);
        p.payload = both;
        CHECK(pass(red.track, p, at_ms(20 * i)).has_value());
    }
    CHECK(red.track.stats().late_dropped == 0);
    CHECK(red.track.stats().packets == 10);
}

TEST_CASE(
    "DownTrack: another codec of a stream needs a key frame, of sound none [DYN-05] [IN-12]") {
    AddDownTrack config = test::subscription(Codec::kVp8);
    config.codecs.push_back({Codec::kH264, PayloadType(102), PayloadType(103), 90'000, true});
    Leg video(config, Codec::kVp8, 2);
    const auto first = video.send(0, 0, true);
    REQUIRE(first);
    video.stream.packet().codec = Codec::kH264;
    CHECK_FALSE(video.send(33));
    const auto other = video.send(66, 3000, true);
    REQUIRE(other);
    CHECK(other->payload_type == 102);
    CHECK(other->prefix_size == 0);
    CHECK(other->sequence == first->sequence + 1);
    CHECK(video.nack(other->sequence, 500)[0].packet.payload_type == 103);
    CHECK(video.nack(first->sequence, 500).empty());  // its RTX type said another codec

    // Opus in a track that was made for RED (TRAP-35).
    AddDownTrack sound = test::subscription(Codec::kRed, 63);
    sound.codecs.push_back({Codec::kOpus, PayloadType(111), {}, 48'000, true});
    Leg audio(sound, Codec::kRed);
    REQUIRE(audio.send(0, 0));
    audio.stream.packet().codec = Codec::kOpus;
    const auto plain = audio.send(20, 960);
    REQUIRE(plain);
    CHECK(plain->payload_type == 111);
    CHECK(plain->sequence == 5001);
}

TEST_CASE_HANDED_OVER(
    "DownTrack: a codec that is not taken is told once, what is taken goes on [IN-09]") {
    AddDownTrack secret = test::subscription(Codec::kOpus, 111);
    secret.encrypted = true;
    Leg leg(secret, Codec::kOpus);
    const auto before = leg.send(0, 960);
    REQUIRE(before);
    CHECK_FALSE(leg.track.poll_codec_unsupported());
    leg.stream.packet().codec = Codec::kRed;  // inside the encryption it can not be taken apart
    CHECK_FALSE(leg.send(20, 960));
    CHECK_FALSE(leg.send(40, 960));
    CHECK(leg.track.poll_codec_unsupported());
    CHECK_FALSE(leg.track.poll_codec_unsupported());
    leg.stream.packet().codec = Codec::kOpus;
    const auto after = leg.send(60, 960);
    REQUIRE(after);
    CHECK(after->sequence == before->sequence + 3);
    CHECK(after->timestamp - before->timestamp == 3 * 960);
}

TEST_CASE("DownTrack: what the next source sends and is not taken is told again [IN-09]") {
    AddDownTrack secret = test::subscription(Codec::kOpus, 111);
    secret.encrypted = true;
    Leg leg(secret, Codec::kOpus);
    REQUIRE(leg.send(0, 960));
    leg.stream.packet().codec = Codec::kRed;
    CHECK_FALSE(leg.send(20, 960));
    REQUIRE(leg.track.poll_codec_unsupported());
    SourceState other = leg.source;  // of the codec that was taken last
    leg.track.switch_source(other, test::at_ms(40));
    CHECK_FALSE(leg.track.poll_codec_unsupported());
    CHECK_FALSE(leg.send(60, 960));
    CHECK(leg.track.poll_codec_unsupported());
}

}  // namespace confab::sfu
