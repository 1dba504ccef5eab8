// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/peer/uplink.h"

#include <doctest/doctest.h>

#include <optional>
#include <vector>

#include "sfu/peer/peer_pair_testing.h"

namespace confab::sfu {
namespace {

using test::PeerPair;
using test::world_time;

// An uplink over a real connection with one VP8 receiver, and what its publisher is told.
struct Publishing {
    Publishing() : uplink(pair.local->transport(), counters, 77), receiver(config()) {
        uplink.inbound().add(receiver);
    }
    static AddReceiver config() {
        AddReceiver add;
        add.receiver = ReceiverId(1);
        add.kind = MediaKind::kVideo;
        add.codecs = {{Codec::kVp8, PayloadType(96), PayloadType(97), 90'000, true}};
        add.layers = {{"", 0, Ssrc(0xABCD), std::nullopt, 640, 360}};
        return add;
    }
    void receive(std::uint16_t sequence, std::int64_t ms) {
        Bytes packet(100);
        ByteWriter out(packet);
        wire::RtpHeader header;
        header.payload_type = 96;
        header.ssrc = 0xABCD;
        header.sequence = sequence;
        header.timestamp = static_cast<std::uint32_t>(ms * 90);
        wire::write_rtp_header(out, header);
        out.bytes(test::vp8_payload(sequence == 1, 1, 50));
        const auto view = wire::parse_rtp(out.written()).value();
        bool is_new = false;
        const InboundRoute route = uplink.inbound().resolve(view, world_time(ms), is_new);
        REQUIRE(route);
        if (is_new) uplink.start_reports(world_time(ms));
        (void)route.stream->receive(world_time(ms), view);
        uplink.transport_cc().received(world_time(ms), sequence, 0xABCD, true);
    }
    // Types of the RTCP packets of one round.
    std::vector<wire::RtcpType> feedback(std::int64_t ms) {
        SendBatch batch;
        RtcpCompounds out(pair.local->transport(), batch);
        CHECK(uplink.write_feedback(world_time(ms), NtpTime(), out));
        out.send();
        return read(batch);
    }
    std::vector<wire::RtcpType> read(SendBatch& batch) {
        std::vector<wire::RtcpType> types;
        for (std::size_t r = 0; r < batch.run_count(); ++r) {
            const SendRun& run = batch.run(r);
            for (std::size_t at = 0; at < run.size; at += run.segment_size) {
                const std::size_t size = std::min<std::size_t>(run.segment_size, run.size - at);
                Bytes bytes = to_vector(batch.bytes(run).subspan(at, size));
                ice::Path path;
                path.local = {IpAddress::v4(0x7F000002), 9000};
                path.remote = {IpAddress::v4(0x7F000001), 7000};
                const auto media = pair.remote->handle_packet(world_time(500), path, bytes);
                wire::RtcpReader reader(media.packet);
                while (const auto block = reader.next())
                    types.push_back(block->type);
            }
        }
        return types;
    }
    static std::size_t count(const std::vector<wire::RtcpType>& types, wire::RtcpType type) {
        return static_cast<std::size_t>(std::count(types.begin(), types.end(), type));
    }
    PeerPair pair;
    PeerCounters counters;
    Uplink uplink;
    Receiver receiver;
};

TEST_CASE("Uplink: the first report comes an interval behind the first stream [IN-05][IN-50]") {
    Publishing p;
    CHECK(p.feedback(400).empty());
    p.receive(1, 500);
    p.receive(2, 520);
    const std::int64_t due = 500 + Uplink::kReportInterval.ms();
    CHECK(Publishing::count(p.feedback(due - 1), wire::RtcpType::kReceiverReport) == 0);
    CHECK(Publishing::count(p.feedback(due), wire::RtcpType::kReceiverReport) == 1);
    CHECK(Publishing::count(p.feedback(due + 1), wire::RtcpType::kReceiverReport) == 0);
}

TEST_CASE("Uplink: a loss is asked for and counted, not while muted [IN-04]") {
    Publishing p;
    p.receive(1, 500);
    p.receive(4, 501);
    CHECK(Publishing::count(p.feedback(530), wire::RtcpType::kTransportFeedback) == 1);
    CHECK(p.counters.nacks_out == 2);
    Publishing muted;
    muted.receive(1, 500);
    muted.receive(4, 501);
    muted.receiver.set_muted(Timestamp(), true);
    CHECK(Publishing::count(muted.feedback(530), wire::RtcpType::kTransportFeedback) == 0);
    CHECK(muted.counters.nacks_out == 0);
}

TEST_CASE("Uplink: a wish for a key frame has a deadline and becomes a PLI [IN-08]") {
    Publishing p;
    p.receive(1, 500);
    p.receiver.streams().front()->request_key_frame();
    CHECK_FALSE(p.uplink.next_deadline().is_never());
    CHECK(Publishing::count(p.feedback(1600), wire::RtcpType::kPayloadFeedback) == 1);
    CHECK(p.counters.plis_out == 1);
}

TEST_CASE("Uplink: transport-wide feedback waits for a batch with room [IN-51]") {
    Publishing p;
    for (std::uint16_t i = 1; i <= 40; ++i)
        p.receive(i, 500 + i);
    SendBatch full;
    while (full.has_room())
        full.commit({}, SendBatch::kMaxDatagram);
    p.uplink.write_transport_feedback(world_time(700), full);
    CHECK(p.uplink.transport_cc().held() == 40);
    SendBatch batch;
    p.uplink.write_transport_feedback(world_time(700), batch);
    CHECK(p.uplink.transport_cc().held() == 0);
    CHECK(Publishing::count(p.read(batch), wire::RtcpType::kTransportFeedback) == 1);
}

TEST_CASE("Uplink: transport-wide feedback waits for a path, whole [IN-07]") {
    Publishing p;
    peer::SharedCrypto crypto{&p.pair.engine, nullptr, true};
    peer::Transport nowhere(crypto, {}, Rng(3));
    Uplink uplink(nowhere, p.counters, 77);
    for (std::uint16_t i = 1; i <= 40; ++i)
        uplink.transport_cc().received(world_time(500 + i), i, 0xABCD, true);
    REQUIRE(uplink.transport_cc().due(world_time(700)));
    SendBatch batch;
    uplink.write_transport_feedback(world_time(700), batch);
    CHECK(batch.run_count() == 0);
    CHECK(uplink.transport_cc().held() == 40);
}

TEST_CASE(
    "Uplink: a round of reports names the streams, the worst loss of subscribers too [IN-05]") {
    Publishing p;
    p.receive(1, 500);
    p.receive(2, 520);
    p.receiver.note_loss(10);
    p.receiver.note_loss(64);
    p.receiver.note_loss(20);
    const auto report_at = [&](std::int64_t ms) {
        SendBatch batch;
        RtcpCompounds out(p.pair.local->transport(), batch);
        CHECK(p.uplink.write_feedback(world_time(ms), NtpTime(), out));
        out.send();
        std::vector<wire::ReportBlock> blocks;
        std::size_t references = 0;
        Bytes bytes = to_vector(batch.bytes(batch.run(0)));
        ice::Path path;
        path.local = {IpAddress::v4(0x7F000002), 9000};
        path.remote = {IpAddress::v4(0x7F000001), 7000};
        const auto media = p.pair.remote->handle_packet(world_time(500), path, bytes);
        wire::RtcpReader reader(media.packet);
        while (const auto block = reader.next()) {
            if (const auto report = wire::parse_receiver_report(*block))
                for (std::size_t i = 0; i < report->blocks.size(); ++i)
                    blocks.push_back(report->blocks[i]);
            references += block->type == wire::RtcpType::kExtendedReport ? 1U : 0U;
        }
        CHECK(references == 1);  // once a round (IN-07)
        REQUIRE(blocks.size() == 1);
        CHECK(blocks[0].ssrc == 0xABCD);
        return blocks[0].fraction_lost;
    };
    CHECK(report_at(1500) == 64);
    p.receive(3, 1600);
    // Told once: later rounds have what was heard since.
    CHECK(report_at(2500) == 0);
}

TEST_CASE("Uplink: what has no room in the batch is said with the next one, once [IN-04] [IN-05]") {
    Publishing p;
    p.receive(1, 500);
    p.receive(4, 501);
    SendBatch full;
    while (full.has_room_for(3))
        full.commit({}, SendBatch::kMaxDatagram);
    RtcpCompounds nowhere(p.pair.local->transport(), full);
    CHECK_FALSE(p.uplink.write_feedback(world_time(1600), NtpTime(), nowhere));
    CHECK(p.counters.nacks_out == 0);
    const auto types = p.feedback(1600);
    CHECK(Publishing::count(types, wire::RtcpType::kReceiverReport) == 1);
    CHECK(Publishing::count(types, wire::RtcpType::kTransportFeedback) == 1);
    CHECK(p.counters.nacks_out == 2);
}

TEST_CASE("Uplink: who publishes nothing is told nothing, after the last stream neither [IN-05]") {
    Publishing p;
    p.receive(1, 500);
    CHECK(Publishing::count(p.feedback(1500), wire::RtcpType::kReceiverReport) == 1);
    p.uplink.inbound().remove(p.receiver, world_time(1600));
    CHECK(p.feedback(9'000).empty());
    CHECK(p.uplink.next_deadline().is_never());
}

}  // namespace
}  // namespace confab::sfu
