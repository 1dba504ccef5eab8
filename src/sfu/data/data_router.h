// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The way of data packets through one shard (02 §6.2–§6.4; 01 SIG-120…126). The shard of the sender
// checks and rewrites a packet once, and gives it to its own members and, once per worker, to the
// others. Control only says who is there and what they may.
//
//   sender's connection ─▶ handle_message ─┬▶ members here ─▶ connection, or backlog while it lags
//                                          └▶ LinkStream ═▶ handle_link ─▶ members there
//
// A receiver that is behind holds back those who send to it (data_backlog.h), unless it takes next
// to nothing: then it holds nobody back, and what waits for it counts for the room instead.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

#include "rtc/sctp/types.h"
#include "sfu/data/data_link.h"
#include "sfu/data/data_room.h"

namespace confab::sfu {

// What the router needs of its shard.
class DataPort {
  public:
    virtual ~DataPort() = default;
    virtual bool is_connected(PeerId peer) = 0;
    virtual bool has_channel(PeerId peer, DataChannel channel) = 0;
    virtual sctp::SendStatus send(Timestamp now, PeerId to, DataChannel channel,
                                  const sctp::SharedBytes& payload) = 0;
    // Bytes on its reliable channel that it has not acknowledged.
    virtual std::size_t buffered(PeerId to) = 0;
    // Messages of it may be handed in again.
    virtual void resume(PeerId sender) = 0;
    virtual void emit(Event event) = 0;
    // A piece of at most LinkStream::kMaxPiece bytes; false when there is no room.
    virtual bool push_link(WorkerIndex to, BytesView piece) = 0;
};

class DataRouter {
  public:
    // More than this unacknowledged on a connection: messages wait in the backlog, where senders
    // take turns.
    static constexpr std::size_t kMaxUnacknowledged = 256 * 1024;
    // A receiver that lags must take kMinTaken in each kPatience; else it holds nobody back for
    // kPenalty, and until nothing waits for it.
    static constexpr Duration kPatience = Duration::seconds(5);
    static constexpr std::size_t kMinTaken = 64 * 1024;
    static constexpr Duration kPenalty = Duration::seconds(60);
    static constexpr Duration kTick = Duration::millis(500);
    static constexpr Duration kProgressDelay = Duration::millis(100);
    // For such receivers, and from the API, which nobody can hold back; more is dropped.
    static constexpr std::size_t kMaxOwnBytes = 4 * 1024 * 1024;
    // Of senders who went, waiting in a room; of one beyond it all is dropped.
    static constexpr std::size_t kMaxLeftBytes = 4 * 1024 * 1024;
    // On the way to one other worker: beyond the first, senders of rooms that live there too are
    // held back; beyond the second, lossy messages are dropped.
    static constexpr std::size_t kMaxLinkBytes = 1024 * 1024;
    static constexpr std::size_t kMaxLinkLossy = 256 * 1024;
    // Senders on other workers that a room remembers; with more, those with nothing waiting go.
    static constexpr std::size_t kMaxRemoteIdle = 256;

    DataRouter(WorkerIndex self, std::size_t workers, DataPort& port);

    // ------------------------------------------------------------ commands
    void apply(Timestamp now, DataMember& c);
    void apply(Timestamp now, const DataMemberGone& c);
    void apply(Timestamp now, const DataWorkers& c);
    void apply(Timestamp now, const AddDataTrack& c);
    void apply(Timestamp now, const RemoveDataTrack& c);
    void apply(Timestamp now, const FlowDataTrack& c);
    void apply(Timestamp now, SendData& c);
    void apply(Timestamp now, CallMethod& c);
    void apply(Timestamp now, const EndCall& c);

    // ------------------------------------------------------------ connections
    void connected(Timestamp now, PeerId peer);
    void channel_opened(Timestamp now, PeerId peer);
    void closed(PeerId peer);
    // Those of a member that is known here; none of others.
    std::array<PeerId, 2> peers_of(RoomId room, MemberId member);
    // Whether a message of it is to be handed in; if not, DataPort::resume() follows.
    bool may_send(PeerId peer);
    // Gives the number of deliveries, a measure of work.
    std::size_t handle_message(Timestamp now, PeerId from, DataChannel channel, BytesView payload);
    // Its connection may take more. Nothing to do unless lagging().
    void made_room(Timestamp now, PeerId peer);
    bool lagging() const { return !lagging_.empty(); }

    // ------------------------------------------------------------ other workers, time
    void handle_link(Timestamp now, WorkerIndex from, BytesView piece);
    // Sends what waits for other workers; true while some is left.
    bool flush_links();
    // Tells the port who may go on.
    void resume_senders();
    void handle_timeout(Timestamp now);
    Timestamp next_deadline() const { return earlier(tick_at_, tell_at_); }

    // Messages that somebody did not get: refused, not allowed, no channel, too slow.
    std::uint64_t dropped() const { return dropped_; }
    std::uint64_t routed() const { return routed_; }  // messages taken from senders here
    std::size_t rooms() const { return rooms_.size(); }

  private:
    using Member = DataRoomMember;
    using Room = DataRoom;

    // data_router.cc
    Room* find_room(RoomId id);
    Member* find_member(RoomId room, MemberId member);
    Member* find_peer(PeerId peer);
    void forget_peers(const Member& m);
    void remove(Room& room, Member& m);
    void note_state(Timestamp now, Member& m);
    void replay(Timestamp now, Member& m);

    // data_route.cc
    std::size_t drop(std::size_t count = 1);
    bool take_answer(Member& m, RoutedPacket& packet);
    bool take_sequence(Timestamp now, Member& m, std::uint32_t sequence);
    std::size_t route_frame(Timestamp now, Member& m, BytesView frame);
    std::size_t deliver_frame(Timestamp now, Room& room, DataTrackId track, BytesView frame);
    std::size_t deliver(Timestamp now, Room& room, const DataMessage& message, WindowId window);
    void give(Timestamp now, Member& to, const DataMessage& message, WindowId window,
              PendingId& pending);
    void send_reliable(Timestamp now, Member& to, const sctp::SharedBytes& payload, WindowId window,
                       PendingId& pending);
    void send_lossy(Timestamp now, const Member& to, DataChannel channel,
                    const sctp::SharedBytes& payload);

    // data_pressure.cc
    void start_lagging(Timestamp now, Member& m);
    void stop_lagging(Member& m);
    void drop_backlog(Member& m);
    void set_aside(Timestamp now, Member& m);
    void release(PendingId message);
    WindowId add_window(RoomId room, MemberId sender);
    void abandon(WindowId window);
    void leave_behind(Room& room, WindowId window);
    void note_taken(DataWindow& window, std::size_t bytes);
    bool link_has_room(const Room& room) const;
    void link(Room& room, Member& from, const DataMessage& message);
    WindowId remote_window(Room& room, MemberId sender, WorkerIndex home);
    void tell_taken(DataWindow& window);
    void handle_record(Timestamp now, WorkerIndex from, const LinkedMessage& record);
    void handle_record(Timestamp now, WorkerIndex from, const LinkedFrame& record);
    void handle_record(Timestamp now, WorkerIndex from, const LinkedTaken& record);
    void handle_record(Timestamp now, WorkerIndex from, const LinkedLeft& record);

    WorkerIndex self_;
    DataPort& port_;
    std::map<RoomId, std::unique_ptr<Room>> rooms_;
    std::unordered_map<PeerId, Member*> by_peer_;
    SlotMap<DataWindow> windows_;
    SlotMap<PendingMessage> pending_;
    std::vector<LinkStream> links_;   // by worker
    std::vector<Member*> lagging_;    // receivers
    std::vector<PeerId> held_back_;   // senders' connections
    std::vector<Member*> progress_;   // whose DataProgress is due
    bool look_at_held_back_ = false;  // some may go on
    Timestamp tick_at_ = Timestamp::never();
    Timestamp tell_at_ = Timestamp::never();
    std::uint64_t round_ = 0;
    std::uint64_t dropped_ = 0;
    std::uint64_t routed_ = 0;
};

}  // namespace confab::sfu
