// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "websocket/deflate_offer.h"

#include <doctest/doctest.h>

namespace confab::websocket {
namespace {

constexpr std::string_view kPlain =
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

}  // namespace

TEST_CASE("agree_on_deflate: what browsers and SDKs offer, never with context [CON-41]") {
    for (const char* offer :
         {"permessage-deflate", "permessage-deflate; client_max_window_bits",
          "permessage-deflate;client_max_window_bits;server_no_context_takeover",
          "Permessage-Deflate ; CLIENT_NO_CONTEXT_TAKEOVER", "x-webkit; a=b, permessage-deflate"}) {
        CAPTURE(offer);
        CHECK(agree_on_deflate(offer).response == kPlain);
        CHECK(agree_on_deflate(offer).may_send);
    }
}

TEST_CASE("agree_on_deflate: a client that names its own window keeps to it") {
    for (const char* offer : {"permessage-deflate; client_max_window_bits=9",
                              R"(permessage-deflate; client_max_window_bits="9")"}) {
        const DeflateAgreement agreed = agree_on_deflate(offer);
        CHECK(agreed.response == std::string(kPlain) + "; client_max_window_bits=9");
        CHECK(agreed.may_send);
    }
}

TEST_CASE("agree_on_deflate: who reads a smaller window is sent nothing compressed") {
    const DeflateAgreement agreed =
        agree_on_deflate("permessage-deflate; server_max_window_bits=\"9\"");
    CHECK(agreed.response == std::string(kPlain) + "; server_max_window_bits=9");
    CHECK_FALSE(agreed.may_send);
}

TEST_CASE("agree_on_deflate: an offer with something unknown or wrong is passed over") {
    for (const char* offer :
         {"", "gzip", "permessage-deflate; x", "permessage-deflate; server_max_window_bits",
          "permessage-deflate; server_max_window_bits=7",
          "permessage-deflate; server_max_window_bits=16",
          "permessage-deflate; server_max_window_bits=08",
          "permessage-deflate; server_no_context_takeover=1",
          "permessage-deflate; client_max_window_bits=", "permessage-deflate; =",
          "permessage-deflate; client_max_window_bits; client_max_window_bits"}) {
        CAPTURE(offer);
        CHECK(agree_on_deflate(offer).response.empty());
        CHECK_FALSE(agree_on_deflate(offer).may_send);
    }
    CHECK(agree_on_deflate("permessage-deflate; x, permessage-deflate").response == kPlain);
    CHECK(
        agree_on_deflate("permessage-deflate; server_max_window_bits=8").response.ends_with("=8"));
    const auto whole = agree_on_deflate("permessage-deflate; server_max_window_bits=15");
    CHECK(whole.response.ends_with("=15"));
    CHECK(whole.may_send);
    CHECK_FALSE(agree_on_deflate("permessage-deflate; server_max_window_bits=14").may_send);
}

}  // namespace confab::websocket
