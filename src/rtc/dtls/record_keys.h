// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The keys of records from a finished handshake of libssl (RFC 5246 §5, §6.3). Internal to
// rtc/dtls.
#pragma once

#include <optional>

#include "crypto/digest.h"
#include "rtc/dtls/dtls_types.h"
#include "rtc/dtls/record_layer.h"

struct ssl_st;

namespace confab::dtls {

// Fills `out` by P_hash with HMAC-SHA-256, or with HMAC-SHA-384 (`wide`).
void tls12_prf(bool wide, BytesView secret, std::string_view label, BytesView seed, BytesSpan out);

// nullopt before the end of the handshake, and for suites that are not AEAD.
std::optional<RecordKeys> derive_record_keys(const ssl_st* ssl, Role role);

}  // namespace confab::dtls
