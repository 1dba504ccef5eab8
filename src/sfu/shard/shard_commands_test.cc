// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Commands that come twice, late, or for what is not there; ends in the middle of a call.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <vector>

#include "sfu/shard/shard_testing.h"
#include "wire/ice/stun.h"

namespace confab::sfu {
namespace {

using test::Client;
using test::down_track_to;
using test::opus_receiver;
using test::publish_video;
using test::vp8_payload;
using test::vp8_receiver;
using test::World;
using test::world_time;

// A camera and one who looks at it, both connected.
struct Call {
    explicit Call(std::size_t shards = 1, const ShardOptions& options = {})
        : world(shards, options),
          publisher(world.add_client(0)),
          subscriber(world.add_client(shards - 1)) {
        world.run(300);
        receiver = vp8_receiver(publisher);
        down = down_track_to(subscriber, receiver, 0, 5000);
    }
    void begin() {
        world.command(0, receiver);
        world.command(subscriber.shard, down);
        world.run(10);
    }
    void publish(std::int64_t ms) {
        publish_video(world, publisher, world.now_ms + ms, sequence, frame);
    }
    // Packets that the subscriber gets while so much is published.
    std::size_t seen(std::int64_t ms) {
        const std::size_t before = subscriber.rtp.size();
        publish(ms);
        return subscriber.rtp.size() - before;
    }
    ShardSnapshot snapshot(std::size_t shard = 0) { return world.shards[shard]->snapshot(); }

    World world;
    Client& publisher;
    Client& subscriber;
    AddReceiver receiver;
    AddDownTrack down;
    std::uint16_t sequence = 100;
    std::int64_t frame = 0;
};

TEST_CASE("Shard: commands for what is not there change nothing [DES-10]") {
    World world(1);
    const PeerId peer(77);
    const ReceiverId receiver(77);
    const DownTrackId down_track(77);
    AddReceiver add;
    add.peer = peer;
    add.receiver = receiver;
    add.codecs = {{Codec::kVp8, PayloadType(96), std::nullopt, 90'000, true}};
    AddDownTrack look;
    look.peer = peer;
    look.down_track = down_track;
    SetRemote remote;
    remote.peer = peer;
    RestartIce restart;
    restart.peer = peer;
    restart.local = {"aufrag", "a_password_of_enough_length_123"};
    const std::vector<Command> commands{remote,
                                        AddRemoteCandidate{peer, {}},
                                        restart,
                                        ClosePeer{peer},
                                        add,
                                        RemoveReceiver{receiver},
                                        MuteReceiver{receiver, true},
                                        WantLayers{receiver, 1},
                                        look,
                                        UpdateDownTrack{down_track, {}},
                                        SwitchDownTrack{down_track, receiver, 0},
                                        RemoveDownTrack{down_track, true},
                                        SetBandwidthLimit{peer, 1},
                                        OpenDataChannels{peer, true}};
    for (const Command& command : commands)
        world.command(0, command);
    world.run(1000);
    const ShardSnapshot s = world.shards[0]->snapshot();
    CHECK(s.peers + s.receivers + s.tracks + s.down_tracks == 0);
    CHECK(world.shards[0]->routes().known_ufrags() == 0);
    CHECK(world.events.empty());
}

TEST_CASE("Shard: a peer or a name that is there already is not made again [DES-03] [ICE-14]") {
    World world(1);
    Client& first = world.add_client(0);
    Client& second = world.add_client(0);
    world.run(300);
    CreatePeer again;
    again.peer = first.id;
    again.local = {"aanother", "a_password_of_enough_length_123"};
    world.command(0, again);
    CreatePeer taken;  // the name of the first
    taken.peer = PeerId(50);
    taken.local = {"ac0serverufrag", "a_password_of_enough_length_123"};
    world.command(0, taken);
    RestartIce restart;
    restart.peer = second.id;
    restart.local = taken.local;
    world.command(0, restart);
    CHECK(world.shards[0]->snapshot().peers == 2);
    CHECK(world.shards[0]->routes().known_ufrags() == 2);
    // Both calls live on, checks included.
    world.run(15'000);
    CHECK(first.transport->connected());
    CHECK(second.transport->connected());
    for (const PeerStateChanged& event : world.events_of<PeerStateChanged>())
        CHECK(event.state == PeerState::kConnected);
    // Neither took the other's name with it.
    world.command(0, ClosePeer{second.id});
    CHECK(world.shards[0]->routes().known_ufrags() == 1);
}

// The client's description once more, with data.
SetRemote described(const Client& client) {
    SetRemote remote;
    remote.peer = client.id;
    remote.remote = {client.credentials.ufrag, client.credentials.pwd};
    remote.local_dtls_role = DtlsRole::kServer;
    remote.sctp = true;
    return remote;
}

TEST_CASE("Shard: data leaves our port for the one that the client named [SDP-01]") {
    World world(1);
    const Client& client = world.add_client(0);
    SetRemote remote = described(client);
    remote.sctp_port = 6'000;
    world.command(0, remote);
    std::vector<std::pair<int, int>> ports;
    world.lose = [&](const Client&, BytesView datagram) {
        const bool data = datagram.size() > 12 && datagram[0] == 23;
        if (data) ports.emplace_back(load_be16(&datagram[1]), load_be16(&datagram[3]));
        return false;
    };
    world.run(300);
    REQUIRE_FALSE(ports.empty());
    CHECK(ports.front() == std::pair(5'000, 6'000));
}

TEST_CASE("Shard: a client is sent no message larger than it takes [DC-05] [SDP-01]") {
    constexpr std::size_t kMost = 1'000;
    World world(1);
    const Client& client = world.add_client(0, true);
    SetRemote remote = described(client);
    remote.sctp_max_message_size = kMost;
    world.command(0, remote);
    (void)world.add_member(client, "alice");
    world.run(800);
    for (const std::size_t size : {kMost + 1, kMost}) {
        SendData send;
        send.room = RoomId(1);
        send.payload = Bytes(size, 'x');
        world.command(0, send);
    }
    world.run(200);
    REQUIRE(client.messages.size() == 1);
    CHECK(client.messages[0].size() == kMost);
    CHECK(world.shards[0]->snapshot().data_dropped == 1);
}

TEST_CASE("Shard: who is to use TCP alone gets no answer over UDP [ICE-15] [SIG-173]") {
    for (const bool tcp_only : {false, true}) {
        World world(1);
        const Client& client = world.add_client(0);
        world.command(0, ClosePeer{client.id});
        CreatePeer create;
        create.peer = client.id;
        create.local = {"ac0serverufrag", "c0_server_password_1234567890"};
        create.tcp_only = tcp_only;
        world.command(0, create);
        world.command(0, described(client));
        world.run(3'000);
        CHECK(client.transport->connected() != tcp_only);
    }
}

TEST_CASE("Shard: the letter of a name is its worker's, for as many as there are [DES-03]") {
    CHECK(owner_of_ufrag("abc") == WorkerIndex(0));
    CHECK(owner_of_ufrag("Zbc") == WorkerIndex(kMaxWorkers - 1));
    CHECK_FALSE(owner_of_ufrag("").has_value());
    for (const char* none : {"0bc", "+bc", "/bc", "\xFF"})
        CHECK_FALSE(owner_of_ufrag(none).has_value());
}

TEST_CASE(
    "Shard: a frame of a stream of the largest size is looked at, a larger one is not "
    "[ICE-12] [IMM-15]") {
    World world(1);
    ice::Path path;
    path.local = World::shard_address(0);
    path.remote = {IpAddress::v4(0x7F000009), 5};
    Shard& shard = *world.shards[0];
    CHECK_FALSE(shard.handle_frame(world_time(1), path, Bytes(PacketPool::kLargeCapacity + 1)));
    CHECK(shard.snapshot().unknown_datagrams == 0);
    CHECK_FALSE(shard.handle_frame(world_time(1), path, Bytes(PacketPool::kLargeCapacity)));
    CHECK(shard.snapshot().unknown_datagrams == 1);
    CHECK_FALSE(shard.handle_frame(world_time(1), path, {}));
    CHECK(shard.snapshot().packets_in_use == 0);
}

TEST_CASE("Shard: limits of strangers hold from their command on [OPS-05]") {
    World world(2);
    std::array<std::uint8_t, 128> buffer;
    wire::StunBuilder check(buffer, wire::StunClass::kRequest, wire::StunMethod::kBinding, {});
    check.text(wire::StunAttr::kUsername, "bnobody:theirs");
    const Bytes datagram = to_vector(check.finish());
    ice::Path path;
    path.local = World::shard_address(0);
    path.remote = {IpAddress::v4(0x7F000009), 5};
    Shard& shard = *world.shards[0];
    const auto passed = [&] {
        int count = 0;
        for (int i = 0; i < 10; ++i)
            count += shard.handle_frame(world_time(1), path, datagram) ? 1 : 0;
        return count;
    };
    CHECK(passed() == 10);
    world.command(0, StrangerLimits{{1, 4}, {}});
    CHECK(passed() == 4);
    CHECK(shard.snapshot().limits.strangers_dropped == 6);
    CHECK(shard.snapshot().unknown_datagrams == 6);
    world.command(0, StrangerLimits{{1, 4}, {*Cidr::parse("127.0.0.0/8")}});
    CHECK(passed() == 10);
}

// ---------------------------------------------------------------- publishing

TEST_CASE("Shard: a track without a codec is refused, one that is told again goes on [IN-09]") {
    Call call;
    AddReceiver none = call.receiver;
    none.codecs.clear();
    call.world.command(0, none);
    CHECK(call.snapshot().receivers == 0);
    call.begin();
    REQUIRE(call.seen(500) > 30);
    call.world.command(0, call.receiver);  // the same section once more
    CHECK(call.snapshot().receivers == 1);
    // No new key frame is needed: the stream is the one it was.
    CHECK(call.seen(500) > 30);
    CHECK(call.world.events_of<LayerStarted>().size() == 1);
}

TEST_CASE("Shard: nothing of a muted track goes on, and it comes back with a key frame [FWD-08]") {
    for (const std::size_t shards : {1U, 2U}) {
        CAPTURE(shards);
        Call call(shards);
        call.begin();
        REQUIRE(call.seen(500) > 30);
        call.world.command(0, MuteReceiver{call.receiver.receiver, true});
        call.world.command(0, MuteReceiver{call.receiver.receiver, true});  // again: no change
        call.world.run(5);
        CHECK(call.seen(500) == 0);
        call.world.command(0, MuteReceiver{call.receiver.receiver, false});
        call.world.run(5);
        CHECK(call.seen(300) == 0);  // no picture without a key frame
        call.frame = 0;
        CHECK(call.seen(300) > 20);
    }
}

TEST_CASE(
    "Shard: a publisher that goes in the middle leaves a track until nobody looks "
    "[DES-40] [IMM-15]") {
    for (const std::size_t shards : {1U, 2U}) {
        CAPTURE(shards);
        Call call(shards);
        call.begin();
        REQUIRE(call.seen(500) > 30);
        call.world.command(0, ClosePeer{call.publisher.id});
        call.world.run(100);
        const std::size_t last = shards - 1;
        CHECK(call.snapshot(0).receivers == 0);
        CHECK(call.snapshot(last).down_tracks == 1);
        CHECK(call.snapshot(last).tracks == 1);
        call.world.command(last, RemoveDownTrack{call.down.down_track, false});
        call.world.run(100);
        for (std::size_t i = 0; i < shards; ++i) {
            CHECK(call.snapshot(i).tracks == 0);
            CHECK(call.snapshot(i).packets_in_use == 0);
        }
    }
}

// ---------------------------------------------------------------- subscribing

TEST_CASE("Shard: a down-track that is there already is not made again [DES-10]") {
    Call call;
    call.begin();
    AddDownTrack again = call.down;
    again.ssrc = Ssrc(9000);
    call.world.command(0, again);
    CHECK(call.snapshot().down_tracks == 1);
    REQUIRE(call.seen(500) > 30);
    for (const auto& packet : call.subscriber.rtp)
        CHECK(packet.ssrc == 5000);
}

TEST_CASE("Shard: a switch to another track ends the old one, to the same one is none [DYN-05]") {
    Call call(2);
    call.begin();
    REQUIRE(call.seen(500) > 30);
    call.world.command(1, SwitchDownTrack{call.down.down_track, call.receiver.receiver, 0});
    call.world.run(5);
    CHECK(call.seen(300) > 20);
    // A receiver on its own worker.
    Client& other = call.world.add_client(1);
    call.world.run(300);
    AddReceiver second = vp8_receiver(other);
    second.receiver = ReceiverId(2000);
    call.world.command(1, second);
    call.world.command(1, SwitchDownTrack{call.down.down_track, second.receiver, 1});
    call.world.run(20);
    CHECK(call.snapshot(1).tracks == 1);  // nobody here looks at the first any more
    const std::size_t crossed = call.world.links.packets;
    CHECK(call.seen(300) == 0);
    CHECK(call.world.links.packets == crossed);
    const std::size_t before = call.subscriber.rtp.size();
    std::uint16_t numbers = 40'000;
    std::int64_t frames = 0;
    publish_video(call.world, other, call.world.now_ms + 500, numbers, frames);
    REQUIRE(call.subscriber.rtp.size() > before + 30);
    // To the subscriber it is the same stream.
    for (std::size_t i = 1; i < call.subscriber.rtp.size(); ++i) {
        CHECK(call.subscriber.rtp[i].ssrc == 5000);
        CHECK(call.subscriber.rtp[i].sequence ==
              static_cast<std::uint16_t>(call.subscriber.rtp[i - 1].sequence + 1));
    }
}

TEST_CASE("Shard: a down-track ends though nobody takes its blank frames [FWD-15] [IMM-15]") {
    for (const bool was_connected : {false, true}) {
        CAPTURE(was_connected);
        Call call;
        if (!was_connected) {
            Client& absent = call.world.add_client(0);
            call.world.cut = &absent;
            call.down = down_track_to(absent, call.receiver, 0, 5000);
        }
        call.begin();
        call.publish(300);
        call.world.cut = was_connected ? &call.subscriber : call.world.cut;
        call.world.run(20'000);
        CHECK(call.snapshot().down_tracks == 1);
        call.world.command(0, RemoveDownTrack{call.down.down_track, true});
        call.world.run(2'000);
        CHECK(call.snapshot().down_tracks == 0);
    }
}

TEST_CASE("Shard: a subscriber that goes while blank frames leave takes the down-track [FWD-15]") {
    Call call;
    call.begin();
    REQUIRE(call.seen(500) > 30);
    call.world.command(0, RemoveDownTrack{call.down.down_track, true});
    CHECK(call.snapshot().down_tracks == 1);
    call.world.command(0, ClosePeer{call.subscriber.id});
    CHECK(call.snapshot().down_tracks == 0);
    call.publish(500);
    CHECK(call.snapshot().peers == 1);
}

TEST_CASE("Shard: settings off stop a stream, on again they ask for a key frame [SUB-02] [IN-08]") {
    Call call;
    call.begin();
    REQUIRE(call.seen(500) > 30);
    DownTrackSettings off;
    off.enabled = false;
    call.world.command(0, UpdateDownTrack{call.down.down_track, off});
    CHECK(call.seen(500) == 0);
    const std::uint64_t asked = call.snapshot().plis_out;
    call.world.command(0, UpdateDownTrack{call.down.down_track, {}});
    call.publish(1500);
    CHECK(call.snapshot().plis_out > asked);
    call.frame = 0;
    CHECK(call.seen(300) > 20);
}

TEST_CASE(
    "Shard: a limit of the link pauses what does not fit, and lets it go on [BWE-10] "
    "[SIG-174]") {
    ShardOptions options;
    options.bandwidth.allow_pause = true;
    Call call(1, options);
    call.begin();
    REQUIRE(call.seen(2000) > 100);
    call.world.command(0, SetBandwidthLimit{call.subscriber.id, 20'000});
    CHECK(call.seen(500) < 5);
    const auto paused = call.world.events_of<StreamStateChanged>();
    REQUIRE_FALSE(paused.empty());
    CHECK(paused.back().state == StreamState::kPaused);
    call.world.command(0, SetBandwidthLimit{call.subscriber.id, 0});
    call.frame = 0;
    CHECK(call.seen(500) > 30);
    CHECK(call.world.events_of<StreamStateChanged>().back().state == StreamState::kActive);
}

TEST_CASE("Shard: a client that says whether its video may pause is heard [BWE-04]") {
    ShardOptions options;
    options.bandwidth.allow_pause = true;
    Call call(1, options);
    Client& other = call.world.add_client(0);
    // As add_client() makes it, but for the wish.
    call.world.command(0, ClosePeer{other.id});
    CreatePeer create;
    create.peer = other.id;
    create.local = {"ac2serverufrag", "c2_server_password_1234567890"};
    create.allow_pause = false;
    call.world.command(0, create);
    SetRemote remote;
    remote.peer = other.id;
    remote.remote = {other.credentials.ufrag, other.credentials.pwd};
    remote.local_dtls_role = DtlsRole::kServer;
    call.world.command(0, remote);
    call.world.run(300);
    REQUIRE(other.transport->connected());
    call.begin();
    call.world.command(0, down_track_to(other, call.receiver, 0, 6000));
    call.world.run(10);
    REQUIRE(call.seen(2000) > 100);
    for (const PeerId peer : {call.subscriber.id, other.id})
        call.world.command(0, SetBandwidthLimit{peer, 20'000});
    const std::size_t before = other.rtp.size();
    CHECK(call.seen(500) < 5);
    CHECK(other.rtp.size() > before + 30);
}

// ---------------------------------------------------------------- speakers

TEST_CASE("Shard: who mutes or unpublishes in the middle of a word is silent [IN-31]") {
    for (const bool unpublish : {false, true}) {
        CAPTURE(unpublish);
        World world(1);
        Client& publisher = world.add_client(0);
        world.run(300);
        AddReceiver audio = opus_receiver(publisher);
        audio.extensions.audio_level = 6;
        world.command(0, audio);
        std::uint16_t number = 0;
        const auto talk = [&](int packets) {
            for (int i = 0; i < packets; ++i, ++number) {
                Bytes packet(200);
                ByteWriter writer(packet);
                wire::RtpHeader header;
                header.payload_type = 111;
                header.ssrc = 77;
                header.sequence = number;
                header.timestamp = number * 960U;
                header.has_extension = true;
                wire::write_rtp_header(writer, header);
                wire::ExtensionWriter extensions;
                extensions.add(4, as_bytes("1"));
                extensions.add_audio_level(6, {true, std::uint8_t{12}});
                extensions.write(writer);
                writer.bytes(Bytes(60, 1));
                publisher.send_packet(writer.written(), world.client_out[&publisher]);
                world.run(20);
            }
        };
        talk(100);
        REQUIRE(world.events_of<SpeakerLevels>().back().levels[0].active);
        world.events.clear();
        if (unpublish)
            world.command(0, RemoveReceiver{audio.receiver});
        else
            world.command(0, MuteReceiver{audio.receiver, true});
        talk(100);
        const auto levels = world.events_of<SpeakerLevels>();
        if (unpublish) {
            CHECK(levels.empty());
            continue;
        }
        REQUIRE(levels.size() == 1);
        CHECK_FALSE(levels[0].levels[0].active);
        // Unmuted, what is said now counts.
        world.command(0, MuteReceiver{audio.receiver, false});
        talk(100);
        CHECK(world.events_of<SpeakerLevels>().back().levels[0].active);
    }
}

}  // namespace
}  // namespace confab::sfu
