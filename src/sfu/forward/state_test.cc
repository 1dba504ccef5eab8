// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A down-track that goes on elsewhere is the one that it was (02 FWD-18, 07 SIO-11): of two with
// the same inputs one is replaced all the time by what its bytes make, and both send the same.
#include <doctest/doctest.h>

#include <array>
#include <map>
#include <string>
#include <vector>

#include "base/state/hand_over_testing.h"
#include "sfu/forward/forward_testing.h"
#include "sfu/forward/leg_testing.h"

using namespace confab;
using namespace confab::sfu;
using namespace confab::sfu::test;

namespace {

bool same(const ForwardedPacket& a, const ForwardedPacket& b) {
    return a.sequence == b.sequence && a.timestamp == b.timestamp && a.ssrc == b.ssrc &&
           a.payload_type == b.payload_type && a.marker == b.marker && a.prefix == b.prefix &&
           a.prefix_size == b.prefix_size && a.dd_mode == b.dd_mode && a.dd_mask == b.dd_mask &&
           a.dd_frame_number == b.dd_frame_number && a.payload_offset == b.payload_offset &&
           a.payload_size == b.payload_size && a.padding == b.padding &&
           a.has_abs_capture_time == b.has_abs_capture_time &&
           a.has_playout_delay == b.has_playout_delay && a.playout_delay == b.playout_delay;
}

// One that stays and one that moves, on one source.
struct Twins {
    Twins(AddDownTrack of, const SourceState& from, std::uint64_t seed)
        : config(std::move(of)),
          source(from),
          rng(seed),
          stays(config, source, rng_a),
          moves(config, source, rng_b) {}

    void move() {
        hand_over(moves, DownTrack(config, source, rng), now);
        ++moved;
    }
    void both(auto&& act) {
        act(stays);
        act(moves);
    }
    void forward(const MediaPacket& packet) {
        std::array<ForwardedPacket, DownTrack::kMaxPerPacket> a;
        std::array<ForwardedPacket, DownTrack::kMaxPerPacket> b;
        const std::size_t count = stays.forward(packet, now, a);
        REQUIRE(moves.forward(packet, now, b) == count);
        for (std::size_t i = 0; i < count; ++i) {
            REQUIRE(same(a[i], b[i]));
            note(a[i]);
        }
    }
    void note(const ForwardedPacket& packet) {
        // No number twice.
        REQUIRE(sent.emplace(packet.sequence, packet.timestamp).second);
    }
    // All that they say beside packets of the source.
    void drain() {
        while (true) {
            const auto a = stays.poll_transmit();
            const auto b = moves.poll_transmit();
            REQUIRE(a.has_value() == b.has_value());
            if (!a) break;
            REQUIRE(same(a->packet, b->packet));
            REQUIRE(to_vector(a->payload) == to_vector(b->payload));
            note(a->packet);
        }
        while (true) {
            const auto a = stays.poll_event();
            REQUIRE(moves.poll_event() == a);
            if (!a) break;
        }
        REQUIRE(stays.next_deadline() == moves.next_deadline());
        const auto wish = stays.poll_key_frame_request(now);
        REQUIRE(moves.poll_key_frame_request(now) == wish);
        REQUIRE(stays.layers().current == moves.layers().current);
        REQUIRE(stays.layers().target == moves.layers().target);
        REQUIRE(stays.layers().pause == moves.layers().pause);
        REQUIRE(stays.started() == moves.started());
        REQUIRE(stays.closed() == moves.closed());
    }
    void report() {
        const auto a = stays.sender_report(now);
        const auto b = moves.sender_report(now);
        REQUIRE(a.has_value() == b.has_value());
        if (a) REQUIRE((a->ntp == b->ntp && a->rtp_time == b->rtp_time));
        if (a) REQUIRE((a->packet_count == b->packet_count && a->octet_count == b->octet_count));
        if (a) last_report = a->ntp.compact();
    }
    void answer(std::uint32_t jitter) {
        wire::ReportBlock block;
        block.ssrc = 0x1111;
        block.last_sr = last_report;
        block.jitter = jitter;
        block.fraction_lost = static_cast<std::uint8_t>(jitter);
        if (!sent.empty())
            block.highest_sequence = static_cast<std::uint32_t>(sent.rbegin()->first);
        const auto a = stays.handle_report(block, now);
        REQUIRE(moves.handle_report(block, now) == a);
        REQUIRE(stays.rtt() == moves.rtt());
        const auto c = stays.window(now);
        const auto d = moves.window(now);
        REQUIRE((c.packets == d.packets && c.octets == d.octets && c.lost == d.lost));
        REQUIRE((c.jitter == d.jitter && c.rtt == d.rtt));
        REQUIRE((c.distance == d.distance && c.unmuted == d.unmuted));
        REQUIRE(c.unreported == d.unreported);
    }

    AddDownTrack config;
    SourceState source;
    Rng rng_a{7};
    Rng rng_b{7};
    Rng rng;
    Timestamp now = at_ms(1000);
    DownTrack stays;
    DownTrack moves;
    std::uint32_t last_report = 0;
    std::map<std::int64_t, std::uint32_t> sent;
    int moved = 0;
};

// What publishers and subscribers do, at random; each stream with losses and packets out of order.
// How many packets were sent.
std::size_t live(Codec codec, LayerMode mode, AddDownTrack config, std::uint64_t seed) {
    Rng rng(seed);
    SourceState source = source_of(codec);
    source.mode = mode;
    const bool video = kind_of(codec) == MediaKind::kVideo;
    const bool simulcast = video && !source.svc();
    config.early_media = seed % 2 == 0;
    if (video && seed % 3 == 0) {
        config.extensions.playout_delay = 6;
        config.playout_delay = PlayoutDelayLimits{Duration::zero(), Duration::millis(400)};
    }
    Twins twins(config, source, seed);
    std::vector<Stream> streams;
    streams.reserve(3);
    for (std::uint8_t s = 0; s < (simulcast ? 3 : 1); ++s)
        streams.emplace_back(codec, s, 0x1'0000 + std::int64_t{s} * 20'000 + 500,
                             0x1'0000'0000 + std::int64_t{s} * 1'000'000);
    std::vector<MediaPacket> delayed;
    std::uint16_t picture = 100;
    twins.both([&](DownTrack& t) { t.set_writable(twins.now); });
    for (int step = 0; step < 400; ++step) {
        twins.now = twins.now + Duration::millis(33);
        if (rng.below(3) == 0) twins.move();
        ++picture;
        const bool key = step == 20 || rng.below(25) == 0;
        const auto temporal = static_cast<std::uint8_t>(step % 2 * 2);
        for (Stream& stream : streams) {
            MediaPacket packet = stream.next(video ? 3000 : 960, video && key,
                                             codec == Codec::kVp8 && !key ? temporal : 0);
            packet.arrival = twins.now;
            if (codec == Codec::kVp8) {
                packet.vp8.extended = packet.vp8.has_picture_id = packet.vp8.picture_id_15bit =
                    packet.vp8.has_tl0_pic_idx = packet.vp8.has_tid = packet.vp8.has_key_idx = true;
                packet.vp8.picture_id =
                    static_cast<std::uint16_t>((picture + packet.spatial) & 0x7FFF);
                packet.vp8.tl0_pic_idx = static_cast<std::uint8_t>(picture / 2);
                packet.vp8.temporal_id = packet.temporal;
                packet.vp8.key_idx = static_cast<std::uint8_t>(picture / 50 & 31);
                packet.vp8.size = 6;
            }
            if (step < 12) continue;  // nothing yet: time for early media
            const std::uint64_t fate = rng.below(20);
            if (fate == 0) {
                packet.late = true;
                delayed.push_back(packet);
            } else if (fate > 1) {
                twins.forward(packet);
            }
        }
        if (rng.below(4) == 0)
            for (const MediaPacket& late : std::exchange(delayed, {}))
                twins.forward(late);
        if (rng.below(30) == 0)
            for (std::size_t s = 0; s < streams.size(); ++s)
                (void)twins.source.add_report(s, {NtpTime() + Duration::micros(twins.now.us()),
                                                  streams[s].packet().timestamp, twins.now});
        if (rng.below(twins.source.muted ? 5 : 40) == 0) {
            twins.source.muted = !twins.source.muted;
            twins.both([&](DownTrack& t) { t.source_changed(twins.now); });
        }
        if (rng.below(twins.stays.settings().enabled ? 30 : 5) == 0) {
            DownTrackSettings settings = twins.stays.settings();
            settings.enabled = rng.below(4) != 0;
            settings.max_spatial = static_cast<std::uint8_t>(rng.below(3));
            settings.max_temporal = static_cast<std::uint8_t>(rng.below(4));
            twins.both([&](DownTrack& t) { t.update_settings(settings, twins.now); });
        }
        const bool capped = twins.stays.layers().pause == PauseReason::kBandwidth;
        if (rng.below(capped ? 5 : 40) == 0) {
            const Layer cap{static_cast<std::int8_t>(rng.below(4) - 1), 3};
            const bool poor = rng.below(2) == 0;
            twins.both([&](DownTrack& t) {
                t.set_bandwidth(cap.spatial < 0 ? kNoLayer : cap, poor, twins.now);
            });
        }
        if (rng.below(50) == 0) twins.both([&](DownTrack& t) { t.interrupt(twins.now); });
        if (rng.below(20) == 0) {
            const auto a = twins.stays.handle_pli(twins.now);
            REQUIRE(twins.moves.handle_pli(twins.now) == a);
        }
        if (rng.below(10) == 0) twins.report();
        if (rng.below(10) == 0) twins.answer(static_cast<std::uint32_t>(rng.below(2000)));
        if (rng.below(15) == 0 && twins.stays.started()) {
            const std::size_t written = twins.stays.write_padding(1, true);
            REQUIRE(twins.moves.write_padding(1, true) == written);
        }
        if (step == 380) twins.both([&](DownTrack& t) { t.close(twins.now, true); });
        twins.both([&](DownTrack& t) {
            if (twins.now >= t.next_deadline()) t.handle_timeout(twins.now);
        });
        // Also with outputs that nobody took yet.
        if (rng.below(3) != 0) twins.drain();
    }
    twins.drain();
    CHECK(twins.moved > 80);
    return twins.sent.size();
}

constexpr std::uint64_t kSeeds = 20;

// The number of the copy that answers a NACK, as it leaves.
std::int64_t copy_sent(Leg& leg, const ForwardedPacket& packet, std::int64_t ms) {
    auto copies = leg.nack(packet.sequence, ms);
    REQUIRE(copies.size() == 1);
    complete_resend(copies[0], {}, false);
    return copies[0].packet.sequence;
}

}  // namespace

TEST_CASE("A source goes on elsewhere with the most that it took lately [FWD-18] [BWE-09]") {
    SourceState source;
    source.codec = Codec::kVp8;
    source.available = 3;
    source.bitrate[1] = {300'000, 400'000, 500'000, 0};
    source.peak[1] = {900'000, 1'200'000, 1'500'000, 0};
    const Timestamp now = Timestamp::micros(1'000'000);
    StateWriter out(now);
    source.save(out);
    SourceState moved;
    StateReader in(out.view(), now);
    moved.load(in);
    REQUIRE(in.finish());
    CHECK(moved.bitrate == source.bitrate);
    CHECK(moved.peak == source.peak);
}

TEST_CASE("DownTrack: goes on elsewhere as it would have here, VP8 simulcast [FWD-18] [SIO-11]") {
    std::size_t sent = 0;
    for (std::uint64_t seed = 0; seed < kSeeds; ++seed)
        sent += live(Codec::kVp8, LayerMode::kOneSpatialLayerPerStream, subscription(Codec::kVp8),
                     seed);
    CHECK(sent > 50 * kSeeds);
}

TEST_CASE("DownTrack: goes on elsewhere as it would have here, H264 and VP9 [FWD-18] [SIO-11]") {
    std::size_t sent = 0;
    for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
        sent += live(Codec::kH264, LayerMode::kOneSpatialLayerPerStream, subscription(Codec::kH264),
                     seed);
        sent += live(Codec::kVp9, LayerMode::kMultipleSpatialLayersPerStream,
                     subscription(Codec::kVp9), seed);
    }
    CHECK(sent > 100 * kSeeds);
}

TEST_CASE("DownTrack: goes on elsewhere as it would have here, Opus [FWD-18] [SIO-11]") {
    std::size_t sent = 0;
    for (std::uint64_t seed = 0; seed < kSeeds; ++seed)
        sent += live(Codec::kOpus, LayerMode::kUnused, subscription(Codec::kOpus), seed);
    CHECK(sent > 100 * kSeeds);
}

TEST_CASE("DownTrack: copies go on with the next number of their stream [FWD-18] [TRAP-15]") {
    Leg leg(Codec::kVp8);
    (void)leg.send(0, 3000, true);
    const auto first = leg.send(33);
    REQUIRE(first);
    const std::int64_t copy = copy_sent(leg, *first, 200);
    hand_over(leg.track, DownTrack(subscription(Codec::kVp8), leg.source, leg.rng), at_ms(300));
    // What was sent before stays behind.
    CHECK(leg.nack(first->sequence, 500).empty());
    const auto next = leg.send(533);
    REQUIRE(next);
    CHECK(next->sequence == first->sequence + 1);
    CHECK(copy_sent(leg, *next, 700) == copy + 1);
}

TEST_CASE(
    "DownTrack: in doubt numbers are left out, and late ones have no place [FWD-18] [TRAP-14]") {
    Leg leg(Codec::kVp8);
    (void)leg.send(0, 3000, true);
    const MediaPacket late = leg.stream.next(3000);
    const auto last = leg.send(66);
    REQUIRE(last);
    const std::int64_t copy = copy_sent(leg, *last, 200);
    hand_over(leg.track, DownTrack(subscription(Codec::kVp8), leg.source, leg.rng), at_ms(300));
    StateAccess<DownTrack>::skip_ahead(leg.track, 1000);
    CHECK_FALSE(pass(leg.track, late, at_ms(300)));
    const auto next = leg.send(333);
    REQUIRE(next);
    CHECK(next->sequence == last->sequence + 1001);
    CHECK(next->timestamp == last->timestamp + 3000);
    CHECK(copy_sent(leg, *next, 500) == copy + 1001);
    // And goes on so.
    hand_over(leg.track, DownTrack(subscription(Codec::kVp8), leg.source, leg.rng), at_ms(600));
    CHECK(leg.send(633)->sequence == next->sequence + 1);
}

TEST_CASE("DownTrack: in doubt the first number is none that was used [FWD-18] [TRAP-14]") {
    for (const std::int64_t start : {5'000, 0x8'000, 64'000, 64'600, 65'535}) {
        CAPTURE(start);
        const auto first_after = [&](std::int64_t skipped) {
            SourceState source = source_of(Codec::kOpus);
            Rng rng(1);
            const AddDownTrack config = subscription(Codec::kOpus);
            DownTrack before(config, source, rng);
            DownTrack after(config, source, rng);
            REQUIRE(import_state(after, export_state(before, at_ms(0)), at_ms(0)));
            StateAccess<DownTrack>::skip_ahead(after, skipped);
            const Bytes state = export_state(after, at_ms(0));
            DownTrack again(config, source, rng);
            REQUIRE(import_state(again, state, at_ms(0)));
            Stream stream(Codec::kOpus, 0, 0x1'0000 + start, 0x1'0000'0000);
            return pass(again, stream.next(960), at_ms(20))->sequence;
        };
        const std::int64_t as_it_is = first_after(0);
        const std::int64_t in_doubt = first_after(1000);
        CHECK((in_doubt == as_it_is + 1000 || in_doubt < as_it_is - 10'000));
        CHECK(in_doubt < 0x1'0000);
    }
}

TEST_CASE("DownTrack: what does not fit together is refused [FWD-18] [SIO-11]") {
    Leg leg(Codec::kVp8);
    for (int i = 0; i < 10; ++i)
        (void)leg.send(i * 33, 3000, i == 0);
    const Bytes state = export_state(leg.track, at_ms(400));
    const AddDownTrack config = subscription(Codec::kVp8);
    const auto takes = [&](BytesView bytes) {
        DownTrack fresh(config, leg.source, leg.rng);
        return import_state(fresh, bytes, at_ms(400));
    };
    CHECK(takes(state));
    CHECK_FALSE(takes({}));
    CHECK_FALSE(takes(BytesView(state).first(state.size() / 2)));
    // Of another kind.
    DownTrack audio(subscription(Codec::kOpus), leg.source, leg.rng);
    CHECK_FALSE(import_state(audio, state, at_ms(400)));
    // What is taken in spite of a changed octet sends no number that was sent.
    const std::int64_t last = leg.send(400)->sequence;
    const MediaPacket packet = leg.stream.next(3000);
    for (std::size_t at = 0; at < state.size(); ++at) {
        for (const int change : {1, 0x40, 0xFF}) {
            Bytes changed = state;
            changed[at] = static_cast<std::uint8_t>(changed[at] ^ change);
            DownTrack fresh(config, leg.source, leg.rng);
            if (!import_state(fresh, changed, at_ms(400))) continue;
            const Bytes again = export_state(fresh, at_ms(400));
            DownTrack other(config, leg.source, leg.rng);
            REQUIRE(import_state(other, again, at_ms(400)));
            REQUIRE(export_state(other, at_ms(400)) == again);
            (void)pass(fresh, packet, at_ms(433));
        }
    }
    CHECK(last > 0);
}
