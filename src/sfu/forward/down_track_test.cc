// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The stream one subscriber sees: start, switches, pauses, mutes, the end (02 §4.1).
#include "sfu/forward/down_track.h"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "base/machine.h"
#include "sfu/forward/forward_testing.h"

namespace confab::sfu {
namespace {

using test::at_ms;
using test::pass;
using test::Stream;

static_assert(SansIoMachine<DownTrack>);

constexpr std::int64_t kTs = 0x1'0000'0000;

// Reports of three simulcast streams as recorded (VP8 simulcast, reference layer h).
void add_recorded_reports(SourceState& source) {
    const auto add = [&](std::size_t stream, std::uint64_t ntp, std::int64_t timestamp) {
        REQUIRE(source.add_report(stream, {NtpTime(ntp), kTs + timestamp, at_ms(4005)}));
    };
    add(0, 17197700195083004625U, 738265851);
    add(1, 17197700195083093102U, 877975715);
}

struct Simulcast {
    explicit Simulcast(const AddDownTrack& config = test::subscription(Codec::kVp8))
        : source(test::source_of(Codec::kVp8)), rng(1), track(config, source, rng) {}
    void want(std::uint8_t spatial, std::int64_t ms) {
        DownTrackSettings settings = track.settings();
        settings.enabled = true;
        settings.max_spatial = spatial;
        track.update_settings(settings, at_ms(ms));
    }
    void enable(bool enabled, std::int64_t ms) {
        DownTrackSettings settings = track.settings();
        settings.enabled = enabled;
        track.update_settings(settings, at_ms(ms));
    }
    SourceState source;
    Rng rng;
    DownTrack track;
};

}  // namespace

TEST_CASE(
    "DownTrack: first packet as it is, never a late one or a delta frame [FWD-01] [TRAP-08]") {
    Simulcast s;
    Stream f(Codec::kVp8, 2, 0x1'0000 + 9087, kTs + 737'913'346);
    CHECK_FALSE(pass(s.track, f.next(), at_ms(0)));
    MediaPacket late = f.next(0, true);
    late.late = true;
    CHECK_FALSE(pass(s.track, late, at_ms(1)));
    MediaPacket padding = f.next();
    padding.padding_only = true;
    CHECK_FALSE(pass(s.track, padding, at_ms(2)));
    const auto first = pass(s.track, f.next(3000, true), at_ms(3));
    REQUIRE(first);
    CHECK(first->sequence == 9090);
    CHECK(first->timestamp == 737'916'346);
    CHECK(first->ssrc == 0x1111);
    CHECK(first->payload_type == 96);
    CHECK(s.track.poll_event() == StreamState::kActive);
    CHECK_FALSE(s.track.poll_event());
}

TEST_CASE("DownTrack: switches layers by the reports of both, to the tick [FWD-02] [FWD-06]") {
    // Numbers of the recording: h was the first layer; q follows at 878035709.
    Simulcast s;
    s.source.available = 2;
    Stream h(Codec::kVp8, 1, 0x1'0000 + 25241, kTs + 877'644'277);
    REQUIRE(pass(s.track, h.next(0, true), at_ms(323)));
    REQUIRE(pass(s.track, h.next(878'030'841 - 877'644'277), at_ms(4618)));
    add_recorded_reports(s.source);
    s.source.available = 7;
    s.want(0, 4605);
    CHECK(s.track.poll_key_frame_request(at_ms(4605)) == 0);
    Stream q(Codec::kVp8, 0, 0x1'0000 + 9144, kTs + 738'325'846);
    const auto key = pass(s.track, q.next(0, true), at_ms(4672));
    REQUIRE(key);
    CHECK(key->timestamp == 878'035'709);
    CHECK(key->sequence == 25'243);
    const auto next = pass(s.track, q.next(7500), at_ms(4755));
    REQUIRE(next);
    CHECK(next->timestamp == 878'043'209);
    CHECK_FALSE(s.track.poll_key_frame_request(at_ms(6000)));
}

TEST_CASE("DownTrack: refuses a switch while a report is missing [FWD-02] [TRAP-09]") {
    Simulcast s;
    Stream q(Codec::kVp8, 0, 70'000, kTs);
    Stream f(Codec::kVp8, 2, 80'000, kTs + 5'000'000);
    REQUIRE(pass(s.track, q.next(0, true), at_ms(0)));
    CHECK_FALSE(pass(s.track, f.next(0, true), at_ms(100)));
    CHECK(s.track.stats().refused_switches == 1);
    CHECK(s.track.layers().current.spatial == 0);
    REQUIRE(pass(s.track, q.next(9000), at_ms(101)));  // the old layer goes on
    s.source.add_report(0, {NtpTime(std::uint64_t{100} << 32), kTs + 9000, at_ms(102)});
    CHECK_FALSE(pass(s.track, f.next(9000, true), at_ms(200)));
    s.source.add_report(2, {NtpTime(std::uint64_t{100} << 32), kTs + 5'009'000, at_ms(203)});
    const auto out = pass(s.track, f.next(9000, true), at_ms(300));
    REQUIRE(out);
    CHECK(out->timestamp == 18'000);
    CHECK(out->sequence == (70'002 & 0xFFFF));
}

TEST_CASE("DownTrack: does not wait for reports that never come [FWD-02] [TRAP-09]") {
    Simulcast s;
    s.source.mode = LayerMode::kOneSpatialLayerPerStreamIncompleteRtcpSr;
    Stream q(Codec::kVp8, 0, 70'000, kTs);
    Stream f(Codec::kVp8, 2, 80'000, kTs + 5'000'000);
    REQUIRE(pass(s.track, q.next(0, true), at_ms(0)));
    const auto out = pass(s.track, f.next(0, true), at_ms(100));
    REQUIRE(out);
    CHECK(out->timestamp == 1);
}

TEST_CASE("DownTrack: a target behind what was sent [FWD-03]") {
    struct Row {
        std::int64_t behind_ms;  // of the target layer
        bool forwarded;
        std::int64_t step;  // outgoing time, from the last one
    };
    for (const Row& row : {Row{-10, true, 900}, Row{0, true, 1}, Row{20, true, 1}, Row{50, true, 1},
                           Row{51, false, 0}, Row{500, false, 0}}) {
        CAPTURE(row.behind_ms);
        Simulcast s;
        const NtpTime ntp(std::uint64_t{100} << 32);
        s.source.add_report(0, {ntp, kTs, at_ms(0)});
        s.source.add_report(2, {ntp, kTs, at_ms(0)});
        Stream q(Codec::kVp8, 0, 70'000, kTs + 900'000);
        Stream f(Codec::kVp8, 2, 80'000, kTs + 900'000 - row.behind_ms * 90);
        const auto before = pass(s.track, q.next(0, true), at_ms(0));
        const auto out = pass(s.track, f.next(0, true), at_ms(40));
        CHECK(out.has_value() == row.forwarded);
        if (out) CHECK(out->timestamp - before->timestamp == row.step);
    }
}

TEST_CASE("DownTrack: where time goes on after a pause [FWD-03] [FWD-17]") {
    struct Row {
        bool publisher;  // muted by the publisher, else by the subscriber
        std::int64_t pause_ms;
        std::int64_t media_ms;  // how far the source's clock went meanwhile
        std::int64_t expected_ms;
    };
    const Row rows[] = {{false, 1000, 1000, 1000}, {false, 2500, 600, 600},
                        {false, 2700, 600, 2700},  {true, 1000, 900, 900},
                        {true, 1000, 700, 1000},   {true, 500, 800, 800}};
    for (const Row& row : rows) {
        CAPTURE(row.pause_ms);
        CAPTURE(row.media_ms);
        Simulcast s;
        Stream q(Codec::kVp8, 0, 70'000, kTs);
        const auto before = pass(s.track, q.next(0, true), at_ms(0));
        (void)s.track.poll_event();
        if (row.publisher) {
            s.source.muted = true;
            s.track.source_changed(at_ms(1));
        } else {
            s.enable(false, 1);
        }
        CHECK_FALSE(pass(s.track, q.next(), at_ms(2)));
        s.source.muted = false;
        s.track.source_changed(at_ms(row.pause_ms));
        s.enable(true, row.pause_ms);
        CHECK(s.track.poll_key_frame_request(at_ms(row.pause_ms)).has_value());
        q.packet().timestamp = kTs + row.media_ms * 90;
        CHECK_FALSE(pass(s.track, q.next(), at_ms(row.pause_ms)));  // not without a key frame
        CHECK_FALSE(s.track.poll_event());
        const auto after = pass(s.track, q.next(0, true), at_ms(row.pause_ms));
        REQUIRE(after);
        CHECK(after->sequence == before->sequence + 1);
        CHECK(after->timestamp - before->timestamp == row.expected_ms * 90);
        CHECK(s.track.poll_event() == StreamState::kActive);
    }
}

TEST_CASE("DownTrack: layers still switch after time was moved by a resume [FWD-02] [FWD-03]") {
    Simulcast s;
    const NtpTime ntp(std::uint64_t{100} << 32);
    s.source.add_report(0, {ntp, kTs, at_ms(0)});
    s.source.add_report(2, {ntp, kTs + 1000, at_ms(0)});
    Stream q(Codec::kVp8, 0, 70'000, kTs);
    REQUIRE(pass(s.track, q.next(0, true), at_ms(0)));
    s.enable(false, 1);
    s.enable(true, 10'000);
    const auto resumed = pass(s.track, q.next(90, true), at_ms(10'000));  // its clock stood still
    REQUIRE(resumed);
    CHECK(resumed->timestamp == 900'000);
    Stream f(Codec::kVp8, 2, 80'000, kTs + 1000 + 3090);
    const auto up = pass(s.track, f.next(0, true), at_ms(10'033));
    REQUIRE(up);
    CHECK(up->timestamp == 903'000);
}

TEST_CASE("DownTrack: closes up what it drops, keeps what was lost [FWD-04] [FWD-05]") {
    AddDownTrack config = test::subscription(Codec::kVp8);
    config.settings.max_temporal = 0;
    Simulcast s(config);
    Stream f(Codec::kVp8, 2, 70'000, kTs);
    const std::int64_t base = 70'000 & 0xFFFF;
    REQUIRE(pass(s.track, f.next(0, true), at_ms(0)));
    CHECK_FALSE(pass(s.track, f.next(3000, false, 2), at_ms(33)));
    CHECK_FALSE(pass(s.track, f.next(3000, false, 1), at_ms(66)));
    const auto second = pass(s.track, f.next(3000), at_ms(100));
    REQUIRE(second);
    CHECK(second->sequence == base + 1);
    MediaPacket missing = f.next(3000);
    const auto third = pass(s.track, f.next(3000), at_ms(166));
    REQUIRE(third);
    CHECK(third->sequence == base + 3);
    missing.late = true;
    const auto filled = pass(s.track, missing, at_ms(200));
    REQUIRE(filled);
    CHECK(filled->sequence == base + 2);
    CHECK_FALSE(pass(s.track, missing, at_ms(201)));
    CHECK(s.track.stats().late_dropped == 1);
}

TEST_CASE(
    "DownTrack: behind a gap nothing undecodable, late rest of it only fills [FWD-05] [IN-02]") {
    AddDownTrack config = test::subscription(Codec::kVp8);
    config.settings.max_temporal = 0;
    Simulcast s(config);
    Stream f(Codec::kVp8, 2, 70'000, kTs);
    const std::int64_t base = 70'000 & 0xFFFF;
    REQUIRE(pass(s.track, f.next(0, true), at_ms(0)));
    // A picture of layer 2 in two packets; the first one is late.
    MediaPacket first = f.next(3000, false, 2);
    first.marker = false;
    MediaPacket rest = f.next(0, false, 2);
    rest.frame_start = false;
    CHECK_FALSE(pass(s.track, rest, at_ms(33)));
    const auto next = pass(s.track, f.next(3000), at_ms(66));
    REQUIRE(next);
    CHECK(next->sequence == base + 2);
    first.late = true;
    const auto filled = pass(s.track, first, at_ms(90));
    REQUIRE(filled);
    CHECK(filled->sequence == base + 1);
    CHECK(filled->body(first.payload).empty());
    CHECK(filled->prefix_size == 0);
    // It is sent again: a decoder that counts packets waits for its number (IN-25).
    std::array<ResendPacket, 2> out;
    const std::array<std::uint16_t, 1> asked{static_cast<std::uint16_t>(filled->sequence)};
    REQUIRE(s.track.handle_nack(asked, at_ms(500), out) == 1);
    CHECK(out[0].packet.rtx);
    CHECK(out[0].packet.prefix_size == 2);  // the number, and nothing behind it
    CHECK(out[0].packet.body(first.payload).empty());
}

TEST_CASE(
    "DownTrack: a repair of a picture that was sent goes on after fewer pictures are [FWD-05] "
    "[FWD-06] [IN-25]") {
    Simulcast s(test::subscription(Codec::kVp8));
    Stream f(Codec::kVp8, 2, 70'000, kTs);
    REQUIRE(pass(s.track, f.next(0, true), at_ms(0)));
    // A picture of layer 2 in three packets; the middle one is late.
    MediaPacket head = f.next(3000, false, 2);
    head.marker = false;
    MediaPacket middle = f.next(0, false, 2);
    middle.marker = middle.frame_start = false;
    MediaPacket tail = f.next(0, false, 2);
    tail.frame_start = false;
    for (MediaPacket* packet : {&head, &middle, &tail})
        packet->vp8 = {};
    REQUIRE(pass(s.track, head, at_ms(33)));
    REQUIRE(pass(s.track, tail, at_ms(33)));
    DownTrackSettings fewer = test::subscription(Codec::kVp8).settings;
    fewer.max_temporal = 0;
    s.track.update_settings(fewer, at_ms(40));
    for (const std::int64_t ms : {66, 100}) {
        MediaPacket next = f.next(3000);
        next.vp8 = {};
        REQUIRE(pass(s.track, next, at_ms(ms)));
    }
    middle.late = true;
    const auto repaired = pass(s.track, middle, at_ms(110));
    REQUIRE(repaired);
    CHECK_FALSE(repaired->body(middle.payload).empty());
}

TEST_CASE("DownTrack: asks for key frames at clamp(2·RTT, 200 ms, 1 s) [FWD-13]") {
    for (const auto& [rtt, gap] : {std::pair{10, 200}, std::pair{300, 600}, std::pair{900, 1000}}) {
        Simulcast s;
        const Duration shared = Duration::millis(rtt);
        s.track.share_rtt(shared);
        CHECK(s.track.poll_key_frame_request(at_ms(0)) == 2);
        CHECK(s.track.next_deadline() == at_ms(gap));
        CHECK_FALSE(s.track.poll_key_frame_request(at_ms(gap - 1)));
        CHECK(s.track.poll_key_frame_request(at_ms(gap)) == 2);
        Stream f(Codec::kVp8, 2, 70'000, kTs);
        REQUIRE(pass(s.track, f.next(0, true), at_ms(gap)));
        CHECK_FALSE(s.track.poll_key_frame_request(at_ms(5000)));
        CHECK(s.track.next_deadline().is_never());
    }
}

TEST_CASE("DownTrack: pauses for lack of bandwidth and says so [BWE-09] [TRAP-17]") {
    Simulcast s;
    Stream q(Codec::kVp8, 0, 70'000, kTs);
    REQUIRE(pass(s.track, q.next(0, true), at_ms(0)));
    CHECK(s.track.poll_event() == StreamState::kActive);
    s.track.set_bandwidth(kNoLayer, true, at_ms(10));
    CHECK(s.track.poll_event() == StreamState::kPaused);
    CHECK_FALSE(pass(s.track, q.next(90, true), at_ms(11)));
    CHECK(s.track.layers().distance == 3.75);
    s.track.set_bandwidth({0, 3}, true, at_ms(20));
    CHECK_FALSE(s.track.poll_event());
    REQUIRE(pass(s.track, q.next(90, true), at_ms(21)));
    CHECK(s.track.poll_event() == StreamState::kActive);
    s.enable(false, 30);  // a mute is not announced
    CHECK_FALSE(s.track.poll_event());
}

TEST_CASE("DownTrack: another codec of the track goes on with the same SSRC [DYN-05]") {
    AddDownTrack config = test::subscription(Codec::kVp9, 98);
    config.codecs.push_back({Codec::kVp8, PayloadType(96), PayloadType(97), 90'000, true});
    SourceState vp9 = test::source_of(Codec::kVp9);
    SourceState vp8 = test::source_of(Codec::kVp8);
    Rng rng(1);
    DownTrack track(config, vp9, rng);
    Stream first(Codec::kVp9, 2, 70'000, kTs);
    const auto before = pass(track, first.next(0, true), at_ms(0));
    REQUIRE(before);
    CHECK(before->payload_type == 98);
    track.switch_source(vp8, at_ms(500));
    CHECK(track.poll_key_frame_request(at_ms(500)).has_value());
    Stream second(Codec::kVp8, 2, 900'000, 7 * kTs);
    CHECK_FALSE(pass(track, second.next(), at_ms(600)));
    const auto after = pass(track, second.next(0, true), at_ms(1000));
    REQUIRE(after);
    CHECK(after->payload_type == 96);
    CHECK(after->sequence == before->sequence + 1);
    CHECK(after->timestamp - before->timestamp == 90'000);
    const auto next = pass(track, second.next(3000), at_ms(1033));
    REQUIRE(next);
    CHECK(next->timestamp - after->timestamp == 3000);
}

TEST_CASE("DownTrack: a codec the subscriber does not take is not sent [IN-09]") {
    Simulcast s;
    Stream f(Codec::kH264, 2, 70'000, kTs);
    CHECK_FALSE(pass(s.track, f.next(0, true), at_ms(0)));
    CHECK(s.track.poll_codec_unsupported());
}

TEST_CASE("DownTrack: capture time is left out before the reference layer's report [IN-40]") {
    Simulcast s;
    Stream f(Codec::kVp8, 2, 70'000, kTs);
    f.packet().has_abs_capture_time = true;
    f.packet().abs_capture_time = 77;
    CHECK_FALSE(pass(s.track, f.next(0, true), at_ms(0))->has_abs_capture_time);
    s.source.add_report(2, {NtpTime(1), kTs, at_ms(1)});
    const auto out = pass(s.track, f.next(3000), at_ms(33));
    CHECK(out->has_abs_capture_time);
    CHECK(out->abs_capture_time == 77);
}

// ------------------------------------------------------------------ silence and blank frames

namespace {

struct Audio {
    explicit Audio(const AddDownTrack& config, Codec codec = Codec::kOpus)
        : source(test::source_of(codec)),
          rng(1),
          track(config, source, rng),
          stream(codec, 0, 0x1'0000 + 50'836, kTs + 3'965'290'419) {}
    void mute(bool muted, Timestamp now) {
        source.muted = muted;
        track.source_changed(now);
    }
    std::vector<SyntheticPacket> run(Timestamp from, Timestamp to) {
        std::vector<SyntheticPacket> out;
        for (Timestamp t = from; t <= to; t = t + Duration::millis(1)) {
            if (t >= track.next_deadline()) track.handle_timeout(t);
            for (auto& p : test::drain(track))
                out.push_back(p);
        }
        return out;
    }
    SourceState source;
    Rng rng;
    DownTrack track;
    Stream stream;
};

}  // namespace

TEST_CASE("DownTrack: one second of silence on mute, times as recorded [FWD-15]") {
    Audio a(test::subscription(Codec::kOpus, 111));
    for (int i = 0; i <= 5; ++i)
        REQUIRE(pass(a.track, a.stream.next(i == 0 ? 0 : 960), at_ms(20 * i)));
    const auto last = pass(a.track, a.stream.next(960), at_ms(120));
    REQUIRE(last);
    a.mute(true, at_ms(122));
    CHECK_FALSE(pass(a.track, a.stream.next(960), at_ms(130)));
    const auto silence = a.run(at_ms(122), at_ms(2000));
    REQUIRE(silence.size() == 51);
    CHECK(silence[0].packet.timestamp == last->timestamp);
    CHECK(silence[1].packet.timestamp - last->timestamp == 2 * 48 + 960);  // by elapsed time
    CHECK(silence[2].packet.timestamp - silence[1].packet.timestamp == 961);
    for (std::size_t i = 0; i < silence.size(); ++i) {
        CHECK(silence[i].packet.sequence == last->sequence + 1 + static_cast<std::int64_t>(i));
        CHECK(silence[i].packet.marker);
        CHECK(silence[i].payload.size() == 80);
        CHECK(to_vector(silence[i].payload.first(4)) == Bytes{0xF8, 0xFF, 0xFE, 0});
        if (i > 2) {
            const auto step = silence[i].packet.timestamp - silence[i - 1].packet.timestamp;
            CHECK(step >= 960);
            CHECK(step <= 961);
        }
    }
    CHECK(a.track.next_deadline().is_never());
    CHECK_FALSE(a.track.sender_report(at_ms(3000)));
    a.mute(false, at_ms(3000));
    const auto back = pass(a.track, a.stream.next(48 * 2880), at_ms(3000));
    REQUIRE(back);
    CHECK(back->sequence == last->sequence + 52);
    CHECK_FALSE(back->marker);
}

TEST_CASE("DownTrack: an unmute cuts the silence short [FWD-15]") {
    Audio a(test::subscription(Codec::kOpus, 111));
    REQUIRE(pass(a.track, a.stream.next(), at_ms(0)));
    a.mute(true, at_ms(10));
    CHECK(a.run(at_ms(10), at_ms(100)).size() == 6);
    a.mute(false, at_ms(101));
    CHECK(a.run(at_ms(101), at_ms(2000)).empty());
    CHECK(a.track.next_deadline().is_never());
}

TEST_CASE("DownTrack: no silence where nothing was sent [FWD-15]") {
    Audio a(test::subscription(Codec::kOpus, 111));
    a.mute(true, at_ms(10));
    CHECK(a.run(at_ms(10), at_ms(100)).empty());
    a.track.close(at_ms(200), true);
    CHECK(a.track.closed());
}

TEST_CASE("DownTrack: ends audio with 0.2 s of silence [FWD-15]") {
    Audio a(test::subscription(Codec::kOpus, 111));
    REQUIRE(pass(a.track, a.stream.next(), at_ms(0)));
    a.track.close(at_ms(20), true);
    CHECK_FALSE(a.track.closed());
    CHECK_FALSE(pass(a.track, a.stream.next(960), at_ms(21)));
    CHECK(a.run(at_ms(20), at_ms(400)).size() == 11);
    CHECK(a.track.closed());
}

TEST_CASE("DownTrack: silence in RED, PCMU and PCMA, and on encrypted tracks [FWD-15] [TRAP-19]") {
    const auto first_silence = [](const AddDownTrack& config, Codec codec) {
        Audio a(config, codec);
        REQUIRE(pass(a.track, a.stream.next(), at_ms(0)));
        a.mute(true, at_ms(10));
        const auto out = test::drain(a.track);
        REQUIRE(out.size() == 2);
        return to_vector(out[0].payload);
    };
    AddDownTrack red = test::subscription(Codec::kRed, 63);
    red.codecs.push_back({Codec::kOpus, PayloadType(111), std::nullopt, 48'000, false});
    const Bytes in_red = first_silence(red, Codec::kRed);
    CHECK(in_red.size() == 81);
    CHECK(in_red[0] == 0x6F);
    CHECK(in_red[1] == 0xF8);
    CHECK(first_silence(test::subscription(Codec::kPcmu, 0), Codec::kPcmu) == Bytes(160, 0xFF));
    CHECK(first_silence(test::subscription(Codec::kPcma, 8), Codec::kPcma) == Bytes(160, 0xD5));
    AddDownTrack secret = test::subscription(Codec::kOpus, 111);
    secret.encrypted = true;
    secret.sif_trailer = Bytes(44, 'x');
    const Bytes trailed = first_silence(secret, Codec::kOpus);
    CHECK(trailed.size() == 124);
    CHECK(trailed.back() == 'x');
}

TEST_CASE("DownTrack: ends VP8 with six blank key frames [FWD-15]") {
    Simulcast s;
    Stream f(Codec::kVp8, 2, 0x1'0000 + 39'805, kTs + 271'201'027);
    wire::Vp8Descriptor& d = f.packet().vp8;
    d.extended = d.has_picture_id = d.picture_id_15bit = true;
    d.has_tl0_pic_idx = d.has_tid = d.has_key_idx = true;
    d.size = 6;
    d.picture_id = 0x2FF7;
    d.tl0_pic_idx = 0x1C;
    d.key_idx = 0x1B;
    const auto last = pass(s.track, f.next(0, true), at_ms(3994));
    REQUIRE(last);
    s.track.close(at_ms(4009), true);
    std::vector<SyntheticPacket> frames;
    for (std::int64_t ms = 4009; ms < 4400; ++ms) {
        s.track.handle_timeout(at_ms(ms));
        for (auto& p : test::drain(s.track))
            frames.push_back(p);
    }
    REQUIRE(frames.size() == 6);
    CHECK(s.track.closed());
    CHECK(frames[0].packet.timestamp - last->timestamp == 15 * 90 + 3000);
    CHECK(to_vector(BytesView(frames[0].packet.prefix).first(6)) ==
          Bytes{0x90, 0xF0, 0xAF, 0xF8, 0x1D, 0x3C});
    for (std::size_t i = 1; i < frames.size(); ++i) {
        CHECK(frames[i].packet.prefix_size == 6);
        CHECK(frames[i].packet.sequence == frames[i - 1].packet.sequence + 1);
        CHECK(frames[i].packet.marker);
        const auto step = frames[i].packet.timestamp - frames[i - 1].packet.timestamp;
        CHECK(step >= 3000);
        CHECK(step < 3200);
    }
}

TEST_CASE("DownTrack: no blank frames for codecs without one, nor on a video mute [FWD-15]") {
    AddDownTrack config = test::subscription(Codec::kAv1, 45);
    SourceState source = test::source_of(Codec::kAv1);
    Rng rng(1);
    DownTrack track(config, source, rng);
    Stream f(Codec::kAv1, 2, 70'000, kTs);
    REQUIRE(pass(track, f.next(0, true), at_ms(0)));
    track.close(at_ms(10), true);
    CHECK(test::drain(track).empty());
    CHECK(track.closed());
    Simulcast s;
    Stream v(Codec::kVp8, 2, 70'000, kTs);
    REQUIRE(pass(s.track, v.next(0, true), at_ms(0)));
    s.enable(false, 10);
    CHECK(test::drain(s.track).empty());
    CHECK(s.track.next_deadline().is_never());
}

// ------------------------------------------------------------------ audio

TEST_CASE("DownTrack: clears the marker of audio [IN-34]") {
    Audio a(test::subscription(Codec::kOpus, 111));
    MediaPacket p = a.stream.next();
    p.marker = true;
    CHECK_FALSE(pass(a.track, p, at_ms(0))->marker);
}

TEST_CASE("DownTrack: opus out of RED, holes filled from redundancy [IN-32] [IN-34]") {
    Audio a(test::subscription(Codec::kOpus, 111), Codec::kRed);
    // Chromium's form: one redundant block (PT 111, offset 960, size 2), primary of 3 bytes.
    const Bytes both{0xEF, 0x0F, 0x00, 0x02, 0x6F, 'o', 'l', 'n', 'e', 'w'};
    const Bytes alone{0x6F, 'n', 'e', 'w'};
    const auto send = [&](const Bytes& payload, MediaPacket p, std::int64_t ms) {
        p.payload = payload;
        std::array<ForwardedPacket, DownTrack::kMaxPerPacket> out;
        const std::size_t count = a.track.forward(p, at_ms(ms), out);
        std::vector<std::pair<std::int64_t, std::string>> text;
        for (std::size_t i = 0; i < count; ++i) {
            CHECK(out[i].payload_type == 111);
            CHECK(out[i].ssrc == 0x1111);
            text.emplace_back(out[i].sequence, as_text(out[i].body(payload)));
        }
        return text;
    };
    using Text = std::vector<std::pair<std::int64_t, std::string>>;
    CHECK(send(alone, a.stream.next(), 0) == Text{{50'836, "new"}});
    CHECK(send(both, a.stream.next(960), 20) == Text{{50'837, "new"}});
    MediaPacket lost = a.stream.next(960);
    CHECK(send(both, a.stream.next(960), 60) == Text{{50'838, "ol"}, {50'839, "new"}});
    lost.late = true;
    CHECK(send(both, lost, 70).empty());  // too late: its number is used
    CHECK(send(Bytes{0xEF, 0x0F}, a.stream.next(960), 80).empty());
    CHECK(send(both, a.stream.next(960), 100) == Text{{50'840, "ol"}, {50'841, "new"}});
}

TEST_CASE("DownTrack: RED passes unchanged to those who take it, and when encrypted [IN-32]") {
    Audio a(test::subscription(Codec::kRed, 63), Codec::kRed);
    const auto out = pass(a.track, a.stream.next(), at_ms(0));
    REQUIRE(out);
    CHECK(out->payload_type == 63);
    CHECK(out->payload_offset == 0);
    AddDownTrack secret = test::subscription(Codec::kOpus, 111);
    secret.encrypted = true;
    Audio b(secret, Codec::kRed);
    CHECK_FALSE(pass(b.track, b.stream.next(), at_ms(0)));
    CHECK(b.track.poll_codec_unsupported());
}

TEST_CASE("DownTrack: a late padding packet fills its slot with nothing [IN-02]") {
    Audio a(test::subscription(Codec::kOpus, 111));
    REQUIRE(pass(a.track, a.stream.next(), at_ms(0)));
    MediaPacket padding = a.stream.next(960);
    padding.padding_only = true;
    padding.late = true;
    padding.payload = {};
    REQUIRE(pass(a.track, a.stream.next(960), at_ms(20)));
    const auto out = pass(a.track, padding, at_ms(21));
    REQUIRE(out);
    CHECK(out->sequence == 50'837);
    CHECK(out->body(padding.payload).empty());
}

}  // namespace confab::sfu
