// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// livekit.Ingress of a node that shares a Redis with ingress services (01 API-25, API-26): keeps
// what is to be published, starts what is fetched, tells the session that runs of changes.
#pragma once

#include <string>

#include "base/rng.h"
#include "cluster/psrpc/retry.h"
#include "cluster/services/ingress_records.h"
#include "cluster/services/outcome.h"
#include "cluster/services/turns.h"
#include "cluster/store/ingress_store.h"
#include "livekit_ingress.pb.h"

namespace confab::cluster::services {

// What encoders are told to publish to (ingress.*_base_url); the stream key comes behind it.
struct IngressAddresses {
    std::string rtmp;
    std::string whip;
};

class IngressService {
  public:
    // All outlive it.
    struct Parts {
        psrpc::Retrier& bus;
        Turns& turns;
        store::IngressStore& store;
        IngressRecords& records;
        psrpc::RetryPlan plan;
        IngressAddresses addresses;
    };
    IngressService(Parts parts, std::uint64_t seed) : p_(std::move(parts)), rng_(seed) {}

    // kInvalidArgument with the texts of ING-07. What is fetched is started at once, and stored by
    // whoever does it; kUnavailable "no response from servers": nobody does.
    void create(const Caller& caller, const livekit::CreateIngressRequest& request,
                Done<livekit::IngressInfo> done);
    // Empty values leave what there is. kNotFound "ingress does not exist", here and below. A
    // session that runs ends, so that its encoder comes back with the new settings.
    void update(const Caller& caller, const livekit::UpdateIngressRequest& request,
                Done<livekit::IngressInfo> done);
    void list(const Caller& caller, const livekit::ListIngressRequest& request,
              Done<livekit::ListIngressResponse> done);
    // What there was, as inactive.
    void remove(const Caller& caller, const livekit::DeleteIngressRequest& request,
                Done<livekit::IngressInfo> done);

  private:
    using Loaded = Result<store::IngressStore::Ingress, store::Failure>;

    void fetch(const Caller& caller, const livekit::IngressInfo& info,
               Done<livekit::IngressInfo> done);
    void store_new(Timestamp now, const livekit::IngressInfo& info,
                   Done<livekit::IngressInfo> done);
    void change(const Caller& caller, livekit::IngressInfo info,
                const livekit::UpdateIngressRequest& request, Done<livekit::IngressInfo> done);
    void store_changed(const Caller& caller, const livekit::IngressInfo& info,
                       const livekit::UpdateIngressRequest& request,
                       Done<livekit::IngressInfo> done);
    void remove_now(Timestamp now, const std::string& id, Done<livekit::IngressInfo> done);
    // Asks the session of the ingress, if it has one; whatever comes of it, `then` goes on.
    void ask_session(const Caller& caller, const livekit::IngressInfo& info,
                     const rpc::Method& method, std::string request, Callback<Timestamp> then);

    Parts p_;
    Rng rng_;
};

}  // namespace confab::cluster::services
