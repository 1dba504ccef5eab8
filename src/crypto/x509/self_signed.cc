// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "crypto/x509/self_signed.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>

#include "crypto/x509/pem_text.h"
#include "crypto/x509/x509_parts.h"

namespace confab::crypto {
namespace {

struct Free {
    void operator()(X509* certificate) const { X509_free(certificate); }
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};

bool add_names(X509* certificate, const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names)
        text += (text.empty() ? "DNS:" : ",DNS:") + name;
    X509_EXTENSION* const extension =
        X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, text.c_str());
    const bool ok = extension != nullptr && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return ok;
}

// Critical, an OCTET STRING in the extension's OCTET STRING (RFC 8737 §3).
bool add_acme(X509* certificate, const std::array<std::uint8_t, 32>& digest) {
    std::string text = "critical,DER:0420";
    constexpr std::string_view kHex = "0123456789abcdef";
    for (const std::uint8_t octet : digest) {
        text += kHex[octet >> 4];
        text += kHex[octet & 15];
    }
    X509_EXTENSION* const extension =
        X509V3_EXT_conf(nullptr, nullptr, "1.3.6.1.5.5.7.1.31", text.c_str());
    const bool ok = extension != nullptr && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return ok;
}

}  // namespace

Result<PemPair, CertificateError> make_self_signed(const SelfSignedOptions& options) {
    const std::unique_ptr<EVP_PKEY, Free> key(EVP_EC_gen("P-256"));
    const std::unique_ptr<X509, Free> made(X509_new());
    if (!key || !made || options.names.empty()) return fail(CertificateError::kKeyGeneration);
    X509* const raw = made.get();
    const bool ok = X509_set_version(raw, X509_VERSION_3) == 1 && set_random_serial(raw) &&
                    set_subject(raw, options.names.front()) &&
                    ASN1_TIME_set(X509_getm_notBefore(raw), options.not_before.s()) != nullptr &&
                    ASN1_TIME_set(X509_getm_notAfter(raw), options.not_after.s()) != nullptr &&
                    X509_set_pubkey(raw, key.get()) == 1 && add_names(raw, options.names) &&
                    (!options.acme_digest || add_acme(raw, *options.acme_digest)) &&
                    X509_sign(raw, key.get(), EVP_sha256()) > 0;
    if (!ok) return fail(CertificateError::kSigning);
    return PemPair{certificate_pem(raw), private_key_pem(key.get())};
}

Result<ServerCertificate, CertificateError> make_self_signed_server(
    const SelfSignedOptions& options) {
    CONFAB_TRY(const PemPair pair, make_self_signed(options));
    auto made = ServerCertificate::read(pair.certificate, as_text(pair.key.view()));
    if (!made) return fail(CertificateError::kSigning);
    return *std::move(made);
}

}  // namespace confab::crypto
