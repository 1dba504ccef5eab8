// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A downlink over a real connection, with a port that keeps what it hears.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "sfu/congestion/bandwidth_port_testing.h"
#include "sfu/peer/peer_pair_testing.h"

namespace confab::sfu::test {

// A downlink over a real connection, with a port of our own and one down-track.
struct Sending {
    explicit Sending(std::uint8_t transport_cc,
                     srtp::Profile profile = srtp::Profile::kAes128CmSha1_80)
        : pair(1, profile),
          downlink(pair.local->transport(), counters, make_port()),
          encryptor(pair.engine) {
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
    // A packet of the track. Behind its payload stands what came behind it.
    PendingPacket made(const OutboundTrack& of, std::size_t size = 300) {
        PacketRef packet = pool.acquire_large();
        std::fill(packet.buffer().begin(), packet.buffer().end(), std::uint8_t{0xEE});
        packet.set_size(size);
        std::fill(packet.data().begin(), packet.data().end(), static_cast<std::uint8_t>(next));
        ForwardedPacket forwarded;
        forwarded.sequence = next++;
        forwarded.ssrc = of.down_track.info().ssrc;
        const BytesView payload = packet.data();
        return {forwarded, std::move(packet), payload, {}, &of.down_track.extensions()};
    }
    // It waits for the next flush.
    bool enqueue(const OutboundTrack& of, std::size_t size = 300) {
        return downlink.enqueue(made(of, size), of.down_track.info().kind);
    }
    // What the client makes of the datagrams of a batch.
    struct Got {
        std::uint32_t ssrc = 0;
        std::uint16_t sequence = 0;
        std::size_t padding = 0;
        Bytes header;
        Bytes payload;
        Bytes behind;  // padding
    };
    std::vector<Got> received(SendBatch& sent) {
        std::vector<Got> all;
        for (std::size_t r = 0; r < sent.run_count(); ++r) {
            const SendRun& run = sent.run(r);
            const BytesSpan bytes = sent.bytes(run);
            for (std::size_t at = 0; at < bytes.size(); at += run.segment_size) {
                Bytes one = to_vector(
                    bytes.subspan(at, std::min<std::size_t>(run.segment_size, bytes.size() - at)));
                const ice::Path path{0, ice::Protocol::kUdp, 0, pair.there, pair.here};
                const auto media = pair.remote->handle_packet(world_time(900), path, one);
                if (media.kind != peer::Transport::Media::Kind::kRtp) continue;
                const auto view = wire::parse_rtp(media.packet);
                REQUIRE(view.has_value());
                const auto before = view->payload.data() - media.packet.data();
                all.push_back({view->header.ssrc, view->header.sequence, view->header.padding_size,
                               to_vector(media.packet.first(static_cast<std::size_t>(before))),
                               to_vector(view->payload),
                               to_vector(media.packet.last(view->header.padding_size))});
            }
        }
        return all;
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
    FramePool frames;
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
