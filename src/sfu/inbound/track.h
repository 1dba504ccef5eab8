// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A published track (one codec of it) as one worker sees it: what is known of the source, the
// stored packets, and the down-tracks to which each packet goes (02 DES-32, DES-40, DES-44). On the
// worker of the publisher it is the home and feeds replicas on other workers; elsewhere it is a
// replica.
#pragma once

#include <algorithm>
#include <array>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "sfu/forward/down_track.h"
#include "sfu/forward/source_state.h"
#include "sfu/inbound/receiver.h"
#include "sfu/packet/arrived_packet.h"
#include "sfu/rewrite/packet_history.h"
#include "sfu/shard/commands.h"
#include "sfu/tracks/frame_hold.h"
#include "sfu/tracks/recent_frames.h"

namespace confab::sfu {

class ShardPeer;
struct OutboundTrack;

struct Subscriber {
    DownTrack* down_track = nullptr;
    ShardPeer* peer = nullptr;
    OutboundTrack* outbound = nullptr;  // the down-track's place at the peer
    bool redundant = false;             // gets opus as RED (IN-32)
};

// A worker with subscribers of a track whose home is here.
struct Replica {
    WorkerIndex worker = 0;
    std::int8_t max_spatial = -1;  // streams above need not be sent (DES-43)
    std::uint8_t gaps = 0;         // bit s: packets of layer s were dropped for it (DES-41)
};

class Track {
  public:
    // A layer keeps its history for as long behind the last subscriber that got it, or twice that.
    static constexpr Duration kReviewInterval = Duration::seconds(1);
    // Between two requests of a replica for key frames of one layer.
    static constexpr Duration kRequestInterval = Duration::millis(50);

    // `kept`: packets remembered for retransmission, 0 for the default.
    Track(ReceiverId id, WorkerIndex home, MediaKind kind, std::size_t kept = 0)
        : id_(id), home_(home), kind_(kind), kept_(kept) {}

    ReceiverId id() const { return id_; }
    WorkerIndex home() const { return home_; }
    // Its publisher moved. Who subscribes here stays, and is to be told to the new home.
    void move_home(WorkerIndex home);
    MediaKind kind() const { return kind_; }
    SourceState& source() { return source_; }
    const SourceState& source() const { return source_; }

    void add_subscriber(Subscriber subscriber) { subscribers_.push_back(subscriber); }
    void remove_subscriber(const DownTrack& down_track);
    const std::vector<Subscriber>& subscribers() const { return subscribers_; }

    // A pass over the subscribers after a change of the source, one at a time so that it can be cut
    // into slices. A change during a pass is followed by another one. True: a pass begins.
    bool begin_pass();
    // Null: the pass is over.
    const Subscriber* next_of_pass();

    // Workers with a replica of this track; the home's business.
    void set_replica(WorkerIndex worker, std::int8_t max_spatial);
    void remove_replica(WorkerIndex worker);
    std::vector<Replica>& replicas() { return replicas_; }
    const std::vector<Replica>& replicas() const { return replicas_; }

    // What the subscribers here want of it, or have until a key frame takes them lower, and what
    // its home was told last; a replica's business.
    std::int8_t max_wanted() const;
    std::optional<std::int8_t> told_home;
    // Whether the home is to hear that a key frame is needed: not of each of a flood, for it merges
    // and throttles what it hears (IN-08). One that came settled what was asked before it.
    bool take_key_frame_request(Timestamp now, std::uint8_t spatial);
    void key_frame_came() { next_request_.fill({}); }

    // ------------------------------------------------------------ subscribers on their way here
    // One that comes from another worker with its state gets what came here since it left there
    // (02 MC-20): until end_expecting() the newest packets are kept, in order of arrival.
    static constexpr std::size_t kMaxKept = 512;
    struct Expected {
        DownTrackId down_track;
        std::int8_t max_spatial = 0;
    };
    void expect(const Expected& one);
    void end_expecting(DownTrackId down_track);
    bool expects() const { return !expected_.empty(); }
    bool unused() const { return subscribers_.empty() && expected_.empty(); }
    const std::deque<ArrivedPacket>& kept() const { return kept_packets_; }
    void keep(const PacketPool& pool, const ArrivedPacket& packet);
    // A replica's: the home has not said yet that all of it crosses.
    bool unconfirmed = false;
    // Of each stream the highest number that came to its subscribers here; -1: none.
    using Passed = std::array<std::int64_t, kMaxSpatialLayers>;
    static constexpr Passed kNonePassed{-1, -1, -1};
    const Passed& passed() const { return passed_; }
    void note_passed(std::size_t stream, std::int64_t sequence) {
        passed_[stream] = std::max(passed_[stream], sequence);
    }

    // Where the streams ended of a receiver that went, for the one that comes in its place; the
    // home's business.
    Receiver::Ends ends;

    // Packets of this turn that are not decided yet.
    std::vector<ArrivedPacket>& arrived() { return arrived_; }
    FrameHold& hold() { return hold_; }
    // A packet was decided. What nobody gets here is not kept, nor where memory is short (DES-33).
    void note_recent(const PacketPool& pool, const ArrivedPacket& packet);
    RecentFrames& recent() { return recent_; }
    // Keeps the packet for retransmission; not that of a stream that nobody gets here (DES-33).
    void remember(PacketPool& pool, MediaPacket& packet, PacketRef& ref);
    // The stored packet of source stream `stream`.
    const HistoryEntry* find(std::uint8_t stream, std::int64_t sequence) const;
    void forget();
    // Forgets streams of which nothing came for long: muted, or a picture that stands still. True
    // if others are left.
    bool forget_silent(Timestamp now);
    // StaleHistory is to call it then; never: nothing was kept since it did.
    Timestamp next_look = Timestamp::never();

  private:
    void review_streams(Timestamp now);

    ReceiverId id_;
    WorkerIndex home_;
    MediaKind kind_;
    std::size_t kept_;
    SourceState source_;
    std::array<std::unique_ptr<PacketHistory>, kMaxSpatialLayers> history_;
    std::uint8_t kept_streams_ = 0;    // bit s: stream s has a history
    std::uint8_t wanted_streams_ = 0;  // since the last review
    Timestamp next_review_;
    std::vector<ArrivedPacket> arrived_;
    FrameHold hold_;
    RecentFrames recent_;
    std::vector<Subscriber> subscribers_;
    std::vector<Replica> replicas_;
    std::vector<Expected> expected_;
    std::deque<ArrivedPacket> kept_packets_;
    Passed passed_ = kNonePassed;
    std::array<Timestamp, kMaxSpatialLayers> next_request_{};
    std::size_t pass_next_ = 0;  // subscribers before it had their turn
    bool passing_ = false;
    bool pass_again_ = false;
};

}  // namespace confab::sfu
