// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "client/media/encoder.h"

#include <doctest/doctest.h>

#include <map>
#include <set>

#include "wire/video/vp8.h"

namespace confab::client {
namespace {

constexpr Timestamp kStart = Timestamp::micros(1'000'000);

TrackPlan camera() {
    TrackPlan plan;
    plan.number = 7;
    plan.kind = MediaKind::kVideo;
    plan.layers = {{"q", 1, 2, 320, 180, 1}, {"h", 3, 4, 640, 360, 3}};
    plan.frames_per_second = 15;
    return plan;
}
TrackPlan microphone() {
    TrackPlan plan;
    plan.number = 8;
    plan.layers = {{"", 11, 0, 0, 0, 1}};
    return plan;
}

std::vector<EncodedPacket> next(Encoder& encoder) {
    return encoder.encode(encoder.next_frame());
}
wire::Vp8Descriptor vp8_of(const EncodedPacket& packet) {
    const auto parsed = wire::parse_vp8(packet.payload);
    REQUIRE(parsed.has_value());
    return *parsed;
}
// Behind the descriptor, and behind the frame header of a first packet.
MediaStamp stamp_of(const EncodedPacket& packet) {
    const wire::Vp8Descriptor vp8 = vp8_of(packet);
    const std::size_t header = !vp8.start_of_partition ? 0 : vp8.key_frame ? 10 : 3;
    const auto stamp = read_stamp(BytesView(packet.payload).subspan(vp8.size + header));
    REQUIRE(stamp.has_value());
    return *stamp;
}

}  // namespace

TEST_CASE("Encoder: a frame when its time has come, at the rate of the plan") {
    Encoder video(camera(), kStart, Rng(1));
    CHECK(video.next_frame() == kStart);
    CHECK(video.encode(kStart - Duration::micros(1)).empty());
    CHECK(video.encode(kStart).size() == 4);
    CHECK(video.encode(kStart).empty());
    CHECK(video.next_frame() == kStart + Duration::micros(66'666));
    for (int i = 1; i < 15; ++i)
        CHECK(next(video).size() == 4);
    // A second has all its frames: what a division leaves over does not add up.
    CHECK(video.next_frame() == kStart + Duration::seconds(1));

    Encoder audio(microphone(), kStart, Rng(1));
    for (int i = 0; i < 50; ++i)
        CHECK(next(audio).size() == 1);
    CHECK(audio.next_frame() == kStart + Duration::seconds(1));
}

TEST_CASE("Encoder: RTP time follows capture, with a base for each layer") {
    Encoder video(camera(), kStart, Rng(1));
    const auto first = next(video);
    CHECK(first[0].timestamp == video.rtp_time(kStart, 0));
    CHECK(first[0].timestamp != first[1].timestamp);  // another layer
    CHECK(first[1].timestamp == first[3].timestamp);
    // Late or not: what counts is when the picture was taken.
    const Timestamp due = video.next_frame();
    const auto second = video.encode(due + Duration::seconds(3));
    CHECK(second[0].timestamp - first[0].timestamp == 5999);  // 66 666 µs of 90 kHz
    CHECK(second[1].timestamp - first[1].timestamp == 5999);
    CHECK(stamp_of(second[0]).capture == due);

    Encoder audio(microphone(), kStart, Rng(2));
    const std::uint32_t base = next(audio)[0].timestamp;
    for (std::uint32_t i = 1; i < 20; ++i)
        CHECK(next(audio)[0].timestamp - base == i * 960);
}

TEST_CASE("Encoder: audio is marked at its beginning and names its frames") {
    Encoder audio(microphone(), kStart, Rng(1));
    for (std::uint32_t i = 0; i < 10; ++i) {
        const auto packets = next(audio);
        REQUIRE(packets.size() == 1);
        CHECK(packets[0].marker == (i == 0));
        CHECK(packets[0].audio_level >= 10);
        CHECK(packets[0].audio_level < 40);
        const auto stamp = read_stamp(packets[0].payload);
        REQUIRE(stamp.has_value());
        CHECK(stamp->track == 8);
        CHECK(stamp->frame == i);
        CHECK(stamp->key);
    }
    CHECK(audio.key_frames() == 0);
}

TEST_CASE("Encoder: the packets of a frame count through, the last one has the marker") {
    Encoder video(camera(), kStart, Rng(1));
    for (std::uint32_t frame = 0; frame < 6; ++frame) {
        std::map<std::size_t, std::uint16_t> indices;
        for (const EncodedPacket& packet : next(video)) {
            const MediaStamp stamp = stamp_of(packet);
            CHECK(stamp.track == 7);
            CHECK(stamp.frame == frame);
            CHECK(stamp.layer == packet.layer);
            CHECK(stamp.count == (packet.layer == 0 ? 1 : 3));
            CHECK(stamp.index == indices[packet.layer]++);
            CHECK(packet.marker == stamp.last());
            CHECK(vp8_of(packet).start_of_partition == stamp.first());
        }
        CHECK(indices[0] == 1);
        CHECK(indices[1] == 3);
    }
}

TEST_CASE("Encoder: the first frame is a key frame on all layers, others when asked [IN-53]") {
    Encoder video(camera(), kStart, Rng(1));
    for (int i = 0; i < 12; ++i) {
        if (i == 5) {
            video.request_key_frame();
            video.request_key_frame();  // one is enough for both
        }
        const bool key = i == 0 || i == 5;
        for (const EncodedPacket& packet : next(video)) {
            const wire::Vp8Descriptor vp8 = vp8_of(packet);
            CHECK(stamp_of(packet).key == key);
            CHECK(vp8.key_frame == (key && vp8.start_of_partition));
            if (!vp8.key_frame) continue;
            const auto size = wire::vp8_key_frame_size(BytesView(packet.payload).subspan(vp8.size));
            REQUIRE(size.has_value());
            CHECK(size->width == (packet.layer == 0 ? 320 : 640));
            CHECK(size->height == (packet.layer == 0 ? 180 : 360));
        }
    }
    CHECK(video.key_frames() == 2);
}

TEST_CASE("Encoder: temporal layers refer to what a receiver of that layer has [RFC 7741 4.2]") {
    Encoder video(camera(), kStart, Rng(3));
    std::map<std::uint32_t, std::uint8_t> temporal;  // by frame, of the lower layer
    std::uint8_t tl0 = 0;
    std::uint16_t picture = 0;
    constexpr std::uint8_t kPattern[] = {0, 2, 1, 2};
    for (std::uint32_t frame = 0, since_key = 0; frame < 40; ++frame, ++since_key) {
        if (frame == 18) {
            video.request_key_frame();
            since_key = 0;
        }
        const EncodedPacket packet = next(video).front();
        const wire::Vp8Descriptor vp8 = vp8_of(packet);
        const MediaStamp stamp = stamp_of(packet);
        CHECK(vp8.temporal_id == kPattern[since_key % 4]);
        CHECK(vp8.temporal_id == stamp.temporal);
        CHECK(vp8.non_reference == (stamp.temporal == 2));
        if (frame > 0) {
            CHECK(vp8.picture_id == ((picture + 1) & 0x7FFF));
            CHECK(vp8.tl0_pic_idx == static_cast<std::uint8_t>(tl0 + (stamp.temporal == 0)));
        }
        picture = vp8.picture_id;
        tl0 = vp8.tl0_pic_idx;
        temporal[frame] = stamp.temporal;
        CHECK((stamp.references[0] == 0) == stamp.key);
        if (stamp.key) continue;
        REQUIRE(stamp.references[0] <= frame);
        const std::uint8_t needed = temporal.at(frame - stamp.references[0]);
        CHECK(needed <= stamp.temporal);
        CHECK(needed < 2);  // nothing refers to the highest layer
        // A sync frame needs the base layer alone.
        if (vp8.layer_sync) CHECK(needed == 0);
        CHECK(vp8.layer_sync == (stamp.temporal > 0 && needed == 0));
    }
}

TEST_CASE("Encoder: a frame that nobody captures leaves no gap in what is counted") {
    Encoder video(camera(), kStart, Rng(1));
    const auto before = vp8_of(next(video).front());
    for (int i = 0; i < 5; ++i)
        video.skip_frame();
    CHECK(video.next_frame() == kStart + Duration::millis(400));
    const auto packet = next(video).front();
    CHECK(stamp_of(packet).frame == 1);
    CHECK(stamp_of(packet).capture == kStart + Duration::millis(400));
    CHECK(vp8_of(packet).picture_id == ((before.picture_id + 1) & 0x7FFF));
}

TEST_CASE("Encoder: layers begin at numbers of their own, the same for the same seed") {
    std::set<std::uint16_t> pictures;
    for (std::uint64_t seed = 1; seed < 20; ++seed) {
        Encoder one(camera(), kStart, Rng(seed));
        Encoder same(camera(), kStart, Rng(seed));
        const auto packets = next(one);
        CHECK(packets[0].payload == next(same)[0].payload);
        CHECK(vp8_of(packets[0]).picture_id != vp8_of(packets[1]).picture_id);
        pictures.insert(vp8_of(packets[0]).picture_id);
    }
    CHECK(pictures.size() > 15);
}

namespace {

std::size_t bytes_of(const std::vector<EncodedPacket>& packets, std::size_t layer) {
    std::size_t sum = 0;
    for (const EncodedPacket& packet : packets)
        if (packet.layer == layer) sum += packet.payload.size();
    return sum;
}

}  // namespace

TEST_CASE("Encoder: with a bit rate pictures have sizes around its average [LKC-33]") {
    TrackPlan plan = camera();
    plan.layers[0].bit_rate = 160'000;
    plan.layers[1].bit_rate = 1'700'000;
    Encoder video(plan, kStart, Rng(1));
    const std::size_t key = bytes_of(next(video), 1);
    CHECK(key > 4 * 1'700'000 / 8 / 15);
    std::map<std::size_t, std::size_t> sums;
    for (int i = 0; i < 10 * 15; ++i) {
        const auto packets = next(video);
        for (const EncodedPacket& packet : packets) {
            CHECK(packet.payload.size() <= 1151);
            // Packets of a picture differ by a byte, the shorter ones first.
            const auto same = stamp_of(packet);
            const EncodedPacket& last =
                packets[packet.layer == 0 ? stamp_of(packets[0]).count - 1U : packets.size() - 1];
            CHECK(last.payload.size() - packet.payload.size() <= 1);
            CHECK(packet.marker == same.last());
        }
        for (const std::size_t layer : {0U, 1U})
            sums[layer] += bytes_of(packets, layer);
    }
    CHECK(static_cast<double>(sums[0]) == doctest::Approx(10 * 160'000 / 8.0).epsilon(0.06));
    CHECK(static_cast<double>(sums[1]) == doctest::Approx(10 * 1'700'000 / 8.0).epsilon(0.06));
}

TEST_CASE("Encoder: sound with a bit rate has lengths that differ, silence is short [LKC-33]") {
    TrackPlan plan = microphone();
    plan.layers[0].bit_rate = 32'000;
    Encoder audio(plan, kStart, Rng(1));
    std::set<std::size_t> sizes;
    std::size_t sum = 0;
    for (int i = 0; i < 500; ++i) {
        const auto packet = next(audio).front();
        CHECK(packet.audio_level < 127);
        CHECK(read_stamp(packet.payload).has_value());
        sizes.insert(packet.payload.size());
        sum += packet.payload.size();
    }
    CHECK(sizes.size() > 30);
    CHECK(static_cast<double>(sum) == doctest::Approx(500 * 80).epsilon(0.05));
    audio.set_speaking(false);
    const auto silence = next(audio).front();
    CHECK(silence.payload.size() < 50);
    CHECK(silence.audio_level == 127);
    CHECK(read_stamp(silence.payload).has_value());
}

TEST_CASE("Encoder: a layer that is off has no pictures, and comes back with a key frame") {
    Encoder video(camera(), kStart, Rng(1));
    (void)next(video);
    video.set_layer(1, false);
    video.set_layer(9, false);
    for (int i = 0; i < 3; ++i) {
        const auto packets = next(video);
        REQUIRE(packets.size() == 1);
        CHECK(packets[0].layer == 0);
        CHECK_FALSE(stamp_of(packets[0]).key);
    }
    video.set_layer(1, true);
    CHECK(stamp_of(next(video).back()).key);
    video.set_layer(1, true);
    CHECK_FALSE(stamp_of(next(video).back()).key);
}

TEST_CASE("Encoder: stamps can say when a frame was sent instead of when it was due") {
    TrackPlan plan = microphone();
    for (const bool sending : {false, true}) {
        plan.stamps_sending = sending;
        Encoder audio(plan, kStart, Rng(1));
        const auto packet = audio.encode(kStart + Duration::millis(7)).front();
        const Duration late = Duration::millis(sending ? 7 : 0);
        CHECK(read_stamp(packet.payload)->capture == kStart + late);
        CHECK(packet.timestamp == audio.rtp_time(kStart, 0));
    }
}

}  // namespace confab::client
