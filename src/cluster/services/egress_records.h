// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What becomes of an egress, as its worker tells it: into the store, and from there to webhooks
// (04 EGR-33). Workers try again for as long as they hear nothing, so that the same may be told
// more than once.
#pragma once

#include <cstdint>
#include <string>

#include "cluster/services/hooks.h"
#include "cluster/store/egress_store.h"
#include "livekit_egress.pb.h"

namespace confab::cluster::services {

class EgressRecords {
  public:
    // Both outlive it.
    EgressRecords(store::EgressStore& store, Hooks& hooks) : store_(store), hooks_(hooks) {}

    using Kept = Callback<Timestamp, Result<void, store::Failure>>;

    // A serialised livekit.EgressInfo. New: egress_started. There already: left alone, no webhook.
    void create(Timestamp now, const std::string& info, Kept done);
    // What is there is replaced, and egress_updated or egress_ended sent. An egress that has ended
    // stays so: what says otherwise is late, and passed over.
    void update(Timestamp now, const std::string& info, Kept done);

    std::uint64_t late() const { return late_; }  // updates passed over

  private:
    // With whose it is, read before anything is written: what fails is told again by the worker.
    using Owned = Callback<Timestamp, std::string, Kept>;
    void with_tenant(Timestamp now, const std::string& info, Kept done, Owned then);
    void create_of(Timestamp now, const std::string& tenant, const std::string& info, Kept done);
    void update_of(Timestamp now, const std::string& tenant, const std::string& info, Kept done);
    void write(Timestamp now, const std::string& tenant, const std::string& info, Kept done);
    void tell(Timestamp now, const char* event, const std::string& tenant,
              const livekit::EgressInfo& info);

    store::EgressStore& store_;
    Hooks& hooks_;
    std::uint64_t late_ = 0;
};

}  // namespace confab::cluster::services
