// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Frames that are decided at once, beside the same packets one by one (02 DES-44): whatever a
// publisher sends and a subscriber wants, the datagrams, what is told and what is remembered are
// the same.
#include <doctest/doctest.h>

#include <deque>
#include <tuple>
#include <vector>

#include "base/rng.h"
#include "base/state/state.h"
#include "sfu/forward/down_track.h"
#include "sfu/forward/forward_testing.h"
#include "sfu/packet/shared_frame.h"
#include "sfu/peer/send/send_queue.h"
#include "wire/video/packet_trailer_testing.h"

namespace confab::sfu {
namespace {

using test::at_ms;
using Together = Forwarder::Together;

constexpr std::size_t kLayers = 3;

struct Scenario {
    Codec codec = Codec::kVp8;
    bool picture_ids = true;  // of VP8; else its descriptor is one octet
    bool strips = false;      // the subscriber knows no packet trailers
    bool playout_delay = false;
    unsigned per_mille_lost = 0;
};

std::int64_t start_of(std::size_t layer) {
    return 0x1'0000'0000 + 77 * static_cast<std::int64_t>(layer);
}

// Three layers, each of frames of one packet to forty.
class Publisher {
  public:
    Publisher(const Scenario& scenario, Rng& rng) : scenario_(scenario), rng_(rng) {
        for (std::size_t layer = 0; layer < kLayers; ++layer) {
            layers_[layer].sequence = 0x1'0000 + 1000 * static_cast<std::int64_t>(layer);
            layers_[layer].timestamp = start_of(layer);
        }
    }
    // What comes of the next frame of a layer, with late packets of earlier ones.
    void frame(std::size_t index, bool key, std::vector<ArrivedPacket>& out) {
        Layer& layer = layers_[index];
        layer.timestamp += 3000;
        if (key) layer.pattern = 0;
        constexpr std::array<std::uint8_t, 4> kTemporal{0, 2, 1, 2};
        const std::uint8_t temporal = kTemporal[layer.pattern++ % kTemporal.size()];
        ++layer.picture;
        if (temporal == 0) ++layer.tl0;
        const std::size_t count = rng_.below(20) == 0 ? 40 : 1 + rng_.below(9);
        for (std::size_t i = 0; i < count; ++i)
            arrive(packet(index, key, temporal, i, i + 1 == count), out);
        if (rng_.below(15) == 0) {
            ArrivedPacket padding = packet(index, false, temporal, 1, false);
            padding.media.padding_only = true;
            padding.media.payload = {};
            arrive(padding, out);
        }
        while (!late_.empty() && rng_.below(3) == 0) {
            late_.front().media.late = true;
            out.push_back(late_.front());
            late_.pop_front();
        }
    }

  private:
    struct Layer {
        std::int64_t sequence = 0;
        std::int64_t timestamp = 0;
        std::uint16_t picture = 100;
        std::uint8_t tl0 = 0;
        std::size_t pattern = 0;
    };
    void arrive(const ArrivedPacket& packet, std::vector<ArrivedPacket>& out) {
        if (rng_.below(1000) >= scenario_.per_mille_lost) return out.push_back(packet);
        if (rng_.below(2) == 0) late_.push_back(packet);
    }
    ArrivedPacket packet(std::size_t index, bool key, std::uint8_t temporal, std::size_t i,
                         bool last) {
        Layer& layer = layers_[index];
        ArrivedPacket out{{}, pool_.acquire_large()};
        Bytes bytes(60 + rng_.below(40), static_cast<std::uint8_t>(rng_.u16()));
        if (last && rng_.below(4) == 0)
            bytes = wire::test::joined(bytes, wire::test::usual_packet_trailer());
        std::copy(bytes.begin(), bytes.end(), out.ref.buffer().begin());
        out.ref.set_size(bytes.size());
        MediaPacket& media = out.media;
        media.codec = scenario_.codec;
        media.spatial = static_cast<std::uint8_t>(index);
        media.sequence = layer.sequence++;
        media.timestamp = layer.timestamp;
        media.marker = media.frame_end = last;
        media.frame_start = i == 0;
        media.key_frame = key && i == 0;
        media.payload = out.ref.data();
        media.has_abs_capture_time = i == 0 && rng_.below(10) == 0;
        media.abs_capture_time = 1234;
        media.has_dd = scenario_.codec == Codec::kVp8;  // as Chromium sends it
        if (scenario_.codec == Codec::kVp8) describe(media, layer, temporal, i);
        return out;
    }
    void describe(MediaPacket& media, const Layer& layer, std::uint8_t temporal, std::size_t i) {
        wire::Vp8Descriptor& d = media.vp8;
        d.start_of_partition = i == 0 || i == 4;
        d.partition_id = i >= 4 ? 1 : 0;
        d.non_reference = temporal == 2;
        d.size = 1;
        if (!scenario_.picture_ids) return;
        media.temporal = temporal;
        media.needs_lower_only = temporal > 0;
        media.sync_temporal = temporal == 1 ? 2 : -1;
        d.extended = d.has_picture_id = d.picture_id_15bit = d.has_tl0_pic_idx = d.has_tid = true;
        d.picture_id = layer.picture & 0x7FFF;
        d.tl0_pic_idx = layer.tl0;
        d.temporal_id = temporal;
        d.size = 6;
    }

    const Scenario& scenario_;
    Rng& rng_;
    PacketPool pool_;
    std::array<Layer, kLayers> layers_;
    std::deque<ArrivedPacket> late_;
};

// What is made of a packet, and of what.
using Sent = std::tuple<std::int64_t, std::uint32_t, std::uint32_t, std::uint8_t, bool, Bytes,
                        Bytes, std::uint64_t, bool, bool>;

Sent sent_of(const ForwardedPacket& p, BytesView payload) {
    return {p.sequence,
            p.timestamp,
            p.ssrc,
            p.payload_type,
            p.marker,
            Bytes(p.prefix.begin(), p.prefix.begin() + p.prefix_size),
            to_vector(p.body(payload)),
            p.has_abs_capture_time ? p.abs_capture_time : 0,
            p.has_playout_delay,
            p.may_repeat || p.rtx || p.padding};
}

AddDownTrack config_of(const Scenario& scenario) {
    AddDownTrack config = test::subscription(scenario.codec);
    config.strip_packet_trailers = scenario.strips;
    if (scenario.playout_delay) {
        config.extensions.playout_delay = 5;
        config.playout_delay = {Duration::millis(100), Duration::millis(2000)};
    }
    return config;
}

struct Subscribed {
    explicit Subscribed(const Scenario& scenario)
        : source(test::source_of(scenario.codec)), track(config_of(scenario), source, rng) {
        // Without them no layer can follow another.
        for (std::size_t layer = 0; layer < kLayers; ++layer)
            REQUIRE(source.add_report(layer,
                                      {NtpTime(17197700195083004625U), start_of(layer), at_ms(0)}));
    }

    std::vector<Sent> one_by_one(const std::vector<ArrivedPacket>& packets, Timestamp now) {
        std::vector<Sent> all;
        std::array<ForwardedPacket, DownTrack::kMaxPerPacket> out;
        for (const auto& [media, ref] : packets) {
            const std::size_t count = track.forward(media, now, out);
            for (const ForwardedPacket& one : std::span(out).first(count))
                all.push_back(sent_of(one, media.payload));
        }
        return all;
    }
    // By way of the queue in which they wait.
    std::vector<Sent> by_frames(std::span<const ArrivedPacket> packets, Timestamp now) {
        SendQueue queue;
        std::array<ForwardedPacket, DownTrack::kMaxPerPacket> out;
        while (!packets.empty()) {
            const auto frame = packets.first(frame_length(packets));
            packets = packets.subspan(frame.size());
            const Together together =
                frame.size() > 1 ? track.forward_frame(frame, *frames.share(frame), now, out[0])
                                 : Together::kEach;
            ++decided[static_cast<std::size_t>(together)];
            if (together == Together::kAll)
                queue.push({out[0], {}, {}, {}, &track.extensions(), frames.share(frame)});
            for (const auto& [media, ref] : frame) {
                if (together != Together::kEach) break;
                const std::size_t count = track.forward(media, now, out);
                for (const ForwardedPacket& one : std::span(out).first(count))
                    queue.push({one, ref, media.payload, media.dd_bytes, &track.extensions()});
            }
        }
        std::vector<Sent> all;
        while (!queue.empty()) {
            const LeavingPacket leaving = queue.take();
            all.push_back(sent_of(*leaving.packet, leaving.payload));
        }
        CHECK(queue.bytes() == 0);
        queue.release();
        return all;
    }

    FramePool frames;
    SourceState source;
    Rng rng{1};
    DownTrack track;
    std::array<int, 3> decided{};
};

// Something beside packets, the same to both.
void disturb(Subscribed& subscribed, std::uint64_t what, std::uint64_t value, Timestamp now) {
    DownTrack& track = subscribed.track;
    DownTrackSettings settings = track.settings();
    const auto layer = static_cast<std::int8_t>(value % kLayers);
    const auto temporal = static_cast<std::int8_t>(value / kLayers % 4);
    switch (what) {
        case 0:
            settings.enabled = value % 8 != 0;
            settings.max_spatial = static_cast<std::uint8_t>(value % 5);
            return track.update_settings(settings, now);
        case 1:
        case 6:
        case 7:
            return track.set_bandwidth({layer, temporal}, value % 2 == 0, now);
        case 2:
            subscribed.source.muted = value % 5 == 0;
            return track.source_changed(now);
        case 3:
            return track.interrupt(now);
        case 4:
            (void)track.write_padding(value % 3, true);
            while (track.poll_transmit()) {
            }
            return;
        default:
            (void)track.handle_pli(now);
    }
}

void check_alike(Subscribed& one, Subscribed& other, Timestamp now, std::int64_t newest, Rng& rng) {
    CHECK(export_state(one.track, now) == export_state(other.track, now));
    CHECK(one.track.stats().octets == other.track.stats().octets);
    CHECK(one.track.stats().packets == other.track.stats().packets);
    CHECK(one.track.stats().late_dropped == other.track.stats().late_dropped);
    CHECK(one.track.poll_event() == other.track.poll_event());
    CHECK(one.track.needs_key_frame() == other.track.needs_key_frame());
    CHECK(one.track.poll_key_frame_request(now) == other.track.poll_key_frame_request(now));
    std::array<std::uint16_t, 6> asked;
    for (std::uint16_t& number : asked)
        number = static_cast<std::uint16_t>(newest - static_cast<std::int64_t>(rng.below(60)));
    std::array<ResendPacket, 6> a;
    std::array<ResendPacket, 6> b;
    const std::size_t count = one.track.handle_nack(asked, now, a);
    REQUIRE(other.track.handle_nack(asked, now, b) == count);
    for (std::size_t i = 0; i < count; ++i) {
        CHECK(a[i].stream == b[i].stream);
        CHECK(a[i].source_sequence == b[i].source_sequence);
        CHECK(sent_of(a[i].packet, {}) == sent_of(b[i].packet, {}));
    }
}

struct Outcome {
    std::size_t sent = 0;  // packets
    int together = 0;      // frames
};

void compare(const Scenario& scenario, std::uint64_t seed, Outcome& outcome) {
    Rng rng(seed);
    Publisher publisher(scenario, rng);
    Subscribed one(scenario);
    Subscribed other(scenario);
    for (std::int64_t ms = 0; ms < 6000; ms += 33) {
        const Timestamp now = at_ms(ms);
        if (rng.below(6) == 0) {
            const std::uint64_t what = rng.below(8);
            const std::uint64_t value = rng.u32();
            disturb(one, what, value, now);
            disturb(other, what, value, now);
        }
        std::vector<ArrivedPacket> arrived;
        const bool key = ms == 0 || rng.below(15) == 0;
        for (std::size_t layer = 0; layer < kLayers; ++layer)
            publisher.frame(layer, key, arrived);
        const std::vector<Sent> expected = one.one_by_one(arrived, now);
        REQUIRE(other.by_frames(arrived, now) == expected);
        outcome.sent += expected.size();
        if (!expected.empty()) check_alike(one, other, now, std::get<0>(expected.back()), rng);
    }
    CHECK(other.frames.in_use() == 0);
    outcome.together += other.decided[static_cast<std::size_t>(Together::kAll)];
}

TEST_CASE(
    "Forwarder: frames decided at once are what their packets are one by one [DES-44] [FWD-01] "
    "[FWD-04] [FWD-05] [FWD-06] [FWD-11]") {
    const std::vector<Scenario> scenarios{
        {},
        {.picture_ids = false},
        {.codec = Codec::kH264},
        {.codec = Codec::kVp9},
        {.per_mille_lost = 30},
        {.picture_ids = false, .per_mille_lost = 30},
        {.codec = Codec::kH264, .per_mille_lost = 100},
        {.strips = true, .per_mille_lost = 10},
        {.codec = Codec::kH265, .strips = true, .per_mille_lost = 10},
        {.playout_delay = true},
    };
    for (std::size_t i = 0; i < scenarios.size(); ++i) {
        CAPTURE(i);
        Outcome outcome;
        for (std::uint64_t seed = 1; seed <= 12; ++seed) {
            CAPTURE(seed);
            compare(scenarios[i], seed, outcome);
        }
        CHECK(outcome.sent > 2000);
        // Of 2 172 frames a layer; the rest have something that is decided by packet.
        if (!scenarios[i].playout_delay) CHECK(outcome.together > 300);
    }
}

TEST_CASE("Forwarder: layers of one stream, a key frame and sound are decided by packet [DES-44]") {
    PacketPool pool;
    const auto packets = [&](Codec codec, std::int64_t first, bool key) {
        std::vector<ArrivedPacket> all;
        for (std::int64_t i = 0; i < 3; ++i) {
            ArrivedPacket one{{}, pool.acquire_small()};
            one.media.codec = codec;
            one.media.sequence = first + i;
            one.media.timestamp = 90'000;
            one.media.key_frame = key && i == 0;
            all.push_back(one);
        }
        return all;
    };
    CHECK(frame_length(packets(Codec::kVp9, 1, false)) == 3);
    CHECK(frame_length(packets(Codec::kVp9, 1, true)) == 1);
    CHECK(frame_length(packets(Codec::kOpus, 1, false)) == 1);
    // What ends in the marker may end in a trailer.
    auto ended = packets(Codec::kH264, 1, false);
    ended[1].media.marker = true;
    CHECK(frame_length(ended) == 2);
    for (const bool svc : {false, true}) {
        Subscribed to({.codec = Codec::kVp9});
        to.source.available = 1;
        if (svc) to.source.mode = LayerMode::kMultipleSpatialLayersPerStream;
        to.track.source_changed(at_ms(0));
        CHECK(to.one_by_one(packets(Codec::kVp9, 1, true), at_ms(0)).size() == 3);
        ForwardedPacket first;
        const auto next = packets(Codec::kVp9, 4, false);
        FramePool frames;
        CHECK(to.track.forward_frame(next, *frames.share(next), at_ms(33), first) ==
              (svc ? Together::kEach : Together::kAll));
    }
}

}  // namespace
}  // namespace confab::sfu
