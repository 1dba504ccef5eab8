// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Internal to the bus: requests that this node has claimed, until their client has chosen a server
// or nobody waits any more (03 PSR-10).
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <utility>

#include "base/callback.h"
#include "cluster/psrpc/alarms.h"
#include "psrpc_internal.pb.h"

namespace confab::cluster::psrpc {

class Claims {
  public:
    static constexpr std::size_t kMaxClaims = 16'384;  // beyond, nothing is claimed

    bool is_full() const { return claims_.size() >= kMaxClaims; }
    std::size_t size() const { return claims_.size(); }
    // `won` is called when the choice falls on `server`.
    void add(const std::string& request, std::string server, Timestamp until,
             Callback<Timestamp> won) {
        alarms_.set(request, until);
        claims_.insert_or_assign(request, Claim{std::move(server), std::move(won)});
    }
    // Choices of other nodes' claims come, too.
    void handle_choice(Timestamp now, const internal::ClaimResponse& choice) {
        auto claim = claims_.extract(choice.request_id());
        if (claim.empty()) return;
        alarms_.cancel(claim.key());
        if (claim.mapped().server == choice.server_id()) claim.mapped().won(now);
    }
    void expire(Timestamp now) {
        while (const auto request = alarms_.pop(now))
            claims_.erase(*request);
    }
    Timestamp next_deadline() const { return alarms_.next(); }

  private:
    struct Claim {
        std::string server;
        Callback<Timestamp> won;
    };
    std::map<std::string, Claim> claims_;
    Alarms<std::string> alarms_;
};

}  // namespace confab::cluster::psrpc
