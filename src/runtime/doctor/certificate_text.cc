// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/doctor/certificate_text.h"

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <memory>

#include "base/bytes.h"
#include "base/net_address.h"

namespace confab::doctor {
namespace {

constexpr int kMaxNames = 8;
constexpr long kMaxFile = 1024 * 1024;

using Certificate = std::unique_ptr<X509, decltype(&::X509_free)>;
using Key = std::unique_ptr<EVP_PKEY, decltype(&::EVP_PKEY_free)>;
using Bio = std::unique_ptr<BIO, decltype(&::BIO_free)>;

std::string text_of(const ASN1_STRING* text) {
    const auto size = static_cast<std::size_t>(::ASN1_STRING_length(text));
    return std::string(as_text(BytesView(::ASN1_STRING_get0_data(text), size)));
}

std::string common_name(const X509_NAME* name) {
    std::array<char, 256> text{};
    const int size = ::X509_NAME_get_text_by_NID(name, NID_commonName, text.data(), text.size());
    return size > 0 ? std::string(text.data(), static_cast<std::size_t>(size)) : std::string();
}

std::string one_name(const GENERAL_NAME* name) {
    if (name->type == GEN_DNS) return text_of(name->d.dNSName);
    if (name->type != GEN_IPADD) return {};
    const std::string bytes = text_of(name->d.iPAddress);
    if (bytes.size() == 4) return IpAddress::v4_bytes(as_bytes(bytes)).to_string();
    if (bytes.size() == 16) return IpAddress::v6_bytes(as_bytes(bytes)).to_string();
    return {};
}

std::optional<UnixTime> time_of(const ASN1_TIME* time) {
    std::tm parts{};
    if (::ASN1_TIME_to_tm(time, &parts) != 1) return std::nullopt;
    return UnixTime::seconds(::timegm(&parts));
}

// The error is for people.
std::string why_not_readable(const std::string& path) {
    struct stat status{};
    if (::stat(path.c_str(), &status) != 0) return std::string(std::strerror(errno));
    if (!S_ISREG(status.st_mode)) return "is no file";
    if (status.st_size > kMaxFile) return "is larger than 1 MiB";
    return {};
}

bool covers(X509* certificate, const std::string& name) {
    if (name.empty()) return true;
    if (IpAddress::parse(name)) return ::X509_check_ip_asc(certificate, name.c_str(), 0) == 1;
    return ::X509_check_host(certificate, name.c_str(), name.size(), 0, nullptr) == 1;
}

}  // namespace

std::string certificate_names(x509_st* certificate) {
    std::string all;
    const auto add = [&](const std::string& name) {
        if (!name.empty()) all += (all.empty() ? "" : ", ") + name;
    };
    auto* names = static_cast<GENERAL_NAMES*>(
        ::X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
    for (int i = 0; names != nullptr && i < sk_GENERAL_NAME_num(names) && i < kMaxNames; ++i)
        add(one_name(sk_GENERAL_NAME_value(names, i)));
    ::GENERAL_NAMES_free(names);
    if (all.empty()) add(common_name(::X509_get_subject_name(certificate)));
    return all;
}

std::string certificate_issuer(x509_st* certificate) {
    return common_name(::X509_get_issuer_name(certificate));
}
std::optional<UnixTime> certificate_begin(x509_st* certificate) {
    return time_of(::X509_get0_notBefore(certificate));
}
std::optional<UnixTime> certificate_end(x509_st* certificate) {
    return time_of(::X509_get0_notAfter(certificate));
}

PemFacts probe_pem(const std::string& option, const std::string& cert_file,
                   const std::string& key_file, const std::string& wanted_name) {
    PemFacts facts{.option = option, .cert_file = cert_file, .key_file = key_file};
    facts.wanted_name = wanted_name;
    for (const std::string& file : {cert_file, key_file})
        if (const std::string why = why_not_readable(file); !why.empty() && facts.error.empty())
            facts.error = std::string(file).append(": ").append(why);
    if (!facts.error.empty()) return facts;
    struct stat status{};
    if (::stat(key_file.c_str(), &status) == 0) facts.key_mode = status.st_mode & 0777U;
    const Bio cert_text(::BIO_new_file(cert_file.c_str(), "r"), &::BIO_free);
    const Certificate certificate(
        cert_text ? ::PEM_read_bio_X509(cert_text.get(), nullptr, nullptr, nullptr) : nullptr,
        &::X509_free);
    if (!certificate) facts.error = cert_file + ": holds no certificate in PEM";
    const Bio key_text(::BIO_new_file(key_file.c_str(), "r"), &::BIO_free);
    // Without a callback a key with a password would ask the terminal for it.
    const auto no_password = [](char*, int, int, void*) { return -1; };
    const Key key(key_text
                      ? ::PEM_read_bio_PrivateKey(key_text.get(), nullptr, no_password, nullptr)
                      : nullptr,
                  &::EVP_PKEY_free);
    if (!key && facts.error.empty())
        facts.error = key_file + ": holds no key in PEM that can be read without a password";
    if (!facts.error.empty()) return facts;
    facts.key_fits = ::X509_check_private_key(certificate.get(), key.get()) == 1;
    facts.names = certificate_names(certificate.get());
    facts.has_name = covers(certificate.get(), wanted_name);
    facts.not_before = certificate_begin(certificate.get());
    facts.not_after = certificate_end(certificate.get());
    return facts;
}

}  // namespace confab::doctor
