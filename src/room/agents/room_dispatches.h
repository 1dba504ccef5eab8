// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The agents that a room wants and the jobs that came of it (01 ROOM-11, 05 DSP-20 … DSP-30): its
// dispatches, when a job is launched (room, participant, publisher), how it ends, and what goes
// with a dispatch that is deleted. Who works is none of its business: jobs go out as effects, and
// what became of them comes back.
#pragma once

#include <compare>
#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "livekit_agent_dispatch.pb.h"
#include "room/agents/dispatch_records.h"
#include "room/agents/stored_agents.h"
#include "room/roster/roster.h"
#include "room/scope/scope.h"

namespace confab::room {

class DispatchesHost {
  public:
    virtual ~DispatchesHost() = default;
    virtual const std::string& room_name() const = 0;
    virtual const std::string& room_key() const = 0;
    // As jobs show it.
    virtual livekit::Room job_room() const = 0;
    virtual livekit::ParticipantInfo describe(const Participant& p) const = 0;
    virtual void job_webhook(const char* event, const livekit::Job& job) = 0;
    // Its agent was told to go and is still there.
    virtual void remove_agent(Participant& p) = 0;
};

class RoomDispatches {
  public:
    static constexpr std::size_t kMaxDispatches = 1'000;
    static constexpr std::size_t kMaxOpenJobs = 10'000;  // waiting or running; of more none is made
    static constexpr std::size_t kMaxEndedJobs = 100;    // of a dispatch; older ones are forgotten
    // From the deletion of a dispatch until its agents are removed (DSP-25).
    static constexpr Duration kLeaveTime = Duration::seconds(3);
    // From the end of an agent's session until its job is over (DSP-27): its worker may say how it
    // ended; an agent that lost its connection may come back.
    static constexpr Duration kStatusTime = Duration::seconds(5);
    static constexpr Duration kReturnTime = Duration::seconds(10);
    // Where the agent took its leave when its worker was away, or another one has the job since:
    // its program may be loaded anew.
    static constexpr Duration kReloadTime = Duration::seconds(30);
    // From when a room came here until a job of it that ran must have its agent here.
    static constexpr Duration kArrivalTime = Duration::seconds(15);
    // A job that failed is started again so often, each time after twice as long (06 AGT-7).
    static constexpr int kMaxRestarts = 5;
    static constexpr Duration kFirstRestart = Duration::seconds(1);
    // From a launch that found no place, or found no worker for too long, to the next try.
    static constexpr Duration kLaunchAgain = Duration::seconds(30);

    RoomDispatches(const RoomScope& scope, const Roster& roster, DispatchesHost& host)
        : scope_(&scope), roster_(&roster), host_(&host), records_(scope) {}

    using Wanted = google::protobuf::RepeatedPtrField<livekit::RoomAgentDispatch>;
    // With the room. An empty list stands for every worker without a name (DSP-20).
    // Workers of `tenant` alone are asked for.
    void start(const Wanted& wanted, std::string tenant);
    // Instead, with a room that was another node's: what a store has of it, dispatches of the API
    // too. Agents that worked for the room go on, if they come here in time.
    void resume(StoredAgents stored, std::string tenant);

    // ---- the API
    ServiceResult<livekit::AgentDispatch> create(const livekit::AgentDispatch& wanted);
    ServiceResult<livekit::AgentDispatch> remove(const std::string& id);
    // Of one dispatch, or of all with an empty id; what is not there is left out.
    livekit::ListAgentDispatchResponse list(const std::string& id) const;

    // ---- what happens
    void came(const Participant& p);
    void published(const Participant& p);
    // Also to another room: an agent's job is over then, and the agent goes on.
    void left(const Participant& p);
    // There are other kinds of workers now.
    void agents_changed();
    // It runs, or is over. `lost`: its worker is gone, which says nothing of the agent.
    void job_changed(const livekit::Job& job, bool lost);
    void room_ends();
    // Before its end here: agents go on at its next node, which has their jobs from the store.
    // Nothing is told of them any more.
    void room_moves();
    // What changed is told to a store.
    void finish_turn();

    void handle_timeout(Timestamp now);
    Timestamp next_deadline() const;

  private:
    // What a job is for: the room, or a participant's session; one for each namespace (DSP-22).
    struct Purpose {
        livekit::JobType type = livekit::JT_ROOM;
        std::string sid;  // of the participant; empty for the room
        std::string ns;
        auto operator<=>(const Purpose&) const = default;
    };
    struct Dispatch {
        livekit::AgentDispatch info;  // without jobs
        std::set<Purpose> launched;
        std::deque<std::string> ended;  // jobs, in the order of their ends
    };
    struct Job {
        livekit::Job job;
        Purpose purpose;
        std::uint64_t order = 0;
        int restarts = 0;  // how often it was started before
        // Its agent went; how it ends then unless somebody says otherwise before.
        Timestamp end_at = Timestamp::never();
        livekit::JobStatus outcome = livekit::JS_SUCCESS;
        Timestamp reload_at;   // when it has to be back at the latest
        bool reloads = false;  // its worker is away, or another one has it since
        bool open() const {
            return job.state().status() == livekit::JS_PENDING ||
                   job.state().status() == livekit::JS_RUNNING;
        }
        bool runs() const { return job.state().status() == livekit::JS_RUNNING; }
        // Its agent took its leave while its worker was there. Where that goes behind it, nobody
        // says any more how it ended; one that is loaded anew goes before its agent (WRK-10).
        bool is_done() const {
            return !end_at.is_never() && outcome == livekit::JS_SUCCESS && !reloads;
        }
    };
    using Jobs = std::map<std::string, Job>;
    enum class Due : std::uint8_t { kJobEnds, kRestart, kRemoval, kEvaluate };
    struct Todo {
        Due what = Due::kJobEnds;
        std::string id;    // of a job, a dispatch (kRestart) or a participant's session (kRemoval)
        Purpose purpose;   // kRestart
        int restarts = 0;  // kRestart: how often before
    };

    Dispatch* find(const std::string& id);
    Dispatch& add(livekit::AgentDispatch info);
    void resume(livekit::Job told);
    void came_along(const Participant& p);
    void evaluate(Dispatch& dispatch);
    void launch(Dispatch& dispatch, livekit::JobType type, const Participant* p);
    bool make_job(const Dispatch& dispatch, const Purpose& purpose, const Participant* p,
                  int restarts);
    void evaluate_later();
    void withdraw(Jobs::iterator at);
    void settle(Jobs::iterator at);
    void finish(Jobs::iterator at, livekit::JobStatus status, const std::string& error);
    void tell_end(Job& ended, livekit::JobStatus status, const std::string& error);
    void never_ran(Jobs::iterator at, const livekit::JobState& state);
    void keep_ended(Dispatch& dispatch, const std::string& id);
    void plan_restart(const Job& job);
    void restart(const Todo& todo);
    void agent_left(const Participant& p, Jobs::iterator at);
    void end_after(Jobs::iterator at, Duration time);
    void carry_out(const Todo& todo, Timestamp now);
    void end_due(Jobs::iterator at, Timestamp now);
    void end_now(Jobs::iterator at);

    const RoomScope* scope_;
    const Roster* roster_;
    DispatchesHost* host_;
    DispatchRecords records_;
    std::string tenant_;
    std::vector<Dispatch> dispatches_;
    Jobs jobs_;  // by id
    std::size_t open_jobs_ = 0;
    std::uint64_t last_order_ = 0;
    std::multimap<std::string, std::string> by_identity_;  // agent → job that runs
    std::multimap<std::string, std::string> by_sid_;  // participant's session → open job for it
    // Participant → job for it that ran when the room came here, until the participant comes too.
    std::multimap<std::string, std::string> awaits_;
    std::multimap<Timestamp, Todo> todo_;
    bool evaluates_later_ = false;
    // The room has none any more, which a store must say: a room of which it says nothing has those
    // that it was made with.
    livekit::AgentDispatch last_removed_;
};

}  // namespace confab::room
