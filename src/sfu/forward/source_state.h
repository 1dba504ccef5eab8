// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What all subscribers of one receiver on this worker read of it: codec, layers that flow,
// bitrates, sender reports, decode targets (02 §10.6). One object per receiver and worker; its
// owner keeps it up to date before it passes packets to the down-tracks.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/state/state.h"
#include "base/time.h"
#include "sfu/layers/layer.h"
#include "sfu/shard/commands.h"
#include "wire/rtp/dependency_descriptor.h"

namespace confab::sfu {

// The newest sender report of one stream of the publisher (RFC 3550 §6.4.1).
struct SourceReport {
    NtpTime ntp;
    std::int64_t timestamp = 0;  // RTP time, unwrapped like MediaPacket::timestamp of that stream
    Timestamp arrival;
};

// As a subscriber's stream has it; `offset`: the source's time minus the outgoing one.
struct PlacedReport {
    SourceReport report;
    std::int64_t offset = 0;
};

// A report about packets before `from` (the source's time) is carried on by the numbers that they
// had: the source's clock may have stood still behind them (02 FWD-10).
struct HeldOffset {
    std::int64_t offset = 0;
    std::int64_t from = 0;
};

// The decode targets of a dependency structure, as far as a selector needs them.
struct DecodeTargets {
    static constexpr std::uint8_t kNoChain = 0xFF;

    std::uint8_t count = 0;
    std::uint8_t chain_count = 0;
    std::array<std::uint8_t, wire::kMaxDdDecodeTargets> spatial{};
    std::array<std::uint8_t, wire::kMaxDdDecodeTargets> temporal{};
    std::array<std::uint8_t, wire::kMaxDdDecodeTargets> chain{};  // protecting it, or kNoChain

    static DecodeTargets of(const wire::DependencyStructure& structure);
    // Bit t for every target of at most these layers (02 FWD-08).
    std::uint32_t up_to(std::uint8_t max_spatial, std::uint8_t max_temporal) const;
    // Bit s for every spatial layer with a target of this mask.
    std::uint8_t layers(std::uint32_t mask) const;
    bool operator==(const DecodeTargets&) const = default;
};

struct SourceState {
    Codec codec = Codec::kNone;
    LayerMode mode = LayerMode::kOneSpatialLayerPerStream;
    std::uint32_t clock_rate = 90'000;
    bool dependency_descriptor = false;  // negotiated with the publisher
    bool muted = false;                  // by the publisher
    std::uint8_t available = 0;          // bit s: spatial layer s flows (02 IN-22)
    Layer max_seen;                      // highest layer a packet came of
    // Bits per second of [spatial][temporal], cumulative over temporal and, for SVC, over spatial.
    std::array<std::array<std::uint64_t, kMaxTemporalLayers>, kMaxSpatialLayers> bitrate{};
    // The most of it that was measured lately: sources vary, and a step up to a layer is judged by
    // what it takes at its worst.
    std::array<std::array<std::uint64_t, kMaxTemporalLayers>, kMaxSpatialLayers> peak{};
    // Frames a second likewise, cumulative over temporal; 0 while not measured (02 IN-23).
    std::array<std::array<float, kMaxTemporalLayers>, kMaxSpatialLayers> fps{};
    // By spatial layer; for SVC and audio only [0].
    std::array<std::optional<SourceReport>, kMaxSpatialLayers> reports;
    // Of the structure last attached to a packet, already when that packet is forwarded.
    DecodeTargets decode_targets;

    // Nothing differs that a packet's way depends on.
    bool same_but_rates(const SourceState& other) const {
        return codec == other.codec && mode == other.mode && muted == other.muted &&
               available == other.available && max_seen == other.max_seen &&
               decode_targets == other.decode_targets;
    }
    bool svc() const { return mode == LayerMode::kMultipleSpatialLayersPerStream; }
    // Which entry of `reports` belongs to a packet of this spatial layer.
    std::size_t stream_of(std::int8_t spatial) const {
        return svc() || spatial < 0 ? 0 : static_cast<std::size_t>(spatial) % kMaxSpatialLayers;
    }
    // Notes a report; one that goes back in time is ignored (02 IN-06). False then.
    bool add_report(std::size_t stream, const SourceReport& report);
    // Highest available spatial layer ≤ limit, -1 for none.
    std::int8_t highest_available(std::int8_t limit) const;
    std::int8_t lowest_available() const;

    void save(StateWriter& out) const;
    void load(StateReader& in);
};

}  // namespace confab::sfu
