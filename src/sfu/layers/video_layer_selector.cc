// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/layers/video_layer_selector.h"

#include "sfu/layers/vp9_selector.h"

namespace confab::sfu {

void VideoLayerSelector::take_codec(Codec codec, const SourceState& source) {
    vp9_ = codec == Codec::kVp9;
    layered_codec_ = vp9_ || codec == Codec::kAv1;
    if (layered_codec_ && source.dependency_descriptor && !dependency_)
        dependency_ = std::make_unique<DependencySelector>();
}

Selection VideoLayerSelector::select_svc(const MediaPacket& packet, const SourceState& source,
                                         Rewrite& rewrite) {
    if (packet.has_dd && dependency_)
        return dependency_->select(layers_, packet, source.decode_targets, rewrite, deficient_);
    if (vp9_) return select_vp9(layers_, packet);
    return select_simulcast(layers_, packet, deficient_);
}

void VideoLayerSelector::stop() {
    layers_.stop();
    if (dependency_) dependency_->reset();
}

}  // namespace confab::sfu
