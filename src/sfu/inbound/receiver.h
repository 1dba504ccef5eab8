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
    // The highest spatial layer of those with a stream of their own; -1: there is none.
    std::int8_t highest_announced() const;
    ReceiverId id() const { return config_.receiver; }
    void set_room(RoomId room) { config_.room = room; }
    // From its next packet on; the numbers and the time of its streams go on. The first codec is
    // the one that is forwarded (IN-12).
    void renegotiate(std::vector<ReceiveCodec> codecs, const ReceiveExtensions& extensions);
    // How long nothing but another of its codecs came when that is what its publisher sends.
    static constexpr Duration kOtherCodec = Duration::millis(200);
    // Whether a packet of this type says nothing new of the codec.
    bool is_of(std::uint8_t pt) const {
        return config_.codecs.front().pt.value() == pt && other_since_.is_never() &&
               !config_.any_codec;
    }
    // By a packet of this type: which of the codecs it is where its publisher did not say, and
    // another one where the publisher goes on in it without an offer, as libwebrtc does when an
    // encoder fails (IN-09). Whether another one is the first from here on.
    bool take_codec(Timestamp now, std::uint8_t pt);
    bool muted() const { return muted_; }
    void set_muted(Timestamp now, bool muted);
    // Whether the publisher was asked for any of it, and how many layers that it was asked for do
    // not come (CQ-02).
    void note_wanted(Timestamp now, bool wanted, double missing_layers);
    bool wanted() const { return wanted_; }
    // Since the last call: for how much of the time it was wanted and not muted, and the layers
    // missing on average (CQ-02).
    double take_unmuted(Timestamp now) { return unmuted_.take(now); }
    double take_missing_layers(Timestamp now) { return missing_layers_.take(now); }

    // When a sender report came last; nullopt: none did, here.
    void note_report(Timestamp arrival) { reported_ = arrival; }
    std::optional<Timestamp> reported() const { return reported_; }

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
    // Whether this packet of the layer is to be reported (LayerStarted): the first one, and the
    // first one at which its size is known (`sized`).
    bool take_started(std::uint8_t spatial, bool sized);

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
    bool wanted_ = true;
    WindowAverage unmuted_{1};
    WindowAverage missing_layers_{0};
    std::optional<Timestamp> reported_;
    std::uint8_t reported_started_ = 0;  // a bit for each layer
    std::uint8_t reported_size_ = 0;     // likewise
    std::uint8_t worst_loss_ = 0;
    Codec other_ = Codec::kNone;  // what alone came since then, and is not the first
    Timestamp other_since_ = Timestamp::never();
    Ends before_;  // of layers without a stream yet
    std::vector<std::unique_ptr<InboundStream>> streams_;
};

}  // namespace confab::sfu
