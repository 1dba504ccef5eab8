// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// One codec of a published track on the worker of its publisher: its streams by layer and what is
// known of them for everybody (02 §3.1, IN-13, IN-21, SDP-28).
#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "base/state/state.h"
#include "base/time.h"
#include "sfu/inbound/inbound_stream.h"
#include "sfu/layers/layer.h"
#include "sfu/quality/quality_window.h"

namespace confab::sfu {

class Receiver {
  public:
    using Ends = std::array<std::unique_ptr<StreamEnd>, kMaxSpatialLayers>;

    // `before`: by layer, where the streams ended of one in whose place this is.
    explicit Receiver(AddReceiver config, Ends before = {});

    const AddReceiver& config() const { return config_; }
    ReceiverId id() const { return config_.receiver; }
    void set_room(RoomId room) { config_.room = room; }
    // From its next packet on; the numbers and the time of its streams go on. The first codec is
    // the one that is forwarded (IN-12).
    void renegotiate(std::vector<ReceiveCodec> codecs, const ReceiveExtensions& extensions);
    // Where the publisher did not say which of the codecs it sends, its first packet, of this type,
    // has; true when another one is the first by that.
    bool take_first_codec(std::uint8_t pt);
    bool muted() const { return muted_; }
    void set_muted(Timestamp now, bool muted);
    // For how much of the time since the last call it was not (CQ-02).
    double take_unmuted(Timestamp now) { return unmuted_.take(now); }

    // The stream of the layer with this rid, made for `ssrc` if it has none yet. Null when the rid
    // was not declared (a section without rids has one layer that takes any). A second SSRC for a
    // layer replaces the first and goes on behind it: the publisher started its encoder anew.
    InboundStream* attach(std::string_view rid, Ssrc ssrc);
    // Null before the layer's first packet.
    InboundStream* find_by_spatial(std::uint8_t spatial);
    const std::vector<std::unique_ptr<InboundStream>>& streams() const { return streams_; }
    // For one that takes its place.
    Ends ends() const;

    const ReceiveLayer* find_layer(std::string_view rid) const;

    bool accepts_payload_type(std::uint8_t pt) const;
    bool is_rtx_payload_type(std::uint8_t pt) const;
    // Layers whose first packet was not reported yet (LayerStarted).
    bool take_started(std::uint8_t spatial);

    // Loss that subscribers report, in 256ths: the worst since the last take (IN-05).
    void note_loss(std::uint8_t fraction) { worst_loss_ = std::max(worst_loss_, fraction); }
    std::uint8_t take_worst_loss() { return std::exchange(worst_loss_, std::uint8_t{0}); }
    bool has_started(std::uint8_t spatial) const {
        return (reported_started_ >> (spatial & 7U) & 1U) != 0;
    }

    // Its streams with it; into one just made for the same track. A layer that is not declared any
    // more is left out (base/state/state.h).
    void save(StateWriter& out) const;
    void load(StateReader& in);

  private:
    AddReceiver config_;  // at a fixed address: the streams refer to it
    bool muted_ = false;
    WindowAverage unmuted_{1};
    std::uint8_t reported_started_ = 0;
    std::uint8_t worst_loss_ = 0;
    Ends before_;  // of layers without a stream yet
    std::vector<std::unique_ptr<InboundStream>> streams_;
};

}  // namespace confab::sfu
