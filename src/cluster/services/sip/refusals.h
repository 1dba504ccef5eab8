// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Refusals of the SIP service's own checks, which the API shows as they are (01 API-W5).
#pragma once

#include <string>
#include <utility>

#include "cluster/services/outcome.h"

namespace confab::cluster::services::sip {

inline Refusal invalid(std::string text) {
    return {{rpc::Code::kInvalidArgument, std::move(text), {}}, true};
}
// Of a trunk or rule that was looked for: that it is not there is plain, troubles of Redis not.
inline Refusal absent(const store::Failure& failure) {
    return {to_error(failure), failure.code == store::Failure::Code::kNotFound};
}

}  // namespace confab::cluster::services::sip
