// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A downlink over a real connection, with a port that keeps what it hears.
#pragma once

#include <doctest/doctest.h>

#include <functional>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "sfu/peer/peer_pair_testing.h"

namespace confab::sfu::test {

// Keeps what it hears; its answers are the test's.
struct RecordingPort final : BandwidthPort {
    void packets_sent(std::span<const SentPacket> packets) override {
        ++calls;
        sent.insert(sent.end(), packets.begin(), packets.end());
    }
    void handle_transport_feedback(std::span<const PacketResult> packets, Timestamp) override {
        results.insert(results.end(), packets.begin(), packets.end());
    }
    void handle_remb(std::uint64_t, Timestamp, std::span<const std::uint32_t>) override {}
    void update_rtt(Duration rtt, Timestamp) override { last_rtt = rtt; }
    void set_limit(std::uint64_t) override {}
    bool allocate(std::span<const VideoDemand> demands, std::span<VideoShare> shares,
                  Timestamp) override {
        demanded = demands.size();
        if (look) look(demands, shares);
        for (VideoShare& share : shares)
            share.cap = cap;
        return true;
    }
    Timestamp next_deadline() const override { return deadline; }
    bool deficient() const override { return false; }
    std::uint64_t target_bitrate() const override { return kUnlimitedCapacity; }
    int calls = 0;
    std::vector<SentPacket> sent;
    std::vector<PacketResult> results;
    Duration last_rtt;
    std::size_t demanded = 0;
    Layer cap = kTopLayer;
    Timestamp deadline = Timestamp::never();
    std::function<void(std::span<const VideoDemand>, std::span<VideoShare>)> look;
};

// A downlink over a real connection, with a port of our own and one down-track.
struct Sending {
    explicit Sending(std::uint8_t transport_cc)
        : downlink(pair.local->transport(), counters, make_port()), encryptor(pair.engine) {
        AddDownTrack add = video(500);
        add.extensions.transport_cc = transport_cc;
        outbound = &this->add(add);
    }
    static AddDownTrack video(std::uint32_t ssrc) {
        AddDownTrack add;
        add.down_track = DownTrackId(ssrc);
        add.kind = MediaKind::kVideo;
        add.ssrc = Ssrc(ssrc);
        add.codecs = {{Codec::kVp8, PayloadType(96), std::nullopt, 90'000, true}};
        return add;
    }
    OutboundTrack& add(const AddDownTrack& config) {
        return downlink.add(
            std::make_unique<OutboundTrack>(config, track, *pair.local, pair.rng, 0));
    }
    // A packet of the track that waits for the next flush.
    bool enqueue(const OutboundTrack& of) {
        PacketRef packet = pool.acquire_large();
        packet.set_size(300);
        ForwardedPacket forwarded;
        forwarded.sequence = next++;
        forwarded.ssrc = of.down_track.info().ssrc;
        const BytesView payload = packet.data();
        return downlink.enqueue(
            {forwarded, std::move(packet), payload, {}, &of.down_track.extensions()});
    }
    bool flush(std::int64_t ms, SendBatch& into) {
        const bool more = downlink.flush({world_time(ms), NtpTime()}, encryptor, into);
        encryptor.complete_all();
        downlink.release_flushed();
        return more;
    }
    std::unique_ptr<BandwidthPort> make_port() {
        auto made = std::make_unique<RecordingPort>();
        port = made.get();
        return made;
    }
    void send(int count, std::int64_t ms) {
        for (int i = 0; i < count; ++i)
            (void)enqueue(*outbound);
        CHECK_FALSE(flush(ms, batch));
        batch.clear();
    }
    // Every packet from `base` on, as `received` says, 10 ms apart.
    void report(std::uint16_t base, std::vector<bool> received) {
        std::vector<wire::TransportArrival> arrivals;
        for (std::size_t i = 0; i < received.size(); ++i)
            if (received[i])
                arrivals.push_back({static_cast<std::int64_t>(base + i),
                                    world_time(1000 + 10 * static_cast<std::int64_t>(i))});
        Bytes buffer(1000);
        ByteWriter out(buffer);
        REQUIRE(wire::write_transport_feedback(out, 1, 500, 0, arrivals) > 0);
        wire::RtcpReader reader(out.written());
        const auto block = reader.next();
        REQUIRE(block.has_value());
        downlink.handle_transport_feedback(world_time(900),
                                           wire::parse_transport_feedback(*block).value());
    }
    PacketPool pool;  // before all that holds packets
    PeerPair pair;
    PeerCounters counters;
    RecordingPort* port = nullptr;
    Track track{ReceiverId(9), WorkerIndex(0), MediaKind::kVideo};
    Downlink downlink;
    OutboundTrack* outbound = nullptr;
    srtp::BatchEncryptor encryptor;
    SendBatch batch;
    std::int64_t next = 1;
};

}  // namespace confab::sfu::test
