// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The input is a token, a claims object to sign, and a query with a token.
// fuzz: modules api token
#include <cstdlib>

#include "api/http/http_routes.h"
#include "base/bytes.h"
#include "crypto/jws.h"
#include "token/token.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace confab;
    static const token::KeyMap keys(
        std::map<std::string, std::string, std::less<>>{{"k", "secret"}, {"", "empty"}});
    const UnixTime now = UnixTime::seconds(1'800'000'000);
    const std::string_view text = as_text({data, size});
    (void)token::verify_token(text, keys, now);
    (void)api::authenticate(text, api::QueryParams::parse(text), {}, keys, now);

    const auto grants =
        token::verify_token(crypto::jws_sign({data, size}, as_bytes("secret")), keys, now);
    if (!grants) return 0;
    // Grants that were read can be written and read again.
    const auto again = token::verify_token(
        token::mint_token(*grants, {"k", "secret"}, now, Duration::seconds(60)), keys, now);
    if (!again || again->video != grants->video || again->attributes != grants->attributes ||
        again->metadata != grants->metadata || again->identity != grants->identity)
        std::abort();
    (void)token::mint_refresh_token(*grants, keys, now);
    return 0;
}
