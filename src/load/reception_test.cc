// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "load/reception.h"

#include <doctest/doctest.h>

#include "client/media/encoder.h"
#include "load/join_path.h"
#include "load/plan.h"
#include "wire/rtp/rtp.h"

namespace confab::load {
namespace {

constexpr Timestamp kStart = Timestamp::micros(1'000'000);

Bytes rtp_packet(std::uint32_t ssrc, std::uint16_t sequence, std::uint8_t type, BytesView payload) {
    Bytes packet(wire::kRtpFixedHeaderSize + payload.size());
    ByteWriter out(packet);
    wire::RtpHeader header;
    header.ssrc = ssrc;
    header.sequence = sequence;
    header.payload_type = type;
    wire::write_rtp_header(out, header);
    out.bytes(payload);
    return packet;
}

client::RemoteStreams one_stream(const char* sid, client::MediaKind kind, std::uint32_t ssrc,
                                 std::uint32_t rtx_ssrc = 0) {
    client::RemoteStream stream;
    stream.track_sid = sid;
    stream.kind = kind;
    stream.ssrc = ssrc;
    stream.rtx_ssrc = rtx_ssrc;
    return {{sid, stream}};
}

TEST_CASE("Reception: latency is from the stamp to the kernel's arrival [LKC-32]") {
    client::TrackPlan plan = camera_plan(7, Options{});
    client::Encoder encoder(plan, kStart, Rng(1));
    Reception reception(1);
    reception.set_streams(one_stream("TR_a", client::MediaKind::kVideo, 5));
    std::uint16_t sequence = 1;
    Timestamp begin = Timestamp::never();
    std::uint64_t settled = 0;
    for (int frame = 0; frame < 90; ++frame) {
        const Timestamp sent = encoder.next_frame() + Duration::millis(3);  // late, and says so
        for (const client::EncodedPacket& packet : encoder.encode(sent)) {
            if (packet.layer != 0) continue;
            const Bytes rtp = rtp_packet(5, sequence++, client::kVp8Type, packet.payload);
            // Its first second comes late, the rest as it is sent.
            const bool late = frame < 30;
            const Timestamp arrival = sent + Duration::millis(late ? 500 : 8);
            begin = earlier(begin, arrival);
            if (arrival - begin >= Duration::seconds(2)) ++settled;
            if (reception.look(arrival, rtp)) reception.take(arrival, arrival, rtp);
        }
    }
    CHECK(reception.decodes());
    CHECK(reception.latency().count() == reception.total().packets);
    CHECK(reception.latency().longest() == Duration::millis(500));
    CHECK(settled > 0);
    CHECK(settled < reception.total().packets / 2);
    CHECK(reception.settled_latency().count() == settled);
    CHECK(reception.settled_latency().longest() == Duration::millis(8));
    CHECK(reception.rows("me").front().track_sid == "TR_a");
    CHECK(reception.flowing() == 1);
}

TEST_CASE("Reception: a stream that comes before its description is the same one afterwards") {
    Reception reception(1);
    const Bytes sound(60);
    CHECK(reception.look(kStart, rtp_packet(9, 1, client::kOpusType, sound)));
    CHECK_FALSE(reception.look(kStart, rtp_packet(10, 1, 33, sound)));
    reception.set_streams(one_stream("TR_b", client::MediaKind::kAudio, 9));
    (void)reception.look(kStart, rtp_packet(9, 2, client::kOpusType, sound));
    REQUIRE(reception.rows("me").size() == 1);
    CHECK(reception.rows("me").front().figures.packets == 2);
    CHECK(reception.rows("me").front().track_sid == "TR_b");
}

TEST_CASE("Reception: repairs are decrypted and fill their gap") {
    Reception reception(1);
    reception.set_streams(one_stream("TR_c", client::MediaKind::kVideo, 3, 4));
    const Bytes picture(80);
    for (const std::uint16_t sequence : {std::uint16_t{1}, std::uint16_t{3}})
        (void)reception.look(kStart, rtp_packet(3, sequence, client::kVp8Type, picture));
    const Bytes repair = {0, 2, 1, 2, 3};  // of number 2
    const Bytes rtx = rtp_packet(4, 100, client::kVp8RtxType, repair);
    CHECK(reception.look(kStart, rtx));
    reception.take(kStart, kStart, rtx);
    reception.finish(kStart);
    CHECK(reception.total().lost == 0);
    CHECK(reception.total().repaired == 1);
}

TEST_CASE("Reception: what was repaired took as long as its repair [LKC-32]") {
    client::Encoder encoder(camera_plan(7, Options{}), kStart, Rng(1));
    Reception reception(1);
    reception.set_streams(one_stream("TR_r", client::MediaKind::kVideo, 5, 6));
    std::uint16_t sequence = 1;
    std::uint64_t repairs = 0;
    for (int frame = 0; frame < 30; ++frame) {
        const Timestamp sent = encoder.next_frame();
        for (const client::EncodedPacket& packet : encoder.encode(sent)) {
            if (packet.layer != 0) continue;
            const bool lost = sequence % 5 == 0;
            const Timestamp arrival = sent + Duration::millis(lost ? 90 : 5);
            Bytes payload(2);
            store_be16(payload.data(), sequence);
            payload.insert(payload.end(), packet.payload.begin(), packet.payload.end());
            const Bytes rtp = lost ? rtp_packet(6, sequence, client::kVp8RtxType, payload)
                                   : rtp_packet(5, sequence, client::kVp8Type, packet.payload);
            // It is missed by the next one, and comes behind it.
            if (lost)
                (void)reception.look(arrival,
                                     rtp_packet(5, static_cast<std::uint16_t>(sequence + 1),
                                                client::kVp8Type, packet.payload));
            if (reception.look(arrival, rtp)) reception.take(arrival, arrival, rtp);
            repairs += lost ? 1U : 0U;
            ++sequence;
        }
    }
    REQUIRE(repairs > 4);
    CHECK(reception.total().repaired == repairs);
    CHECK(reception.latency().percentile(0.5) < Duration::millis(6));
    CHECK(reception.latency().longest() > Duration::millis(85));
}

TEST_CASE("Reception: a stream that the server ended has not stopped [LKC-32]") {
    for (const bool ended : {true, false}) {
        CAPTURE(ended);
        client::Encoder encoder(camera_plan(7, Options{}), kStart, Rng(1));
        Reception reception(1);
        reception.set_streams(one_stream("TR_e", client::MediaKind::kVideo, 5));
        std::uint16_t sequence = 1;
        Timestamp last;
        for (int frame = 0; frame < 30; ++frame) {
            last = encoder.next_frame();
            for (const client::EncodedPacket& packet : encoder.encode(last)) {
                if (packet.layer != 0) continue;
                const Bytes rtp = rtp_packet(5, sequence++, client::kVp8Type, packet.payload);
                if (reception.look(last, rtp)) reception.take(last, last, rtp);
            }
        }
        if (ended) reception.set_streams({});
        reception.finish(last + Duration::seconds(3));
        CHECK(reception.total().stopped == (ended ? 0 : 1));
        CHECK(reception.total().freezes == (ended ? 0 : 1));
    }
}

TEST_CASE("Reception: says when something is due sooner than it said") {
    Reception reception(1);
    const Bytes sound(60);
    (void)reception.look(kStart, rtp_packet(9, 1, client::kOpusType, sound));
    CHECK(reception.urgent(kStart));
    CHECK(reception.next_deadline() == kStart + Reception::kReportInterval);
    CHECK_FALSE(reception.urgent(kStart));
    (void)reception.look(kStart, rtp_packet(9, 2, client::kOpusType, sound));
    CHECK_FALSE(reception.urgent(kStart));
    (void)reception.look(kStart, rtp_packet(9, 4, client::kOpusType, sound));
    CHECK(reception.urgent(kStart));
    CHECK(reception.next_deadline() == kStart + StreamMeter::kFirstAsk);
}

TEST_CASE("stamp_of: contents of others have none") {
    CHECK_FALSE(stamp_of(client::MediaKind::kVideo, {}));
    CHECK_FALSE(stamp_of(client::MediaKind::kAudio, Bytes(60)));
    for (std::size_t size = 0; size < 30; ++size) {
        const Bytes junk(size, 0x90);
        CHECK_FALSE(stamp_of(client::MediaKind::kVideo, junk));
    }
}

TEST_CASE("Join path: /rtc/v1 carries the request, /rtc says it in its query [SIG-01] [SIG-02]") {
    livekit::JoinRequest request;
    request.mutable_client_info()->set_version("2.23.0");
    request.mutable_client_info()->set_protocol(17);
    CHECK(double_join_path(request, "T") ==
          "/rtc?access_token=T&auto_subscribe=0&sdk=js&version=2.23.0&protocol=17");
    request.mutable_connection_settings()->set_auto_subscribe(true);
    CHECK(double_join_path(request, "T").find("auto_subscribe=1") != std::string::npos);
    CHECK(single_join_path(request, "T").starts_with("/rtc/v1?access_token=T&join_request="));
    const std::string packed = gzip("abc");
    CHECK(packed.substr(0, 2) == "\x1F\x8B");
}

}  // namespace
}  // namespace confab::load
