// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Who may send and hear which data in a room: packets (02 §6.2; 01 SIG-120…124), data tracks
// (SIG-125, SIG-126; 02 §6.4) and calls of methods through the server API (API-14). What it needs
// to know of the rest of the room it asks its DataHost.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "room/data/data_packet.h"
#include "room/data/data_router.h"
#include "room/data/data_tracks.h"
#include "room/data/rpc_calls.h"
#include "room/roster/roster.h"

namespace confab::room {

class DataHost {
  public:
    virtual ~DataHost() = default;
    // The connection that carries data to it, when there is one.
    virtual std::optional<sfu::PeerId> data_peer(const Participant& p) const = 0;
    // By the publisher's list of who may subscribe.
    virtual bool grants_access(const Participant& publisher, const Participant& to,
                               const std::string& track_sid) const = 0;
    virtual void data_tracks_changed(Participant& publisher) = 0;
};

class DataPlane {
  public:
    static constexpr int kMaxSubscriptionsPerRequest = 2'000;

    DataPlane(const RoomScope& scope, const Roster& roster, DataHost& host);

    void add(const Participant& p, bool auto_subscribe);
    void remove(Participant& p);

    // Data may go to it reliably: its channels are open, or it never asked for any (DC-09).
    bool ready(const Participant& p) const;
    void expect_no_channels(const Participant& p);
    // What was held back goes out with the last of them.
    void channel_opened(Participant& p, sfu::DataChannel channel);

    // The last reliable packet that came from it.
    std::uint32_t last_sequence(const Participant& p) const { return member(p).last_sequence; }
    void handle_data(Participant& p, const sfu::DataReceived& event);
    void send_data(const livekit::SendDataRequest& request);

    using Refusal = PublishedDataTracks::Refusal;
    std::optional<Refusal> publish_track(Participant& p,
                                         const livekit::PublishDataTrackRequest& request);
    // False when there is none with that handle.
    bool unpublish_track(Participant& p, std::uint32_t handle);
    void unpublish_all(Participant& p);
    void update_subscriptions(Participant& p, const livekit::UpdateDataSubscription& update);
    // After a change of what a participant may hear, or of whom a publisher lets hear.
    void reconcile(Participant& p);
    // After a resume: the last message about its handles may have died with the old connection.
    void repeat_handles(Participant& p);
    void reconcile_publisher(Participant& publisher);
    bool publishes(const Participant& p, const std::string& track_sid) const;
    void describe(const Participant& p, livekit::ParticipantInfo& info) const;

    // Its end follows as RpcDone; an error means that there will be none.
    Result<void, ServiceError> call_rpc(RpcCallId id, Participant& p,
                                        const livekit::PerformRpcRequest& request);
    void handle_timeout(Timestamp now);
    Timestamp next_deadline() const { return rpc_.next_deadline(); }

  private:
    struct Member {
        explicit Member(std::uint16_t first_handle) : subscriptions(first_handle) {}
        PublishedDataTracks tracks;
        DataSubscriptions subscriptions;
        HeldData held;
        std::uint32_t last_sequence = 0;
        bool auto_subscribe = false;
        bool reliable_open = false;
        bool lossy_open = false;
        bool ready() const { return reliable_open && lossy_open; }
    };
    struct PendingSend {
        sfu::WorkerIndex worker = 0;
        sfu::SendData data;
    };
    Member& member(const Participant& p) { return members_.at(p.number); }
    const Member& member(const Participant& p) const { return members_.at(p.number); }
    void drop_packet() { ++scope_->counters.dropped_data; }

    bool is_destination(const Participant& p, const RoutedPacket& packet) const;
    void route(const Participant* sender, const RoutedPacket& packet, bool lossy);
    void deliver(Participant& p, const Participant* sender, const RoutedPacket& packet, bool lossy);
    void send_to(const Participant& p, sfu::DataChannel channel, const Bytes& payload);
    void flush();
    void replay(Participant& p);
    bool take_rpc_answer(const Participant& p, const RoutedPacket& packet);
    void report_rpc();

    bool reconcile_track(Participant& p, const std::string& track_sid);
    void end_track(const Participant& p, const livekit::DataTrackInfo& info);
    void route_track(const Participant& p, const Bytes& payload);
    void send_handles(Participant& p);

    const RoomScope* scope_;
    const Roster* roster_;
    DataHost* host_;
    std::map<std::uint64_t, Member> members_;        // by participant number
    std::map<std::string, std::string> publishers_;  // data track sid → identity
    DataRouter router_;
    RpcCalls rpc_;
    std::vector<PendingSend> sends_;
};

}  // namespace confab::room
