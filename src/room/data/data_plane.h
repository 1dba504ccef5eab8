// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Who may send and hear which data in a room. Packets themselves never come here: the shards route
// them (sfu/data), and this tells each shard who of the room is there and what they may (02 §6.2;
// 01 SIG-120…124), which data tracks flow to whom (SIG-125, SIG-126; 02 §6.4), and makes the calls
// of methods through the server API (API-14). What it needs to know of the rest of the room it asks
// its DataHost.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "room/data/data_tracks.h"
#include "room/data/rpc_calls.h"
#include "room/roster/roster.h"

namespace confab::room {

class DataHost {
  public:
    virtual ~DataHost() = default;
    // The connection that carries data to it, and the other one on which it may send.
    struct Peers {
        sfu::PeerId down;
        sfu::PeerId other;
        // Of these the one on which it publishes, and the one on which it is sent media.
        sfu::PeerId publisher;
        sfu::PeerId subscriber;
    };
    virtual Peers data_peers(const Participant& p) const = 0;
    // By the publisher's list of who may subscribe.
    virtual bool grants_access(const Participant& publisher, const Participant& to,
                               const std::string& track_sid) const = 0;
    virtual void data_tracks_changed(Participant& publisher) = 0;
};

// What of a participant's data goes with it to another room.
struct DataPresence {
    PublishedDataTracks tracks;
    std::uint32_t last_sequence = 0;
    bool auto_subscribe = false;
    bool expects_channels = true;
    bool reliable_open = false;
    bool lossy_open = false;
    bool knows_handles = false;  // of tracks that it had
};

class DataPlane {
  public:
    static constexpr int kMaxSubscriptionsPerRequest = 2'000;

    DataPlane(const RoomScope& scope, const Roster& roster, DataHost& host, sfu::RoomId room);

    void add(const Participant& p, bool auto_subscribe);
    void remove(Participant& p);
    DataPresence take(Participant& p);
    void put(const Participant& p, DataPresence presence);
    // Its data tracks flow to who wants them here; it forgets the handles it had.
    void announce_all(Participant& p);
    // After every change of its connections and of what it may.
    void update(const Participant& p);

    // It goes on at another worker (02 MC-20), where it is a member from now on; it is one here,
    // too, until it leaves this one. Which of the two is its own says Participant::worker.
    friend void enter_worker(DataPlane& data, const Participant& p, sfu::WorkerIndex worker);
    friend void leave_worker(DataPlane& data, const Participant& p, sfu::WorkerIndex worker);
    // The other one of them is its own by now, and this one is left later.
    friend void swap_workers(DataPlane& data, const Participant& p, sfu::WorkerIndex other) {
        data.member(p).also = other;
    }

    // Its channels are open, or it never asked for any (DC-09).
    bool established(const Participant& p) const;
    void expect_no_channels(const Participant& p);
    void channel_opened(const Participant& p, sfu::DataChannel channel);

    // The last reliable packet that is known to have come from it.
    std::uint32_t last_sequence(const Participant& p) const { return member(p).last_sequence; }
    void note_progress(const Participant& p, std::uint32_t sequence);
    void send_data(const livekit::SendDataRequest& request);

    using Refusal = PublishedDataTracks::Refusal;
    std::optional<Refusal> publish_track(Participant& p,
                                         const livekit::PublishDataTrackRequest& request);
    // False when there is none with that handle.
    bool unpublish_track(Participant& p, std::uint32_t handle);
    // Those that were, of which it is not told here.
    std::vector<livekit::DataTrackInfo> unpublish_all(Participant& p);
    void update_subscriptions(Participant& p, const livekit::UpdateDataSubscription& update);
    // After a change of what a participant may hear, or of whom a publisher lets hear.
    void reconcile(Participant& p);
    // After a resume: what it was told of handles and permissions since then may have died with
    // the old connection.
    void repeat_news(Participant& p, Timestamp since);
    void reconcile_publisher(Participant& publisher);
    const PublishedDataTracks& tracks(const Participant& p) const { return member(p).tracks; }
    // A participant that is elsewhere publishes these, and nothing else (API-11).
    void mirror(Participant& p, PublishedDataTracks tracks);
    // Those who have its tracks get them under new handles.
    void renew(Participant& publisher);
    void describe(const Participant& p, livekit::ParticipantInfo& info) const;

    // Its end follows as RpcDone; an error means that there will be none.
    Result<void, ServiceError> call_rpc(RpcCallId id, const Participant& p,
                                        const livekit::PerformRpcRequest& request);
    void call_answered(const Participant& p, const Bytes& packet);
    void handle_timeout(Timestamp now);
    Timestamp next_deadline() const { return rpc_.next_deadline(); }

  private:
    struct Member {
        explicit Member(std::uint16_t first_handle) : subscriptions(first_handle) {}
        PublishedDataTracks tracks;
        DataSubscriptions subscriptions;
        std::optional<Timestamp> handles_at;   // when it was told of them last
        std::optional<sfu::DataMember> told;   // to its shard
        std::optional<sfu::WorkerIndex> also;  // where it is a member, beside its own worker
        bool hears_metrics() const { return told && told->hears_metrics && !told->elsewhere; }
        std::uint32_t last_sequence = 0;
        bool auto_subscribe = false;
        bool expects_channels = true;
        bool reliable_open = false;
        bool lossy_open = false;
        // Data may go to it reliably.
        bool ready() const { return !expects_channels || reliable_open; }
    };
    struct Track {
        std::string publisher;  // identity
        sfu::DataTrackId id;
    };
    Member& member(const Participant& p) { return members_.at(p.number); }
    const Member& member(const Participant& p) const { return members_.at(p.number); }
    static sfu::MemberId id_of(const Participant& p) { return sfu::MemberId(p.number); }
    void command(const Participant& p, sfu::Command value) const {
        scope_->out.command(p.worker, std::move(value));
    }
    // What it is, and what flows to it: at both workers while it goes from one to the other.
    template <typename C>
    void tell(const Participant& p, C value) const {
        if (const auto also = member(p).also) scope_->out.command(*also, value);
        command(p, std::move(value));
    }
    void seat(const Participant& p);
    void add_track(const Participant& p, const livekit::DataTrackInfo& info);
    void offer(const Participant& publisher, const std::string& track_sid);
    void tell_workers() const;
    void report_rpc();

    bool reconcile_track(Participant& p, const std::string& track_sid);
    void flow(const Participant& p, const std::string& track_sid, std::uint16_t handle) const;
    void end_track(const Participant& p, const livekit::DataTrackInfo& info);
    void send_handles(Participant& p);

    const RoomScope* scope_;
    const Roster* roster_;
    DataHost* host_;
    sfu::RoomId room_;
    std::map<std::uint64_t, Member> members_;          // by participant number
    std::map<std::string, Track> tracks_;              // by sid
    std::map<sfu::WorkerIndex, std::size_t> workers_;  // how many participants each has
    std::size_t hearers_ = 0;                          // participants that may hear metrics
    RpcCalls rpc_;
};

}  // namespace confab::room
