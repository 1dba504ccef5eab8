// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/serve/tls/certificate_files.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>

#include "runtime/net/http/http_message.h"

namespace confab::app {
namespace {

Result<std::string, std::string> read_file(const std::string& option, const std::string& path) {
    errno = 0;
    std::ifstream file(path, std::ios::binary);
    std::string text(crypto::kMaxCertificatePem + 1, '\0');
    if (file.read(text.data(), static_cast<std::streamsize>(text.size()));
        file.bad() || !file.is_open())
        return fail(option + ": " + path + ": " + std::strerror(errno == 0 ? EIO : errno) +
                    "; let the user of this server read it, or correct " + option);
    text.resize(static_cast<std::size_t>(file.gcount()));
    return text;
}

}  // namespace

Result<crypto::ServerCertificate, std::string> read_certificate(const CertificatePlace& place) {
    const std::string cert_option = place.section + ".cert_file";
    const std::string key_option = place.section + ".key_file";
    CONFAB_TRY(const std::string chain, read_file(cert_option, place.cert_file));
    CONFAB_TRY(const std::string key, read_file(key_option, place.key_file));
    auto certificate = crypto::ServerCertificate::read(chain, key);
    if (certificate) return *std::move(certificate);
    const bool of_key = crypto::is_of_key(certificate.error());
    std::string text = of_key ? key_option : cert_option;
    text.append(": ").append(of_key ? place.key_file : place.cert_file).append(" ");
    text.append(crypto::to_text(certificate.error()));
    return fail(std::move(text));
}

std::string objection_to(const crypto::ServerCertificate& certificate,
                         const CertificatePlace& place, UnixTime now) {
    const std::string file = place.section + ".cert_file: " + place.cert_file;
    if (now > certificate.not_after())
        return file + " expired at " + net::http_date(certificate.not_after()) +
               "; renew it, or set the clock";
    if (now < certificate.not_before())
        return file + " is not valid before " + net::http_date(certificate.not_before()) +
               "; set the clock";
    for (const std::string& name : place.names)
        if (!certificate.names(name))
            return std::string(file)
                .append(" is not for ")
                .append(name)
                .append(" but for ")
                .append(certificate.names_text())
                .append("; write a certificate that names it, or correct ")
                .append(place.section)
                .append(".domain");
    return {};
}

Result<void, std::string> CertificateFiles::load(UnixTime now, std::string& warning) {
    files_.begin({place_.cert_file, place_.key_file});
    CONFAB_TRY(certificate_, read_certificate(place_));
    warning = objection_to(*certificate_, place_, now);
    return {};
}

Result<void, std::string> CertificateFiles::reload(UnixTime now) {
    CONFAB_TRY(crypto::ServerCertificate read, read_certificate(place_));
    if (std::string why = objection_to(read, place_, now); !why.empty())
        return fail(std::move(why));
    certificate_ = std::move(read);
    return {};
}

}  // namespace confab::app
