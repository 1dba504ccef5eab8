// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Certificates that the operator, or a program of the operator's, puts into files.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/serve/file_watch.h"
#include "base/result.h"
#include "base/time.h"
#include "crypto/x509/server_certificate.h"

namespace confab::app {

struct CertificatePlace {
    std::string section;  // of the configuration, with cert_file and key_file: "tls"
    std::string cert_file;
    std::string key_file;
    std::vector<std::string> names;  // of hosts that it has to be for
};

// The error names option, file and remedy.
Result<crypto::ServerCertificate, std::string> read_certificate(const CertificatePlace& place);

// Why clients will refuse it, with the remedy; empty: they will not.
std::string objection_to(const crypto::ServerCertificate& certificate,
                         const CertificatePlace& place, UnixTime now);

// The certificate of a place: the last good one, whatever becomes of its files.
class CertificateFiles {
  public:
    explicit CertificateFiles(CertificatePlace place) : place_(std::move(place)) {}

    // At the start. What clients will refuse is taken all the same, as there is no other, and told
    // in `warning`.
    Result<void, std::string> load(UnixTime now, std::string& warning);
    // Whether the files have changed since they were read, and are not written to any more.
    bool changed() { return files_.changed(); }
    // Takes what is there now, if it is whole and clients will accept it; else says why it does
    // not.
    Result<void, std::string> reload(UnixTime now);

    const CertificatePlace& place() const { return place_; }
    const crypto::ServerCertificate& certificate() const { return *certificate_; }

  private:
    CertificatePlace place_;
    FileWatch files_;
    std::optional<crypto::ServerCertificate> certificate_;  // from load() on
};

}  // namespace confab::app
