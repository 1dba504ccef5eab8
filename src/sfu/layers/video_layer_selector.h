// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Which packets of a video source go on, whatever its codec: the selector that fits how the
// publisher sends its layers (02 FWD-05, FWD-07, FWD-08), and the layers that are being forwarded.
#pragma once

#include <cstdint>
#include <memory>

#include "base/state/state.h"
#include "sfu/forward/source_state.h"
#include "sfu/layers/dependency_selector.h"
#include "sfu/layers/layer.h"
#include "sfu/layers/simulcast_selector.h"
#include "sfu/packet/media_packet.h"

namespace confab::sfu {

class VideoLayerSelector {
  public:
    using Rewrite = DependencySelector::Rewrite;

    // Packets are of this codec from now on; makes room for what it needs.
    void take_codec(Codec codec, const SourceState& source);
    // The source has descriptors, which it had not when the codec was taken: to be taken again.
    bool lacks_descriptors(const SourceState& source) const {
        return layered_codec_ && source.dependency_descriptor && !dependency_;
    }
    // The packet is of the codec taken last. `rewrite` is written where the packet's dependency
    // descriptor must be.
    Selection select(const MediaPacket& packet, const SourceState& source, Rewrite& rewrite) {
        if (by_stream(source)) return select_simulcast(layers_, packet, deficient_);
        return select_svc(packet, source, rewrite);
    }
    // Each layer is a stream: of a picture that is no key frame all packets are selected, or none.
    bool by_stream(const SourceState& source) const { return !layered_codec_ || !source.svc(); }
    // Nothing is forwarded any more until the next key frame.
    void stop();
    // The subscriber's link gives less than was asked for.
    void set_deficient(bool deficient) { deficient_ = deficient; }
    bool deficient() const { return deficient_; }
    // Whether copies of a packet of this layer help: while the link is congested those of layers
    // about to be left help nobody (02 FWD-11).
    bool may_resend(std::int8_t spatial) const {
        if (!deficient_) return true;
        return spatial <= layers_.current.spatial &&
               layers_.target.spatial >= layers_.current.spatial;
    }
    LayerState& layers() { return layers_; }
    const LayerState& layers() const { return layers_; }

    // Loaded into one that took the codec.
    void save(StateWriter& out) const;
    void load(StateReader& in);

  private:
    Selection select_svc(const MediaPacket& packet, const SourceState& source, Rewrite& rewrite);

    bool layered_codec_ = false;  // one whose stream can carry several spatial layers
    bool vp9_ = false;
    bool deficient_ = false;
    LayerState layers_;
    std::unique_ptr<DependencySelector> dependency_;
};

}  // namespace confab::sfu
