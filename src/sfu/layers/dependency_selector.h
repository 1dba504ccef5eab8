// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Which packets of a source with dependency descriptors go on (AV1 RTP payload specification 1.0,
// Appendix A; 02 FWD-08): AV1, and VP9 where negotiated. A frame passes if it is present in the
// best decode target within reach whose chain is intact and none of its references was dropped.
// Frame numbers are not compacted.
#pragma once

#include <array>
#include <cstdint>

#include "base/state/state.h"
#include "sfu/forward/source_state.h"
#include "sfu/layers/layer.h"
#include "sfu/packet/media_packet.h"

namespace confab::sfu {

class DependencySelector {
  public:
    static constexpr std::int64_t kFrames = 256;   // decisions remembered
    static constexpr std::int64_t kPatience = 80;  // a missing frame this old will not come
    static constexpr std::int64_t kRestartGap = 6000;

    struct Rewrite {
        std::uint32_t mask = 0;  // active decode targets
        std::uint16_t frame_number = 0;
        std::uint8_t target_count = 0;
    };

    // `rewrite` is written when the packet is to be forwarded. `deficient`: the subscriber's link
    // is congested, so that a layer to be left goes on in its lowest temporal layer until a key
    // frame.
    Selection select(LayerState& state, const MediaPacket& packet, const DecodeTargets& targets,
                     Rewrite& rewrite, bool deficient = false);
    // Nothing is decodable any more until the next structure (pause, mute, other source).
    void reset();
    // Targets the encoder produces at present.
    std::uint32_t active() const { return active_; }

    void save(StateWriter& out) const;
    void load(StateReader& in);

  private:
    enum class Decision : std::uint8_t { kUnknown, kForwarded, kDropped };
    struct Choice {
        std::uint8_t target = 0;
        bool found = false;
    };

    template <typename Self, typename Io>
    static void fields(Self& self, Io& io);
    std::int64_t unwrap(std::uint16_t frame_number) const;
    Decision decision(std::int64_t frame) const;
    void decide(std::int64_t frame, Decision decision);
    void advance_to(std::int64_t frame);
    void update_chains(const wire::DependencyInfo& dd, std::int64_t frame);
    void follow_target(Layer target, const MediaPacket& packet);
    bool intact(const DecodeTargets& targets, std::uint8_t target) const;
    Choice choose(const LayerState& state, const DecodeTargets& targets) const;
    Choice best_within(Layer limit, const DecodeTargets& targets) const;
    bool references_kept(const wire::DependencyInfo& dd, std::int64_t frame) const;
    bool decide_new_frame(LayerState& state, const MediaPacket& packet,
                          const DecodeTargets& targets, std::int64_t frame);
    void fill_rewrite(const LayerState& state, const MediaPacket& packet,
                      const DecodeTargets& targets, Rewrite& rewrite);

    bool started_ = false;  // a structure came since the last reset
    bool sent_before_ = false;
    std::uint16_t frame_offset_ = 0;  // sent number minus the source's
    std::uint16_t last_sent_frame_ = 0;
    std::uint32_t broken_ = ~std::uint32_t{0};  // chains, one bit each
    std::uint32_t active_ = 0;
    Layer limit_;               // of the picture that comes
    bool deficient_ = false;    // as of the packet being looked at
    std::int64_t picture_ = 0;  // its RTP time
    std::int64_t newest_ = -1;
    std::array<Decision, kFrames> decisions_{};
};

}  // namespace confab::sfu
