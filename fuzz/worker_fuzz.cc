// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A whole media worker and any bytes from any address. The input is a list of steps
//   operation 8 | from 8 | a 8 | time 8 | length 8 | body
// of strangers, and of a participant who has keys, beside a call in another room that crosses two
// workers. A third worker has peers with real DTLS whose handshakes nobody finishes. Checked: the
// call gets every packet once and in order, strangers get no answer, nobody more than he sent and
// what time brings, and nothing that is held grows beyond the limits.
// fuzz: modules sfu crypto
#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "base/check.h"
#include "crypto/certificate.h"
#include "fuzz/fixed_randomness.h"
#include "rtc/ice/binding.h"
#include "sfu/shard/shard_testing.h"

namespace {

using namespace confab;
using namespace confab::sfu;
using confab::sfu::test::Client;
using confab::sfu::test::World;
using confab::sfu::test::world_time;

constexpr std::size_t kMaxSteps = 64;
constexpr std::size_t kBurst = 40;         // copies of one datagram at most
constexpr std::size_t kMaxPoolUse = 4096;  // packets: far more than what is kept of these tracks
constexpr std::int64_t kAudioMillis = 20;
constexpr std::int64_t kVideoMillis = 40;

// ---------------------------------------------------------------- the call of the others

class Call {
  public:
    explicit Call(World& world)
        : world_(world), publisher_(world.add_client(0)), subscriber_(world.add_client(1)) {
        video_ = test::vp8_receiver(publisher_);
        audio_ = test::opus_receiver(publisher_);
        for (const AddReceiver& receiver : {video_, audio_}) {
            world.command(0, receiver);
            AddDownTrack track = test::down_track_to(subscriber_, receiver, 0,
                                                     receiver.kind == MediaKind::kVideo ? 51 : 61);
            track.extensions = {};
            world.command(1, track);
        }
        world.run(60);
        CONFAB_CHECK(publisher_.transport->connected() && subscriber_.transport->connected());
    }
    Client& publisher() { return publisher_; }
    Client& subscriber() { return subscriber_; }

    void run(std::int64_t ms) {
        for (; ms > 0; --ms) {
            if (world_.now_ms % kAudioMillis == 0) send(audio_, 0xA0D10, audio_sent_);
            if (world_.now_ms % kVideoMillis == 0)
                for (int i = 0; i < 2; ++i)
                    send(video_, 0x71DE0, video_sent_);
            world_.run(1);
        }
    }
    void check() const {
        check_stream(61, audio_sent_);
        check_stream(51, video_sent_);
    }

  private:
    void send(const AddReceiver& receiver, std::uint32_t ssrc, std::uint16_t& sent) {
        const bool video = receiver.kind == MediaKind::kVideo;
        const bool second = video && sent % 2 == 1;
        wire::RtpHeader header;
        header.payload_type = receiver.codecs[0].pt.value();
        header.ssrc = ssrc;
        header.sequence = static_cast<std::uint16_t>(1000 + sent);
        header.timestamp = static_cast<std::uint32_t>(world_.now_ms * (video ? 90 : 48));
        header.marker = second;
        Bytes payload = video ? test::vp8_payload(sent < 2, 7, 200) : Bytes(40, 0x78);
        if (second) payload[0] = 0x00;
        publisher_.send(header, payload, world_.client_out[&publisher_], receiver.mid);
        ++sent;
    }
    void check_stream(std::uint32_t ssrc, std::uint16_t sent) const {
        std::uint16_t next = 0;
        for (const test::ReceivedRtp& packet : subscriber_.rtp) {
            if (packet.ssrc != ssrc) continue;
            if (next == 0) next = packet.sequence;
            CONFAB_CHECK(packet.sequence == next++);
            --sent;
        }
        CONFAB_CHECK(sent == 0);
    }

    World& world_;
    Client& publisher_;
    Client& subscriber_;
    AddReceiver video_, audio_;
    std::uint16_t audio_sent_ = 0, video_sent_ = 0;
};

// ---------------------------------------------------------------- the one with real handshakes

const dtls::Context& identity() {
    static const dtls::Context kContext = [] {
        const auto certificate = crypto::Certificate::generate(UnixTime::seconds(1'760'000'000));
        CONFAB_CHECK(certificate.has_value());
        auto context = dtls::Context::create(*certificate);
        CONFAB_CHECK(context.has_value());
        return std::move(*context);
    }();
    return kContext;
}

class Lobby {
  public:
    explicit Lobby(Timestamp now)
        : queues_(1), links_(queues_), shard_(config(), now, Rng(3), links_) {
        for (std::uint64_t id = 1; id <= 2; ++id) {
            CreatePeer create;
            create.peer = PeerId(id);
            create.local = local(id);
            shard_.handle_command(now, create);
            SetRemote remote;
            remote.peer = PeerId(id);
            remote.remote = {"theirs", "their_password_that_is_long_enough"};
            remote.local_dtls_role = id == 1 ? DtlsRole::kServer : DtlsRole::kClient;
            remote.fingerprints = {{"sha-256", Bytes(32, 1)}};
            shard_.handle_command(now, remote);
        }
    }

    // A check that only who knows the password can make.
    void knock(Timestamp now, const SocketAddress& from, std::uint8_t bits) {
        ice::CheckRequest request;
        request.id[0] = bits;
        request.role = (bits & 2) != 0 ? ice::Role::kControlled : ice::Role::kControlling;
        request.use_candidate = (bits & 4) != 0;
        const IceCredentials server = local(1 + (bits & 1U));
        const ice::CredentialPair pair{{"theirs", "their_password_that_is_long_enough"},
                                       {server.ufrag, server.pwd}};
        const Bytes check = ice::build_check(request, pair);
        invited_.insert(from);
        take(now, from, check);
    }
    void take(Timestamp now, const SocketAddress& from, BytesView bytes) {
        PacketRef packet = shard_.pool().acquire_large();
        CONFAB_CHECK(packet);
        std::copy(bytes.begin(), bytes.end(), packet.buffer().begin());
        packet.set_size(bytes.size());
        ice::Path path;
        path.local = World::shard_address(0);
        path.remote = from;
        (void)shard_.handle_datagram(now, path, std::move(packet));
        ++taken_;
        flush(now);
    }
    void run(Timestamp now) {
        if (now >= shard_.next_deadline()) shard_.handle_timeout(now);
        flush(now);
    }
    void check(std::int64_t ms) const {
        const ShardSnapshot snapshot = shard_.snapshot();
        CONFAB_CHECK(snapshot.packets_in_use == 0);
        CONFAB_CHECK(snapshot.events_dropped == 0 && snapshot.rtp_in == 0);
        // A flight for what asks for one; checks and repeated flights as time passes.
        CONFAB_CHECK(sent_ <= 64 + 4 * taken_ + static_cast<std::size_t>(ms) / 5);
        CONFAB_CHECK(shard_.routes().known_ufrags() == 2);
    }

  private:
    static IceCredentials local(std::uint64_t id) {
        return {"A" + std::to_string(id) + "lobby", "a_password_that_is_long_enough"};
    }
    static ShardConfig config() {
        ShardConfig config;
        config.dtls = &identity();
        config.wall = UnixTime::seconds(1'760'000'100);
        config.candidates = {{0, ice::Protocol::kUdp, World::shard_address(0)}};
        return config;
    }
    void flush(Timestamp now) {
        while (shard_.poll_transmit(now, batch_)) {
            for (std::size_t i = 0; i < batch_.run_count(); ++i) {
                const SendRun& run = batch_.run(i);
                CONFAB_CHECK(invited_.contains(run.path.remote));
                sent_ += (batch_.bytes(run).size() + run.segment_size - 1) / run.segment_size;
            }
            batch_.clear();
        }
        while (const auto event = shard_.poll_event())
            if (const auto* state = std::get_if<PeerStateChanged>(&*event))
                CONFAB_CHECK(state->state != PeerState::kConnected);
    }

    std::vector<std::deque<test::Links::Item>> queues_;
    test::Links links_;
    Shard shard_;
    SendBatch batch_;
    std::set<SocketAddress> invited_;
    std::size_t taken_ = 0;  // datagrams
    std::size_t sent_ = 0;
};

// ---------------------------------------------------------------- who attacks

struct Step {
    std::uint8_t from = 0;
    std::uint8_t a = 0;
    BytesView body;
};

class Driver {
  public:
    Driver()
        : world_(2),
          call_(world_),
          insider_(world_.add_client(0, true)),
          lobby_(world_time(world_.now_ms)) {
        join_other_room();
        call_.run(40);
        CONFAB_CHECK(insider_.transport->connected());
    }

    void step(std::uint8_t operation, const Step& s, std::int64_t ms) {
        switch (operation % 10) {
            case 0:
            case 1:
                datagram(s, 1);
                break;
            case 2:
                datagram(s, 1 + s.a % kBurst);
                break;
            case 3:
                frame(s);
                break;
            case 4:
                rtp(s);
                break;
            case 5:
                rtcp(s);
                break;
            case 6:
                message(s);
                break;
            case 7:
                replay(s);
                break;
            case 8:
                lobby_.knock(now(), stranger(s.from), s.a);
                break;
            default:
                lobby_.take(now(), stranger(s.from), s.body);
        }
        call_.run(ms);
        lobby_.run(now());
        check();
    }
    void finish() {
        call_.run(60);
        check();
        call_.check();
        for (const Client* one : {&call_.publisher(), &call_.subscriber()})
            CONFAB_CHECK(one->transport->connected());
        CONFAB_CHECK(!call_.subscriber().rtp.empty());
    }

  private:
    Timestamp now() const { return world_time(world_.now_ms); }

    void join_other_room() {
        AddReceiver video = test::vp8_receiver(insider_);
        video.receiver = ReceiverId(2000);
        video.room = RoomId(2);
        video.extensions.repaired_rid = 6;
        video.extensions.dependency_descriptor = 8;
        video.extensions.transport_cc = 9;
        video.layers = {
            {"q", 0, {}, {}, 160, 90}, {"h", 1, {}, {}, 320, 180}, {"f", 2, {}, {}, 640, 360}};
        AddReceiver audio = test::opus_receiver(insider_);
        audio.receiver = ReceiverId(2001);
        audio.room = RoomId(2);
        audio.extensions.audio_level = 7;
        for (const AddReceiver& receiver : {video, audio}) {
            world_.command(0, receiver);
            AddDownTrack track = test::down_track_to(insider_, receiver, 0,
                                                     receiver.kind == MediaKind::kVideo ? 71 : 81);
            track.extensions.transport_cc = 4;
            world_.command(0, track);
        }
        DataMember member = world_.add_member(insider_, "insider");
        member.room = RoomId(2);
        world_.command(0, member);
    }

    // Of anybody but those who have keys.
    static SocketAddress stranger(std::uint8_t number) {
        return {IpAddress::v4(0x0A000000U + number / 4U),
                static_cast<std::uint16_t>(4000 + number)};
    }
    SocketAddress source(std::uint8_t from) {
        switch (from % 4) {
            case 0:
                return call_.publisher().address;
            case 1:
                return call_.subscriber().address;
            case 2:
                return insider_.address;
            default:
                return stranger(from);
        }
    }

    void datagram(const Step& s, std::size_t copies) {
        SocketAddress from = source(s.from);
        for (std::size_t i = 0; i < copies; ++i) {
            Bytes bytes = to_vector(s.body);
            // Copies differ in one octet, or in where they come from.
            if (i > 0 && !bytes.empty() && (s.a & 0x80) != 0)
                bytes[i % bytes.size()] ^= static_cast<std::uint8_t>(i);
            if (i > 0 && (s.a & 0x40) != 0) from = stranger(static_cast<std::uint8_t>(s.from + i));
            world_.to_shards.push_back({from, World::shard_address(s.a % 2U), std::move(bytes)});
        }
    }
    void frame(const Step& s) {
        ice::Path path;
        path.local = World::shard_address(s.a % 2U);
        path.remote = source(s.from);
        path.protocol = ice::Protocol::kTcp;
        path.tcp_connection = 1 + s.a / 16U;
        Shard& shard = *world_.shards[s.a % 2U];
        (void)shard.handle_frame(now(), path, s.body);
        if ((s.a & 8) != 0) shard.handle_tcp_closed(now(), path);
    }
    // Under the keys of its own: any header that parses, with anything behind it.
    void rtp(const Step& s) {
        Bytes clear = to_vector(s.body);
        if (clear.size() < 12) return;
        clear[0] = static_cast<std::uint8_t>(0x80 | (clear[0] & 0x3F));
        if ((s.a & 1) != 0) {  // a stream that goes on
            const std::uint32_t ssrc = 900 + s.a / 32U;
            store_be16(&clear[2], ++sequences_[ssrc]);
            store_be32(&clear[4], static_cast<std::uint32_t>(world_.now_ms * 90));
            store_be32(&clear[8], ssrc);
            clear[1] = (s.a & 2) != 0 ? 96 : 111;
        }
        if (!wire::is_rtp(clear)) return;
        const auto packet = wire::parse_rtp(clear);
        // A number comes twice by replay() only: the insider's own sealing refuses to (NonceGuard).
        if (!packet || !used_.emplace(packet->header.ssrc, packet->header.sequence).second) return;
        insider_.send_packet(clear, world_.client_out[&insider_]);
        sent_.push_back(world_.client_out[&insider_].back().second);
    }
    void rtcp(const Step& s) {
        if (s.body.size() < 8) return;
        for (int i = 0; i <= s.a % 8; ++i)
            insider_.send_rtcp(to_vector(s.body), world_.client_out[&insider_]);
        sent_.push_back(world_.client_out[&insider_].back().second);
    }
    void message(const Step& s) {
        const char* const label = (s.a & 1) != 0 ? "_lossy" : "_reliable";
        const auto channel = insider_.channels.find(label);
        if (channel == insider_.channels.end() || s.body.empty()) return;
        (void)insider_.transport->send_message(now(), channel->second, sctp::SharedBytes(s.body));
    }
    // What had the right keys once, again: from the same address, or from elsewhere. (Not from
    // those of the call: simulated handshakes give everybody the same keys.)
    void replay(const Step& s) {
        if (sent_.empty()) return;
        const SocketAddress from = (s.from & 1) != 0 ? insider_.address : stranger(s.from);
        for (int i = 0; i <= s.a % 16; ++i)
            world_.to_shards.push_back(
                {from, World::shard_address(0), sent_[(s.a / 16U) % sent_.size()]});
    }

    void check() {
        CONFAB_CHECK(world_.strayed == 0);
        for (const auto& shard : world_.shards) {
            const ShardSnapshot snapshot = shard->snapshot();
            CONFAB_CHECK(snapshot.peers <= 2 && snapshot.receivers <= 4);
            CONFAB_CHECK(snapshot.down_tracks <= 2 && snapshot.tracks <= 4);
            CONFAB_CHECK(snapshot.packets_in_use <= kMaxPoolUse);
            CONFAB_CHECK(snapshot.events_dropped == 0 && snapshot.links_dropped == 0);
            CONFAB_CHECK(shard->routes().known_ufrags() <= 2);
        }
        world_.events.clear();
        insider_.rtp.clear();
        insider_.rtcp.clear();
        insider_.messages.clear();
        lobby_.check(world_.now_ms);
    }

    World world_;
    Call call_;
    Client& insider_;
    Lobby lobby_;
    std::map<std::uint32_t, std::uint16_t> sequences_;
    std::set<std::pair<std::uint32_t, std::uint16_t>> used_;  // SSRC and sequence number
    std::vector<Bytes> sent_;                                 // by the insider
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    (void)identity();
    fuzz::fix_randomness();
    Driver driver;
    ByteReader reader(BytesView(data, size));
    for (std::size_t steps = 0; steps < kMaxSteps && !reader.at_end(); ++steps) {
        const std::uint8_t operation = reader.u8();
        Step step;
        step.from = reader.u8();
        step.a = reader.u8();
        const std::uint8_t time = reader.u8();
        const std::uint8_t length = reader.u8();
        step.body = reader.bytes(std::min<std::size_t>(length, reader.remaining()));
        if (!reader.ok()) break;
        driver.step(operation, step, time % 48);
    }
    driver.finish();
    return 0;
}
