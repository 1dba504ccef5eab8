// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The parts of a worker that know tracks, with real connections and without the shard: a test
// drives one of them and looks at its neighbours. Packets go in in the clear; what leaves is
// decrypted at the other end of its connection.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "sfu/inbound/inbound_testing.h"
#include "sfu/peer/peer_pair_testing.h"
#include "sfu/tracks/peer_rtcp.h"

namespace confab::sfu::test {

// Rings that keep what crosses.
struct KeptLinks final : ShardLinks {
    struct Sent {
        WorkerIndex to = 0;
        LinkMessage message;
        Bytes bytes;
    };
    bool push(WorkerIndex to, const LinkMessage& message, BytesView bytes) override {
        if (full) return false;
        sent.push_back({to, message, to_vector(bytes)});
        return true;
    }
    // Those for a worker since the last call.
    template <typename T>
    std::vector<T> take(WorkerIndex to) {
        std::vector<T> found;
        for (const Sent& one : sent)
            if (const auto* body = std::get_if<T>(&one.message.body); body && one.to == to)
                found.push_back(*body);
        std::erase_if(sent, [&](const Sent& one) {
            return one.to == to && std::holds_alternative<T>(one.message.body);
        });
        return found;
    }
    bool full = false;
    std::vector<Sent> sent;
};

struct Seat {
    Seat(std::uint16_t number, std::unique_ptr<BandwidthPort> bandwidth)
        : pair(number, srtp::Profile::kAes128CmSha1_80, std::move(bandwidth)),
          peer(pair.local.get()) {}
    // Numbers of the packets that its client got of this stream, in order.
    std::vector<std::uint16_t> sequences(std::uint32_t ssrc) const {
        std::vector<std::uint16_t> result;
        for (const Bytes& packet : rtp) {
            const auto view = wire::parse_rtp(packet).value();
            if (view.header.ssrc == ssrc) result.push_back(view.header.sequence);
        }
        return result;
    }
    PeerPair pair;
    ShardPeer* peer;
    std::vector<Bytes> rtp;   // that its client got
    std::vector<Bytes> rtcp;  // compounds
};

struct Stage : DueTimers {
    static constexpr WorkerIndex kSelf = 0;
    static constexpr WorkerIndex kOther = 1;
    static constexpr std::uint32_t kVideoSsrc = 0xAB;
    static constexpr std::uint32_t kAudioSsrc = 0xCD;
    static constexpr ReceiverId kVideo{1000};
    static constexpr ReceiverId kAudio{1001};

    explicit Stage(const ShardOptions& of = {}, const PacketPoolLimits& limits = {})
        : options(of), pool(limits) {}

    Timestamp now() const { return world_time(now_ms); }

    // ------------------------------------------------------------ who is there
    Seat& connect(std::unique_ptr<BandwidthPort> bandwidth = make_bandwidth({})) {
        seats.push_back(std::make_unique<Seat>(static_cast<std::uint16_t>(seats.size() + 1),
                                               std::move(bandwidth)));
        Seat& seat = *seats.back();
        peers.add(std::move(seat.pair.local));
        return seat;
    }
    // A connection that is not up.
    ShardPeer& expect(PeerId id) {
        peer::TransportConfig config;
        config.ice.local = {"late_ufrag", "late_password_1234567890"};
        peers.add(std::make_unique<ShardPeer>(id, peer::SharedCrypto{&engine, nullptr, true},
                                              config, make_bandwidth({}), rng));
        return *peers.find(id);
    }
    static AddReceiver video_of(const ShardPeer& publisher) {
        AddReceiver add = inbound_test::video_receiver();
        add.receiver = kVideo;
        add.peer = publisher.id();
        add.room = RoomId(1);
        add.mid = "0";
        add.layers[0].ssrc = Ssrc(kVideoSsrc);
        return add;
    }
    static AddReceiver audio_of(const ShardPeer& publisher) {
        AddReceiver add = inbound_test::audio_receiver(false);
        add.receiver = kAudio;
        add.peer = publisher.id();
        add.room = RoomId(1);
        add.mid = "1";
        add.layers[0].ssrc = Ssrc(kAudioSsrc);
        return add;
    }
    static AddDownTrack track_to(const ShardPeer& subscriber, MediaKind kind, std::uint32_t ssrc,
                                 WorkerIndex home = kSelf) {
        const bool video = kind == MediaKind::kVideo;
        AddDownTrack add;
        add.down_track = DownTrackId(ssrc);
        add.peer = subscriber.id();
        add.receiver = video ? kVideo : kAudio;
        add.home = home;
        add.kind = kind;
        add.ssrc = Ssrc(ssrc);
        add.rtx_ssrc = Ssrc(ssrc + 1);
        add.codecs = {video ? SendCodec{Codec::kVp8, PayloadType(96), PayloadType(97), 90'000, true}
                            : SendCodec{Codec::kOpus, PayloadType(111), {}, 48'000, true}};
        return add;
    }
    template <typename C>
    void command(C c) {
        fan_out.deliver(now());
        if constexpr (requires { publications.apply(now(), c); })
            publications.apply(now(), c);
        else
            subscriptions.apply(now(), c);
    }
    Track& track(ReceiverId id) {
        REQUIRE(tracks.find(id) != nullptr);
        return *tracks.find(id);
    }

    // ------------------------------------------------------------ packets
    void rtp(ShardPeer& publisher, const inbound_test::PacketSpec& spec) {
        const Bytes bytes = inbound_test::build(spec);
        PacketRef packet = pool.acquire_large();
        std::copy(bytes.begin(), bytes.end(), packet.buffer().begin());
        packet.set_size(bytes.size());
        publications.handle_rtp({now(), now()}, publisher, packet, packet.data());
    }
    void video(ShardPeer& publisher, std::uint16_t sequence, bool key = false) {
        rtp(publisher, {sequence, sequence * 3000U, 96, kVideoSsrc,
                        key ? inbound_test::vp8_key() : inbound_test::vp8_delta()});
    }
    void audio(ShardPeer& publisher, std::uint16_t sequence) {
        rtp(publisher, {sequence, sequence * 960U, 111, kAudioSsrc, {1, 2, 3}});
    }
    // From another worker, in the clear: one packet of a track whose home is there.
    void linked_video(std::uint16_t sequence, bool key) {
        const Bytes payload = key ? inbound_test::vp8_key() : inbound_test::vp8_delta();
        LinkPacket link{kVideo, {}, 0, static_cast<std::uint16_t>(payload.size()), 0, 0};
        link.packet.codec = Codec::kVp8;
        link.packet.marker = link.packet.frame_start = link.packet.frame_end = true;
        link.packet.key_frame = key;
        link.packet.sync_temporal = key ? 3 : -1;
        link.packet.sequence = sequence;
        link.packet.timestamp = sequence * 3000;
        link.packet.vp8 = wire::parse_vp8(payload).value();
        replicas.handle_packet(now(), link, payload);
    }
    void linked(const LinkBody& body) {
        fan_out.deliver(now());
        replicas.handle(now(), {kOther, body});
    }
    SourceState video_source() const {
        SourceState source;
        source.codec = Codec::kVp8;
        source.available = 1;
        source.max_seen = {0, 0};
        return source;
    }

    // ------------------------------------------------------------ turns
    void flush() {
        fan_out.deliver(now());
        send_out();
    }
    void send_out() {
        while (queue.flush({now(), clock.ntp(now())}, batch) || !batch.empty()) {
            for (std::size_t r = 0; r < batch.run_count(); ++r)
                receive(batch.run(r));
            batch.clear();
        }
    }
    void turn() {
        fan_out.deliver(now());
        changes.begin_turn(now());
        stale.begin_turn(now());
        while (TimerNode* node = wheel.pop_due(now()))
            if (node->owner() != nullptr)
                static_cast<Timed*>(node->owner())->on_timer(*this, now());
        flush();
    }
    void run(std::int64_t ms) {
        for (const std::int64_t end = now_ms + ms; now_ms < end;) {
            ++now_ms;
            turn();
        }
    }
    template <typename T>
    std::vector<T> take_events() {
        while (auto event = events.poll())
            told.push_back(std::move(*event));
        std::vector<T> found;
        for (const Event& event : told)
            if (const auto* one = std::get_if<T>(&event)) found.push_back(*one);
        std::erase_if(told, [](const Event& event) { return std::holds_alternative<T>(event); });
        return found;
    }
    // Requests for key frames that a publisher's client got.
    static std::size_t plis_to(const Seat& seat) {
        std::size_t count = 0;
        for (const Bytes& compound : seat.rtcp) {
            wire::RtcpReader reader(compound);
            while (const auto block = reader.next())
                count += wire::parse_pli(*block) ? 1U : 0U;
        }
        return count;
    }

    std::int64_t now_ms = 500;  // connections were made before
    ShardOptions options;
    Rng rng{11};
    ShardClock clock{UnixTime::seconds(1'700'000'000), world_time(0)};
    PacketPool pool;  // before all that holds packets
    FramePool frames;
    srtp::Engine engine;
    TimerWheel wheel{world_time(500)};
    KeptLinks kept;
    LinkSender links{kept, kSelf, 3, wheel};
    EventOutlets events{1};
    PeerRoutes routes{kSelf, 3, {}};
    FlushQueue queue{engine, wheel, routes};
    std::vector<std::unique_ptr<Seat>> seats;
    PeerTable peers;
    TrackTable tracks{kSelf, options};
    StaleHistory stale{tracks, wheel};
    Speakers speakers{events, wheel};
    QualityReports quality{events, wheel};
    Upstream upstream{tracks, links, queue, options.loss_proxying};
    Subscriptions subscriptions{
        {peers, tracks, upstream, quality, events, queue, wheel, rng, options}};
    FanOut fan_out{{pool, frames, subscriptions, upstream, queue, events, stale},
                   options.frame_hold,
                   options.sound_hold};
    SourceChanges changes{{tracks, fan_out, subscriptions, links, wheel}};
    Replicas replicas{{tracks, upstream, fan_out, changes, links, pool}};
    Publications publications{
        {peers, tracks, speakers, quality, fan_out, changes, replicas, events, queue, wheel}};
    PeerRtcp rtcp{publications, subscriptions, upstream, clock};
    SendBatch batch;
    std::vector<Event> told;

  private:
    void receive(const SendRun& run) {
        const auto to = std::find_if(seats.begin(), seats.end(), [&](const auto& seat) {
            return seat->pair.there == run.path.remote;
        });
        REQUIRE(to != seats.end());
        Seat& seat = **to;
        const BytesSpan all = batch.bytes(run);
        for (std::size_t at = 0; at < all.size(); at += run.segment_size) {
            Bytes bytes = to_vector(
                all.subspan(at, std::min<std::size_t>(run.segment_size, all.size() - at)));
            const ice::Path path{0, ice::Protocol::kUdp, 0, seat.pair.there, seat.pair.here};
            const auto media = seat.pair.remote->handle_packet(now(), path, bytes);
            if (media.kind == peer::Transport::Media::Kind::kRtp)
                seat.rtp.push_back(to_vector(media.packet));
            if (media.kind == peer::Transport::Media::Kind::kRtcp)
                seat.rtcp.push_back(to_vector(media.packet));
        }
    }
    void peer_due(Timestamp at, ShardPeer& peer) override {
        if (at >= peer.next_media_deadline()) {
            subscriptions.allocate_if_due(at, peer);
            peer.feedback_wanted = true;
            peer.update_media_deadline(at);
        }
        queue.mark_changed(peer);
    }
    void quality_due(Timestamp at, ShardPeer& peer) override { quality.report(at, peer); }
    void down_track_due(Timestamp at, OutboundTrack& outbound) override {
        subscriptions.handle_timeout(at, outbound);
    }
    void receiver_due(Timestamp at, ReceiverEntry& entry) override {
        publications.handle_timeout(at, entry);
    }
};

}  // namespace confab::sfu::test
