// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// For tests: a folder with a certificate and its key, which goes with the test.
#pragma once

#include <doctest/doctest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "app/serve/tls/certificate_files.h"
#include "crypto/x509/self_signed.h"
#include "runtime/net/event_loop.h"

namespace confab::app {

inline UnixTime now() {
    return net::EventLoop::wall();
}

class CertificateFolder {
  public:
    CertificateFolder() {
        std::string name =
            (std::filesystem::temp_directory_path() / "confab-certificate-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        path_ = name;
    }
    CertificateFolder(const CertificateFolder&) = delete;
    CertificateFolder& operator=(const CertificateFolder&) = delete;
    ~CertificateFolder() { std::filesystem::remove_all(path_); }

    std::string at(const std::string& name) const { return (path_ / name).string(); }
    void put(const std::string& name, std::string_view text) const {
        std::ofstream(at(name), std::ios::binary) << text;
    }
    std::string text(const std::string& name) const {
        std::ifstream file(at(name), std::ios::binary);
        return {std::istreambuf_iterator<char>(file), {}};
    }
    void remove(const std::string& name) const { std::filesystem::remove(at(name)); }
    // cert.pem and key.pem.
    void write(UnixTime begin, Duration life, std::vector<std::string> names) const {
        const auto made = crypto::make_self_signed({std::move(names), begin, begin + life});
        REQUIRE(made);
        put("cert.pem", made->certificate);
        put("key.pem", as_text(made->key.view()));
    }
    void write_key_of_another() const {
        const auto made =
            crypto::make_self_signed({{"x.test"}, now(), now() + Duration::seconds(60)});
        put("key.pem", as_text(made->key.view()));
    }
    CertificatePlace place(std::vector<std::string> names) const {
        return {"tls", at("cert.pem"), at("key.pem"), std::move(names)};
    }

  private:
    std::filesystem::path path_;
};

}  // namespace confab::app
