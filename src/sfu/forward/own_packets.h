// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The packets that a subscription makes itself, in the stream that its Forwarder numbers: silence
// and blank frames where it stops (02 FWD-15, FWD-17), something before the first packet (02
// FWD-16), and padding that fills the link while congestion control tries for more (02 FWD-14).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/ring.h"
#include "base/rng.h"
#include "base/state/state.h"
#include "base/time.h"
#include "sfu/forward/forwarder.h"
#include "sfu/forward/own_media.h"
#include "sfu/shard/commands.h"

namespace confab::sfu {

// A packet of our own; `payload` lives as long as the down-track.
struct SyntheticPacket {
    ForwardedPacket packet;
    BytesView payload;
};

// The body of a padding packet (02 FWD-14); the last octet says how many there are (RFC 3550 §5.1).
inline constexpr std::array<std::uint8_t, 255> kPaddingOctets = [] {
    std::array<std::uint8_t, 255> out{};
    out.back() = static_cast<std::uint8_t>(out.size());
    return out;
}();

class OwnPackets {
  public:
    static constexpr std::size_t kPaddingSize = kPaddingOctets.size();
    static constexpr std::size_t kMaxWaiting = 8;  // more are lost

    OwnPackets(const AddDownTrack& config, Rng& rng);

    // Packets can be sent from now on; starts early media where wanted.
    void set_writable(const Forwarder& stream, Timestamp now);
    // So many, the first of them now. None where nothing was sent: there is nothing to clear.
    void start_blank(Forwarder& stream, int frames, Timestamp now);
    void stop_blank() { blank_.stop(); }
    // Packets of padding behind the last one, with its time. Returns how many.
    std::size_t write_padding(Forwarder& stream, std::size_t packets);

    void handle_timeout(Forwarder& stream, Timestamp now);
    Timestamp next_deadline(const Forwarder& stream) const {
        const Timestamp blank = blank_.next_deadline();
        return stream.placed() ? blank : earlier(blank, early_.next_deadline());
    }
    std::optional<SyntheticPacket> poll() { return waiting_.pop(); }
    // No blank frame is to come, and none waits.
    bool done() const { return blank_.done() && waiting_.empty(); }

    void save(StateWriter& out) const;
    // `stream`: as it was loaded.
    void load(const Forwarder& stream, StateReader& in);

  private:
    void send_early(Forwarder& stream, Timestamp now);
    void send_blank(Forwarder& stream, Timestamp now);
    bool prepare_blank(const Forwarder& stream);
    void push_blank(Forwarder& stream, std::int64_t timestamp);
    void push_padding(Forwarder& stream, bool frame_ended);

    MediaKind kind_;
    std::optional<PayloadType> opus_;  // of the blocks inside RED
    Bytes trailer_;  // behind frames that are not encrypted among encrypted ones (02 IN-43)
    BlankFrames blank_;
    EarlyMedia early_;
    Ring<SyntheticPacket, kMaxWaiting> waiting_;
};

}  // namespace confab::sfu
