// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Tracks whose publisher and subscribers sit on different workers (02 DES-40…43): what the home
// sends to replicas, and what becomes of it there and of what they send back.
#pragma once

#include "sfu/link/link_sender.h"
#include "sfu/tracks/source_changes.h"

namespace confab::sfu {

class Replicas {
  public:
    // All outlive this.
    struct Parts {
        TrackTable& tracks;
        Upstream& upstream;
        FanOut& fan_out;
        SourceChanges& changes;
        LinkSender& links;
        PacketPool& pool;
    };
    explicit Replicas(const Parts& parts) : parts_(parts) {}

    // ------------------------------------------------------------ of a track whose home is here
    // One copy for each worker that wants this stream.
    void copy(Timestamp now, Track& track, const MediaPacket& media, PacketRef& ref);
    void tell_report(Timestamp now, const Track& track, const LinkReport& report);
    void tell_ended(Timestamp now, const Track& track);
    // Its publisher goes on at `home`, which subscribers everywhere are fed from then on.
    void move_away(Timestamp now, Track& track, WorkerIndex home);
    // It was to come back and did not: who asked here meanwhile is sent where it is.
    void send_on(Timestamp now, ReceiverId receiver);
    // It goes on here.
    void move_here(Timestamp now, Track& track);

    // ------------------------------------------------------------ from other workers
    void handle_packet(Timestamp now, const LinkPacket& packet, BytesView bytes);
    // All else that is about a track. Packets before it are delivered.
    void handle(Timestamp now, const LinkMessage& message);

  private:
    void handle_source(Timestamp now, WorkerIndex from, const LinkSource& source);
    void handle_ended(Timestamp now, ReceiverId receiver);
    void handle_moved(Timestamp now, const LinkMoved& moved);
    void handle_subscribe(Timestamp now, WorkerIndex from, const LinkSubscribe& subscribe);

    Parts parts_;
};

}  // namespace confab::sfu
