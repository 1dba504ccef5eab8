// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/psrpc/client/selection.h"

#include <cmath>

namespace confab::cluster::psrpc {

Selection::Selection(rpc::Flow flow, const rpc::CallOptions& options, Timestamp start,
                     Timestamp latest)
    : accept_first_(flow != rpc::Flow::kAffinity || options.accept_first),
      minimum_(options.minimum_affinity),
      maximum_(options.maximum_affinity),
      short_circuit_(options.short_circuit),
      deadline_(latest) {
    if (options.selection_timeout > Duration::zero() && options.selection_timeout < latest - start)
        deadline_ = start + options.selection_timeout;
}

void Selection::add_claim(Timestamp now, const std::string& server, double affinity) {
    if (decided_ || !std::isfinite(affinity) || affinity < 0) return;
    ++claims_;
    if (minimum_ > 0 && affinity < minimum_) return;
    if (accept_first_ || (maximum_ > 0 && affinity >= maximum_)) {
        best_ = server;
        decided_ = true;
        return;
    }
    if (affinity > highest_) {
        highest_ = affinity;
        best_ = server;
    }
    if (short_circuit_ == Duration::zero()) return;
    deadline_ = earlier(deadline_, now + short_circuit_);
    short_circuit_ = Duration::zero();  // from the first claim on
}

Result<std::string, rpc::Error> Selection::result() const {
    if (!best_.empty()) return best_;
    if (error_) return fail(*error_);
    rpc::Error error = rpc::no_response();
    if (claims_ > 0)
        error.text = "no servers available (received " + std::to_string(claims_) + " responses)";
    return fail(std::move(error));
}

}  // namespace confab::cluster::psrpc
