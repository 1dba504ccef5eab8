// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/psrpc/metrics.h"

#include <algorithm>

namespace confab::cluster::psrpc {

void Histogram::add(Duration time) {
    const std::int64_t ms = time.ms();
    const auto bound = std::lower_bound(kBounds.begin(), kBounds.end(), ms);
    ++counts[static_cast<std::size_t>(bound - kBounds.begin())];
    ++count;
    sum_ms += ms;
}

MethodKey key_of(Role role, const rpc::Method& method) {
    std::string_view kind = "rpc";
    if (method.flow == rpc::Flow::kMulti) kind = "multirpc";
    if (method.flow == rpc::Flow::kStream) kind = "stream";
    return {role, kind, method.service, method.name};
}

}  // namespace confab::cluster::psrpc
