// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Internal to the bus: what every request passes before a server sees it, calls and streams alike:
// sound ids, not too old (03 PSR-13), not seen before.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <set>
#include <string>

#include "cluster/psrpc/core.h"

namespace confab::cluster::psrpc {

class Intake {
  public:
    // Of the latest requests; an older one that comes again is mostly too old, too.
    static constexpr std::size_t kMaxRecent = 4096;

    explicit Intake(Core& core) : core_(core) {}

    // `client`: where the answer goes.
    bool admit(Timestamp now, const rpc::Method& method, const std::string& request,
               const std::string& client, std::int64_t expiry);
    // Counts it, too.
    bool is_expired(Timestamp now, const rpc::Method& method, std::int64_t expiry);

  private:
    bool is_new(const std::string& request);

    Core& core_;
    std::set<std::string> recent_;
    std::deque<std::string> order_;
};

}  // namespace confab::cluster::psrpc
