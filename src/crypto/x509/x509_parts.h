// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What every certificate has that we make. Included by .cc files only.
#pragma once

#include <openssl/x509.h>

#include <string_view>

namespace confab::crypto {

// False: no memory, or no random numbers.
bool set_random_serial(X509* certificate);
// Of the subject, which is the issuer, too; at most 64 characters of it.
bool set_subject(X509* certificate, std::string_view common_name);

}  // namespace confab::crypto
