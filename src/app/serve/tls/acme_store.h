// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What is kept of an authority: the account's key, and the certificate with its key. Files with
// mode 0600 in a folder of their own below the data folder, each exchanged as a whole.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "crypto/x509/ec_key.h"
#include "crypto/x509/server_certificate.h"

namespace confab::app {

class AcmeStore {
  public:
    // Makes the folder. The error names it and the remedy.
    static Result<AcmeStore, std::string> open(const std::string& data_dir);

    // The one that is kept, else a new one, which is kept from now on.
    Result<crypto::EcKey, std::string> account_key();
    // nullopt: there is none, or it is damaged; then `notice` says so.
    std::optional<crypto::ServerCertificate> certificate(std::string& notice) const;
    Result<void, std::string> keep(const std::string& chain_pem, const crypto::Secret& key_pem);

  private:
    explicit AcmeStore(std::string folder) : folder_(std::move(folder)) {}
    Result<void, std::string> write(const std::string& name, std::string_view text) const;

    std::string folder_;
};

}  // namespace confab::app
