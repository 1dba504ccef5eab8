// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/serve/tls/acme_store.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "app/serve/tls/certificate_testing.h"

namespace confab::app {
namespace {

mode_t mode_of(const std::string& path) {
    struct stat status{};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    return status.st_mode & 0777U;
}

}  // namespace

TEST_CASE("AcmeStore: the account's key is made once, for nobody else to read [TURN-18]") {
    const CertificateFolder folder;
    const std::string data = folder.at("data");
    const auto first = AcmeStore::open(data)->account_key();
    REQUIRE(first);
    CHECK(AcmeStore::open(data)->account_key()->jwk() == first->jwk());
    CHECK(mode_of(data + "/acme") == 0700);
    CHECK(mode_of(data + "/acme/account.pem") == 0600);
    folder.put("data/acme/account.pem", "-----BEGIN");
    const auto damaged = AcmeStore::open(data)->account_key();
    REQUIRE_FALSE(damaged);
    CHECK(damaged.error().find("account.pem is no key of an account; put the file back") !=
          std::string::npos);
}

TEST_CASE("AcmeStore: a certificate is kept with its key, and exchanged as a whole [TURN-18]") {
    const CertificateFolder folder;
    auto store = AcmeStore::open(folder.at("data"));
    REQUIRE(store);
    std::string notice;
    CHECK_FALSE(store->certificate(notice));
    CHECK(notice.empty());
    for (const char* name : {"a.test", "b.test"}) {
        const auto made = crypto::make_self_signed({{name}, now(), now() + Duration::seconds(60)});
        REQUIRE(made);
        REQUIRE(store->keep(made->certificate, made->key));
        const auto kept = store->certificate(notice);
        REQUIRE(kept);
        CHECK(kept->names(name));
    }
    CHECK(mode_of(folder.at("data/acme/certificate.pem")) == 0600);
    const std::string text = folder.text("data/acme/certificate.pem");
    folder.put("data/acme/certificate.pem", text.substr(0, text.size() / 2));
    CHECK_FALSE(store->certificate(notice));
    CHECK(notice.find("certificate.pem is cut short") != std::string::npos);
}

TEST_CASE("AcmeStore: without a folder there is no certificate of an authority [TURN-18]") {
    CHECK(AcmeStore::open("").error().find("set confab.data_dir") != std::string::npos);
    const CertificateFolder folder;
    folder.put("file", "");
    CHECK(AcmeStore::open(folder.at("file")).error().find("let the user of this server write") !=
          std::string::npos);
}

}  // namespace confab::app
