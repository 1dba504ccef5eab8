// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// How an operation of the services ends: a value, or an error that the API and the bus know.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "base/callback.h"
#include "base/result.h"
#include "base/time.h"
#include "cluster/store/failure.h"
#include "rpc/error.h"

namespace confab::cluster::services {

struct Refusal {
    rpc::Error error;
    // The API shows the text as it is, without the prefix of the errors of services (API-W5).
    bool is_plain = false;
};
template <typename T>
using Done = Callback<Result<T, Refusal>>;

// On whose behalf.
struct Caller {
    Timestamp now;
    std::optional<Duration> timeout = {};  // who asks waits no longer
};

// What is no record came from whoever asked: `invalid` says so, otherwise Redis has it.
rpc::Error to_error(const store::Failure& failure, rpc::Code invalid = rpc::Code::kInternal);

inline Refusal refusal(rpc::Code code, std::string text) {
    return {{code, std::move(text), {}}, false};
}
inline Refusal refusal(const store::Failure& failure) {
    return {to_error(failure), false};
}

}  // namespace confab::cluster::services
