// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/peer/downlink.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>
#include <vector>

#include "sfu/peer/downlink_testing.h"

namespace confab::sfu {
namespace {

using test::Sending;
using test::world_time;

TEST_CASE("Downlink: the port hears of each packet that left, with number, time and size") {
    Sending s(5);
    s.port->pacing = kUnlimitedCapacity / 2;
    s.send(3, 500);
    s.send(2, 520);
    REQUIRE(s.port->sent.size() == 5);
    CHECK(s.port->calls == 2);
    for (std::size_t i = 0; i < 5; ++i) {
        const SentPacket& packet = s.port->sent[i];
        CHECK(packet.number == i);
        CHECK(packet.at == world_time(i < 3 ? 500 : 520));
        CHECK(packet.bytes * 5U == s.counters.rtp_bytes_out);
        CHECK(packet.probe == 0);
    }
    CHECK(s.counters.rtp_out == 5);
}

TEST_CASE("Downlink: a port that paces nothing hears of packets before all that bears on them") {
    Sending s(5);
    s.send(3, 500);
    CHECK(s.port->sent.empty());
    s.send(60, 520);
    CHECK(s.port->sent.empty());
    s.send(1, 540);
    REQUIRE(s.port->sent.size() == 64);
    for (std::size_t i = 0; i < 64; ++i) {
        CHECK(s.port->sent[i].number == i);
        CHECK(s.port->sent[i].at == world_time(i < 3 ? 500 : i < 63 ? 520 : 540));
    }
    s.send(2, 560);
    CHECK(s.port->sent.size() == 64);
    s.report(0, std::vector<bool>(66, true));
    CHECK(s.port->known_at_feedback == 66);
    s.send(1, 580);
    std::size_t known_at_sharing = 0;
    s.port->look = [&](auto, auto) { known_at_sharing = s.port->sent.size(); };
    (void)s.downlink.allocate(world_time(581));
    CHECK(known_at_sharing == 67);
    s.send(1, 600);
    CHECK(s.port->sent.size() == 67);
    (void)s.downlink.bandwidth();
    CHECK(s.port->sent.size() == 68);
}

TEST_CASE("Downlink: packets without transport-wide numbers are not remembered") {
    Sending s(0);
    s.send(3, 500);
    CHECK(s.counters.rtp_out == 3);
    CHECK(s.port->sent.empty());
    s.report(0, {true, true, true});
    CHECK(s.port->results.empty());
}

TEST_CASE("Downlink: the port hears which packets are sound [BWE-04]") {
    Sending s(5);
    s.port->pacing = kUnlimitedCapacity / 2;
    AddDownTrack sound = Sending::video(600);
    sound.kind = MediaKind::kAudio;
    sound.extensions.transport_cc = 5;
    OutboundTrack& voice = s.add(sound);
    s.enqueue(*s.outbound);
    s.enqueue(voice);
    s.enqueue(*s.outbound);
    SendBatch batch;
    s.flush(500, batch);
    REQUIRE(s.port->sent.size() == 3);
    CHECK(s.port->sent[0].sound);  // never behind pictures
    CHECK_FALSE(s.port->sent[1].sound);
    CHECK_FALSE(s.port->sent[2].sound);
    s.report(0, {true, true, true});
    REQUIRE(s.port->results.size() == 3);
    CHECK(s.port->results[0].sent.sound);
    CHECK_FALSE(s.port->results[2].sent.sound);
}

TEST_CASE("Downlink: what is queued for a probe carries its cluster") {
    Sending s(5);
    s.port->pacing = kUnlimitedCapacity / 2;
    s.send(1, 500);
    s.downlink.set_probe(7);
    s.send(2, 510);
    s.downlink.set_probe(0);
    s.send(1, 520);
    REQUIRE(s.port->sent.size() == 4);
    CHECK(s.port->sent[0].probe == 0);
    CHECK(s.port->sent[1].probe == 7);
    CHECK(s.port->sent[2].probe == 7);
    CHECK(s.port->sent[3].probe == 0);
}

TEST_CASE("Downlink: what was lost and goes out again is told apart from copies for a probe") {
    Sending s(5);
    s.port->pacing = kUnlimitedCapacity / 2;
    const auto send_copy = [&](std::int64_t ms) {
        PendingPacket again = s.made(*s.outbound);
        again.packet.rtx = true;
        CHECK(s.downlink.enqueue(std::move(again), MediaKind::kVideo));
        SendBatch batch;
        CHECK_FALSE(s.flush(ms, batch));
    };
    s.send(1, 500);
    send_copy(510);
    s.downlink.set_probe(7);
    send_copy(520);
    s.downlink.set_probe(0);
    REQUIRE(s.port->sent.size() == 3);
    CHECK_FALSE(s.port->sent[0].repeat);
    CHECK(s.port->sent[1].repeat);
    CHECK_FALSE(s.port->sent[2].repeat);
}

TEST_CASE("Downlink: transport feedback is put to the packets it is about [IN-51]") {
    Sending s(5);
    s.send(5, 500);
    s.report(0, {true, false, true});
    REQUIRE(s.port->results.size() == 3);
    CHECK(s.port->results[0].received);
    CHECK_FALSE(s.port->results[1].received);
    CHECK(s.port->results[2].sent.number == 2);
    CHECK(s.port->results[2].sent.at == world_time(500));
    CHECK(s.port->results[2].arrival - s.port->results[0].arrival == Duration::millis(20));
    // Once more, with what was under way: only news is told.
    s.report(0, {true, true, true, true});
    REQUIRE(s.port->results.size() == 5);
    CHECK(s.port->results[3].sent.number == 1);
    CHECK(s.port->results[4].sent.number == 3);
}

TEST_CASE("Downlink: what is reported as lost again and again is lost once [IN-51] [BWE-30]") {
    Sending s(5);
    s.send(6, 500);
    // As receivers do: a packet that comes late begins a report that repeats all behind it.
    s.report(0, {true, false, false, true, false, true});
    REQUIRE(s.port->results.size() == 6);
    s.report(1, {true, false, true, false, true});
    REQUIRE(s.port->results.size() == 7);
    CHECK(s.port->results[6].sent.number == 1);
    CHECK(s.port->results[6].received);
    CHECK(s.port->results[6].late);
    s.report(2, {true, true, false, true});
    REQUIRE(s.port->results.size() == 8);
    CHECK(s.port->results[7].sent.number == 2);
    CHECK(s.port->results[7].late);
    const auto lost = std::count_if(s.port->results.begin(), s.port->results.end(),
                                    [](const PacketResult& r) { return !r.received; });
    CHECK(lost == 3);
}

TEST_CASE("Downlink: feedback on what was never sent tells nothing [IN-51]") {
    Sending s(5);
    s.send(2, 500);
    s.report(40, std::vector<bool>(100, true));
    CHECK(s.port->results.empty());
}

TEST_CASE("Downlink: more feedback than one call takes is told whole [IN-51]") {
    Sending s(5);
    s.send(300, 500);
    s.report(0, std::vector<bool>(300, true));
    REQUIRE(s.port->results.size() == 300);
    CHECK(s.port->results.back().sent.number == 299);
}

TEST_CASE("Downlink: the port shares among the video that wants something, and hears the rtt") {
    Sending s(5);
    s.port->cap = {0, 1};
    CHECK(s.downlink.allocate(world_time(1)));
    CHECK(s.port->demanded == 1);
    s.downlink.stop_demanding(s.outbound->down_track);
    (void)s.downlink.allocate(world_time(2));
    CHECK(s.port->demanded == 0);
    s.downlink.update_rtt(Duration::millis(33), world_time(3));
    CHECK(s.port->last_rtt == Duration::millis(33));
    CHECK(s.outbound->down_track.rtt() == Duration::millis(33));
}

TEST_CASE("Downlink: sender reports and the port's deadline, none without down-tracks [FWD-10]") {
    Sending s(5);
    CHECK_FALSE(s.downlink.reports_due(world_time(60'000)));
    s.downlink.start_reports(world_time(0));
    CHECK(s.downlink.next_deadline() == world_time(0) + Downlink::kSenderReportInterval);
    s.port->deadline = world_time(70);
    CHECK(s.downlink.next_deadline() == world_time(70));
    s.port->deadline = Timestamp::never();
    CHECK(s.downlink.find_by_ssrc(500) == s.outbound);
    s.downlink.remove(s.outbound->down_track);
    CHECK(s.downlink.find_by_ssrc(500) == nullptr);
    CHECK(s.downlink.next_deadline().is_never());
}

TEST_CASE("Downlink: a frame of lengths an octet apart leaves in one send, and is whole [DES-12]") {
    // Counter mode is encrypted later than it is padded, the others at once.
    for (const auto profile : {srtp::Profile::kAes128CmSha1_80, srtp::Profile::kAeadAes128Gcm}) {
        Sending s(0, profile);
        s.downlink.level_lengths(true);
        for (const std::size_t size : {300U, 300U, 301U, 301U, 120U})
            (void)s.enqueue(*s.outbound, size);
        CHECK_FALSE(s.flush(500, s.batch));
        CHECK(s.batch.run_count() == 1);
        const auto got = s.received(s.batch);
        REQUIRE(got.size() == 5);
        for (std::size_t i = 0; i < got.size(); ++i) {
            CHECK(got[i].padding == (i < 2 ? 1 : 0));
            CHECK(got[i].payload.size() == (i < 2 ? 300 : i < 4 ? 301 : 120));
            for (const std::uint8_t octet : got[i].payload)
                CHECK(octet == i + 1);
        }
    }
}

TEST_CASE("Downlink: two subscribers pad one packet each in its own way [DES-12]") {
    for (const auto profile : {srtp::Profile::kAes128CmSha1_80, srtp::Profile::kAeadAes128Gcm}) {
        Sending s(0, profile);
        s.downlink.level_lengths(true);
        const OutboundTrack& other = s.add(Sending::video(600));
        PendingPacket same = s.made(*s.outbound, 300);
        (void)s.downlink.enqueue(PendingPacket(same), MediaKind::kVideo);
        (void)s.enqueue(*s.outbound, 303);
        CHECK_FALSE(s.flush(500, s.batch));
        same.packet.ssrc = 600;
        same.extensions = &other.down_track.extensions();
        (void)s.downlink.enqueue(std::move(same), MediaKind::kVideo);
        (void)s.enqueue(other, 301);
        CHECK_FALSE(s.flush(501, s.batch));
        const auto got = s.received(s.batch);
        REQUIRE(got.size() == 4);
        CHECK(got[0].padding == 3);
        CHECK(got[2].padding == 1);
        CHECK(got[0].payload == got[2].payload);
        CHECK(got[0].payload.size() == 300);
    }
}

TEST_CASE("Downlink: lengths stay where the client or the link is not known to bear it [DES-12]") {
    for (const bool link : {false, true}) {
        Sending s(0);
        s.downlink.level_lengths(link);
        s.port->is_deficient = link;
        (void)s.enqueue(*s.outbound, 300);
        (void)s.enqueue(*s.outbound, 301);
        CHECK_FALSE(s.flush(500, s.batch));
        CHECK(s.batch.run_count() == 2);
        for (const auto& got : s.received(s.batch))
            CHECK(got.padding == 0);
    }
}

// Of three speakers; what is sent again keeps its length.
TEST_CASE("Downlink: sound that was held leaves in one send, its lengths levelled [DES-12]") {
    for (const bool held : {false, true}) {
        Sending s(0, srtp::Profile::kAeadAes128Gcm);
        s.downlink.level_lengths(true, held);
        AddDownTrack sound = Sending::video(600);
        sound.kind = MediaKind::kAudio;
        sound.codecs = {{Codec::kOpus, PayloadType(111), std::nullopt, 48'000, false}};
        const OutboundTrack& track = s.add(sound);
        for (const std::size_t size : {80U, 160U, 120U})
            (void)s.enqueue(track, size);
        CHECK_FALSE(s.flush(500, s.batch));
        CHECK(s.batch.run_count() == (held ? 1 : 2));
        const auto got = s.received(s.batch);
        REQUIRE(got.size() == 3);
        CHECK(got[0].padding == (held ? 80 : 0));
        CHECK(got[1].padding == 0);
        CHECK(got[2].padding == 0);
        CHECK(got[0].payload == Bytes(80, 1));

        s.batch.clear();
        PendingPacket again = s.made(track, 80);
        again.packet.rtx = true;
        (void)s.downlink.enqueue(std::move(again), MediaKind::kAudio);
        (void)s.enqueue(track, 160);
        CHECK_FALSE(s.flush(501, s.batch));
        CHECK(s.batch.run_count() == 2);
    }
}

// The datagrams of a batch by their RTP number, as they are on the wire.
std::multimap<std::uint16_t, Bytes> datagrams_of(SendBatch& batch) {
    std::multimap<std::uint16_t, Bytes> all;
    for (std::size_t r = 0; r < batch.run_count(); ++r) {
        const SendRun& run = batch.run(r);
        const BytesView bytes = batch.bytes(run);
        for (std::size_t at = 0; at < bytes.size(); at += run.segment_size) {
            const std::size_t size = std::min<std::size_t>(run.segment_size, bytes.size() - at);
            all.emplace(load_be16(&bytes[at + 2]), to_vector(bytes.subspan(at, size)));
        }
    }
    return all;
}

// Two texts under one number would give away the key.
TEST_CASE(
    "Downlink: held sound that is asked for again goes out as it did before "
    "[TRAP-14] [FWD-11] [IMM-5]") {
    Sending s(0, srtp::Profile::kAeadAes128Gcm);
    s.downlink.level_lengths(true, true);
    AddDownTrack sound = Sending::video(600);
    sound.kind = MediaKind::kAudio;
    sound.codecs = {{Codec::kOpus, PayloadType(111), std::nullopt, 48'000, true}};
    s.track.source().codec = Codec::kOpus;
    s.track.source().clock_rate = 48'000;
    OutboundTrack& track = s.add(sound);
    track.down_track.set_writable(world_time(400));
    std::vector<PendingPacket> sent;
    MediaPacket media;
    media.codec = Codec::kOpus;
    for (const std::size_t size : {80U, 160U, 120U}) {
        PendingPacket one = s.made(track, size);
        media.payload = one.payload;
        media.sequence = one.packet.sequence;
        media.timestamp = 960 * media.sequence;
        std::array<ForwardedPacket, DownTrack::kMaxPerPacket> out;
        REQUIRE(track.down_track.forward(media, world_time(500), out) == 1);
        one.packet = out[0];
        sent.push_back(one);
        CHECK(s.downlink.enqueue(std::move(one), MediaKind::kAudio));
    }
    CHECK_FALSE(s.flush(500, s.batch));
    const auto first = datagrams_of(s.batch);
    REQUIRE(first.size() == 3);
    s.batch.clear();
    const std::array asked{static_cast<std::uint16_t>(sent[0].packet.sequence)};
    std::array<ResendPacket, 8> again;
    REQUIRE(track.down_track.handle_nack(asked, world_time(700), again) == 1);
    PendingPacket copy = sent[0];
    copy.packet = again[0].packet;
    CHECK(s.downlink.enqueue(std::move(copy), MediaKind::kAudio));
    CHECK_FALSE(s.flush(700, s.batch));
    const auto second = datagrams_of(s.batch);
    REQUIRE(second.size() == 1);
    CHECK(second.begin()->second == first.find(asked[0])->second);
}

TEST_CASE("Downlink: of a slice nothing behind it is overwritten [DES-12] [IN-42]") {
    Sending s(0, srtp::Profile::kAeadAes128Gcm);
    s.downlink.level_lengths(true);
    PendingPacket slice = s.made(*s.outbound, 300);
    slice.packet.payload_size = 290;  // a trailer is left out
    const PacketRef source = slice.source;
    (void)s.downlink.enqueue(std::move(slice), MediaKind::kVideo);
    (void)s.enqueue(*s.outbound, 291);
    CHECK_FALSE(s.flush(500, s.batch));
    CHECK(s.batch.run_count() == 2);
    for (const std::uint8_t octet : source.data())
        CHECK(octet == 1);
}

TEST_CASE(
    "Downlink: each gets its own descriptor before one body, which stays as it came [DES-22]") {
    for (const auto profile : {srtp::Profile::kAes128CmSha1_80, srtp::Profile::kAeadAes128Gcm}) {
        Sending s(0, profile);
        s.downlink.level_lengths(true);
        PendingPacket same = s.made(*s.outbound, 300);
        const PacketRef source = same.source;
        // What was before the payload is another packet's business, what is left out of it ours.
        same.payload = BytesView(source.data()).subspan(6);
        std::int64_t sequence = 1;
        const auto enqueue = [&](std::size_t offset, Bytes prefix) {
            PendingPacket one = same;
            one.packet.sequence = sequence++;
            one.packet.payload_offset = static_cast<std::uint16_t>(offset);
            one.packet.prefix_size = static_cast<std::uint8_t>(prefix.size());
            std::copy(prefix.begin(), prefix.end(), one.packet.prefix.begin());
            (void)s.downlink.enqueue(std::move(one), MediaKind::kVideo);
        };
        enqueue(4, {10, 11, 12, 13});
        enqueue(4, {20, 21, 22});
        enqueue(2, {30, 31});                      // an original number, in just enough room
        enqueue(0, {40, 41, 42, 43, 44, 45, 46});  // more than there is before it
        enqueue(294, {50, 51, 52, 53});            // of the payload nothing
        enqueue(4, {60});
        enqueue(4, {70, 71, 72, 73, 74, 75, 76, 77});
        CHECK_FALSE(s.flush(500, s.batch));
        const auto got = s.received(s.batch);
        REQUIRE(got.size() == 7);
        const auto expect = [&](std::size_t i, Bytes start, std::size_t rest) {
            start.resize(start.size() + rest, 1);
            CHECK(got[i].payload == start);
        };
        expect(0, {10, 11, 12, 13}, 290);
        expect(1, {20, 21, 22}, 290);
        expect(2, {30, 31}, 292);
        expect(3, {40, 41, 42, 43, 44, 45, 46}, 294);
        expect(4, {50, 51, 52, 53}, 0);
        expect(5, {60}, 290);
        expect(6, {70, 71, 72, 73, 74, 75, 76, 77}, 290);
        for (const std::uint8_t octet : source.data())
            CHECK(octet == 1);
    }
}

TEST_CASE("Downlink: pictures leave as the pacer lets them, sound before them [PAC-01]") {
    Sending s(5);
    AddDownTrack sound = Sending::video(700);
    sound.kind = MediaKind::kAudio;
    OutboundTrack& audio = s.add(sound);
    s.port->pacing = 2'000'000;  // 1250 octets in 5 ms
    for (int i = 0; i < 20; ++i)
        (void)s.enqueue(*s.outbound, 600);
    CHECK_FALSE(s.flush(500, s.batch));
    CHECK(s.batch.run_count() == 1);
    CHECK(s.received(s.batch).size() == 2);
    CHECK(s.downlink.waits());
    CHECK(s.downlink.next_deadline() > world_time(504));
    CHECK(s.downlink.next_deadline() < world_time(506));
    s.batch.clear();
    (void)s.enqueue(audio, 100);
    CHECK_FALSE(s.flush(500, s.batch));
    auto got = s.received(s.batch);
    REQUIRE(got.size() == 1);
    CHECK(got[0].ssrc == 700);
    // In order, one burst each 5 ms, to the last.
    std::vector<std::uint16_t> sequences;
    std::int64_t ms = 500;
    for (; s.downlink.waits() && ms < 1000; ++ms) {
        s.batch.clear();
        if (s.downlink.next_deadline() > world_time(ms)) continue;
        CHECK_FALSE(s.flush(ms, s.batch));
        got = s.received(s.batch);
        CHECK(got.size() <= 3);
        for (const auto& packet : got)
            sequences.push_back(packet.sequence);
    }
    REQUIRE(sequences.size() == 18);
    CHECK(std::is_sorted(sequences.begin(), sequences.end()));
    CHECK(ms >= 540);
    CHECK(ms <= 560);
    CHECK(s.port->sent.size() == 20);
    CHECK(s.downlink.next_deadline().is_never());
}

TEST_CASE("Downlink: what waits for the pacer goes with its down-track [PAC-01]") {
    Sending s(0);
    s.port->pacing = 100'000;
    const OutboundTrack& other = s.add(Sending::video(600));
    for (int i = 0; i < 4; ++i) {
        (void)s.enqueue(*s.outbound, 600);
        (void)s.enqueue(other, 600);
    }
    CHECK_FALSE(s.flush(500, s.batch));
    REQUIRE(s.downlink.waits());
    s.downlink.remove(s.outbound->down_track);
    s.port->pacing = kUnlimitedCapacity;
    s.batch.clear();
    CHECK_FALSE(s.flush(501, s.batch));
    const auto got = s.received(s.batch);
    CHECK(got.size() >= 3);
    for (const auto& packet : got)
        CHECK(packet.ssrc == 600);
}

TEST_CASE("Downlink: at once it takes half a second of the link, and never more than kMaxAtOnce") {
    Sending s(0);
    CHECK(s.downlink.takes_at_once(200, Downlink::kMaxAtOnce));
    CHECK_FALSE(s.downlink.takes_at_once(200, Downlink::kMaxAtOnce + 1));
    (void)s.enqueue(*s.outbound, 1000);
    CHECK_FALSE(s.downlink.takes_at_once(200, Downlink::kMaxAtOnce));
    CHECK(s.downlink.takes_at_once(200, Downlink::kMaxAtOnce - 1000));
    CHECK_FALSE(s.downlink.takes_at_once(Downlink::kMaxPending / 4, 1000));
    s.port->target = 800'000;
    CHECK(s.downlink.takes_at_once(40, 49'000));
    CHECK_FALSE(s.downlink.takes_at_once(40, 49'001));
}

TEST_CASE("Downlink: it knows of which down-track packets wait [PAC-01]") {
    Sending s(0);
    const OutboundTrack& other = s.add(Sending::video(600));
    s.port->pacing = 100'000;
    (void)s.enqueue(*s.outbound, 600);
    (void)s.enqueue(other, 600);
    CHECK(s.downlink.waits(&other.down_track));
    CHECK_FALSE(s.flush(500, s.batch));
    CHECK_FALSE(s.downlink.waits(&s.outbound->down_track));
    CHECK(s.downlink.waits(&other.down_track));
}

TEST_CASE("Downlink: beyond kMaxPending packets of a turn are dropped and counted") {
    Sending s(0);
    for (std::size_t i = 0; i <= Downlink::kMaxPending; ++i)
        (void)s.downlink.enqueue({{}, {}, {}, {}, &s.outbound->down_track.extensions()},
                                 MediaKind::kVideo);
    CHECK(s.counters.dropped_full == 1);
}

}  // namespace
}  // namespace confab::sfu
