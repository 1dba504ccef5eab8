// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The answers. Those to strangers have no reason phrase: each byte of them amplifies (08 IMM-3).
#include "base/limits/sources.h"
#include "crypto/hmac.h"
#include "turn/server.h"

namespace confab::turn {

using wire::StunAttr;
using wire::StunBuilder;
using wire::StunClass;
using wire::StunMessage;

StunBuilder Server::begin(const StunMessage& request, StunClass message_class) {
    return {buffer_, message_class, request.method(), request.transaction_id()};
}

// Whoever has a connection is where it says it is.
bool Server::may_answer_stranger(Timestamp now, const ClientPath& from) {
    if (from.stream != 0) return true;
    const IpAddress source = source_of(from.remote.ip);
    if (strangers_.take(now, kStrangers, source.bytes()) == Duration::zero()) return true;
    ++counters_.limited;
    return false;
}

// 401 and 438: how to ask again (RFC 8489 §9.2.4).
Output Server::challenge(Timestamp now, const ClientPath& from, const StunMessage& message,
                         std::uint16_t code) {
    if (!may_answer_stranger(now, from)) return {};
    const auto nonce = nonces_.make(now, from.remote.ip);
    StunBuilder builder = begin(message, StunClass::kError);
    builder.error_code(code, {})
        .text(StunAttr::kRealm, kRealm)
        .text(StunAttr::kNonce, std::string_view(nonce.data(), nonce.size()));
    return {Output::To::kClient, from, {}, {}, builder.finish()};
}

Output Server::refuse_stranger(Timestamp now, const ClientPath& from, const StunMessage& message,
                               std::uint16_t code) {
    if (!may_answer_stranger(now, from)) return {};
    StunBuilder builder = begin(message, StunClass::kError);
    builder.error_code(code, {});
    return {Output::To::kClient, from, {}, {}, builder.finish()};
}

Output Server::refuse(const Request& request, std::uint16_t code) {
    StunBuilder builder = begin(request.message, StunClass::kError);
    builder.error_code(code, {});
    return finish(request, builder);
}

Output Server::refuse_unknown(const Request& request, std::span<const std::uint16_t> types) {
    StunBuilder builder = begin(request.message, StunClass::kError);
    builder.error_code(420, {}).unknown_attributes(types);
    return finish(request, builder);
}

Output Server::finish(const Request& request, StunBuilder& builder) {
    builder.add_integrity(crypto::hmac_sha1(request.key, builder.integrity_input()));
    return {Output::To::kClient, request.from, {}, {}, builder.finish()};
}

Output Server::success(const Request& request, std::optional<std::uint32_t> lifetime) {
    StunBuilder builder = begin(request.message, StunClass::kSuccess);
    if (lifetime) builder.u32(StunAttr::kLifetime, *lifetime);
    return finish(request, builder);
}

Output Server::allocated(const Request& request, Duration lifetime) {
    StunBuilder builder = begin(request.message, StunClass::kSuccess);
    builder.xor_address(StunAttr::kXorRelayedAddress, request.allocation->relayed)
        .u32(StunAttr::kLifetime, static_cast<std::uint32_t>(lifetime.ms() / 1000))
        .xor_address(StunAttr::kXorMappedAddress, request.from.remote);
    return finish(request, builder);
}

}  // namespace confab::turn
