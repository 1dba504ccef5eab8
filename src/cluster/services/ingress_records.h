// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What becomes of an ingress, as the ingress service tells it: into the store, and from there to
// webhooks (04 ING-09, ING-10).
//
// differs from upstream, which tells of changes of the status: here each session (resource id) that
// publishes begins once and ends once, also when two writes come together, when another session
// takes its place or the ingress is deleted; and an attempt that is refused leaves the session that
// is live as it is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cluster/services/hooks.h"
#include "cluster/store/ingress_store.h"
#include "livekit_ingress.pb.h"

namespace confab::cluster::services {

class IngressRecords {
  public:
    // Both outlive it.
    IngressRecords(store::IngressStore& store, Hooks& hooks) : store_(store), hooks_(hooks) {}

    using Kept = Callback<Timestamp, Result<void, store::Failure>>;

    // A serialised livekit.IngressInfo; in place of the one with that id, if there is.
    void create(Timestamp now, const std::string& info, Kept done);
    // A serialised livekit.IngressState (RDS-23). kNotFound, kOutdated.
    void set_state(Timestamp now, const std::string& id, const std::string& state, Kept done);
    // The ingress is gone from the store.
    void removed(Timestamp now, const livekit::IngressInfo& was);

    std::uint64_t refused_attempts() const { return refused_; }  // on a live ingress

  private:
    void replace(Timestamp now, const livekit::IngressInfo& info, const std::string& state,
                 Kept done);
    void replaced(Timestamp now, livekit::IngressInfo info, const std::string& was,
                  const std::string& state);
    void tell(Timestamp now, const char* event, const livekit::IngressInfo& info);

    store::IngressStore& store_;
    Hooks& hooks_;
    std::uint64_t refused_ = 0;
};

bool is_live(livekit::IngressState::Status status);  // BUFFERING, PUBLISHING

}  // namespace confab::cluster::services
