// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/inbound/inbound_stream.h"

#include <doctest/doctest.h>

#include <optional>
#include <vector>

#include "base/rng.h"
#include "sfu/packet/send_batch.h"
#include "sfu/rewrite/packet_history.h"
#include "wire/rtp/rtp_extensions.h"

namespace confab::sfu {
namespace {

constexpr std::uint32_t kSsrc = 0x11223344;
Timestamp at_ms(std::int64_t ms) {
    return Timestamp::micros(ms * 1000);
}

AddReceiver video_receiver() {
    AddReceiver receiver;
    receiver.kind = MediaKind::kVideo;
    receiver.codecs = {{Codec::kVp8, PayloadType(96), PayloadType(97), 90'000, true, std::nullopt}};
    receiver.layers = {{"", 0, std::nullopt, std::nullopt, 640, 360}};
    return receiver;
}

struct PacketSpec {
    std::uint16_t sequence = 0;
    std::uint32_t timestamp = 0;
    std::uint8_t pt = 96;
    std::uint32_t ssrc = kSsrc;
    Bytes payload;
    std::uint8_t padding{0};
    std::optional<std::uint8_t> level{};
};

Bytes build(const PacketSpec& spec) {
    Bytes packet(1500);
    ByteWriter out(packet);
    wire::RtpHeader header;
    header.payload_type = spec.pt;
    header.sequence = spec.sequence;
    header.timestamp = spec.timestamp;
    header.ssrc = spec.ssrc;
    header.padding_size = spec.padding;
    header.has_extension = spec.level.has_value();
    wire::write_rtp_header(out, header);
    if (spec.level) {
        wire::ExtensionWriter extensions;
        extensions.add_audio_level(1, {true, *spec.level});
        CHECK(extensions.write(out));
    }
    out.bytes(spec.payload);
    if (spec.padding > 0) wire::write_rtp_padding(out, spec.padding);
    packet.resize(out.size());
    return packet;
}

// VP8: a one-byte descriptor and a key frame head (start code, 16×8), or a delta frame.
Bytes vp8_key() {
    return {0x10, 0x00, 0x00, 0x00, 0x9D, 0x01, 0x2A, 16, 0, 8, 0, 1, 2, 3};
}
Bytes vp8_delta() {
    return {0x10, 0x01, 9, 9, 9};
}

class Feed {
  public:
    explicit Feed(AddReceiver receiver)
        : receiver_(std::move(receiver)),
          stream_(receiver_, receiver_.layers.front(), Ssrc(kSsrc)) {}
    std::optional<MediaPacket> operator()(std::int64_t ms, const PacketSpec& spec) {
        last_ = build(spec);
        return stream_.receive(at_ms(ms), wire::parse_rtp(last_).value());
    }
    std::optional<MediaPacket> rtx(std::int64_t ms, PacketSpec spec, std::uint16_t original) {
        Bytes payload{static_cast<std::uint8_t>(original >> 8),
                      static_cast<std::uint8_t>(original)};
        payload.insert(payload.end(), spec.payload.begin(), spec.payload.end());
        spec.payload = payload;
        spec.ssrc = 99;
        last_ = build(spec);
        return stream_.receive_rtx(at_ms(ms), wire::parse_rtp(last_).value(), last_);
    }
    AddReceiver receiver_;
    InboundStream stream_;
    Bytes last_;
};

std::vector<std::uint16_t> nacked(InboundStream& stream, Timestamp now) {
    std::array<std::uint8_t, 1200> buffer{};
    ByteWriter out(buffer);
    std::vector<std::uint16_t> list;
    if (!stream.write_nack(now, out)) return list;
    wire::RtcpReader reader(out.written());
    const auto nack = wire::parse_nack(reader.next().value()).value();
    CHECK(nack.media_ssrc == kSsrc);
    CHECK(nack.sender_ssrc == kSsrc);
    nack.for_each([&](std::uint16_t s) { list.push_back(s); });
    return list;
}

TEST_CASE("InboundStream: numbers run on over the 16-bit wrap, duplicates are dropped [IN-01]") {
    Feed feed(video_receiver());
    const auto first = feed(0, {65'534, 1000, 96, kSsrc, vp8_key()});
    REQUIRE(first.has_value());
    CHECK(first->key_frame);
    CHECK(feed.stream_.frame_size() == wire::FrameSize{16, 8});
    const auto second = feed(10, {65'535, 1000, 96, kSsrc, vp8_delta()});
    const auto third = feed(20, {0, 4000, 96, kSsrc, vp8_delta()});
    CHECK(second->sequence == first->sequence + 1);
    CHECK(third->sequence == first->sequence + 2);
    CHECK(third->timestamp == first->timestamp + 3000);
    CHECK_FALSE(feed(21, {0, 4000, 96, kSsrc, vp8_delta()}).has_value());
    CHECK_FALSE(feed(22, {65'535, 1000, 96, kSsrc, vp8_delta()}).has_value());
    CHECK(feed.stream_.counters().duplicates == 2);
}

// 02 §3.1: nothing of it can be repaired, and no subscriber knows that before its own timers.
TEST_CASE("InboundStream: after an outage a key frame is asked for at once [IN-08] [SIG-145]") {
    const auto asks = [](std::uint16_t lost, std::uint32_t media_millis, const Bytes& payload) {
        Feed feed(video_receiver());
        Bytes buffer(200);
        REQUIRE(feed(0, {100, 9000, 96, kSsrc, vp8_key()}).has_value());
        const std::int64_t then = 3000 + media_millis;
        const auto next = static_cast<std::uint16_t>(101 + lost);
        REQUIRE(feed(then, {next, 9000 + 90 * media_millis, 96, kSsrc, payload}).has_value());
        ByteWriter out(buffer);
        return feed.stream_.write_pli(at_ms(then), out);
    };
    CHECK(asks(12, 1000, vp8_delta()));
    CHECK(asks(101, 100, vp8_delta()));
    CHECK_FALSE(asks(12, 900, vp8_delta()));    // worth a repair
    CHECK_FALSE(asks(0, 60'000, vp8_delta()));  // muted, nothing lost
    CHECK_FALSE(asks(120, 15'000, vp8_key()));  // there it is
}

TEST_CASE("InboundStream: the first packet of a new count is asked for, a key frame too [IN-01]") {
    Feed feed(video_receiver());
    std::int64_t last = 0;
    for (std::uint16_t i = 0; i < 10; ++i)
        last =
            feed(i * 10, {static_cast<std::uint16_t>(40'000 + i), 3000U * i, 96, kSsrc, vp8_key()})
                ->sequence;
    CHECK_FALSE(feed(110, {9000, 7, 96, kSsrc, vp8_key()}).has_value());
    const auto second = feed(111, {9001, 7, 96, kSsrc, vp8_delta()});
    REQUIRE(second.has_value());
    CHECK(second->sequence == last + 2);
    CHECK_FALSE(second->late);
    Bytes buffer(200);
    ByteWriter nack(buffer);
    CHECK(feed.stream_.write_nack(at_ms(140), nack) == 1);
    CHECK(load_be16(&buffer[12]) == 9000);
    ByteWriter pli(buffer);
    CHECK(feed.stream_.write_pli(at_ms(1140), pli));
    const auto first = feed.rtx(150, {77, 7, 97, kSsrc, vp8_key()}, 9000);
    REQUIRE(first.has_value());
    CHECK(first->sequence == last + 1);
    CHECK(first->late);
    CHECK(first->timestamp <= second->timestamp);
    // What was left out is no loss.
    CHECK(feed.stream_.take_round().lost == 0);
    CHECK(feed.stream_.counters().restarts == 1);
}

TEST_CASE("InboundStream: padding-only packets leave no hole; a late one fills its place [IN-02]") {
    Feed feed(video_receiver());
    const std::int64_t base = feed(0, {100, 0, 96, kSsrc, vp8_key()})->sequence;
    CHECK_FALSE(feed(1, {101, 0, 96, kSsrc, {}, 200}).has_value());
    CHECK_FALSE(feed(2, {102, 0, 96, kSsrc, {}, 200}).has_value());
    CHECK(feed(3, {103, 0, 96, kSsrc, vp8_delta()})->sequence == base + 1);
    CHECK(feed(4, {105, 0, 96, kSsrc, vp8_delta()})->sequence == base + 3);
    const auto late = feed(5, {104, 0, 96, kSsrc, {}, 100});
    REQUIRE(late.has_value());
    CHECK(late->sequence == base + 2);
    CHECK(late->padding_only);
    CHECK(late->late);
}

TEST_CASE("InboundStream: a loss is asked for by NACK and filled by RTX once [IN-03][IN-04]") {
    Feed feed(video_receiver());
    const std::int64_t base = feed(0, {10, 0, 96, kSsrc, vp8_key()})->sequence;
    feed(5, {12, 3000, 96, kSsrc, vp8_delta()});
    CHECK(nacked(feed.stream_, at_ms(24)).empty());
    CHECK(nacked(feed.stream_, at_ms(25)) == std::vector<std::uint16_t>{11});
    const auto repaired = feed.rtx(60, {500, 1500, 97, 0, vp8_delta()}, 11);
    REQUIRE(repaired.has_value());
    CHECK(repaired->sequence == base + 1);
    CHECK(repaired->late);
    CHECK(to_vector(repaired->payload) == vp8_delta());
    CHECK(feed.stream_.counters().repaired == 1);
    CHECK_FALSE(feed.rtx(61, {501, 1500, 97, 0, vp8_delta()}, 11).has_value());
    CHECK(nacked(feed.stream_, at_ms(500)).empty());
}

TEST_CASE(
    "InboundStream: never starts on RTX or padding, wrong RTX type is ignored [IN-03][TRAP-08]") {
    Feed feed(video_receiver());
    CHECK_FALSE(feed.rtx(0, {500, 0, 97, 0, vp8_key()}, 11).has_value());
    CHECK_FALSE(feed(1, {12, 0, 96, kSsrc, {}, 255}).has_value());
    CHECK_FALSE(feed.stream_.started());
    CHECK(feed(2, {13, 0, 96, kSsrc, vp8_key()}).has_value());
    CHECK_FALSE(feed.rtx(3, {501, 0, 101, 0, vp8_delta()}, 12).has_value());
    CHECK_FALSE(feed.rtx(4, {502, 0, 97, 0, {}}, 12).has_value());  // an OSN alone
}

TEST_CASE("InboundStream: a copy in RTX of a packet that arrived is no repair [IN-52]") {
    Feed feed(video_receiver());
    feed(0, {10, 0, 96, kSsrc, vp8_key()});
    for (int i = 0; i < 10; ++i)
        CHECK_FALSE(
            feed.rtx(i, {static_cast<std::uint16_t>(i), 0, 97, 0, vp8_key()}, 10).has_value());
    CHECK(feed.stream_.counters().repaired == 0);
}

AddReceiver audio_receiver(bool red_first) {
    AddReceiver receiver;
    receiver.kind = MediaKind::kAudio;
    const ReceiveCodec opus{Codec::kOpus, PayloadType(111), std::nullopt, 48'000,
                            true,         std::nullopt};
    const ReceiveCodec red{Codec::kRed, PayloadType(63), std::nullopt,
                           48'000,      false,           PayloadType(111)};
    receiver.codecs = red_first ? std::vector{red, opus} : std::vector{opus, red};
    receiver.extensions.audio_level = 1;
    receiver.layers = {{}};
    return receiver;
}

TEST_CASE(
    "InboundStream: only the codec of the answer passes, except Opus behind RED [IN-12][TRAP-35]") {
    Feed opus_first(audio_receiver(false));
    CHECK(opus_first(0, {1, 0, 111, kSsrc, {1, 2, 3}})->codec == Codec::kOpus);
    CHECK_FALSE(opus_first(20, {2, 960, 63, kSsrc, {1, 2, 3}}).has_value());
    CHECK_FALSE(opus_first(40, {3, 1920, 0, kSsrc, {1, 2, 3}}).has_value());
    CHECK(opus_first.stream_.counters().wrong_codec == 2);
    Feed red_first(audio_receiver(true));
    CHECK(red_first(0, {1, 0, 63, kSsrc, {111, 2, 3}})->codec == Codec::kRed);
    CHECK(red_first(20, {2, 960, 111, kSsrc, {1, 2, 3}})->codec == Codec::kOpus);
}

TEST_CASE("InboundStream: RED streams are never asked for [IN-04]") {
    Feed feed(audio_receiver(true));
    feed(0, {1, 0, 63, kSsrc, {111, 2, 3}});
    feed(20, {5, 960, 63, kSsrc, {111, 2, 3}});
    CHECK(nacked(feed.stream_, at_ms(100)).empty());
}

TEST_CASE("InboundStream: the level extension makes a speaker [IN-30]") {
    Feed feed(audio_receiver(false));
    for (std::uint16_t i = 0; i < 40; ++i)
        feed(i * 20, {i, i * 960U, 111, kSsrc, {1, 2, 3}, 0, std::uint8_t{12}});
    CHECK(feed.stream_.audio_level().is_active(at_ms(800)));
}

TEST_CASE("InboundStream: PLI while no key frame came, and on request [IN-08]") {
    Feed feed(video_receiver());
    feed(0, {1, 0, 96, kSsrc, vp8_delta()});
    std::array<std::uint8_t, 100> buffer{};
    ByteWriter early(buffer);
    CHECK_FALSE(feed.stream_.write_pli(at_ms(500), early));
    ByteWriter seeded(buffer);
    CHECK(feed.stream_.write_pli(at_ms(1000), seeded));
    feed(1100, {2, 0, 96, kSsrc, vp8_key()});
    ByteWriter later(buffer);
    CHECK_FALSE(feed.stream_.write_pli(at_ms(5000), later));
    feed.stream_.request_key_frame();
    CHECK(feed.stream_.write_pli(at_ms(5000), later));
}

TEST_CASE(
    "InboundStream: the sender report is kept on the unwrapped line, old ones ignored [IN-06]") {
    Feed feed(video_receiver());
    const auto packet = feed(0, {1, 0xFFFF'FF00U, 96, kSsrc, vp8_key()});
    wire::SenderReport report;
    report.ntp = NtpTime(1ULL << 40);
    report.rtp_time = 0x100;
    feed.stream_.receive_sender_report(at_ms(5), report);
    REQUIRE(feed.stream_.sender_report().has_value());
    CHECK(feed.stream_.sender_report()->rtp_time == packet->timestamp + 0x200);
    report.ntp = NtpTime(1ULL << 39);
    feed.stream_.receive_sender_report(at_ms(6), report);
    CHECK(feed.stream_.sender_report()->ntp == NtpTime(1ULL << 40));
    CHECK(feed.stream_.report_block(at_ms(505))->delay_since_last_sr == 32'768);
}

TEST_CASE("PacketHistory: finds what it kept, in small slots for audio, and forgets the oldest") {
    PacketPool pool;
    {
        PacketHistory history(MediaKind::kAudio);
        for (std::int64_t s = 0; s < 100; ++s) {
            PacketRef ref = pool.acquire_large();
            ref.set_size(100);
            ref.data()[12] = static_cast<std::uint8_t>(s);
            MediaPacket packet;
            packet.sequence = 1000 + s;
            packet.payload = BytesView(ref.data()).subspan(12, 50);
            history.add(pool, packet, ref);
            CHECK(packet.payload[0] == static_cast<std::uint8_t>(s));
        }
        CHECK(pool.large_in_use() == 0);
        CHECK(pool.small_in_use() == history.capacity());
        CHECK(history.find(1000) == nullptr);
        CHECK(history.find(1100) == nullptr);
        CHECK(history.find(-5) == nullptr);
        CHECK(history.find(1099)->payload[0] == 99);
        CHECK(history.find(1030)->payload.size() == 50);
    }
    CHECK(pool.small_in_use() == 0);
}

TEST_CASE("PacketHistory: the configuration bounds what is kept [DES-32]") {
    CHECK(PacketHistory(MediaKind::kVideo, 50).capacity() == 50);
    CHECK(PacketHistory(MediaKind::kVideo, 1000).capacity() == PacketHistory::kVideoInitial);
    CHECK(PacketHistory(MediaKind::kAudio, 20).capacity() == 20);
    CHECK(PacketHistory(MediaKind::kAudio).capacity() == PacketHistory::kAudioInitial);
}

TEST_CASE("PacketHistory: a fast stream gets a longer memory, up to the limit") {
    PacketPool pool;
    PacketHistory history(MediaKind::kVideo);
    for (std::int64_t s = 0; s < 3000; ++s) {
        PacketRef ref = pool.acquire_large();
        ref.set_size(1200);
        MediaPacket packet;
        packet.sequence = s;
        packet.arrival = at_ms(s);
        packet.payload = ref.data();
        history.add(pool, packet, ref);
    }
    CHECK(history.capacity() == PacketHistory::kVideoMax);
    CHECK(history.find(2999 - 400) != nullptr);
    history.clear();
}

TEST_CASE("PacketPool: refuses beyond its limit and reuses what is freed [IMM-15]") {
    PacketPool pool({.large_slots_max = 256, .small_slots_max = 256});
    std::vector<PacketRef> held;
    for (int i = 0; i < 256; ++i)
        held.push_back(pool.acquire_large());
    CHECK_FALSE(static_cast<bool>(pool.acquire_large()));
    held.pop_back();
    CHECK(static_cast<bool>(pool.acquire_large()));
    PacketRef copy = held[0];
    held.clear();
    CHECK(pool.large_in_use() == 1);
    copy.reset();
    CHECK(pool.large_in_use() == 0);
}

TEST_CASE("SendBatch: equal lengths to one path make one run, the shorter last one closes it") {
    SendBatch batch;
    ice::Path a, b;
    a.remote.port = 1;
    b.remote.port = 2;
    for (const std::size_t size : {1200U, 1200U, 1200U, 700U, 700U})
        batch.commit(a, size);
    batch.commit(b, 700);
    batch.commit(a, 700);
    batch.commit(a, 701);
    REQUIRE(batch.run_count() == 5);
    CHECK(batch.run(0).count == 4);
    CHECK(batch.run(0).size == 3 * 1200 + 700);
    CHECK(batch.run(0).segment_size == 1200);
    CHECK(batch.run(1).count == 1);
    CHECK(batch.run(2).path == b);
    CHECK(batch.run(4).segment_size == 701);
    batch.clear();
    for (int i = 0; i < 130; ++i)
        batch.commit(a, 100);
    CHECK(batch.run(0).count == SendBatch::kMaxSegments);
    CHECK(batch.run_count() == 3);
    batch.clear();
    ice::Path tcp = a;
    tcp.protocol = ice::Protocol::kTcp;
    batch.commit(tcp, 100);
    batch.commit(tcp, 100);
    CHECK(batch.run_count() == 2);
}

}  // namespace
}  // namespace confab::sfu
