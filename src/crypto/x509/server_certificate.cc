// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "crypto/x509/server_certificate.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <optional>
#include <utility>

#include "base/net_address.h"

namespace confab::crypto {
namespace {

constexpr int kMaxNames = 10;  // in a message

struct FreeBio {
    void operator()(BIO* bio) const { BIO_free(bio); }
};
using TextSource = std::unique_ptr<BIO, FreeBio>;

TextSource source_of(std::string_view text) {
    return TextSource(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// Instead of the terminal: nobody is there to type the password of a key.
int no_password(char*, int, int, void*) {
    return -1;
}

// Whether reading ended because there is no further block.
bool is_end_of_text() {
    const unsigned long error = ERR_peek_last_error();
    return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

Result<std::vector<CertificateHandle>, ServerCertificateError> read_chain(std::string_view text) {
    std::vector<CertificateHandle> chain;
    const TextSource source = source_of(text);
    while (chain.size() < kMaxChain) {
        ERR_clear_error();
        X509* const one = PEM_read_bio_X509(source.get(), nullptr, &no_password, nullptr);
        if (one == nullptr) break;
        chain.emplace_back(one);
    }
    const bool whole = chain.size() == kMaxChain || is_end_of_text();
    ERR_clear_error();
    if (!whole) return fail(ServerCertificateError::kCertificateCutShort);
    if (chain.empty()) return fail(ServerCertificateError::kNoCertificate);
    return chain;
}

Result<KeyHandle, ServerCertificateError> read_key(std::string_view text) {
    ERR_clear_error();
    const TextSource source = source_of(text);
    EVP_PKEY* const key = PEM_read_bio_PrivateKey(source.get(), nullptr, &no_password, nullptr);
    ERR_clear_error();
    if (key != nullptr) return KeyHandle(key);
    if (text.find("ENCRYPTED") != text.npos) return fail(ServerCertificateError::kKeyEncrypted);
    const bool begins =
        text.find("-----BEGIN") != text.npos && text.find("PRIVATE KEY") != text.npos;
    return fail(begins ? ServerCertificateError::kKeyCutShort : ServerCertificateError::kNoKey);
}

std::optional<UnixTime> read_time(const ASN1_TIME* time) {
    int days = 0;
    int seconds = 0;
    ASN1_TIME* const epoch = ASN1_TIME_set(nullptr, 0);
    const bool ok = epoch != nullptr && ASN1_TIME_diff(&days, &seconds, epoch, time) == 1;
    ASN1_TIME_free(epoch);
    if (!ok) return std::nullopt;
    return UnixTime::seconds(std::int64_t{days} * 86'400 + seconds);
}

}  // namespace

std::string_view to_text(ServerCertificateError error) {
    switch (error) {
        case ServerCertificateError::kTooLarge:
            return "is larger than 256 KiB; name the PEM file with the certificate";
        case ServerCertificateError::kNoCertificate:
            return "has no certificate in it; name the PEM file that begins with BEGIN CERTIFICATE";
        case ServerCertificateError::kCertificateCutShort:
            return "is cut short or damaged; write it as a whole, best beside it and renamed";
        case ServerCertificateError::kNoKey:
            return "has no private key in it; name the PEM file that begins with BEGIN PRIVATE KEY";
        case ServerCertificateError::kKeyCutShort:
            return "is cut short or damaged; write it as a whole, best beside it and renamed";
        case ServerCertificateError::kKeyEncrypted:
            return "is encrypted; write the key without a password: openssl pkey -in KEY -out "
                   "PLAIN";
        case ServerCertificateError::kOtherKey:
            return "is not the key of this certificate; write both files of one issue";
    }
    return {};
}

Result<ServerCertificate, ServerCertificateError> ServerCertificate::read(
    std::string_view chain_pem, std::string_view key_pem) {
    if (chain_pem.size() > kMaxCertificatePem || key_pem.size() > kMaxCertificatePem)
        return fail(ServerCertificateError::kTooLarge);
    ServerCertificate made;
    CONFAB_TRY(made.chain_, read_chain(chain_pem));
    CONFAB_TRY(made.key_, read_key(key_pem));
    X509* const own = made.chain_.front().get();
    const bool fits = X509_check_private_key(own, made.key_.get()) == 1;
    ERR_clear_error();
    if (!fits) return fail(ServerCertificateError::kOtherKey);
    const auto begin = read_time(X509_get0_notBefore(own));
    const auto end = read_time(X509_get0_notAfter(own));
    if (!begin || !end) return fail(ServerCertificateError::kCertificateCutShort);
    made.not_before_ = *begin;
    made.not_after_ = *end;
    return made;
}

bool ServerCertificate::names(std::string_view host) const {
    const std::string text(host);
    if (IpAddress::parse(text))
        return X509_check_ip_asc(native_certificate(), text.c_str(), 0) == 1;
    return X509_check_host(native_certificate(), text.data(), text.size(), 0, nullptr) == 1;
}

std::string ServerCertificate::names_text() const {
    auto* const names = static_cast<GENERAL_NAMES*>(
        X509_get_ext_d2i(native_certificate(), NID_subject_alt_name, nullptr, nullptr));
    std::string text;
    int count = 0;
    for (int i = 0; i < sk_GENERAL_NAME_num(names) && count < kMaxNames; ++i) {
        const GENERAL_NAME* const name = sk_GENERAL_NAME_value(names, i);
        if (name->type != GEN_DNS) continue;
        const ASN1_STRING* const value = name->d.dNSName;
        ++count;
        text.append(text.empty() ? "" : ", ");
        for (int k = 0; k < ASN1_STRING_length(value); ++k) {
            const char c = static_cast<char>(ASN1_STRING_get0_data(value)[k]);
            text += c > ' ' && c < 0x7F ? c : '?';  // for the log
        }
    }
    GENERAL_NAMES_free(names);
    return text.empty() ? "no name of a host" : text;
}

std::vector<X509*> ServerCertificate::native_chain() const {
    std::vector<X509*> rest;
    for (std::size_t i = 1; i < chain_.size(); ++i)
        rest.push_back(chain_[i].get());
    return rest;
}

}  // namespace confab::crypto
