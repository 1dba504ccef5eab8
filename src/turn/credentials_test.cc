// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "turn/credentials.h"

#include <doctest/doctest.h>

#include "base/text.h"
#include "crypto/base62.h"
#include "turn/nonce.h"

using namespace confab;
using namespace confab::turn;

TEST_CASE("TURN credentials: a name is read as it was made [SEC-02, SIG-88]") {
    const User user{"APIkey", "PA_abcdef", 1'800'000'300};
    CHECK(parse_username(make_username(user)) == user);
    CHECK(as_text(*crypto::base62_bits_decode(make_username(user))) ==
          "APIkey|PA_abcdef|1800000300");
    const User odd{"key|with|bars", "PA_1", 1};
    CHECK(parse_username(make_username(odd)) == odd);
}

TEST_CASE("TURN credentials: the password is the hash of secret, participant and end [SEC-02]") {
    const User user{"APIkey", "PA_abcdef", 1'800'000'300};
    const std::string password = make_password(user, "secret");
    CHECK(password.size() >= 43);
    User other = user;
    other.api_key = "other";  // the secret stands for it
    CHECK(make_password(other, "secret") == password);
    other = user;
    other.expires_at += 1;
    CHECK(make_password(other, "secret") != password);
    other = user;
    other.participant_sid = "PA_abcdeg";
    CHECK(make_password(other, "secret") != password);
    CHECK(make_password(user, "secreu") != password);
    // RFC 8489 §9.2.2 with the realm of upstream.
    CHECK(to_hex(integrity_key("user", "pass")) == "881b7f4b99df89afd388561a13fc9bff");
}

TEST_CASE("TURN credentials: names that nobody made are none [TURN-11]") {
    for (const std::string_view text : {"", "a|b|1", "|b|1", "a||1", "a|b|", "a|b|x", "a|b|-1",
                                        "a|b", "a|b|99999999999999999999"}) {
        const std::string name = crypto::base62_bits(as_bytes(text));
        INFO(text);
        CHECK(parse_username(name).has_value() == (text == "a|b|1"));
    }
    CHECK_FALSE(parse_username("not base62!"));
    CHECK_FALSE(parse_username(std::string(100'000, 'a')));
}

TEST_CASE("Nonces: good for an hour, for one address and one process [TURN-11]") {
    const Nonces nonces(Nonces::Key{1});
    const Timestamp now = Timestamp::micros(3'000'000'000'000);
    const IpAddress client = IpAddress::v4(0x01020304);
    const auto made = nonces.make(now, client);
    const std::string_view nonce(made.data(), made.size());
    CHECK(nonces.is_valid(nonce, now, client));
    CHECK(nonces.is_valid(nonce, now + kNonceLifetime - Duration::seconds(61), client));
    CHECK_FALSE(nonces.is_valid(nonce, now + kNonceLifetime + Duration::seconds(60), client));
    CHECK_FALSE(nonces.is_valid(nonce, now - Duration::seconds(120), client));
    CHECK_FALSE(nonces.is_valid(nonce, now, IpAddress::v4(0x01020305)));
    CHECK_FALSE(Nonces(Nonces::Key{2}).is_valid(nonce, now, client));
    for (std::size_t i = 0; i < nonce.size(); ++i) {
        std::string forged(nonce);
        forged[i] = forged[i] == 'A' ? 'B' : 'A';
        CHECK_FALSE(nonces.is_valid(forged, now, client));
    }
}
