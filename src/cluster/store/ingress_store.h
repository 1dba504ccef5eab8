// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Ingresses and their states (RDS-11…14, RDS-23). Upstream changes them with WATCH and MULTI; here
// they are read, and written by a script that compares, up to kTries times. A race that is lost
// that often is an error (upstream reports success).
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cluster/store/commands.h"
#include "cluster/store/records.h"
#include "redis/port.h"

namespace confab::cluster::store {

class IngressStore {
  public:
    static constexpr int kTries = 5;

    // Port and notices outlive it. Each `done` is called once: later, or inside the call if there
    // is no connection, or if what is given is no record (kInvalid, kTooLarge). kBusy: kTries races
    // lost.
    IngressStore(redis::Port& port, Notices& notices) : commands_(port, notices) {}

    struct Ingress {
        std::string info;   // livekit.IngressInfo without state
        std::string state;  // livekit.IngressState; empty is a valid one
        // Both as one IngressInfo, which always has a state.
        std::string whole() const;
    };

    // A serialised livekit.IngressInfo with an id; new, or in place of the one with that id. What
    // is in its field `state` is the state of a new one, and of no other.
    void store(Timestamp now, const std::string& info, Got<bool> done);
    // RDS-23. True: written. False: a later update of the same session is there already. kOutdated:
    // a later session is. kNotFound: there is no such ingress; nothing is written then.
    void set_state(Timestamp now, const std::string& id, const std::string& state, Got<bool> done);
    // The same; what was there before, so that of two writers each knows what it changed. Nothing:
    // not written.
    void replace_state(Timestamp now, const std::string& id, const std::string& state,
                       Got<std::optional<std::string>> done);
    // kNotFound: "ingress does not exist". What was there.
    void remove(Timestamp now, const std::string& id, Got<Ingress> done);

    void load(Timestamp now, const std::string& id, Got<Ingress> done);
    void load_by_stream_key(Timestamp now, const std::string& key, Got<Ingress> done);
    // All, or those of a room.
    void list(Timestamp now, Got<std::vector<Ingress>> done);
    void list(Timestamp now, const std::string& room, Got<std::vector<Ingress>> done);

  private:
    struct Change;  // store or remove of one, with its tries
    struct StateChange;

    void read(Timestamp now, std::shared_ptr<Change> change);
    void apply(Timestamp now, const std::shared_ptr<Change>& change, const std::string& there);
    void read_state(Timestamp now, std::shared_ptr<StateChange> change);
    void apply_state(Timestamp now, const std::shared_ptr<StateChange>& change,
                     const std::string& there);
    void with_states(Timestamp now, Result<StoredList, Failure> infos,
                     Got<std::vector<Ingress>> done);

    Commands commands_;
};

}  // namespace confab::cluster::store
