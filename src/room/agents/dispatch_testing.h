// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// For the tests of a room's agents: a room manager, workers as the rooms know them, and what the
// rooms ask of them.
#pragma once

#include <doctest/doctest.h>

#include <functional>
#include <string>
#include <vector>

#include "room/agents/room_dispatches.h"
#include "room/test_support.h"

namespace confab::room::testing {

inline Config listening() {
    Config config = test_config();
    config.agents_listen = true;
    config.agent_recording = true;
    return config;
}

struct AgentWorld : Harness {
    explicit AgentWorld(Config config = listening()) : Harness(std::move(config)) {}
    using Harness::of;

    void kinds(AgentKinds all) {
        manager.set_agents(clock(), std::move(all));
        drain();
    }
    // Of that type, without a name.
    void any(livekit::JobType type) { kinds({{type, "", "", ""}}); }
    void create(const std::function<void(livekit::CreateRoomRequest&)>& with = {}) {
        livekit::CreateRoomRequest request;
        request.set_name("r");
        if (with) with(request);
        REQUIRE(manager.create_room(clock(), request));
        drain();
    }
    std::vector<livekit::Job> launched() const {
        return of<LaunchAgentJob, livekit::Job>(&LaunchAgentJob::job);
    }
    std::vector<std::string> ended() const {
        return of<EndAgentJob, std::string>(&EndAgentJob::job);
    }
    template <typename E, typename T>
    std::vector<T> of(T E::* member) const {
        std::vector<T> result;
        for (const Effect& effect : stored)
            if (const E* one = std::get_if<E>(&effect)) result.push_back(one->*member);
        return result;
    }
    std::string dispatch(const std::string& name,
                         livekit::JobRestartPolicy policy = livekit::JRP_ON_FAILURE) {
        livekit::AgentDispatch wanted;
        wanted.set_room("r");
        wanted.set_agent_name(name);
        wanted.set_metadata("md");
        wanted.set_restart_policy(policy);
        const auto made = manager.create_dispatch(clock(), wanted);
        REQUIRE(made);
        drain();
        return made->id();
    }
    ServiceResult<livekit::AgentDispatch> remove(const std::string& id) {
        livekit::DeleteAgentDispatchRequest request;
        request.set_room("r");
        request.set_dispatch_id(id);
        auto result = manager.delete_dispatch(clock(), request);
        drain();
        return result;
    }
    livekit::ListAgentDispatchResponse list(const std::string& id = "") {
        livekit::ListAgentDispatchRequest request;
        request.set_room("r");
        request.set_dispatch_id(id);
        return manager.list_dispatch(clock(), request).value();
    }
    std::vector<livekit::JobStatus> states() {
        std::vector<livekit::JobStatus> result;
        const livekit::ListAgentDispatchResponse all = list();
        for (const livekit::AgentDispatch& one : all.agent_dispatches())
            for (const livekit::Job& job : one.state().jobs())
                result.push_back(job.state().status());
        return result;
    }
    void change(livekit::Job job, livekit::JobStatus status, bool lost = false) {
        job.mutable_state()->set_status(status);
        job.mutable_state()->set_participant_identity("agent-" + job.id());
        job.mutable_state()->set_worker_id("AW_x");
        manager.job_changed(clock(), job.room().name(), job, lost);
        drain();
    }
    // It runs, and this worker has it now; empty: its worker is away.
    void hold(livekit::Job job, const std::string& worker) {
        job.mutable_state()->set_status(livekit::JS_RUNNING);
        job.mutable_state()->set_participant_identity("agent-" + job.id());
        job.mutable_state()->set_worker_id(worker);
        manager.job_changed(clock(), job.room().name(), job, false);
        drain();
    }
    // As the launcher tells it: nobody ever had it.
    void give_up(livekit::Job job) {
        job.mutable_state()->set_status(livekit::JS_FAILED);
        job.mutable_state()->set_error("no worker took the job in time");
        manager.job_changed(clock(), job.room().name(), job, false);
        drain();
    }
    JoinParams agent(const livekit::Job& job) const {
        JoinParams params = test_join("r", "agent-" + job.id());
        params.grants.kind = livekit::ParticipantInfo::AGENT;
        if (!params.grants.video) params.grants.video.emplace();
        params.grants.video->agent = true;
        return params;
    }
    void leave(SessionId session, livekit::DisconnectReason reason = livekit::CLIENT_INITIATED) {
        livekit::SignalRequest request;
        request.mutable_leave()->set_reason(reason);
        send(session, request);
    }
    // The only job there is runs, and its agent is in the room.
    SessionId run(const livekit::Job& job) {
        change(job, livekit::JS_RUNNING);
        return join(agent(job));
    }
    // Runs the job, and then the agent's signalling and media are gone: returns when the room has
    // given it up.
    void run_and_lose(const livekit::Job& job) {
        const std::size_t others = commands_of<sfu::CreatePeer>().size();
        const SessionId session = run(job);
        const auto peers = commands_of<sfu::CreatePeer>();
        for (std::size_t i = others; i < peers.size(); ++i) {
            sfu::PeerStateChanged state;
            state.peer = peers[i].peer;
            state.state = sfu::PeerState::kFailed;
            state.failure = sfu::PeerFailure::kIce;
            event(state);
        }
        close(session);
        for (int step = 0; webhook_names().back() != "participant_left"; ++step) {
            REQUIRE(step < 1000);
            advance(Duration::millis(100));
        }
    }
};

using Ids = std::vector<std::string>;
using States = std::vector<livekit::JobStatus>;

}  // namespace confab::room::testing
