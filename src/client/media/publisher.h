// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a client publishes: encoders, packetised onto SSRCs with header extensions as browsers send
// them (mid and rid until the first receiver report, 02 IN-11), sender reports each second, RTX for
// what is asked again, key frames for PLIs.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "client/connection/connection.h"
#include "client/media/encoder.h"
#include "wire/rtcp/rtcp.h"

namespace confab::client {

struct PublisherCounters {
    std::uint64_t packets = 0;
    std::uint64_t resent = 0;
    std::uint64_t plis = 0;
    std::uint64_t nacks = 0;
    std::uint64_t reports = 0;
    std::uint64_t transport_feedback = 0;
};

class Publisher {
  public:
    // `wall_at_zero`: the wall clock at Timestamp{}, for sender reports.
    Publisher(Connection& connection, UnixTime wall_at_zero, Rng rng)
        : connection_(connection), wall_at_zero_(wall_at_zero), rng_(rng) {}

    void add_track(Timestamp now, const TrackPlan& plan);
    void remove_track(std::uint32_t number);
    void set_muted(std::uint32_t number, bool muted);
    // Of tracks that follow it (TrackPlan::follows_quality); layers from the lowest.
    void set_layer(std::uint32_t number, std::size_t layer, bool wanted);
    void set_speaking(bool speaking);
    // Nothing more comes of it: its clip has ended.
    bool has_ended(std::uint32_t number) const;
    void handle_block(Timestamp now, const wire::RtcpBlock& block);
    void handle_timeout(Timestamp now);
    Timestamp next_deadline() const;
    const PublisherCounters& counters() const { return counters_; }
    // Key frames made on all tracks.
    std::uint64_t key_frames() const;

  private:
    static constexpr std::size_t kHistory = 512;
    struct Sent {
        std::uint16_t sequence = 0;
        bool used = false;
        EncodedPacket packet;
    };
    struct Stream {
        LayerPlan plan;
        std::uint16_t sequence = 0;
        std::uint16_t rtx_sequence = 0;
        bool known = false;      // a receiver report named the SSRC
        bool rtx_known = false;  // likewise
        std::uint32_t packets = 0;
        std::uint32_t octets = 0;
        std::vector<Sent> history;
    };
    struct Track {
        TrackPlan plan;
        bool muted = false;
        std::unique_ptr<PacketSource> encoder;
        std::vector<Stream> streams;
        Timestamp next_report;
    };

    void send_frame(Timestamp now, Track& track);
    void send_packet(Track& track, Stream& stream, EncodedPacket packet);
    void resend(Track& track, Stream& stream, std::uint16_t sequence);
    void send_reports(Timestamp now, Track& track);
    void add_extensions(const Track& track, const Stream& stream, bool rtx,
                        wire::ExtensionWriter& out);
    void handle_report(const wire::ReportBlocks& blocks);
    // The stream of a media SSRC; both null when there is none.
    std::pair<Track*, Stream*> find(std::uint32_t ssrc);

    Connection& connection_;
    UnixTime wall_at_zero_;
    Rng rng_;
    std::uint16_t transport_sequence_ = 0;
    std::vector<std::unique_ptr<Track>> tracks_;
    PublisherCounters counters_;
};

}  // namespace confab::client
