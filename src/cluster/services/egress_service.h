// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// livekit.Egress of a node that shares a Redis with egress workers (01 API-20 … API-23): looks
// things up, asks the workers over the bus, and keeps what they answer. What a request says beyond
// its room is the worker's to check.
#pragma once

#include <functional>
#include <string>

#include "base/rng.h"
#include "cluster/psrpc/retry.h"
#include "cluster/services/by_cluster_id.h"
#include "cluster/services/egress_records.h"
#include "cluster/services/outcome.h"
#include "cluster/services/turns.h"
#include "cluster/store/egress_store.h"
#include "cluster/store/rooms/room_reader.h"
#include "livekit_egress.pb.h"
#include "rpc_egress.pb.h"

namespace confab::cluster::services {

class EgressService {
  public:
    // What is called with the id of an egress that is longer than this is not looked for.
    static constexpr std::size_t kMaxId = 256;

    // All outlive it.
    struct Parts {
        psrpc::Retrier& bus;
        ByClusterId& workers;
        Turns& turns;
        store::EgressStore& store;
        store::RoomReader& rooms;
        EgressRecords& records;
        psrpc::RetryPlan plan;  // of calls to a worker that runs an egress
        // Changes the metadata of a participant, wherever its room is.
        using Changed = Callback<Result<void, Refusal>>;
        std::function<void(const Caller&, const std::string& room, const std::string& identity,
                           const std::string& metadata, Changed)>
            set_metadata;
    };
    EgressService(Parts parts, std::uint64_t seed) : p_(std::move(parts)), rng_(seed) {}

    // API-20, API-21: `request` has its kind, and a room's sid if its room is known to be there; an
    // id, if it was asked for before.
    // kNotFound: no such room; what a worker refuses; kUnavailable "no response from servers":
    // there is none that could.
    void start(const Caller& caller, ::rpc::StartEgressRequest request,
               Done<livekit::EgressInfo> done);
    // API-22: by the metadata of the egress in its room.
    void update_layout(const Caller& caller, const livekit::UpdateLayoutRequest& request,
                       Done<livekit::EgressInfo> done);
    // API-23, EGR-39. kNotFound "egress does not exist"; plain kFailedPrecondition when it is over.
    void update_stream(const Caller& caller, const livekit::UpdateStreamRequest& request,
                       Done<livekit::EgressInfo> done);
    void stop(const Caller& caller, const livekit::StopEgressRequest& request,
              Done<livekit::EgressInfo> done);
    void list(const Caller& caller, const livekit::ListEgressRequest& request,
              Done<livekit::ListEgressResponse> done);

  private:
    void ask_worker(const Caller& caller, const ::rpc::StartEgressRequest& request,
                    Done<livekit::EgressInfo> done);
    void started(Timestamp now, const std::string& id, const rpc::Outcome& outcome,
                 Done<livekit::EgressInfo> done);
    // Ends with kNotFound where it is a tenant's: nobody who asks here may have to do with it.
    template <typename T>
    void unless_tenants(Timestamp now, const std::string& id, Done<T> done,
                        Callback<Timestamp, Done<T>> then);
    void set_layout(const Caller& caller, const livekit::UpdateLayoutRequest& request,
                    Done<livekit::EgressInfo> done);
    void list_one(const Caller& caller, const std::string& id,
                  Done<livekit::ListEgressResponse> done);
    void leave_out_tenants(Timestamp now, livekit::ListEgressResponse response,
                           Done<livekit::ListEgressResponse> done);
    void handle(const Caller& caller, const rpc::Method& method, const std::string& id,
                std::string request, const char* what, Done<livekit::EgressInfo> done);
    void ask_handler(const Caller& caller, const rpc::Method& method, const std::string& id,
                     std::string request, const char* what, Done<livekit::EgressInfo> done);
    void explain(Timestamp now, const std::string& id, const rpc::Error& error, const char* what,
                 Done<livekit::EgressInfo> done);

    Parts p_;
    Rng rng_;
};

}  // namespace confab::cluster::services
