// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/shard/media_figures.h"

#include <doctest/doctest.h>

#include <functional>

#include "sfu/shard/shard_testing.h"

namespace confab::sfu {
namespace {

using test::Client;
using test::World;

AddReceiver camera_of(const Client& client) {
    AddReceiver receiver;
    receiver.receiver = ReceiverId(900);
    receiver.peer = client.id;
    receiver.room = RoomId(1);
    receiver.kind = MediaKind::kVideo;
    receiver.mid = "v";
    receiver.codecs = {{Codec::kVp8, PayloadType(96), PayloadType(97), 90'000, true}};
    receiver.extensions.mid = 4;
    receiver.layers = {{"", 0, Ssrc(0xABCD), Ssrc(0xABCE), 640, 360}};
    receiver.source = MediaSource::kCamera;
    return receiver;
}

AddDownTrack down_track_to(const Client& client, const AddReceiver& receiver) {
    AddDownTrack down_track;
    down_track.down_track = DownTrackId(901);
    down_track.peer = client.id;
    down_track.receiver = receiver.receiver;
    down_track.kind = MediaKind::kVideo;
    down_track.ssrc = Ssrc(5000);
    down_track.rtx_ssrc = Ssrc(5001);
    down_track.codecs = {{Codec::kVp8, PayloadType(96), PayloadType(97), 90'000, true}};
    down_track.source = MediaSource::kCamera;
    return down_track;
}

struct Call {
    Call() {
        world.run(300);
        receiver = camera_of(publisher);
        world.command(0, receiver);
        world.command(0, down_track_to(subscriber, receiver));
        world.run(10);
    }
    // One packet each 10 ms, key frames throughout; of each twenty the last two change places.
    void publish(std::int64_t ms, bool reorder, const std::function<bool(std::uint16_t)>& lost) {
        for (const std::int64_t end = world.now_ms + ms; world.now_ms < end; world.run(10)) {
            std::uint16_t number = next++;
            if (reorder && number % 20 == 18)
                ++number;
            else if (reorder && number % 20 == 19)
                --number;
            if (lost(number)) continue;
            wire::RtpHeader header;
            header.payload_type = 96;
            header.sequence = number;
            header.timestamp = 900U * number;
            header.ssrc = 0xABCD;
            header.marker = true;
            const Bytes key{0x10, 0x10, 0x00, 0x00, 0x9D, 0x01, 0x2A, 0x80, 0x02, 0x68, 0x01, 0};
            publisher.send(header, key, world.client_out[&publisher], "v");
        }
    }
    void send(Client& from, const std::function<bool(ByteWriter&)>& write) {
        Bytes compound(200);
        ByteWriter out(compound);
        REQUIRE(write(out));
        compound.resize(out.size());
        from.send_rtcp(compound, world.client_out[&from]);
        world.run(5);
    }
    const StreamFigures& incoming() const {
        return world.shards[0]->figures().of(Direction::kIncoming, MediaKind::kVideo,
                                             MediaSource::kCamera);
    }
    const StreamFigures& outgoing() const {
        return world.shards[0]->figures().of(Direction::kOutgoing, MediaKind::kVideo,
                                             MediaSource::kCamera);
    }

    World world{1};
    Client& publisher = world.add_client(0);
    Client& subscriber = world.add_client(0);
    AddReceiver receiver;
    std::uint16_t next = 1;
};

bool nothing(std::uint16_t) {
    return false;
}

}  // namespace

TEST_CASE("Distribution: bounds belong to the bucket below, what is above all is counted too") {
    constexpr std::array kBounds = {0., 1., 10.};
    Distribution<3> values;
    for (const double value : {0., 0.5, 1., 10., 10.5, 1e9})
        values.add(kBounds, value);
    values.add(kBounds, 2, 5);
    CHECK(values.counts == std::array<std::uint64_t, 4>{1, 2, 6, 2});
    CHECK(values.count() == 11);
    CHECK(values.sum == doctest::Approx(0.5 + 1 + 10 + 10.5 + 1e9 + 10));
    Distribution<3> twice = values;
    twice.merge(values);
    CHECK(twice.count() == 22);
    CHECK(twice.sum == doctest::Approx(2 * values.sum));
}

TEST_CASE("MediaFigures: rounds go where they belong, silence is no loss [OBS-01]") {
    MediaFigures figures;
    StreamRound round;
    round.packets = 50;
    round.lost = 80;  // a report may be about more than was sent meanwhile
    figures.add(Direction::kOutgoing, MediaKind::kAudio, MediaSource::kMicrophone, round);
    figures.add(Direction::kOutgoing, MediaKind::kAudio, MediaSource::kMicrophone, {});
    const StreamFigures& of =
        figures.of(Direction::kOutgoing, MediaKind::kAudio, MediaSource::kMicrophone);
    CHECK(of.lost == 80);
    CHECK(of.loss_percent.count() == 1);
    CHECK(of.loss_percent.sum == 100);
    CHECK(of.jitter_us.count() == 0);
    for (const auto kind : {MediaKind::kAudio, MediaKind::kVideo})
        for (std::size_t source = 0; source < kMediaSources; ++source)
            CHECK(figures.of(Direction::kIncoming, kind, static_cast<MediaSource>(source)).lost ==
                  0);
}

TEST_CASE("Shard: loss and order of what comes in, each 5 s and at the end [OBS-01]") {
    Call call;
    call.publish(4600, false, nothing);
    CHECK(call.incoming().loss_percent.count() == 0);
    call.publish(600, false, nothing);
    CHECK(call.incoming().loss_percent.count() == 1);
    CHECK(call.incoming().loss_percent.counts[0] == 1);
    CHECK(call.incoming().jitter_us.count() == 1);
    CHECK(call.incoming().rtt_ms.count() == 0);                // nobody measured
    CHECK(call.outgoing().loss_percent.count() == 0);          // nobody reported
    CHECK(call.outgoing().out_of_order_percent.count() == 1);  // which takes no report
    CHECK(call.outgoing().jitter_us.count() == 0);

    call.publish(5000, true, [](std::uint16_t s) { return s % 50 == 7; });
    CHECK(call.incoming().lost >= 9);
    CHECK(call.incoming().lost <= 11);
    CHECK(call.incoming().out_of_order >= 20);
    CHECK(call.incoming().out_of_order <= 26);
    CHECK(call.outgoing().out_of_order >= 20);
    CHECK(call.incoming().loss_percent.counts[7] == 0);
    CHECK(call.incoming().loss_percent.counts[6] == 1);  // 2 %
    CHECK(call.incoming().out_of_order_percent.counts[6] == 1);

    const std::uint64_t rounds = call.incoming().loss_percent.count();
    call.publish(300, false, nothing);
    call.world.command(0, RemoveReceiver{call.receiver.receiver});
    CHECK(call.incoming().loss_percent.count() == rounds + 1);
    call.world.run(6000);
    CHECK(call.incoming().loss_percent.count() == rounds + 1);
}

TEST_CASE("Shard: what a subscriber reports counts for what goes out [OBS-01]") {
    Call call;
    call.publish(1000, false, nothing);
    call.send(call.subscriber, [](ByteWriter& out) {
        wire::ReportBlock block;
        block.ssrc = 5000;
        block.cumulative_lost = 3;
        block.jitter = 1800;  // 20 ms
        const std::array blocks{block};
        return wire::write_receiver_report(out, 1, blocks);
    });
    call.publish(4500, false, nothing);
    CHECK(call.outgoing().lost == 3);
    CHECK(call.outgoing().jitter_us.count() == 1);
    CHECK(call.outgoing().jitter_us.sum == doctest::Approx(20'000));
    call.publish(5000, false, nothing);
    CHECK(call.outgoing().lost == 3);
    CHECK(call.outgoing().jitter_us.count() == 1);
}

TEST_CASE("Shard: NACK, PLI, FIR and retransmissions of both directions are counted [OBS-01]") {
    Call call;
    call.publish(1000, false, nothing);
    ShardSnapshot s = call.world.shards[0]->snapshot();
    CHECK(s.rtx_out == 0);
    CHECK(s.rtx_in == 0);
    CHECK(s.nacks_out == 0);
    CHECK(s.rtp_bytes_in > 0);
    CHECK(s.rtp_bytes_in < s.bytes_in);
    CHECK(call.world.shards[0]->forwarded() >= 90);
    const std::uint64_t plis_before = s.plis_out;
    REQUIRE(call.subscriber.rtp.size() > 10);
    const std::uint16_t newest = call.subscriber.rtp.back().sequence;
    call.send(call.subscriber, [&](ByteWriter& out) {
        const std::array<std::uint16_t, 2> list{static_cast<std::uint16_t>(newest - 21),
                                                static_cast<std::uint16_t>(newest - 20)};
        return wire::write_nack(out, 1, 5000, list);
    });
    call.send(call.subscriber, [](ByteWriter& out) { return wire::write_pli(out, {1, 5000}); });
    call.send(call.subscriber, [](ByteWriter& out) {
        const std::array entries{wire::FirEntry{5000, 1}};
        return wire::write_fir(out, 1, entries);
    });
    s = call.world.shards[0]->snapshot();
    CHECK(s.nacks_in == 2);
    CHECK(s.rtx_out == 2);
    CHECK(s.rtx_bytes_out > 0);
    CHECK(s.rtx_bytes_out < s.rtp_bytes_out);
    CHECK(s.plis_in == 1);
    CHECK(s.firs_in == 1);
    CHECK(s.plis_out > plis_before);

    ++call.next;  // one packet is missing
    call.publish(100, false, nothing);
    CHECK(call.world.shards[0]->snapshot().nacks_out >= 1);
    wire::RtpHeader header;
    header.payload_type = 97;
    header.sequence = 1;
    header.timestamp = 900;
    header.ssrc = 0xABCE;
    call.publisher.send(header, Bytes{0, 1, 0x10, 0}, call.world.client_out[&call.publisher], "v");
    call.world.run(5);
    CHECK(call.world.shards[0]->snapshot().rtx_in == 1);
    // One that was changed on its way.
    std::deque<std::pair<SocketAddress, Bytes>> forged;
    ++header.sequence;
    call.publisher.send(header, Bytes{0, 2, 0x10, 0}, forged, "v");
    forged.front().second.back() ^= 1;
    call.world.client_out[&call.publisher].push_back(std::move(forged.front()));
    call.world.run(5);
    // What a peer counted stays when it goes.
    const ShardSnapshot before = call.world.shards[0]->snapshot();
    CHECK(before.rtx_in == 1);
    CHECK(before.rtx_bytes_in > 0);
    CHECK(before.rtx_bytes_in < before.rtp_bytes_in);
    CHECK(before.srtp_failures == 1);
    call.world.command(0, ClosePeer{call.publisher.id});
    call.world.command(0, ClosePeer{call.subscriber.id});
    const ShardSnapshot after = call.world.shards[0]->snapshot();
    CHECK(after.rtp_bytes_in == before.rtp_bytes_in);
    CHECK(after.rtx_out == before.rtx_out);
    CHECK(after.nacks_out == before.nacks_out);
    CHECK(after.srtp_failures == before.srtp_failures);
    CHECK(after.rtx_bytes_in == before.rtx_bytes_in);
}

}  // namespace confab::sfu
