// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The packets of one turn on their way to the down-tracks of their track (02 §10.1, DES-44): they
// are kept and decided together, subscriber by subscriber, so that the state of a down-track is
// fetched once for all of them.
#pragma once

#include <span>
#include <utility>
#include <vector>

#include "sfu/inbound/stale_history.h"
#include "sfu/packet/packet_pool.h"
#include "sfu/packet/shared_frame.h"
#include "sfu/tracks/subscriptions.h"

namespace confab::sfu {

class FanOut {
  public:
    static constexpr std::size_t kMaxArrived = 64;  // packets of a track that are decided together

    // All outlive this.
    struct Parts {
        PacketPool& pool;
        FramePool& frames;
        Subscriptions& subscriptions;
        Upstream& upstream;
        FlushQueue& queue;
        EventOutlets& events;
        StaleHistory& stale;
    };
    FanOut(const Parts& parts, FrameHoldLimits hold, Duration sound_hold)
        : parts_(parts), hold_(hold), sound_hold_(sound_hold) {}

    // Keeps the packet until deliver(), which must come before anything else changes what is
    // decided. Not where nobody subscribed.
    void take(Timestamp now, Track& track, MediaPacket& media, PacketRef& ref);
    void deliver(Timestamp now);
    // Only what waits for no more of its frame, or for sound of others, which all goes once one is
    // due; the rest is due at next_deadline().
    void deliver_due(Timestamp now);
    Timestamp next_deadline() const { return next_deadline_; }
    // When the oldest of the packets decided since the last call came; never() for none.
    Timestamp take_oldest() { return std::exchange(oldest_, Timestamp::never()); }
    // For one that came from another worker, where these had passed: what was kept of the track
    // behind them. Not while packets wait for deliver().
    void catch_up(Timestamp now, OutboundTrack& outbound, const Track::Passed& passed);
    // Packets that were decided on for at least one subscriber here.
    std::uint64_t forwarded() const { return forwarded_; }

  private:
    void deliver(Timestamp now, Track& track);
    Timestamp due(Track& track) const;
    void settle_key_frames(Timestamp now, Track& track);
    // All of them were decided.
    void forget_arrived(Track& track);
    // The packet as RED, with the frames before it, made once for all who want that. Null: there
    // is no memory for it.
    const ArrivedPacket* redundant(Track& track, const ArrivedPacket& arrived);
    // What arrived, in pieces that are decided at once.
    struct Piece {
        std::span<const ArrivedPacket> packets;
        FrameRef frame;  // none: each on its own
    };
    class Decisions;  // on their way to the subscribers' queues
    void cut(Track& track);
    // False: each of its packets is to be decided on its own.
    bool decide_frame(Timestamp now, const Subscriber& subscriber, const Piece& piece,
                      Decisions& decisions);
    void decide_each(Timestamp now, Track& track, const Subscriber& subscriber,
                     std::span<const ArrivedPacket> packets, Decisions& decisions);
    void deliver(Timestamp now, Track& track, const Subscriber& subscriber,
                 std::span<const ForwardedPacket> packets, const ArrivedPacket& arrived,
                 const FrameRef* frame = nullptr);

    Parts parts_;
    FrameHoldLimits hold_;
    Duration sound_hold_;
    Timestamp next_deadline_ = Timestamp::never();
    Timestamp oldest_ = Timestamp::never();
    std::vector<Track*> arrived_;  // have packets that are not decided yet
    struct Redundant {
        bool made = false;
        ArrivedPacket packet;
    };
    std::vector<Redundant> redundant_;  // of the packets that are being decided, once asked for
    std::vector<Piece> pieces_;         // of the track that is being decided
    std::uint64_t forwarded_ = 0;
};

}  // namespace confab::sfu
