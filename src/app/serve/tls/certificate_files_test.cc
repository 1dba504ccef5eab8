// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/serve/tls/certificate_files.h"

#include <doctest/doctest.h>

#include "app/serve/tls/certificate_testing.h"

namespace confab::app {
namespace {

bool has(const std::string& text, std::string_view part) {
    return text.find(part) != text.npos;
}

}  // namespace

TEST_CASE("CertificateFiles: of what is wrong the file is named, and the remedy [TURN-18]") {
    const CertificateFolder folder;
    folder.write(now(), Duration::seconds(3600), {"meet.test"});
    const CertificatePlace place = folder.place({"meet.test"});
    const auto error = [&] {
        const auto read = read_certificate(place);
        return read ? std::string() : read.error();
    };
    CHECK(error().empty());
    const std::string cert = folder.text("cert.pem");
    folder.put("cert.pem", cert.substr(0, 300));
    CHECK(error().starts_with("tls.cert_file: " + folder.at("cert.pem") + " is cut short"));
    folder.put("cert.pem", "");
    CHECK(has(error(), "has no certificate in it; name the PEM file"));
    folder.put("cert.pem", cert);
    const std::string key = folder.text("key.pem");
    folder.put("key.pem", key.substr(0, 60));
    CHECK(error().starts_with("tls.key_file: " + folder.at("key.pem") + " is cut short"));
    folder.remove("key.pem");
    CHECK(has(error(), "tls.key_file: " + folder.at("key.pem") + ": No such file"));
    CHECK(has(error(), "correct tls.key_file"));
    folder.write_key_of_another();
    CHECK(has(error(), "is not the key of this certificate; write both files"));
}

TEST_CASE("CertificateFiles: what clients would refuse is told at the start, and taken [TURN-18]") {
    const CertificateFolder folder;
    const auto warning = [&](const std::vector<std::string>& names) {
        CertificateFiles files(folder.place(names));
        std::string text;
        REQUIRE(files.load(now(), text));
        return text;
    };
    folder.write(now(), Duration::seconds(3600), {"meet.test"});
    CHECK(warning({"meet.test"}).empty());
    CHECK(warning({}).empty());
    CHECK(has(warning({"meet.test", "b.test"}), "is not for b.test but for meet.test; write a"));
    folder.write(now() - Duration::seconds(7200), Duration::seconds(3600), {"meet.test"});
    CHECK(has(warning({"meet.test"}), "expired at "));
    CHECK(has(warning({"meet.test"}), "; renew it, or set the clock"));
    folder.write(now() + Duration::seconds(3600), Duration::seconds(3600), {"meet.test"});
    CHECK(has(warning({"meet.test"}), "is not valid before "));
}

TEST_CASE(
    "CertificateFiles: a reload takes what is good, and keeps the one before else [TURN-18]") {
    const CertificateFolder folder;
    folder.write(now(), Duration::seconds(3600), {"meet.test"});
    CertificateFiles files(folder.place({"meet.test"}));
    std::string warning;
    REQUIRE(files.load(now(), warning));
    const UnixTime first = files.certificate().not_after();
    const auto keeps = [&](std::string_view why) {
        const auto taken = files.reload(now());
        return !taken && has(taken.error(), why) && files.certificate().not_after() == first;
    };
    folder.write(now() - Duration::seconds(7200), Duration::seconds(3600), {"meet.test"});
    CHECK(keeps("expired at"));
    folder.write(now(), Duration::seconds(7200), {"other.test"});
    CHECK(keeps("is not for meet.test but for other.test"));
    folder.write(now(), Duration::seconds(7200), {"meet.test"});
    folder.write_key_of_another();
    CHECK(keeps("is not the key"));
    folder.put("cert.pem", folder.text("cert.pem").substr(0, 200));
    CHECK(keeps("is cut short"));
    folder.remove("cert.pem");
    CHECK(keeps("No such file"));
    folder.write(now(), Duration::seconds(7200), {"meet.test"});
    CHECK(files.reload(now()));
    CHECK(files.certificate().not_after() > first);
}

}  // namespace confab::app
