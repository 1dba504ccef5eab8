// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What is published on a worker: commands about receivers, their timers, and the way of a packet
// from its publisher to its track.
#pragma once

#include <optional>
#include <vector>

#include "base/state/state.h"
#include "sfu/peer/peer_table.h"
#include "sfu/tracks/replicas.h"
#include "sfu/tracks/speakers.h"

namespace confab::sfu {

class Publications {
  public:
    // All outlive this.
    struct Parts {
        PeerTable& peers;
        TrackTable& tracks;
        Speakers& speakers;
        QualityReports& quality;
        FanOut& fan_out;
        SourceChanges& changes;
        Replicas& replicas;
        EventOutlets& events;
        FlushQueue& queue;
        TimerWheel& wheel;
    };
    explicit Publications(const Parts& parts) : parts_(parts) {}

    // ------------------------------------------------------------ commands
    void apply(Timestamp now, AddReceiver& c);
    void apply(Timestamp now, RemoveReceiver& c);
    void apply(Timestamp now, const MoveReceiver& c);
    void apply(Timestamp now, MuteReceiver& c);
    void apply(Timestamp now, WantLayers& c);
    // Those of a peer that goes.
    void remove_all(Timestamp now, ShardPeer& peer);

    // ------------------------------------------------------------ moving (02 FWD-18)
    // With the workers that subscribe, unless it goes to another process.
    void save(const ShardPeer& peer, bool here, StateWriter& out) const;
    // As apply() of these commands, going on where the state says. Behind an error what was made
    // goes with the peer.
    void load(Timestamp now, std::vector<AddReceiver>& receivers, StateReader& in);
    // Those of a peer that goes on at `home`: for who subscribes nothing ends.
    void move_all(Timestamp now, ShardPeer& peer, WorkerIndex home);

    // ------------------------------------------------------------ packets
    struct Times {
        Timestamp now;
        Timestamp arrival;  // by which the network is measured
    };
    // `bytes`: the packet in the clear, inside of `packet`.
    void handle_rtp(Times at, ShardPeer& peer, PacketRef packet, BytesSpan bytes);
    void handle_sender_report(Timestamp now, ShardPeer& peer, const wire::SenderReport& report);

    void handle_timeout(Timestamp now, ReceiverEntry& entry);

  private:
    void remove(Timestamp now, ReceiverId id, std::optional<WorkerIndex> moved_to = {});
    static void take_agreed(const ReceiverEntry& entry, const AddReceiver& c);
    // What flows changed, or what is wanted of it.
    static void note_wanted(Timestamp now, const ReceiverEntry& entry);
    void renegotiate(Timestamp now, const ReceiverEntry& entry, AddReceiver& c);
    void note_codec(Timestamp now, ShardPeer& peer, const InboundRoute& route,
                    const wire::RtpHeader& header);
    void stream_found(Timestamp now, ShardPeer& peer, const InboundRoute& route);
    void stream_started(ShardPeer& peer, const InboundRoute& route);
    void report_started(ShardPeer& peer, Receiver& receiver, std::uint8_t spatial);
    void forward(Timestamp now, ReceiverEntry& entry, InboundStream& stream, MediaPacket& media,
                 PacketRef& ref);
    void apply_sender_report(Timestamp arrival, Receiver& receiver, InboundStream& stream,
                             const wire::SenderReport& report);

    Parts parts_;
};

}  // namespace confab::sfu
