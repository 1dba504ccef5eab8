// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What shards tell each other about a track whose publisher and subscribers sit on different
// workers (02 DES-40…43). The home shard sends one copy of each packet to every shard with
// subscribers; these send back what they need. Messages are plain values and cross worker rings by
// copy.
#pragma once

#include <cstdint>
#include <variant>

#include "base/bytes.h"
#include "rtc/ice/path.h"
#include "sfu/forward/source_state.h"
#include "sfu/packet/media_packet.h"

namespace confab::sfu {

// Home → replica. The bytes of the packet travel beside the message; offsets are into them.
struct LinkPacket {
    ReceiverId receiver;
    MediaPacket packet;  // its views are empty
    std::uint16_t payload_offset = 0;
    std::uint16_t payload_size = 0;
    std::uint16_t dd_offset = 0;
    std::uint16_t dd_size = 0;
};
// Home → replica, before the packets it describes: on every change, and each 100 ms while bitrates
// move.
struct LinkSource {
    ReceiverId receiver;
    SourceState state;
};
// Home → replica: a sender report of one stream arrived.
struct LinkReport {
    ReceiverId receiver;
    std::uint8_t stream = 0;
    SourceReport report;
};
// Home → replica: the receiver is gone.
struct LinkEnded {
    ReceiverId receiver;
};
// Home → replica: the publisher has gone on at another worker, which is the home now.
struct LinkMoved {
    ReceiverId receiver;
    WorkerIndex home = 0;
};
// Replica → home: the first subscriber came, what they want changed, or the last one left. It may
// be there before the command that makes the receiver, so it says what kind of track it is.
struct LinkSubscribe {
    ReceiverId receiver;
    MediaKind kind = MediaKind::kAudio;
    bool subscribed = false;
    // Streams of higher layers need not cross, -1: none need (DES-43). Of an SVC stream all layers
    // cross: who drops some of its packets has to see them, or the numbers would show a loss.
    std::int8_t max_spatial = -1;
    bool confirm = false;  // LinkSubscribed is to follow
    bool operator==(const LinkSubscribe&) const = default;
};
// Home → replica: what comes from now on crosses.
struct LinkSubscribed {
    ReceiverId receiver;
};
// Replica → home: somebody needs a key frame of this layer (merged and throttled at home).
struct LinkKeyFrame {
    ReceiverId receiver;
    std::uint8_t spatial = 0;
};
// Replica → home: a subscriber reports loss of an audio track (IN-05); only where the publisher is
// to hear of it.
struct LinkLoss {
    ReceiverId receiver;
    std::uint8_t fraction = 0;  // 256ths
};

// Owner → the worker whose socket got it: an authentic check came over this path (DES-03).
struct LinkPathProved {
    ice::Path path;
};

// The worker to which a peer moved → all others: it is there (02 MC-20).
struct LinkArrived {
    PeerId peer;
};
// The worker that a peer left → the one that it went to: a datagram of its client that came
// meanwhile. The bytes travel beside the message.
struct LinkDatagram {
    ice::Path path;
    Timestamp arrival;
};

// The bytes beside the message are the next of the stream of data between two workers
// (sfu/data/data_link.h).
struct LinkData {};

using LinkBody = std::variant<LinkPacket, LinkSource, LinkReport, LinkEnded, LinkSubscribe,
                              LinkKeyFrame, LinkLoss, LinkPathProved, LinkData, LinkMoved,
                              LinkSubscribed, LinkArrived, LinkDatagram>;

struct LinkMessage {
    WorkerIndex from = 0;
    LinkBody body;
};

// The way to the other shards of the process: rings in production, queues in the simulator.
class ShardLinks {
  public:
    virtual ~ShardLinks() = default;
    // False: the ring is full and nothing was taken; see LinkOutbox.
    virtual bool push(WorkerIndex to, const LinkMessage& message, BytesView bytes) = 0;
};

}  // namespace confab::sfu
