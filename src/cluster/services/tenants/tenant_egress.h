// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What makes an egress one of a tenant (docs/design/tenants.md): a token of the tenant's instead of
// the worker's own, and a place of its own where the storage is the worker's.
#pragma once

#include <string>
#include <string_view>

#include "base/time.h"
#include "rpc_egress.pb.h"
#include "token/token.h"

namespace confab::cluster::services {

// As workers sign theirs (04 EGR-77).
inline constexpr Duration kEgressTokenLifetime = Duration::seconds(86'400);

// A token for the room of `request`, by whose name the tenant knows it, for the participant that
// the egress is.
std::string egress_token(const ::rpc::StartEgressRequest& request,
                         const token::KeyProvider::Key& key, UnixTime now);

// Where what is recorded goes to a storage that the request has no account of its own for, the
// paths begin with "tenant-<tenant>/", and lead nowhere else. Empty, or why it cannot be kept
// there.
std::string keep_apart(std::string_view tenant, ::rpc::StartEgressRequest& request);

}  // namespace confab::cluster::services
