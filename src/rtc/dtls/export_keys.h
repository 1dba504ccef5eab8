// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// use_srtp (RFC 5764) with OpenSSL: profile names and the exported keys. Internal to rtc/dtls.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "rtc/dtls/dtls_types.h"

struct ssl_st;

namespace confab::dtls {

// OpenSSL's colon-separated list; all three profiles, AEAD first, for an empty one (02 DES-23).
std::string srtp_profile_list(const std::vector<SrtpProfile>& profiles);

// The keys of a finished handshake; nullopt if no profile was agreed.
std::optional<SrtpKeys> export_srtp_keys(ssl_st* ssl, Role role);

}  // namespace confab::dtls
