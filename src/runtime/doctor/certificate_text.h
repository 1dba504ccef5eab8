// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What people want to know of a certificate; and of the files of one, before a server reads them.
#pragma once

#include <optional>
#include <string>

#include "base/time.h"
#include "runtime/doctor/facts.h"

struct x509_st;

namespace confab::doctor {

// Its subject alternative names, else its common name; separated by ", ", at most 8 of them.
std::string certificate_names(x509_st* certificate);
std::string certificate_issuer(x509_st* certificate);
std::optional<UnixTime> certificate_begin(x509_st* certificate);
std::optional<UnixTime> certificate_end(x509_st* certificate);

// Reads both files. `option` names the section they are of; `wanted_name` may be empty.
PemFacts probe_pem(const std::string& option, const std::string& cert_file,
                   const std::string& key_file, const std::string& wanted_name);

}  // namespace confab::doctor
