// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Which of the servers that claim a request gets it (03 PSR-11). Keeps the best one only, so that
// it does not matter how many claim.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/time.h"
#include "rpc/bus.h"

namespace confab::cluster::psrpc {

class Selection {
  public:
    Selection() = default;
    // `start`: of the call. Ends at the latest at `latest`.
    Selection(rpc::Flow flow, const rpc::CallOptions& options, Timestamp start, Timestamp latest);

    void add_claim(Timestamp now, const std::string& server, double affinity);
    // What a server answered in place of a claim, for want of a better answer.
    void add_error(rpc::Error error) { error_ = std::move(error); }

    bool is_over(Timestamp now) const { return decided_ || now >= deadline_; }
    Timestamp deadline() const { return deadline_; }
    // The server, or why there is none.
    Result<std::string, rpc::Error> result() const;
    std::uint64_t claims() const { return claims_; }

  private:
    bool accept_first_ = false;
    double minimum_ = 0;
    double maximum_ = 0;
    Duration short_circuit_;
    Timestamp deadline_ = Timestamp::never();
    bool decided_ = false;
    std::uint64_t claims_ = 0;
    double highest_ = 0;
    std::string best_;
    std::optional<rpc::Error> error_;
};

}  // namespace confab::cluster::psrpc
