// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Two shards under any commands, datagrams, links and times. The input is a list of steps
//   operation 8 | a 8 | b 8 | c 8 | length 8 | body
// of which the ids are small, so that they meet. Three clients with real keys sit on the shards,
// so that media and feedback get past SRTP. Checked after each step: nothing is counted that was
// not made, nobody waits beyond the limits; at the end, with all peers closed: nothing is left.
// fuzz: modules sfu
#include <algorithm>
#include <set>

#include "base/bytes.h"
#include "base/check.h"
#include "sfu/shard/shard_testing.h"

namespace {

using namespace confab;
using namespace confab::sfu;

constexpr std::size_t kShards = 2;
constexpr std::uint64_t kIds = 6;        // of receivers, and of down-tracks
constexpr std::uint64_t kSpareIds = 10;  // peers without a client have ids from here

struct Step {
    std::uint8_t a = 0;
    std::uint8_t b = 0;
    std::uint8_t c = 0;
    BytesView body;
};

Codec codec_of(std::uint8_t value) {
    constexpr std::array kCodecs{Codec::kOpus, Codec::kRed,  Codec::kVp8,
                                 Codec::kVp9,  Codec::kH264, Codec::kAv1};
    return kCodecs[value % kCodecs.size()];
}
std::uint32_t clock_rate(Codec codec) {
    return kind_of(codec) == MediaKind::kVideo ? 90'000 : 48'000;
}
DownTrackSettings settings_of(std::uint8_t bits) {
    DownTrackSettings settings;
    settings.enabled = (bits & 1) != 0;
    settings.max_spatial = static_cast<std::uint8_t>(bits >> 1 & 3);
    settings.max_temporal = static_cast<std::uint8_t>(bits >> 3 & 3);
    settings.max_fps = static_cast<std::uint32_t>(bits >> 5) * 5;
    settings.priority = bits;
    return settings;
}

class Driver {
  public:
    Driver() : world_(kShards) {
        for (std::size_t i = 0; i < 3; ++i)
            (void)world_.add_client(i % kShards, i == 0);
        world_.run(40);
    }

    void step(std::uint8_t operation, const Step& s) {
        switch (operation % 14) {
            case 0:
                return add_receiver(s);
            case 1:
                return add_down_track(s);
            case 2:
                return change_receiver(s);
            case 3:
                return change_down_track(s);
            case 4:
            case 5:
                return rtp(s);
            case 6:
                return rtcp(s);
            case 7:
                return datagram(s);
            case 8:
                return link(s);
            case 9:
                return peer(s);
            case 10:
                return data(s);
            case 11:
                world_.now_ms += std::int64_t{s.a} * s.b;  // a late timer
                return;
            default:
                world_.run(1 + s.a % 32);
        }
    }

    void check() {
        for (const auto& shard : world_.shards) {
            const ShardSnapshot snapshot = shard->snapshot();
            CONFAB_CHECK(snapshot.peers <= 3 + kSpareIds);
            CONFAB_CHECK(snapshot.receivers <= kIds);
            CONFAB_CHECK(snapshot.down_tracks <= kIds);
            CONFAB_CHECK(snapshot.tracks <= kIds);
            CONFAB_CHECK(snapshot.rtx_out <= snapshot.rtp_out);
            CONFAB_CHECK(snapshot.events_dropped == 0);
        }
        world_.events.clear();
        for (const auto& client : world_.clients) {
            client->rtp.clear();
            client->rtcp.clear();
            client->messages.clear();
        }
    }

    // Whatever happened: peers that are closed leave nothing behind.
    void finish() {
        for (std::size_t shard = 0; shard < kShards; ++shard)
            for (std::uint64_t id = 0; id <= 3 + 2 * kSpareIds; ++id)
                world_.command(shard, ClosePeer{PeerId(id)});
        world_.run(5);
        for (std::size_t shard = 0; shard < kShards; ++shard)
            for (std::uint64_t id = 0; id < kIds; ++id)
                for (WorkerIndex from = 0; from < kShards; ++from)
                    send_link(shard,
                              {from, LinkSubscribe{ReceiverId(id), MediaKind::kVideo, false, -1}},
                              {});
        world_.run(2);
        for (const auto& shard : world_.shards) {
            const ShardSnapshot snapshot = shard->snapshot();
            CONFAB_CHECK(snapshot.peers == 0);
            CONFAB_CHECK(snapshot.receivers == 0);
            CONFAB_CHECK(snapshot.down_tracks == 0);
            CONFAB_CHECK(snapshot.tracks == 0);
            CONFAB_CHECK(snapshot.packets_in_use == 0);
        }
    }

  private:
    static ReceiverId receiver(std::uint8_t value) { return ReceiverId(value % kIds); }
    static DownTrackId down_track(std::uint8_t value) { return DownTrackId(value % kIds); }
    sfu::test::Client& client(std::uint8_t value) {
        return *world_.clients[value % world_.clients.size()];
    }
    // One that is there, mostly.
    PeerId peer_id(std::uint8_t value) const {
        return value < 0xE0 ? PeerId(1 + value % 3U) : PeerId(kSpareIds + value % kSpareIds);
    }
    std::size_t shard_of(std::uint8_t value) const {
        return value < 0xE0 ? (value % 3U) % kShards : value % kShards;
    }

    void add_receiver(const Step& s) {
        const Codec codec = codec_of(s.c);
        AddReceiver add;
        add.receiver = receiver(s.a);
        add.peer = peer_id(s.b);
        add.room = RoomId(1 + s.a % 2U);
        add.kind = kind_of(codec);
        add.mid = std::string(1, static_cast<char>('0' + s.a % kIds));
        add.codecs = {{codec, PayloadType(96), PayloadType(97), clock_rate(codec), true}};
        if (s.c >= 0x80) add.codecs.push_back({Codec::kOpus, PayloadType(98), {}, 48'000, true});
        add.extensions.mid = 4;
        add.extensions.rid = 5;
        add.extensions.repaired_rid = 6;
        add.extensions.audio_level = 7;
        add.extensions.dependency_descriptor = 8;
        add.extensions.transport_cc = 9;
        add.extensions.abs_capture_time = 10;
        add.mode = static_cast<LayerMode>(s.c >> 3 & 3);
        add.layers = {{"q", 0, Ssrc(100U + s.a % 4U), Ssrc(200U + s.a % 4U), 0, 0},
                      {"h", 1, {}, {}, 0, 0},
                      {"f", 2, {}, {}, 0, 0}};
        if ((s.c & 0x20) != 0) add.layers.resize(1);
        add.microphone = (s.c & 0x40) != 0;
        add.encrypted = s.body.size() % 4 == 3;
        world_.command(shard_of(s.b), add);
    }

    void add_down_track(const Step& s) {
        const Codec codec = codec_of(s.c);
        AddDownTrack add;
        add.down_track = down_track(s.a);
        add.peer = peer_id(s.b);
        add.receiver = receiver(s.c);
        add.home = static_cast<WorkerIndex>(s.c >> 7);
        add.kind = kind_of(codec);
        // Rooms never give an SSRC twice: with the same keys its packets would share nonces.
        add.ssrc = Ssrc(1'000U + 2U * added_);
        add.rtx_ssrc = Ssrc(s.body.empty() ? 0U : 1'001U + 2U * added_);
        ++added_;
        for (std::uint8_t i = 0; i < 6; ++i)
            if (kind_of(codec_of(i)) == add.kind)
                add.codecs.push_back({codec_of(i), PayloadType(static_cast<std::uint8_t>(100 + i)),
                                      PayloadType(static_cast<std::uint8_t>(110 + i)),
                                      clock_rate(codec_of(i)), true});
        if (add.kind == MediaKind::kVideo) add.extensions = {1, 2, 3, 0, 4, 0};
        add.extensions.abs_capture_time = 2;
        add.cname = "PA_x|TR_y";
        add.settings = settings_of(static_cast<std::uint8_t>(s.body.empty() ? 0x1F : s.body[0]));
        add.early_media = s.body.size() % 3 == 2;
        add.encrypted = s.body.size() % 4 == 3;
        if (s.body.size() % 5 == 4) add.playout_delay.emplace();
        world_.command(shard_of(s.b), add);
    }

    void change_receiver(const Step& s) {
        const std::size_t shard = s.b % kShards;
        switch (s.c % 3) {
            case 0:
                return world_.command(shard, RemoveReceiver{receiver(s.a)});
            case 1:
                if ((s.c & 0x40) != 0)
                    return world_.command(shard,
                                          MoveReceiver{receiver(s.a), RoomId(1 + s.c / 3 % 2U)});
                return world_.command(shard, MuteReceiver{receiver(s.a), (s.c & 0x80) != 0});
            default:
                return world_.command(
                    shard, WantLayers{receiver(s.a), static_cast<std::int8_t>(s.c / 3 % 5 - 1)});
        }
    }

    void change_down_track(const Step& s) {
        const std::size_t shard = s.b % kShards;
        switch (s.c % 4) {
            case 0:
                return world_.command(shard, RemoveDownTrack{down_track(s.a), (s.c & 0x80) != 0});
            case 1:
                return world_.command(shard, SwitchDownTrack{down_track(s.a), receiver(s.c / 4U),
                                                             static_cast<WorkerIndex>(s.c >> 7)});
            default:
                return world_.command(shard, UpdateDownTrack{down_track(s.a), settings_of(s.c)});
        }
    }

    // Header fields from a to c, extensions with any content from the body, the rest is payload.
    void rtp(const Step& s) {
        sfu::test::Client& from = client(s.a);
        if (from.transport->srtp_sender() == nullptr || !from.transport->path()) return;
        Bytes clear(1400);
        ByteWriter writer(clear);
        wire::RtpHeader header;
        header.payload_type = static_cast<std::uint8_t>(96 + (s.a >> 2) % 4);
        header.ssrc = 100 + s.b % 8 * ((s.a & 0x80) != 0 ? 25U : 1U);
        header.sequence = static_cast<std::uint16_t>(sequences_[header.ssrc] += 1U + s.c % 8U);
        if (s.c >= 0xF0) header.sequence = static_cast<std::uint16_t>(s.c * 257U);
        // No client seals two packets with one nonce; ours stops the program over it.
        if (!sent_.emplace(header.ssrc, header.sequence).second) return;
        header.timestamp = static_cast<std::uint32_t>(world_.now_ms * 90);
        header.marker = (s.c & 0x40) != 0;
        header.has_extension = true;
        ByteReader body(s.body);
        wire::ExtensionWriter extensions;
        const std::uint8_t which = body.u8();
        const std::array<std::uint8_t, 1> mid{static_cast<std::uint8_t>('0' + which % kIds)};
        if ((which & 0x40) != 0) extensions.add(4, mid);
        const std::array<std::uint8_t, 1> rid{static_cast<std::uint8_t>("qhfx"[(which >> 3) % 4])};
        if ((which & 0x20) != 0) extensions.add((s.b & 0x80) != 0 ? 6 : 5, rid);
        if ((which & 0x80) != 0) {
            const std::size_t size = body.u8() % 24;
            extensions.add(8, body.bytes(std::min(size, body.remaining())));
        }
        const std::array<std::uint8_t, 1> level{s.c};
        extensions.add(7, level);
        wire::write_rtp_header(writer, header);
        extensions.write(writer);
        if (!writer.ok()) return;
        writer.bytes(body.bytes(body.remaining()));
        clear.resize(writer.size());
        from.send_packet(clear, world_.client_out[&from]);
        if ((s.b & 0x40) != 0) world_.run(1);
    }

    void rtcp(const Step& s) {
        sfu::test::Client& from = client(s.a);
        if (from.transport->srtp_sender() == nullptr || !from.transport->path()) return;
        if (s.body.size() < 8) return;
        from.send_rtcp(to_vector(s.body), world_.client_out[&from]);
    }

    void datagram(const Step& s) {
        const sfu::test::Client& from = client(s.a);
        world_.to_shards.push_back(
            {from.address, world_.shard_address(s.b % kShards), to_vector(s.body)});
        ice::Path path;
        path.local = world_.shard_address(s.b % kShards);
        path.remote = from.address;
        path.protocol = ice::Protocol::kTcp;
        path.tcp_connection = s.c % 4U;
        Shard& shard = *world_.shards[s.b % kShards];
        if ((s.b & 0x40) != 0)
            (void)shard.handle_frame(sfu::test::world_time(world_.now_ms), path, s.body);
        if ((s.b & 0x80) != 0) shard.handle_tcp_closed(sfu::test::world_time(world_.now_ms), path);
    }

    void send_link(std::size_t shard, const LinkMessage& message, BytesView bytes) {
        world_.shards[shard]->handle_link(sfu::test::world_time(world_.now_ms), message, bytes);
    }
    void link(const Step& s) {
        LinkMessage message{static_cast<WorkerIndex>(s.b % kShards), {}};
        const ReceiverId id = receiver(s.a);
        switch (s.c % 6) {
            case 0:
                message.body = LinkSubscribe{id, kind_of(codec_of(s.c)), (s.c & 0x80) != 0,
                                             static_cast<std::int8_t>(s.c % 4 - 1)};
                break;
            case 1:
                message.body = LinkEnded{id};
                break;
            case 2:
                message.body = LinkKeyFrame{id, static_cast<std::uint8_t>(s.c / 6)};
                break;
            case 3:
                message.body = LinkLoss{id, s.c};
                break;
            case 4: {
                LinkSource source{id, {}};
                source.state.codec = codec_of(s.c);
                source.state.available = static_cast<std::uint8_t>(s.c & 7);
                source.state.max_seen = {static_cast<std::int8_t>(s.c % 3), 2};
                message.body = source;
                break;
            }
            default: {
                LinkPacket packet;
                packet.receiver = id;
                packet.packet.codec = codec_of(s.c);
                packet.packet.sequence = 70'000 + s.c;
                packet.packet.spatial = static_cast<std::uint8_t>(s.c % 3);
                packet.packet.key_frame = (s.c & 0x10) != 0;
                packet.payload_size = static_cast<std::uint16_t>(s.body.size());
                message.body = packet;
            }
        }
        send_link((s.b + 1U) % kShards, message, s.body);
    }

    void peer(const Step& s) {
        const std::size_t shard = s.b % kShards;
        const PeerId id(kSpareIds + s.a % kSpareIds);
        const std::string ufrag = std::string(1, kOwnerLetters[shard]) + std::to_string(s.c % 16);
        switch (s.b / kShards % 5) {
            case 0: {
                CreatePeer create;
                create.peer = id;
                create.local = {ufrag + "spare", "a_password_that_is_long_enough"};
                create.tcp_only = (s.c & 0x80) != 0;
                return world_.command(shard, create);
            }
            case 1:
                return world_.command(
                    shard, RestartIce{id,
                                      {ufrag + "again", "a_password_that_is_long_enough"},
                                      (s.c & 0x80) != 0});
            case 2: {
                SetRemote remote;
                remote.peer = id;
                remote.remote = {"theirs", "their_password_that_is_long_enough"};
                remote.sctp = (s.c & 1) != 0;
                return world_.command(shard, remote);
            }
            case 3:
                return world_.command(shard, SetBandwidthLimit{peer_id(s.a), s.c * 20'000ULL});
            default:
                return world_.command(shard, ClosePeer{s.c >= 0xF0 ? peer_id(s.a) : id});
        }
    }

    void data(const Step& s) {
        if ((s.c & 1) != 0)
            return world_.command(shard_of(s.a), OpenDataChannels{peer_id(s.a), true});
        // A room of two, who may do what the bits say.
        DataMember member;
        member.room = RoomId(1);
        member.member = MemberId(s.a + 1);
        member.peer = member.publisher = member.subscriber = peer_id(s.a);
        member.identity = member.sid = "p" + std::to_string(s.a);
        member.may_publish = (s.c & 2) != 0;
        member.hears_metrics = (s.c & 4) != 0;
        member.hidden = (s.c & 8) != 0;
        member.expects_channels = (s.c & 16) != 0;
        world_.command(shard_of(s.a), member);
        if ((s.c & 32) != 0)
            world_.command(shard_of(s.a), DataWorkers{RoomId(1), {0, 1}, member.hears_metrics});
        if ((s.c & 64) != 0)
            world_.command(shard_of(s.a), DataMemberGone{RoomId(1), MemberId(s.b + 1)});
        if ((s.b & 128) != 0) copy(s);
        SendData send;
        send.room = RoomId(1);
        send.lossy = (s.c & 128) != 0;
        send.payload = to_vector(s.body);
        world_.command(shard_of(s.a), send);
    }

    // Somebody of that room, or nobody, is seen in a second one, or no more.
    void copy(const Step& s) {
        const MemberId id(300U + s.a);
        if ((s.b & 64) != 0) return world_.command(shard_of(s.a), DataMemberGone{RoomId(2), id});
        DataMember member;
        member.room = RoomId(2);
        member.member = id;
        member.identity = member.sid = "p" + std::to_string(s.a);
        member.may_publish = true;
        member.elsewhere = sfu::DataPlace{RoomId(1), MemberId((s.b & 3U) + 1)};
        world_.command(shard_of(s.a), member);
    }

    sfu::test::World world_;
    std::map<std::uint32_t, std::uint32_t> sequences_;
    std::set<std::pair<std::uint32_t, std::uint16_t>> sent_;
    std::uint32_t added_ = 0;  // down-tracks
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Driver driver;
    ByteReader reader(BytesView(data, size));
    for (int steps = 0; steps < 96 && !reader.at_end(); ++steps) {
        const std::uint8_t operation = reader.u8();
        Step step;
        step.a = reader.u8();
        step.b = reader.u8();
        step.c = reader.u8();
        const std::uint8_t length = reader.u8();
        step.body = reader.bytes(std::min<std::size_t>(length, reader.remaining()));
        if (!reader.ok()) break;
        driver.step(operation, step);
        driver.check();
    }
    driver.finish();
    return 0;
}
