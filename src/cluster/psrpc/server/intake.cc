// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/psrpc/server/intake.h"

namespace confab::cluster::psrpc {

bool Intake::admit(Timestamp now, const rpc::Method& method, const std::string& request,
                   const std::string& client, std::int64_t expiry) {
    const auto sound = [](const std::string& id) { return !id.empty() && id.size() <= kMaxId; };
    if (!sound(request) || !sound(client)) {
        ++core_.faults.malformed;
        return false;
    }
    ++core_.of(Role::kServer, method).received;
    if (is_expired(now, method, expiry)) return false;
    if (is_new(request)) return true;
    ++core_.faults.duplicates;
    return false;
}

bool Intake::is_expired(Timestamp now, const rpc::Method& method, std::int64_t expiry) {
    if (!core_.is_expired(now, expiry)) return false;
    ++core_.faults.expired;
    ++core_.of(Role::kServer, method).expired;
    return true;
}

bool Intake::is_new(const std::string& request) {
    if (!recent_.insert(request).second) return false;
    order_.push_back(request);
    if (order_.size() > kMaxRecent) {
        recent_.erase(order_.front());
        order_.pop_front();
    }
    return true;
}

}  // namespace confab::cluster::psrpc
