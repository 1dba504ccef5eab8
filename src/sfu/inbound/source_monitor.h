// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Watches the layers of one published track at its home and keeps what SourceState says of them:
// which flow, how many bits and how many frames a second they take (02 IN-21, IN-22, IN-23).
#pragma once

#include <array>
#include <optional>

#include "base/state/state.h"
#include "sfu/forward/source_state.h"
#include "sfu/inbound/layer_fps.h"
#include "sfu/inbound/stream_tracker.h"
#include "sfu/packet/media_packet.h"

namespace confab::sfu {

class SourceMonitor {
  public:
    SourceMonitor() : SourceMonitor(MediaKind::kAudio, false) {}
    SourceMonitor(MediaKind kind, bool screen_share);

    // One packet on its way to the subscribers. True if a layer became available.
    bool packet(const MediaPacket& packet, SourceState& state);
    // Packets of another codec begin, with this layer: which others there are, they say.
    void restart(std::uint8_t spatial, SourceState& state);
    // True if layers or bitrates changed.
    bool handle_timeout(Timestamp now, SourceState& state);
    Timestamp next_deadline() const;
    void set_muted(bool muted, SourceState& state);
    // The publisher was asked for spatial layers up to this one, -1 for none (02 IN-21).
    void want(Timestamp now, std::int8_t max_spatial);
    bool wanted() const { return wanted_ >= 0; }
    // How many spatial layers that the publisher was asked for stand above the highest that flows
    // (02 CQ-02): of those that came once and, when an encoder has had its time, of those up to
    // `announced`. 0 where nothing flows: silence is judged by itself.
    double missing_layers(Timestamp now, const SourceState& state, std::int8_t announced) const;

    void save(StateWriter& out) const;
    void load(StateReader& in);

  private:
    static constexpr Duration kEncoderStart = Duration::seconds(5);

    template <typename Self, typename Io>
    static void fields(Self& self, Io& io);

    struct LayerWatch {
        StreamTracker tracker;
        BitrateMeter meter;
        LayerFps fps;
        // Of all layers and of the lowest, when the tracker's cycle began.
        std::uint64_t all_before = 0;
        std::uint64_t lowest_before = 0;
    };
    static LayerWatch watch(std::uint8_t spatial, bool screen_share);
    void write_rates(SourceState& state) const;
    void write_bitrates(SourceState& state) const;
    StreamTracker::Change end_cycle(std::size_t layer, Timestamp now);
    void begin_cycle(LayerWatch& watch) const;
    void set_flowing(SourceState& state, std::size_t tracker, bool flowing) const;

    MediaKind kind_;
    std::array<LayerWatch, kMaxSpatialLayers> layers_;
    // Packets with content, ever: as the trackers count them.
    std::uint64_t all_packets_ = 0;
    std::uint64_t lowest_packets_ = 0;
    // Of an SVC stream with dependency descriptors: the layers its mask says are produced, bit s
    // for layer s; one tracker then watches them all. 0: no mask seen.
    std::uint8_t produced_ = 0;
    std::int8_t wanted_ = static_cast<std::int8_t>(kMaxSpatialLayers - 1);
    // From when on layers that never came are missed: a while behind the first packet, and behind a
    // wish for more. Not exported, the next packet says anew.
    Timestamp layers_due_ = Timestamp::never();
};

}  // namespace confab::sfu
