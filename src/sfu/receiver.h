// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// One codec of a published track on the worker of its publisher: its streams by layer and what is
// known of them for everybody (02 §3.1, IN-13, IN-21, SDP-28).
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "sfu/inbound_stream.h"

namespace confab::sfu {

class Receiver {
  public:
    explicit Receiver(AddReceiver config);

    const AddReceiver& config() const { return config_; }
    ReceiverId id() const { return config_.receiver; }
    bool muted() const { return muted_; }
    void set_muted(bool muted);

    // The stream of the layer with this rid, made for `ssrc` if it has none yet. Null when the rid
    // was not declared (a section without rids has one layer that takes any). A second SSRC for a
    // layer replaces the first: the publisher started its encoder anew.
    InboundStream* attach(std::string_view rid, Ssrc ssrc);
    // The stream that repairs go to; null before its first packet.
    InboundStream* find_by_rid(std::string_view rid);
    InboundStream* find_by_spatial(std::uint8_t spatial);
    const std::vector<std::unique_ptr<InboundStream>>& streams() const { return streams_; }

    bool accepts_payload_type(std::uint8_t pt) const;
    bool is_rtx_payload_type(std::uint8_t pt) const;
    // Layers whose first packet was not reported yet (LayerStarted).
    bool take_started(std::uint8_t spatial);

  private:
    const ReceiveLayer* find_layer(std::string_view rid) const;

    AddReceiver config_;  // at a fixed address: the streams refer to it
    bool muted_ = false;
    std::uint8_t reported_started_ = 0;
    std::vector<std::unique_ptr<InboundStream>> streams_;
};

}  // namespace confab::sfu
