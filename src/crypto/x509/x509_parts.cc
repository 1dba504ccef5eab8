// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "crypto/x509/x509_parts.h"

#include <openssl/bn.h>

#include "base/bytes.h"
#include "crypto/random.h"

namespace confab::crypto {
namespace {

constexpr std::size_t kMaxCommonName = 64;  // ub-common-name of RFC 5280 appendix A.1

}  // namespace

bool set_random_serial(X509* certificate) {
    auto serial = random_bytes<16>();
    serial[0] = static_cast<std::uint8_t>((serial[0] & 0x3f) | 0x40);  // positive, 16 octets
    BIGNUM* number = BN_bin2bn(serial.data(), static_cast<int>(serial.size()), nullptr);
    const bool ok = number != nullptr &&
                    BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != nullptr;
    BN_free(number);
    return ok;
}

bool set_subject(X509* certificate, std::string_view common_name) {
    const auto text = as_bytes(common_name.substr(0, kMaxCommonName));
    X509_NAME* name = X509_get_subject_name(certificate);
    return X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8, text.data(),
                                      static_cast<int>(text.size()), -1, 0) == 1 &&
           X509_set_issuer_name(certificate, name) == 1;
}

}  // namespace confab::crypto
