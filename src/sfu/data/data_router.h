// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The way of data packets through one shard (02 §6.2–§6.4; 01 SIG-120…126). The shard of the sender
// checks and rewrites a packet once, and gives it to its own members and, once per worker, to the
// others. Control only says who is there and what they may.
//
//   sender's connection ─▶ handle_message ─┬▶ members here ─▶ connection, or backlog while it lags
//                                          └▶ DataLinks ═▶ handle_link ─▶ members there
//
// The router decides for whom a message is. Who is there is in DataRooms, what is on its way to a
// receiver in DataReceivers, how much a sender may have waiting in DataWindows.
#pragma once

#include <array>

#include "base/state/state.h"
#include "sfu/data/data_links.h"
#include "sfu/data/data_moves.h"
#include "sfu/data/data_port.h"
#include "sfu/data/data_progress.h"
#include "sfu/data/data_rooms.h"
#include "sfu/data/pressure/data_receivers.h"
#include "sfu/data/pressure/data_windows.h"
#include "sfu/metrics/metrics_options.h"
#include "sfu/metrics/metrics_reports.h"

namespace confab::sfu {

class DataRouter {
  public:
    DataRouter(WorkerIndex self, std::size_t workers, DataPort& port,
               const MetricsOptions& metrics = {}, const DataLimits& limits = {});

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
    // Whether a message of it is to be handed in; if not, DataPort::resume() follows. One that may
    // be lost waits for nobody.
    bool may_send(PeerId peer, bool may_be_lost = false);
    // Gives the number of deliveries, a measure of work.
    std::size_t handle_message(Timestamp now, PeerId from, DataChannel channel, BytesView payload);
    // Its connection may take more. Nothing to do unless lagging().
    void made_room(Timestamp now, PeerId peer);
    bool lagging() const { return receivers_.lagging(); }

    // ------------------------------------------------------------ other workers, time
    void handle_link(Timestamp now, WorkerIndex from, BytesView piece);
    // Sends what waits for other workers; true while some is left.
    bool flush_links();
    // Tells the port who may go on.
    void resume_senders();
    void handle_timeout(Timestamp now);
    Timestamp next_deadline() const {
        return earlier(earlier(reports_.next_deadline(), collector_.next_deadline()),
                       earlier(receivers_.next_deadline(), progress_.next_deadline()));
    }

    // Messages that somebody did not get: refused, not allowed, no channel, too slow.
    std::uint64_t dropped() const {
        return refused_ + receivers_.dropped() + links_.dropped() + reports_.dropped() +
               collector_.dropped();
    }
    // Of the tracks that are published here.
    const DataTrackFigures& track_figures() const { return track_figures_; }
    DataRooms& rooms() { return rooms_; }
    // Of its members that go on at another worker.
    friend DataMoves& moves_of(DataRouter& router) { return router.moves_; }

  private:
    using Member = DataRoomMember;
    using Room = DataRoom;

    void remove(Room& room, Member& m);

    // data_route.cc
    std::size_t refuse();
    std::size_t repeat(Timestamp now, Member& copy, DataChannel channel, BytesView payload,
                       const DataMessage& said);
    std::size_t route_frame(Timestamp now, Member& m, BytesView frame);
    std::size_t deliver_frame(Timestamp now, Room& room, DataTrackId track, BytesView frame);
    std::size_t deliver(Timestamp now, Room& room, const DataMessage& message, WindowId window);
    void link(Room& room, Member& from, const DataMessage& message);

    // data_metrics.cc
    std::size_t route_metrics(Timestamp now, Member& m, const RoutedPacket& packet, bool lossy);
    std::size_t deliver_metrics(Timestamp now, Room& room, const DataMessage& message,
                                WindowId window);
    std::size_t tell_metrics(Timestamp now, Room& room, const DataMessage& message,
                             WindowId window);
    void report_metrics(Timestamp now);

    void handle_record(Timestamp now, WorkerIndex from, const LinkedMessage& record);
    void handle_record(Timestamp now, WorkerIndex from, const LinkedFrame& record);
    void handle_record(Timestamp now, WorkerIndex from, const LinkedTaken& record);
    void handle_record(Timestamp now, WorkerIndex from, const LinkedLeft& record);

    WorkerIndex self_;
    MetricsTimes::Options times_;
    MetricsReports reports_;
    MetricsCollector collector_;
    DataPort& port_;
    DataRooms rooms_;
    DataLinks links_;
    DataWindows windows_;
    DataMoves moves_;
    DataReceivers receivers_;
    DataProgressList progress_;
    std::uint64_t round_ = 0;
    std::uint64_t refused_ = 0;
    DataTrackFigures track_figures_;
};

}  // namespace confab::sfu
