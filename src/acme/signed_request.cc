// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "acme/signed_request.h"

#include "base/text.h"
#include "json/json.h"

namespace confab::acme {
namespace {

std::string encode(std::string_view text) {
    return base64_encode(as_bytes(text), Base64::kUrlNoPadding);
}

}  // namespace

Result<std::string, crypto::EcKeyError> signed_body(const crypto::EcKey& key,
                                                    const SignedHead& head,
                                                    std::string_view payload) {
    json::Writer shown;
    shown.begin_object();
    shown.string("alg", "ES256");
    if (head.account.empty())
        shown.raw("jwk", key.jwk());
    else
        shown.string("kid", head.account);
    shown.string("nonce", head.nonce);
    shown.string("url", head.url);
    shown.end_object();
    const std::string protected_part = encode(shown.take());
    const std::string payload_part = encode(payload);
    CONFAB_TRY(const auto signature, key.sign_es256(as_bytes(protected_part + "." + payload_part)));
    json::Writer body;
    body.begin_object();
    body.string("protected", protected_part);
    body.string("payload", payload_part);
    body.string("signature", base64_encode(signature, Base64::kUrlNoPadding));
    body.end_object();
    return body.take();
}

}  // namespace confab::acme
