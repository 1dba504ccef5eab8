// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/services/egress_records.h"

#include <utility>

#include "cluster/services/egress_request.h"
#include "cluster/store/record.h"

namespace confab::cluster::services {
namespace {

using livekit::EgressInfo;
using store::Failure;

livekit::EgressStatus status_of(const std::string& info) {
    return static_cast<livekit::EgressStatus>(
        store::number_of(info, EgressInfo::kStatusFieldNumber));
}

// Null: nobody is told (EGR-33).
const char* event_of(livekit::EgressStatus status) {
    if (status == livekit::EGRESS_ACTIVE || status == livekit::EGRESS_ENDING)
        return "egress_updated";
    return has_ended(status) ? "egress_ended" : nullptr;
}

}  // namespace

void EgressRecords::with_tenant(Timestamp now, const std::string& info, Kept done, Owned then) {
    store_.tenant_of(now, store::text_of(info, EgressInfo::kEgressIdFieldNumber),
                     [done = std::move(done), then = std::move(then)](
                         Timestamp at, const Result<std::string, Failure>& tenant) mutable {
                         if (!tenant) return done(at, fail(tenant.error()));
                         then(at, *tenant, std::move(done));
                     });
}

void EgressRecords::create(Timestamp now, const std::string& info, Kept done) {
    with_tenant(now, info, std::move(done),
                [this, info](Timestamp at, const std::string& tenant, Kept kept) {
                    create_of(at, tenant, info, std::move(kept));
                });
}

void EgressRecords::update(Timestamp now, const std::string& info, Kept done) {
    with_tenant(now, info, std::move(done),
                [this, info](Timestamp at, const std::string& tenant, Kept kept) {
                    update_of(at, tenant, info, std::move(kept));
                });
}

void EgressRecords::create_of(Timestamp now, const std::string& tenant, const std::string& info,
                              Kept done) {
    store_.create(now, info,
                  [this, tenant, info, done = std::move(done)](
                      Timestamp at, const Result<bool, Failure>& is_new) mutable {
                      if (!is_new) return done(at, fail(is_new.error()));
                      EgressInfo parsed;
                      if (*is_new && parsed.ParseFromString(info))
                          tell(at, "egress_started", tenant, parsed);
                      done(at, {});
                  });
}

void EgressRecords::update_of(Timestamp now, const std::string& tenant, const std::string& info,
                              Kept done) {
    const std::string id(store::text_of(info, EgressInfo::kEgressIdFieldNumber));
    store_.load(now, id,
                [this, tenant, info, done = std::move(done)](
                    Timestamp at, const Result<std::string, Failure>& there) mutable {
                    if (!there && there.error().code == Failure::Code::kUnavailable)
                        return done(at, fail(there.error()));
                    if (there && has_ended(status_of(*there)) && !has_ended(status_of(info))) {
                        ++late_;
                        return done(at, {});
                    }
                    write(at, tenant, info, std::move(done));
                });
}

void EgressRecords::write(Timestamp now, const std::string& tenant, const std::string& info,
                          Kept done) {
    store_.update(now, info,
                  [this, tenant, info, done = std::move(done)](
                      Timestamp at, const Result<bool, Failure>& written) mutable {
                      if (!written) return done(at, fail(written.error()));
                      EgressInfo parsed;
                      if (const char* event = event_of(status_of(info));
                          event != nullptr && parsed.ParseFromString(info))
                          tell(at, event, tenant, parsed);
                      done(at, {});
                  });
}

void EgressRecords::tell(Timestamp now, const char* event, const std::string& tenant,
                         const EgressInfo& info) {
    livekit::WebhookEvent hook = hooks_.event(now, event);
    *hook.mutable_egress_info() = info;
    hooks_.send(hook, tenant);
}

}  // namespace confab::cluster::services
