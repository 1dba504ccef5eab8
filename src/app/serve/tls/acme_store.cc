// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/serve/tls/acme_store.h"

#include <utility>

#include "runtime/store/private_file.h"

namespace confab::app {
namespace {

constexpr const char* kAccount = "account.pem";
constexpr const char* kCertificate = "certificate.pem";  // with its key
constexpr std::size_t kMaxFile = 2 * crypto::kMaxCertificatePem;

}  // namespace

Result<AcmeStore, std::string> AcmeStore::open(const std::string& data_dir) {
    if (data_dir.empty())
        return fail(
            std::string("tls.domain without tls.cert_file needs a folder that keeps certificates; "
                        "set confab.data_dir"));
    std::string folder = data_dir + "/acme";
    (void)store::make_private_folder(data_dir);
    CONFAB_TRY_VOID(store::make_private_folder(folder));
    return AcmeStore(std::move(folder));
}

Result<void, std::string> AcmeStore::write(const std::string& name, std::string_view text) const {
    return store::write_private_file(folder_, name, text, store::Sync::kYes);
}

Result<crypto::EcKey, std::string> AcmeStore::account_key() {
    const std::string kept = store::read_private_file(folder_ + "/" + kAccount, kMaxFile);
    if (!kept.empty()) {
        auto key = crypto::EcKey::from_pem(kept);
        if (!key)
            return fail(folder_ + "/" + kAccount +
                        " is no key of an account; put the file back, or remove it for a new one");
        return *std::move(key);
    }
    auto made = crypto::EcKey::generate();
    if (!made) return fail(std::string("the key of an account could not be made"));
    const crypto::Secret pem = made->pem();
    CONFAB_TRY_VOID(write(kAccount, as_text(pem.view())));
    return *std::move(made);
}

std::optional<crypto::ServerCertificate> AcmeStore::certificate(std::string& notice) const {
    const std::string kept = store::read_private_file(folder_ + "/" + kCertificate, kMaxFile);
    if (kept.empty()) return std::nullopt;
    auto read = crypto::ServerCertificate::read(kept, kept);
    if (read) return *std::move(read);
    notice = folder_ + "/" + kCertificate + " " + std::string(crypto::to_text(read.error()));
    return std::nullopt;
}

Result<void, std::string> AcmeStore::keep(const std::string& chain_pem,
                                          const crypto::Secret& key_pem) {
    std::string text(as_text(key_pem.view()));
    text += chain_pem;
    auto kept = write(kCertificate, text);
    crypto::wipe({static_cast<std::uint8_t*>(static_cast<void*>(text.data())), text.size()});
    return kept;
}

}  // namespace confab::app
