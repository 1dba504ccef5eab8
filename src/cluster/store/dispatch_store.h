// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Agent dispatches and jobs of a room (RDS-18, RDS-19). Upstream only writes them; here they are
// read too, when a room goes on at another node (05 DSP-29), and a dispatch that ends goes (05
// DSP-25).
#pragma once

#include <string>

#include "cluster/store/commands.h"
#include "cluster/store/records.h"
#include "redis/port.h"

namespace confab::cluster::store {

class DispatchStore {
  public:
    // Port and notices outlive it. Each `done` is called once: later, or inside the call if there
    // is no connection, or if what is given is no record (kInvalid, kTooLarge).
    DispatchStore(redis::Port& port, Notices& notices) : commands_(port, notices) {}

    // A serialised livekit.AgentDispatch with an id; written without state.jobs. True: it is new.
    void put_dispatch(Timestamp now, const std::string& room, const std::string& dispatch,
                      Got<bool> done);
    // A serialised livekit.Job with an id; written without its room, and of its participant only
    // the identity.
    void put_job(Timestamp now, const std::string& room, const std::string& job, Got<bool> done);
    // True: it was there.
    void remove_dispatch(Timestamp now, const std::string& room, const std::string& id,
                         Got<bool> done);
    void remove_job(Timestamp now, const std::string& room, const std::string& id, Got<bool> done);
    void dispatches(Timestamp now, const std::string& room, Got<StoredList> done);
    void jobs(Timestamp now, const std::string& room, Got<StoredList> done);

  private:
    Commands commands_;
};

}  // namespace confab::cluster::store
