// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Where the packets of a published track come from: a synthetic encoder, or a clip out of a file.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"

namespace confab::client {

struct EncodedPacket {
    std::size_t layer = 0;
    std::uint32_t timestamp = 0;
    bool marker = false;
    std::uint8_t audio_level = 127;
    Bytes payload;
};

class PacketSource {
  public:
    virtual ~PacketSource() = default;

    // Never: it is over.
    virtual Timestamp next_frame() const = 0;
    // The packets of the frame due at `now`, all layers, lowest first; empty before its time.
    virtual std::vector<EncodedPacket> encode(Timestamp now) = 0;
    // Time passes that frame, but nobody captures it.
    virtual void skip_frame() = 0;
    virtual void request_key_frame() = 0;
    // Nothing of what was encoded has left: the next picture is one that can be the first.
    virtual void start_again() { request_key_frame(); }
    virtual void set_layer(std::size_t layer, bool wanted) = 0;
    virtual void set_speaking(bool speaking) = 0;
    virtual std::uint64_t key_frames() const = 0;
    // The RTP time of `now`, for sender reports.
    virtual std::uint32_t rtp_time(Timestamp now, std::size_t layer) const = 0;
};

}  // namespace confab::client
