// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/peer/shard_peer.h"

#include <doctest/doctest.h>

#include "sfu/peer/peer_pair_testing.h"

namespace confab::sfu {
using test::world_time;

TEST_CASE("ShardPeer: packets stay until their encryption is complete [DES-24]") {
    test::PeerPair pair;
    REQUIRE(pair.local->transport().srtp_sender() != nullptr);
    srtp::BatchEncryptor encryptor(pair.engine);
    PacketPool pool;
    SendBatch batch;
    const SendExtensions extensions;
    for (int i = 0; i < 20; ++i) {
        PacketRef packet = pool.acquire_large();
        packet.set_size(500);
        std::fill(packet.data().begin(), packet.data().end(), static_cast<std::uint8_t>(i));
        ForwardedPacket forwarded;
        forwarded.sequence = i;
        forwarded.ssrc = 5;
        const BytesView payload = packet.data();
        (void)pair.local->downlink().enqueue(
            {forwarded, std::move(packet), payload, {}, &extensions}, MediaKind::kVideo);
    }
    REQUIRE(pool.large_in_use() == 20);
    CHECK_FALSE(pair.local->downlink().flush({world_time(400), NtpTime()}, encryptor, batch));
    // Without the library each packet is done at once.
    const bool under_way = encryptor.pending() > 0;
    CHECK(pool.large_in_use() == (under_way ? 20 : 0));
    CHECK(pair.local->counters().rtp_out == 20);
    encryptor.complete_all();
    pair.local->downlink().release_flushed();
    CHECK(pool.large_in_use() == 0);
    // Nothing is sent twice.
    const std::size_t runs = batch.run_count();
    CHECK_FALSE(pair.local->downlink().flush({world_time(400), NtpTime()}, encryptor, batch));
    CHECK(batch.run_count() == runs);
    CHECK(pair.local->counters().rtp_out == 20);
}

TEST_CASE("ShardPeer: a label that is opened again takes the place of the channel before [DC-10]") {
    test::PeerPair pair;
    ShardPeer& peer = *pair.local;
    CHECK_FALSE(peer.find_channel(DataChannel::kReliable));
    peer.note_channel(1, "_reliable");
    peer.note_channel(3, "_lossy");
    peer.note_channel(7, "_reliable");
    CHECK(peer.find_channel(DataChannel::kReliable) == std::uint16_t{7});
    CHECK(peer.channel_kind(7) == DataChannel::kReliable);
    CHECK(peer.channel_kind(1) == DataChannel::kOther);  // what still comes there is nobody's
    CHECK(peer.find_channel(DataChannel::kLossy) == std::uint16_t{3});
    // The end of the old one does not end the new one.
    peer.forget_channel(1);
    CHECK(peer.find_channel(DataChannel::kReliable) == std::uint16_t{7});
    peer.forget_channel(7);
    CHECK_FALSE(peer.find_channel(DataChannel::kReliable));
}

TEST_CASE(
    "ShardPeer: a channel that was lost is missed at the next worker, too [SIG-146] [SIO-11]") {
    test::PeerPair pair;
    test::PeerPair elsewhere(2);
    pair.local->note_channel(1, "_reliable");
    pair.local->note_channel(3, "_data_track");
    pair.local->forget_channel(1);
    pair.local->forget_channel(3);
    const Bytes state = export_state(*pair.local, world_time(500));
    REQUIRE(import_state(*elsewhere.local, state, world_time(500)));
    CHECK(export_state(*elsewhere.local, world_time(500)) == state);
    CHECK(elsewhere.local->take_lost_channel(DataChannel::kDataTrack));
    CHECK(elsewhere.local->take_lost_channel(DataChannel::kReliable));
    CHECK_FALSE(elsewhere.local->take_lost_channel(DataChannel::kReliable));
    CHECK_FALSE(elsewhere.local->take_lost_channel(DataChannel::kLossy));
}

TEST_CASE("ShardPeer: channels of other labels stand side by side, a number has one [DC-12]") {
    test::PeerPair pair;
    ShardPeer& peer = *pair.local;
    peer.note_channel(8, "chat");
    peer.note_channel(10, "chat");
    CHECK(peer.channel_label(8) == "chat");
    CHECK(peer.channel_label(10) == "chat");
    CHECK(peer.channel_kind(8) == DataChannel::kOther);
    peer.note_channel(8, "_data_track");  // the number is used again
    CHECK(peer.channel_label(8) == "_data_track");
    CHECK(peer.channel_kind(8) == DataChannel::kDataTrack);
    peer.forget_channel(10);
    CHECK(peer.channel_label(10).empty());
    peer.forget_channel(99);
}

TEST_CASE("ShardPeer: feedback that finds no room stays wanted [IN-05] [FWD-13]") {
    test::PeerPair pair;
    ShardPeer& peer = *pair.local;
    AddReceiver video;
    video.receiver = ReceiverId(1);
    video.kind = MediaKind::kVideo;
    video.codecs = {{Codec::kVp8, PayloadType(96), std::nullopt, 90'000, true}};
    video.layers = {{"", 0, Ssrc(0xABCD), std::nullopt, 640, 360}};
    Receiver receiver(video);
    peer.uplink().inbound().add(receiver);
    Bytes packet(60);
    ByteWriter writer(packet);
    wire::RtpHeader header;
    header.payload_type = 96;
    header.ssrc = 0xABCD;
    wire::write_rtp_header(writer, header);
    const auto view = wire::parse_rtp(packet).value();
    bool is_new = false;
    REQUIRE(peer.uplink().inbound().resolve(view, world_time(400), is_new));
    peer.answer_rrtr(5, NtpTime());
    CHECK(peer.feedback_wanted);
    SendBatch full;
    while (full.has_room_for(3))
        full.commit({}, SendBatch::kMaxDatagram);
    const std::size_t runs = full.run_count();
    CHECK_FALSE(peer.write_feedback(world_time(400), NtpTime(), full));
    CHECK(peer.feedback_wanted);
    CHECK(full.run_count() == runs);
    SendBatch batch;
    CHECK(peer.write_feedback(world_time(400), NtpTime(), batch));
    CHECK_FALSE(peer.feedback_wanted);
    CHECK_FALSE(batch.empty());
    peer.uplink().inbound().remove(receiver, world_time(401));
}

TEST_CASE("RtcpCompounds: what fits one datagram stands in one, what does not begins the next") {
    test::PeerPair pair;
    SendBatch batch;
    RtcpCompounds out(pair.local->transport(), batch);
    out.send();
    CHECK(batch.empty());  // nothing collected, nothing sent
    constexpr std::size_t kHalf = kMaxCompound / 2;
    for (int i = 0; i < 2; ++i)
        out.next(kHalf).bytes(Bytes(kHalf, 0x80));
    CHECK(batch.empty());
    out.next(1).u8(0x80);
    REQUIRE(batch.run_count() == 1);
    CHECK(batch.run(0).size > kMaxCompound);  // with SRTCP's tag and index
    CHECK(batch.run(0).size <= 1200);
    out.send();
    std::size_t bytes = 0;
    for (std::size_t r = 0; r < batch.run_count(); ++r)
        bytes += batch.run(r).size;
    CHECK(bytes > kMaxCompound + 1);
    out.send();
    std::size_t again = 0;
    for (std::size_t r = 0; r < batch.run_count(); ++r)
        again += batch.run(r).size;
    CHECK(again == bytes);
}

TEST_CASE("RtcpCompounds: nothing is written for who is not connected, or into a full batch") {
    test::PeerPair pair;
    ShardPeer idle(PeerId(2), {&pair.engine, nullptr, true}, {}, {}, pair.rng);
    SendBatch batch;
    send_rtcp(idle.transport(), Bytes(20, 0x80), batch);
    CHECK(batch.empty());
    while (batch.has_room())
        batch.commit({}, SendBatch::kMaxDatagram);
    const std::size_t runs = batch.run_count();
    send_rtcp(pair.local->transport(), Bytes(20, 0x80), batch);
    CHECK(batch.run_count() == runs);
}

}  // namespace confab::sfu
