// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a store is told of the agents of one room, when a store listens (03 RDS-18, RDS-19): each
// dispatch and job at most once in a turn, as it is at the end of it. What the outbox has no place
// for is told with the next turn.
#pragma once

#include <set>
#include <string>
#include <utility>

#include "room/scope/scope.h"

namespace confab::room {

class DispatchRecords {
  public:
    explicit DispatchRecords(const RoomScope& scope) : scope_(&scope) {}

    // It is there, changed, or gone.
    void dispatch_changed(const std::string& id) {
        if (scope_->config.store_listens) dispatches_.insert(id);
    }
    void job_changed(const std::string& id) {
        if (scope_->config.store_listens) jobs_.insert(id);
    }
    // `dispatch` and `job` give what there is by an id, or null.
    template <typename FindDispatch, typename FindJob>
    void finish_turn(const std::string& room, FindDispatch&& dispatch, FindJob&& job) {
        for (const std::string& id : std::exchange(dispatches_, {})) {
            if (const livekit::AgentDispatch* one = dispatch(id); one == nullptr)
                scope_->out.forget(RemoveDispatch{room, id});
            else if (!scope_->out.store(StoreDispatch{room, *one}))
                dispatches_.insert(id);
        }
        for (const std::string& id : std::exchange(jobs_, {})) {
            if (const livekit::Job* one = job(id); one == nullptr)
                scope_->out.forget(RemoveJob{room, id});
            else if (!scope_->out.store(StoreJob{room, *one}))
                jobs_.insert(id);
        }
    }

  private:
    const RoomScope* scope_;
    std::set<std::string> dispatches_;
    std::set<std::string> jobs_;
};

}  // namespace confab::room
