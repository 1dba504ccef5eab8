// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "crypto/x509/server_certificate.h"

#include <doctest/doctest.h>

#include "base/bytes.h"
#include "crypto/x509/self_signed.h"

namespace confab::crypto {
namespace {

using Error = ServerCertificateError;

constexpr UnixTime kBegin = UnixTime::seconds(1'700'000'000);
constexpr UnixTime kEnd = UnixTime::seconds(1'700'600'000);

struct Texts {
    std::string certificate;
    std::string key;
};

Texts texts(std::vector<std::string> names = {"meet.test", "*.turn.test"}) {
    const auto made = make_self_signed({std::move(names), kBegin, kEnd});
    REQUIRE(made);
    return {made->certificate, std::string(as_text(made->key.view()))};
}

Error error_of(std::string_view certificate, std::string_view key) {
    const auto read = ServerCertificate::read(certificate, key);
    REQUIRE_FALSE(read);
    CHECK_FALSE(to_text(read.error()).empty());
    return read.error();
}

}  // namespace

TEST_CASE("ServerCertificate: life and names of a good pair [TURN-18]") {
    const Texts made = texts();
    const auto read = ServerCertificate::read(made.certificate, made.key);
    REQUIRE(read);
    CHECK(read->not_before() == kBegin);
    CHECK(read->not_after() == kEnd);
    CHECK_FALSE(read->is_valid_at(kBegin - Duration::seconds(1)));
    CHECK(read->is_valid_at(kBegin));
    CHECK(read->is_valid_at(kEnd));
    CHECK_FALSE(read->is_valid_at(kEnd + Duration::seconds(1)));
    CHECK(read->names("meet.test"));
    CHECK(read->names("MEET.test"));
    CHECK(read->names("eu.turn.test"));
    CHECK_FALSE(read->names("other.test"));
    CHECK_FALSE(read->names("a.meet.test"));
    CHECK_FALSE(read->names("192.0.2.1"));
    CHECK(read->names_text() == "meet.test, *.turn.test");
}

TEST_CASE("ServerCertificate: those between it and an authority go along [TURN-18]") {
    const Texts own = texts();
    const Texts other = texts({"authority.test"});
    const auto read =
        ServerCertificate::read(own.certificate + "\nsome words\n" + other.certificate, own.key);
    REQUIRE(read);
    CHECK(read->native_chain().size() == 1);
    CHECK(read->names("meet.test"));
    std::string many = own.certificate;
    for (std::size_t i = 1; i < 2 * kMaxChain; ++i)
        many += other.certificate;
    CHECK(ServerCertificate::read(many, own.key)->native_chain().size() == kMaxChain - 1);
}

TEST_CASE("ServerCertificate: each way to be wrong has its name [TURN-18]") {
    const Texts made = texts();
    const Texts other = texts();
    CHECK(error_of("", made.key) == Error::kNoCertificate);
    CHECK(error_of("hello", made.key) == Error::kNoCertificate);
    CHECK(error_of(made.key, made.key) == Error::kNoCertificate);
    CHECK(error_of(made.certificate, "") == Error::kNoKey);
    CHECK(error_of(made.certificate, made.certificate) == Error::kNoKey);
    CHECK(error_of(made.certificate, other.key) == Error::kOtherKey);
    CHECK(error_of(made.certificate,
                   "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n"
                   "-----END ENCRYPTED PRIVATE KEY-----\n") == Error::kKeyEncrypted);
    CHECK(error_of(std::string(kMaxCertificatePem + 1, ' '), made.key) == Error::kTooLarge);
    CHECK(error_of(std::string(kMaxCertificatePem, ' '), made.key) == Error::kNoCertificate);
    for (const Error error : {Error::kNoKey, Error::kKeyCutShort, Error::kOtherKey})
        CHECK(is_of_key(error));
    for (const Error error : {Error::kTooLarge, Error::kNoCertificate, Error::kCertificateCutShort})
        CHECK_FALSE(is_of_key(error));
}

TEST_CASE("ServerCertificate: cut anywhere it is never taken, and never read beyond [TURN-18]") {
    const Texts made = texts();
    const std::size_t last = made.certificate.find_last_of('-');
    for (std::size_t size = 0; size < last - 4; ++size) {
        CAPTURE(size);
        const auto read = ServerCertificate::read(made.certificate.substr(0, size), made.key);
        CHECK_FALSE(read);
    }
    CHECK(error_of(made.certificate.substr(0, 200), made.key) == Error::kCertificateCutShort);
    const std::size_t end_of_key = made.key.find_last_of('-');
    for (std::size_t size = 0; size < end_of_key - 4; ++size)
        CHECK_FALSE(ServerCertificate::read(made.certificate, made.key.substr(0, size)));
    CHECK(error_of(made.certificate, made.key.substr(0, 100)) == Error::kKeyCutShort);
    // The second one of a chain, too.
    CHECK(error_of(made.certificate + made.certificate.substr(0, 300), made.key) ==
          Error::kCertificateCutShort);
}

TEST_CASE("make_self_signed_server: serves, with the digest of a challenge in it if asked for") {
    SelfSignedOptions options{{"meet.test"}, kBegin, kEnd};
    REQUIRE(make_self_signed_server(options));
    options.acme_digest.emplace().fill(7);
    const auto made = make_self_signed_server(options);
    REQUIRE(made);
    CHECK(made->names("meet.test"));
    options.names = {};
    CHECK_FALSE(make_self_signed_server(options));
}

}  // namespace confab::crypto
