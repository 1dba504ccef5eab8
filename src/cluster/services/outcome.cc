// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/services/outcome.h"

namespace confab::cluster::services {

rpc::Error to_error(const store::Failure& failure, rpc::Code invalid) {
    using From = store::Failure::Code;
    switch (failure.code) {
        case From::kNotFound:
            return {rpc::Code::kNotFound, failure.text, {}};
        case From::kUnavailable:
        case From::kBusy:
            return {rpc::Code::kUnavailable, failure.text, {}};
        case From::kOutdated:
            return {rpc::Code::kFailedPrecondition, failure.text, {}};
        case From::kInvalid:
        case From::kTooLarge:
            return {invalid, failure.text, {}};
        case From::kRefused:
            break;
    }
    return {rpc::Code::kInternal, failure.text, {}};
}

}  // namespace confab::cluster::services
