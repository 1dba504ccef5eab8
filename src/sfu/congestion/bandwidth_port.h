// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a downlink drives and asks, whatever estimates its link: it hears of each packet that left,
// of the subscriber's feedback and of time, shares the link among the video down-tracks and says at
// what rate packets may leave.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/state/state.h"
#include "base/time.h"
#include "sfu/congestion/capacity.h"
#include "sfu/congestion/video_demand.h"

namespace confab::sfu {

// A packet that left.
struct SentPacket {
    Timestamp at;
    std::uint16_t number = 0;  // transport-wide
    std::uint16_t bytes = 0;   // of the datagram
    std::uint8_t probe = 0;    // the cluster it belongs to, 0 for none
    bool sound = false;        // never cut
    bool repeat = false;       // what was lost, again
};
// What the subscriber said of it.
struct PacketResult {
    SentPacket sent;
    bool received = false;
    Duration arrival;   // by the subscriber's clock, if received
    bool late = false;  // received, and told as lost before
};

class BandwidthPort {
  public:
    virtual ~BandwidthPort() = default;

    // ------------------------------------------------------------ what was sent, and what became
    // Packets with transport-wide numbers left, in order; all of a turn in one or two calls.
    virtual void packets_sent(std::span<const SentPacket>) {}
    // The subscriber's feedback on them, in order of their numbers; each is told
    // once as received, and before that once as lost.
    virtual void handle_transport_feedback(std::span<const PacketResult>, Timestamp) {}
    // The subscriber's estimate of its downlink and the SSRCs it is for. Taken into account by the
    // next allocate(), which is to follow in this turn.
    virtual void handle_remb(std::uint64_t bits_per_second, Timestamp now,
                             std::span<const std::uint32_t> ssrcs = {}) = 0;
    // A round trip time as a report block tells it.
    virtual void update_rtt(Duration rtt, Timestamp now) = 0;
    // An upper limit set from outside; 0 for none.
    virtual void set_limit(std::uint64_t bits_per_second) = 0;
    // Shares the link anew. `shares` holds the previous answer and gets the new one; same order
    // and size as `demands`. Returns whether any share changed. Not per packet: after a REMB, a
    // change of demands, and at next_deadline(). Also when the last video track has gone.
    virtual bool allocate(std::span<const VideoDemand> demands, std::span<VideoShare> shares,
                          Timestamp now) = 0;
    virtual Timestamp next_deadline() const = 0;

    // ------------------------------------------------------------ the link as it is thought to be
    // What it takes in bits per second; kUnlimitedCapacity while nothing speaks against it.
    virtual std::uint64_t target_bitrate() const = 0;
    // At which packets are to leave; kUnlimitedCapacity: at once.
    virtual std::uint64_t pacing_rate() const { return kUnlimitedCapacity; }
    // At which packets leave while a probe runs, all of them together; 0 without one.
    virtual std::uint64_t probe_rate() const { return 0; }
    virtual bool deficient() const = 0;
    // False while bitrates change nothing: everything is sent whole.
    virtual bool heeds_bitrates() const { return true; }
    // Bytes of probe content to be sent now, 0 for none. Asked at next_deadline(), behind
    // allocate().
    virtual std::size_t poll_probe(Timestamp) { return 0; }
    // Names what is sent for the round polled last, in SentPacket.
    virtual std::uint8_t probe_cluster() const { return 0; }
    // What was really sent for it.
    virtual void probe_sent(std::size_t, Timestamp) {}

    // ------------------------------------------------------------ moving (02 FWD-18)
    // What was found out of the link; what is being measured, a probe too, begins anew. Shares go
    // with their down-tracks and are handed back by allocate().
    virtual void save(StateWriter&) const = 0;
    virtual void load(StateReader&) = 0;
};

}  // namespace confab::sfu
